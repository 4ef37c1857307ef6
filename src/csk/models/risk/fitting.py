"""A model of churn risk as it could have been fitted on a day, calibrated on what followed.

One rule: nothing at or after `until` is known, and the last slice before it calibrates a model
that has not seen it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.risk import glass, trees
from csk.models.risk.calibrating import Calibration, calibrated, calibration
from csk.models.risk.glass import GlassBox
from csk.models.risk.stacked import Stacked, stacked
from csk.models.risk.trees import TreeModel
from csk.models.risk.verdict import CURVES, GLASS, TREES
from csk.schema.features import FEATURES

SLICE_DAYS: Final = 84
"""Last days before `until` on which a model is calibrated: three landmarks."""
ENOUGH_EVENTS: Final = 100
"""Ends below which no model of customers is fitted."""
MOST_ROWS: Final[Mapping[str, int]] = {GLASS: 150_000, CURVES: 60_000, TREES: 50_000}
"""Rows of customer, landmark and lead that a model is fitted on; of more, events and a sample."""
_SEED: Final = 6
_ALWAYS: Final = {"tenure_days"}
"""What curves know of a customer, beside plan and renewals."""

Floats = NDArray[np.float64]


class Kind(NamedTuple):
    """A kind of model: how it is fitted, and how it scores."""

    fit: Callable[[pl.DataFrame, Stacked], GlassBox | TreeModel]
    hazards: Callable[..., Floats]
    is_blind: bool = False
    """Whether it sees plan, tenure and renewals alone."""


KINDS: Final[Mapping[str, Kind]] = {
    GLASS: Kind(glass.fit, glass.hazards),
    CURVES: Kind(glass.fit, glass.hazards, is_blind=True),
    TREES: Kind(trees.fit, trees.hazards),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model with its calibration."""

    kind: str
    fitted: GlassBox | TreeModel
    calibration: Calibration

    def hazards(self, panel: pl.DataFrame) -> Floats:
        """Return calibrated chances by row, lead bin and cause."""
        kind = KINDS[self.kind]
        return calibrated(kind.hazards(self.fitted, _seen(panel, kind)), self.calibration)


def candidate(
    panel: pl.DataFrame, edges: tuple[int, ...], until: date, kind: str
) -> Candidate | None:
    """Fit a kind of model on what was known before `until`; null where too few had left by then."""
    of, early = KINDS[kind], until - timedelta(days=SLICE_DAYS)
    seen = _seen(panel, of)
    before = seen.filter(pl.col("landmark_on") < early)
    rows = stacked(before, edges, early)
    if n_ends(before, early) < ENOUGH_EVENTS or not len(rows.at):
        return None
    fitted = of.fit(before, thinned(rows, MOST_ROWS[kind]))
    late = seen.filter(pl.col("landmark_on").is_between(early, until, closed="left"))
    on = stacked(late, edges, until)
    return Candidate(kind, fitted, calibration(of.hazards(fitted, late), on))


def n_ends(panel: pl.DataFrame, until: date) -> int:
    """Return the ends before `until` that the rows of a panel foretell, each once."""
    ended = pl.col("landmark_on") + pl.duration(days=pl.col("end_in_days"))
    known = panel.filter(ended < until)
    return known.select("customer_id", "spell_no").n_unique()


def thinned(rows: Stacked, most: int) -> Stacked:
    """Return all rows in which somebody leaves and a sample of the others, with its weight."""
    if len(rows.at) <= most:
        return rows
    is_event = rows.cause > 0
    n_events = int(is_event.sum())
    share = max(most - n_events, most // 4) / max(len(rows.at) - n_events, 1)
    if share >= 1:
        return rows
    drawn = np.random.default_rng(_SEED).random(len(rows.at)) < share
    kept = np.flatnonzero(is_event | drawn)
    weight = rows.weight / np.where(is_event, 1.0, share)
    return Stacked(
        at=rows.at[kept],
        lead=rows.lead[kept],
        cause=rows.cause[kept],
        n_renewals=rows.n_renewals[kept],
        weight=weight[kept],
    )


def _seen(panel: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    if not kind.is_blind:
        return panel
    return panel.drop(
        [f.name for f in FEATURES if f.name not in _ALWAYS and f.name in panel.columns]
    )
