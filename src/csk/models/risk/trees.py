"""The challenger: boosted trees for each cause on the same stacked rows as the glass box.

One rule: how many trees there are is decided by customers whom no tree has seen; the same rows
give the same trees, on one thread and from a fixed seed.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import ModelError
from csk.models.risk.growing import grown
from csk.models.risk.nodes import Forest
from csk.models.risk.stacked import Stacked, edges_of, renewals
from csk.models.risk.woods import Wood, odds_by_lead, wood
from csk.schema.features import FEATURES, TOUCHES

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAD, RENEWALS = "lead", "n_renewals"
"""The last two columns of the matrix: number of the lead bin, renewals that fall into it."""
OTHERS: Final = "plan=(others)"
MOST_PLANS: Final = 30
ENOUGH_OF_A_PLAN: Final = 50
"""Rows of the panel below which a plan is one of the others."""
SHARE_APART: Final = 0.15
_ROWS: Final = 65_536
"""Rows that are turned into a matrix at a time."""


@dataclass(frozen=True, slots=True)
class TreeModel:
    """Boosted trees of each cause, as plain arrays."""

    causes: tuple[int, ...]
    edges: tuple[int, ...]
    """Days at which the lead bins end."""
    features: tuple[str, ...]
    """Numbers of the panel, as they are; unknown is missing."""
    plans: tuple[str, ...]
    """Each a column of 0 and 1, and one for all others; empty where plan is no feature."""
    forests: tuple[Forest, ...]
    """By cause; the columns they ask are `columns`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of what the trees may ask, in order."""
        plans = (*(f"plan={plan}" for plan in self.plans), OTHERS) if self.plans else ()
        return (*self.features, *plans, LEAD, RENEWALS)


def fit(panel: pl.DataFrame, stacked: Stacked) -> TreeModel:
    """Fit trees for each cause that somebody left by, on rows of the panel by lead bin.

    Each cause is fitted against those who stayed (see `glass`). Features are the panel's columns
    that `schema.features` knows, and its plan. ModelError where nobody left or stayed, nothing is
    a feature, or a value is infinite (the column is named).
    """
    causes = tuple(int(cause) for cause in np.unique(stacked.cause) if cause > 0)
    if not causes or (stacked.cause > 0).all():
        who = "stayed" if causes else "left"
        raise ModelError(f"Trees cannot be grown: nobody {who} within the days that are watched.")
    features, plans = _features(panel), _plans(panel)
    if not features and not plans:
        raise ModelError("Trees cannot be grown: the panel has no feature.")
    shape = TreeModel(causes, edges_of(panel), features, plans, ())
    x = _matrix(shape, panel)[stacked.at]
    x[:, -2], x[:, -1] = stacked.lead, stacked.n_renewals
    is_apart = _is_apart(panel["customer_id"].gather(stacked.at))
    forests = []
    for cause in causes:
        rows = np.flatnonzero((stacked.cause == 0) | (stacked.cause == cause))
        is_event = stacked.cause[rows] == cause
        forests.append(grown(x[rows], is_event, stacked.weight[rows], is_apart[rows]))
    return replace(shape, forests=tuple(forests))


def hazards(model: TreeModel, panel: pl.DataFrame) -> Floats:
    """Return chances to leave, (rows, bins, causes), of those who are there as each bin starts.

    Causes are odds against staying, so together they never reach 1. ModelError where the panel
    lacks a column that the model asks, or a value is infinite.
    """
    found: Floats = np.empty((panel.height, len(model.edges), len(model.causes)))
    woods: list[Wood] = []
    for first in range(0, panel.height, _ROWS):
        rows = panel.slice(first, _ROWS)
        x = _matrix(model, rows)
        due = renewals(rows, model.edges).astype(np.float64)
        woods = woods or [wood(trees, len(model.edges), x) for trees in model.forests]
        odds = np.stack([odds_by_lead(one, x, due) for one in woods], axis=2)
        # The largest is taken out, so that nothing overflows.
        most = np.maximum(odds.max(axis=2, keepdims=True), 0.0)
        against = np.exp(odds - most)
        found[first : first + _ROWS] = against / (
            np.exp(-most) + against.sum(axis=2, keepdims=True)
        )
    return found


def _matrix(model: TreeModel, panel: pl.DataFrame) -> Floats:
    """Return what the trees ask of each row, (rows, columns); lead and renewals are 0."""
    missing = [name for name in model.features if name not in panel.columns]
    if missing:
        raise ModelError(
            "The model asks features that these data do not have.",
            details=[f"missing: {name}" for name in missing],
            hint="Give the same exports that it was fitted on, or fit it again: --refit.",
        )
    x: Floats = np.zeros((panel.height, len(model.columns)))
    for at, name in enumerate(model.features):
        values = panel[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        if np.isinf(values).any():
            raise ModelError(f"The feature {name} is infinite in some rows.")
        x[:, at] = values
    if model.plans:
        plan = panel["plan"].fill_null("")
        for at, name in enumerate(model.plans, len(model.features)):
            x[:, at] = (plan == name).to_numpy()
        x[:, -3] = (~plan.is_in(list(model.plans))).to_numpy()
    return x


def _features(panel: pl.DataFrame) -> tuple[str, ...]:
    known = (one.name for one in (*FEATURES, *TOUCHES))
    return tuple(name for name in known if name in panel.columns)


def _plans(panel: pl.DataFrame) -> tuple[str, ...]:
    """Return the plans that are told apart; none where there is only one."""
    if "plan" not in panel.columns:
        return ()
    counts = Counter(panel["plan"].drop_nulls().to_list())
    often = sorted(counts, key=lambda plan: (-counts[plan], plan))[:MOST_PLANS]
    plans = tuple(sorted(plan for plan in often if counts[plan] >= ENOUGH_OF_A_PLAN))
    return plans if panel["plan"].n_unique() > 1 else ()


def _is_apart(customers: pl.Series) -> Flags:
    """Tell whose rows choose the number of trees: the last customers by a hash of their id."""
    first = round((1 - SHARE_APART) * 2**32)
    return np.fromiter(
        (crc32(one.encode()) >= first for one in customers), np.bool_, len(customers)
    )
