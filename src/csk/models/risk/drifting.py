"""How the customers of a model's day were spread over each feature, to see later if they still are.

One rule: what moves with the calendar by itself (tenure, days to a renewal, the age of an answer)
is not watched; whatever is asked of a night, chance answers to all of it together.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.risk.alerts import MISSING as ABSENT
from csk.models.risk.alerts import UNSEEN, Drifted
from csk.models.risk.design import PLAN
from csk.schema.features import FEATURES
from csk.stats import drift

Ints = NDArray[np.int64]

N_BINS: Final = 10
MISSING: Final = -1
"""The bin of those of whom a feature is not known."""
_BY_THEMSELVES: Final = {"renewal", "tenure"}
_AGES: Final = ("days_since_payment", "days_since_price_change", "nps_age_days", "csat_age_days")
_QUANTILES: Final = tuple(number / N_BINS for number in range(1, N_BINS))
SCHEMA: Final = {
    "feature": pl.String,
    "bin": pl.Int64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "level": pl.String,
}


class _Spread(NamedTuple):
    feature: str
    upper: tuple[float, ...]
    """Highest values of all bins but the last."""


def bins(panel: pl.DataFrame) -> pl.DataFrame:
    """Return the bins of each feature that is watched: `feature`, `bin`, `low`, `high`, `n`.

    Bins are of about equal size; bin -1 counts those of whom the feature is not known. Of plans
    each is a bin, whose `level` it is; of the others that is empty.
    """
    rows: list[tuple[str, int, float, float, int, str]] = []
    for name in _watched(panel.columns):
        known = panel[name].drop_nulls()
        rows.append((name, MISSING, 0.0, 0.0, panel.height - known.len(), ""))
        if known.is_empty():
            continue
        cuts = np.unique(np.quantile(known.to_numpy(), _QUANTILES, method="lower"))
        least, most = (float(x) for x in (known.to_numpy().min(), known.to_numpy().max()))
        upper = tuple(float(cut) for cut in cuts if cut < most)
        counted = _counted(known, _Spread(name, upper))
        edges = (least, *upper, most)
        rows += [
            (name, number, edges[number], edges[number + 1], int(n), "")
            for number, n in enumerate(counted)
        ]
    if PLAN in panel.columns:
        plans = panel[PLAN].cast(pl.String)
        counted_plans = plans.drop_nulls().value_counts(name="n").sort(PLAN)
        rows.append((PLAN, MISSING, 0.0, 0.0, plans.null_count(), ""))
        rows += [
            (PLAN, number, 0.0, 0.0, int(n), level)
            for number, (level, n) in enumerate(counted_plans.iter_rows())
        ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def drifted(
    reference: pl.DataFrame, panel: pl.DataFrame, level: float = drift.LEVEL
) -> tuple[Drifted, ...]:
    """Return how far each feature has moved from `reference` (`bins` of the model's own day).

    Of each feature its values (PSI) and the rise of the share of whom it is not known; of plans
    the same, and that of plans which the model's day did not have. The critical values hold for
    all of a night together: any is passed by chance on a share of `level` of the nights. Empty of
    an empty panel.
    """
    if panel.is_empty() or reference.is_empty():
        return ()
    names = [str(name) for name in reference["feature"].unique(maintain_order=True)]
    each = drift.level_of_each(2 * len(names), level)
    found = list(_plans(reference, panel, each)) if PLAN in names else []
    for name in (name for name in names if name != PLAN):
        of = reference.filter(pl.col("feature") == name).sort("bin")
        # Of whom nothing was known then, all that is known now has one bin.
        before = np.array([*of["n"], *[0] * (of.height == 1)], np.int64)
        spread = _Spread(name, tuple(of["high"].to_list()[1:-1]))
        now = _now(panel, spread, len(before))
        told = drift.psi_drift(before, now, level=each)
        found.append(Drifted(name, told.value, told.critical))
        absent = (int(before[0]), int(before.sum())), (int(now[0]), panel.height)
        found.append(_share(name, ABSENT, drift.rate_drift(*absent, level=each), absent[1], each))
    return tuple(found)


def _plans(reference: pl.DataFrame, panel: pl.DataFrame, each: float) -> tuple[Drifted, ...]:
    """Return how far the shares of customers without a plan, and with a new one, have moved."""
    of = reference.filter(pl.col("feature") == PLAN)
    known = of.filter(pl.col("bin") != MISSING)
    nobody = pl.Series(PLAN, [None] * panel.height, pl.String)
    plans = panel[PLAN].cast(pl.String) if PLAN in panel.columns else nobody
    total = int(of["n"].sum())
    missing = (plans.null_count(), panel.height)
    before = (total - int(known["n"].sum()), total)
    found = [_share(PLAN, ABSENT, drift.rate_drift(before, missing, level=each), missing, each)]
    unseen = (int((~plans.drop_nulls().is_in(known["level"].to_list())).sum()), panel.height)
    alone = int((known["n"] == 1).sum())
    told = drift.unseen_drift(alone, total, *unseen, level=each)
    return (*found, _share(PLAN, UNSEEN, told, unseen, each))


def _share(
    feature: str, aspect: str, told: drift.Drift, now: tuple[int, int], each: float
) -> Drifted:
    """Return by how much more a share is, which chance stays below where either law says so.

    That it is less is nothing to tell of: ever more customers have answered once.
    """
    value = max(told.value, 0.0)
    critical = told.critical if told.p_value <= each else max(told.critical, value)
    return Drifted(feature, value, critical, aspect, now[0] / now[1])


def _now(panel: pl.DataFrame, spread: _Spread, n_bins: int) -> Ints:
    """Return counts by bin, the missing first; a feature that is no longer there is missing."""
    if spread.feature not in panel.columns:
        return np.array([panel.height, *[0] * (n_bins - 1)], np.int64)
    known = panel[spread.feature].drop_nulls()
    missing = panel.height - known.len()
    return np.array([missing, *_counted(known, spread)], np.int64)[:n_bins]


def _counted(known: pl.Series, spread: _Spread) -> Ints:
    at = np.searchsorted(np.array(spread.upper), known.to_numpy(), side="left")
    return np.asarray(np.bincount(at, minlength=len(spread.upper) + 1), np.int64)


def _watched(columns: Sequence[str]) -> list[str]:
    return [
        one.name
        for one in FEATURES
        if one.name in columns and one.group not in _BY_THEMSELVES and one.name not in _AGES
    ]
