"""Signs that a model was told what it should foretell: each named by the check and the column.

One rule: a fatal finding stops the fit; what is only odd is told beside the figures.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import ModelError
from csk.models.risk.verdict import Finding
from csk.schema.features import FEATURES, TOUCHES
from csk.stats.discrimination import auc

TOO_GOOD: Final = 0.95
MISSING_TELLS: Final = 0.75
SAME_AS_TENURE: Final = 0.99
ENOUGH_EVENTS: Final = 30
FALLEN: Final = 0.2
"""Share of the usual rate of leaving under which the last labels look unripe."""
_MOST_ROWS: Final = 200_000
NOTHING_LEFT: Final = 0.8
"""Share of those who left of whom nothing is known on any day, at which it looks deleted."""
_OF_USAGE: Final = ("usage", "breadth")
"""Groups that are empty on every day where the usage of a customer was deleted."""
_IF_USED: Final = {"top_feature_share_28d"}
"""Not known of who used nothing lately, which tells of leaving by itself."""
_TENURE: Final = {"tenure_days", "renewals_so_far", "days_since_price_change"}

Flags = NDArray[np.bool_]


def findings(
    panel: pl.DataFrame, days: Sequence[date], as_of: date, main_days: int
) -> tuple[Finding, ...]:
    """Return what looks like a leak in the rows whose outcome within `main_days` is known."""
    known = panel.filter(pl.col("landmark_on") <= as_of - timedelta(days=main_days))
    rows = known.gather_every(-(-max(known.height, 1) // _MOST_ROWS))
    left = (rows["end_in_days"] < main_days).fill_null(value=False).to_numpy()
    found = [*_deleted(panel), *_unripe(panel, days, as_of)]
    if not ENOUGH_EVENTS <= left.sum() <= len(left) - ENOUGH_EVENTS:
        return tuple(found)
    names = [one.name for one in (*FEATURES, *TOUCHES) if one.name in rows.columns]
    checks: tuple[Callable[[pl.DataFrame, str, Flags], Finding | None], ...] = (
        _too_good,
        _missing_tells,
        _is_tenure,
    )
    told = (check(rows, name, left) for name in names for check in checks)
    return (*(one for one in told if one is not None), *found)


def refuse_fatal(found: Sequence[Finding]) -> None:
    """Raise ModelError naming every column of a fatal finding."""
    fatal = [one for one in found if one.is_fatal]
    if not fatal:
        return
    said = {
        "too_good": "{column} alone ranks who leaves almost perfectly (AUC {value:.3f})",
        "missing_tells": "whether {column} is missing tells who leaves (AUC {value:.3f})",
        "deleted": "{column} is empty on every day for {value:.0%} of those who left, and not for "
        "those who stayed",
    }
    raise ModelError(
        "The features know what they should foretell, so the model would be worthless.",
        details=[said[one.check].format(column=one.column, value=one.value) for one in fatal],
        hint="Look where the column comes from (deleted usage of customers who left, dates filled "
        "in later). To go on without it, name it under [risk] ignore in csk.toml.",
    )


def _too_good(rows: pl.DataFrame, name: str, left: Flags) -> Finding | None:
    known = rows[name].is_not_null().to_numpy()
    event = left[known]
    if not ENOUGH_EVENTS <= event.sum() <= len(event) - ENOUGH_EVENTS:
        return None
    one = auc(rows[name].drop_nulls().to_numpy(), event)
    best = max(one, 1.0 - one)
    return Finding("too_good", name, best, is_fatal=True) if best > TOO_GOOD else None


def _missing_tells(rows: pl.DataFrame, name: str, left: Flags) -> Finding | None:
    if name in _IF_USED:
        return None
    missing = rows[name].is_null().to_numpy()
    if not ENOUGH_EVENTS <= missing.sum() <= len(missing) - ENOUGH_EVENTS:
        return None
    one = auc(missing.astype(np.float64), left)
    best = max(one, 1.0 - one)
    return Finding("missing_tells", name, best, is_fatal=True) if best > MISSING_TELLS else None


def _deleted(panel: pl.DataFrame) -> list[Finding]:
    """Find usage that is gone for those who left: they used nothing on any day, others did."""
    names = [one.name for one in FEATURES if one.group in _OF_USAGE and one.name in panel.columns]
    by_customer = panel.group_by("customer_id", maintain_order=True).agg(
        pl.col("end_in_days").is_not_null().any().alias("left"),
        *((pl.col(name).fill_null(0.0) == 0.0).all().alias(name) for name in names),
    )
    left = by_customer["left"].to_numpy()
    if not ENOUGH_EVENTS <= left.sum() <= len(left) - ENOUGH_EVENTS:
        return []
    found = []
    for name in names:
        nothing = by_customer[name].to_numpy()
        share = float(nothing[left].mean())
        if share >= NOTHING_LEFT and auc(nothing.astype(np.float64), left) > MISSING_TELLS:
            found.append(Finding("deleted", name, share, is_fatal=True))
    return found


def _is_tenure(rows: pl.DataFrame, name: str, left: Flags) -> Finding | None:
    del left
    if name in _TENURE or "tenure_days" not in rows.columns:
        return None
    both = rows.select(pl.corr(name, "tenure_days", method="spearman")).item()
    if both is None or not np.isfinite(both) or abs(both) < SAME_AS_TENURE:
        return None
    return Finding("is_tenure", name, abs(float(both)), is_fatal=False)


def _unripe(panel: pl.DataFrame, days: Sequence[date], as_of: date) -> list[Finding]:
    """Find labels of the last days that are not all in yet: far fewer leave than before."""
    whole = [day for day in days if day < as_of]
    if len(whole) < 4:  # noqa: PLR2004 - a last one, and three to be held against
        return []
    apart = (whole[-1] - whole[-2]).days
    rates = [
        int((rows["end_in_days"] < apart).sum()) / rows.height
        for day in whole[-7:]
        if not (rows := panel.filter(pl.col("landmark_on") == day)).is_empty()
    ]
    usual = float(np.median(rates[:-1])) if len(rates) > 1 else 0.0
    if not usual or rates[-1] >= FALLEN * usual:
        return []
    return [Finding("unripe", "ended_on", rates[-1] / usual, is_fatal=False)]
