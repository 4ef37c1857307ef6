"""A fitted model of churn risk, whole: what scores, how it is calibrated, and what it rests on.

One rule: it is frozen and holds no customer; what scores a book needs nothing but it and a panel.
"""

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.risk import glass, trees
from csk.models.risk.calibrating import Calibration, calibrated
from csk.models.risk.glass import GlassBox
from csk.models.risk.trees import TreeModel
from csk.models.risk.verdict import TREES, Validation
from csk.schema.features import FEATURES, TOUCHES
from csk.tables.known import Known

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """On what a model was fitted."""

    as_of: date
    """Nothing at or after it was read."""
    data_from: date
    n_rows: int
    """Rows of customer and landmark."""
    n_customers: int
    n_events: int
    """Ends that were seen."""
    currency: str
    schema_hash: str
    """Of the names of all features and what they mean."""
    book: str
    """Digest of what was read."""
    csk_version: str


@dataclass(frozen=True, slots=True)
class RiskModel:
    """What foretells who leaves, and why."""

    box: GlassBox
    """The glass box: always fitted, as reasons are read off it."""
    trees: TreeModel | None
    """The challenger, where it was chosen."""
    calibration: Calibration
    known: Known
    """What features compare a customer with: what its plan uses and pays."""
    drift: pl.DataFrame
    """Bins of each feature: `feature`, `bin`, `low`, `high`, `n`."""
    facts: RiskFacts
    validation: Validation

    @property
    def chosen(self) -> str:
        """Return which kind of model scores."""
        return self.validation.chosen

    @property
    def model_id(self) -> str:
        """Return the day it was fitted as of, and a hash of what it says."""
        told = blake2b(digest_size=4)
        told.update(np.ascontiguousarray(self.box.coefficients).tobytes())
        told.update(self.box.covariance.tobytes())
        for forest in () if self.trees is None else self.trees.forests:
            for values in (forest.starts, *forest.nodes):
                told.update(np.ascontiguousarray(values).tobytes())
        told.update(repr((self.calibration, self.facts, self.chosen)).encode())
        return f"{self.facts.as_of}-{told.hexdigest()}"

    def hazards(self, panel: pl.DataFrame) -> Floats:
        """Return calibrated (n, bins, causes) chances to leave, given there at its start."""
        if self.trees is not None and self.chosen == TREES:
            return calibrated(trees.hazards(self.trees, panel), self.calibration)
        return calibrated(glass.hazards(self.box, panel), self.calibration)


def schema_hash() -> str:
    """Return a hash of all features that csk knows: their names and what they mean."""
    told = "\n".join(f"{one.name}\t{one.definition}\t{one.scale}" for one in (*FEATURES, *TOUCHES))
    return blake2b(told.encode(), digest_size=8).hexdigest()
