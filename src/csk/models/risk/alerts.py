"""What a nightly run calls for a look at: drift, calibration, volume, freshness.

One rule: a difference is told where it is both larger than chance would make it and large enough
to matter; all that is told by chance alone is at most `false_share` of the nights.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from math import prod, sqrt
from statistics import NormalDist, median, stdev
from typing import Final, NamedTuple

import polars as pl

from csk.models.risk.ledger import Live

DRIFT, CALIBRATION, VOLUME, FRESHNESS = "drift", "calibration", "volume", "freshness"
CONDITIONS: Final = (DRIFT, CALIBRATION, VOLUME, FRESHNESS)
EVENTS: Final = ("usage", "payments")
WEEK, MONTH = 7, 30.44
LEAST_LIKE: Final = 3
"""Earlier nights of the same weekday that say what a day usually brings."""
_RECENT_DAYS: Final = 56
"""Of a company that grows, what a weekday brought long ago says little."""
_BILLS: Final = "payments"
"""The table whose days are alike by month as well: bills fall due on the same days of it."""
_MONTHS: Final = 3
_AROUND: Final = 2
"""Days around the same day of a month that are like it: months differ in length."""


VALUES, MISSING, UNSEEN = "values", "missing", "unseen"
"""What of a feature may drift: its values, the share that is not known, that of new plans."""


class Limits(NamedTuple):
    """From where on a difference matters; shares but for `freshness_days`."""

    false_share: float = 0.05
    drift_psi: float = 0.10
    drift_share: float = 0.05
    calibration_share: float = 0.25
    customers_share: float = 0.20
    events_share: float = 0.60
    freshness_days: int = 2


class Drifted(NamedTuple):
    """How far something of a feature has moved since the model was fitted."""

    feature: str
    moved: float
    """PSI of values; of what is missing or unseen, the rise of its share."""
    critical: float
    """What chance alone stays at or below, whatever else is asked of the night counted."""
    aspect: str = VALUES
    now: float = 0.0
    """The share that is missing or unseen."""


class Alert(NamedTuple):
    """A condition that holds: what of, what was found, and what was to be expected."""

    condition: str
    what: str
    """Feature, horizon in days, or table (customers, subscriptions, usage, payments)."""
    value: float
    expected: float
    limit: float
    on: date | None = None
    """Day of the run, or of the data, that it is held against."""
    aspect: str = ""
    """Of drift: what of the feature has moved."""


class Arrived(NamedTuple):
    """On which days rows of a table came in."""

    table: str
    last_on: date
    n_days: int
    """From the first day with rows to `last_on`."""
    n_with: int
    """Those of them with rows."""


def level(false_share: float) -> float:
    """Return the share of nights on which one condition may hold by chance: they share evenly."""
    return false_share / len(CONDITIONS)


def drift(found: Sequence[Drifted], limits: Limits) -> list[Alert]:
    """Return what has moved by more than both chance and what matters, the farthest first.

    First what is missing or unseen: where that has moved, the values have as well, and go untold.
    """
    told: list[tuple[bool, float, Alert]] = []
    for one in found:
        is_psi = one.aspect == VALUES
        above = max(one.critical, limits.drift_psi if is_psi else limits.drift_share)
        if one.moved > above:
            value, before = (one.moved, 0.0) if is_psi else (one.now, one.now - one.moved)
            alert = Alert(DRIFT, one.feature, value, before, above, aspect=one.aspect)
            told.append((is_psi, -one.moved, alert))
    told.sort(key=lambda one: (*one[:2], one[2].what))
    shares = {alert.what for is_psi, _, alert in told if not is_psi}
    return [alert for is_psi, _, alert in told if not (is_psi and alert.what in shares)]


def calibration(found: Sequence[Live], limits: Limits) -> list[Alert]:
    """Return horizons at which more or fewer left than an earlier run foretold."""
    if not found:
        return []
    chance = NormalDist().inv_cdf(1 - level(limits.false_share) / len(found) / 2)
    return [
        Alert(
            CALIBRATION,
            str(one.days),
            one.n_left,
            one.n_foretold,
            limits.calibration_share,
            one.scored_on,
        )
        for one in found
        if _is_past(one, chance) and not abs(one.ratio - 1) <= limits.calibration_share
    ]


def _is_past(one: Live, chance: float) -> bool:
    """Whether more or fewer left than chance explains; `chance` is its quantile of a normal law.

    The law of a sum of few is skewed and comes in steps: the quantile moves up by Cornish and
    Fisher's first term, and by half a customer. The sum of chances and its variance tell how much.
    """
    if not one.n_foretold > 0:
        return one.n_left > 0
    off = one.n_left - one.n_foretold
    spread = off / one.z if one.z else sqrt(one.n_foretold)
    skew = (2 * spread**2 / one.n_foretold - 1) / spread
    moved = (chance**2 - 1) / 6 * skew
    return off > (chance + moved) * spread + 0.5 or off < -(chance - moved) * spread - 0.5


def volume(run: pl.DataFrame, earlier: pl.DataFrame, limits: Limits) -> list[Alert]:
    """Return counts of a run (one row of the ledger) that are far from those of `earlier` runs.

    Customers are held against the run before; a day's events against three or more runs of the
    last eight weeks on the same weekday, and of payments on the same days of months. They are
    told outside of all that these brought, by more than matters and than chance explains.
    """
    if earlier.is_empty():
        return []
    alerts = []
    day: date = run["as_of"][0]
    on, before = earlier["as_of"][-1], earlier["n_customers"][-1]
    now = run["n_customers"][0]
    # Who comes and who leaves is not known apart here: four standard errors of the whole count.
    if abs(now - before) > max(limits.customers_share * before, 4 * sqrt(max(before, 1))):
        alerts.append(Alert(VOLUME, "customers", now, before, limits.customers_share, on))
    ago = earlier.with_columns(ago=(pl.lit(day) - pl.col("as_of")).dt.total_days())
    chance = NormalDist().inv_cdf(1 - level(limits.false_share) / len(EVENTS) / 2)
    for table in EVENTS:
        count, name = run[f"n_{table}"][0], f"n_{table}"
        weekly = ago.filter(pl.col("ago") <= _RECENT_DAYS, pl.col("ago") % WEEK == 0)
        seen = weekly[name].drop_nulls().to_list()
        if count is None or len(seen) < LEAST_LIKE:
            continue
        monthly = ago.filter(_is_same_day_of_month())[name].drop_nulls().to_list()
        if table == _BILLS and not monthly:
            continue
        alike = seen + (monthly if table == _BILLS else [])
        if _is_outside(count, seen, alike, limits.events_share, chance):
            eve = day - timedelta(days=1)
            usual = float(median(seen))
            alerts.append(Alert(VOLUME, table, count, usual, limits.events_share, eve))
    return alerts


def _is_same_day_of_month() -> pl.Expr:
    """Tell whether a night lies about one, two or three months back."""
    months = [(pl.col("ago") - n * MONTH).abs() <= _AROUND for n in range(1, _MONTHS + 1)]
    return pl.any_horizontal(months)


def _is_outside(
    count: int, weekly: Sequence[int], alike: Sequence[int], share: float, chance: float
) -> bool:
    """Whether a count lies so far outside of `alike` as matters, and as chance does not explain.

    On the scale of roots a count varies by 1 however large it is (Anscombe 1948); where those of
    the same weekday vary by more, by that.
    """
    low, high = min(alike), max(alike)
    spread = max(1.0, stdev(_root(one) for one in weekly))
    if count > high:
        return count - high > share * high and _root(count) - _root(high) > chance * spread
    return low - count > share * low and _root(low) - _root(count) > chance * spread


def _root(count: int) -> float:
    return 2 * sqrt(count + 3 / 8)


def freshness(as_of: date, arrived: Sequence[Arrived], limits: Limits) -> list[Alert]:
    """Return tables that end too long before the day as of which is scored, the latest first.

    A table that has no rows on many days, as one of new contracts has not, is late only where
    such a stretch of empty days is not by chance.
    """
    if not arrived:
        return []
    rare = level(limits.false_share) / len(arrived)
    late = [(as_of - one.last_on).days - 1 for one in arrived]
    found = [
        Alert(FRESHNESS, one.table, days, 0.0, limits.freshness_days, one.last_on)
        for one, days in zip(arrived, late, strict=True)
        if days > limits.freshness_days and _chance_of_gap(one, days) < rare
    ]
    return sorted(found, key=lambda one: (-one.value, one.what))


def _chance_of_gap(of: Arrived, n_empty: int) -> float:
    """Return how likely the last days are all empty, were the days with rows anywhere."""
    days = range(of.n_days + 1, of.n_days + n_empty + 1)
    return prod((day - of.n_with) / day for day in days)


def conditions(alerts: Sequence[Alert]) -> tuple[str, ...]:
    """Return the conditions that hold, each once, in the order of `CONDITIONS`."""
    held = {one.condition for one in alerts}
    return tuple(name for name in CONDITIONS if name in held)


class Night(NamedTuple):
    """What a run with a kept model knows beside its scores."""

    alerts: tuple[Alert, ...]
    live: tuple[Live, ...]
    """How earlier runs did, by horizon."""
    previous: date | None
    """Day of the run before; null where this is the first."""
    fitted_as_of: date
    is_refit: bool
    """Whether the model was fitted in this run."""
    n_runs: int
    """Days of the ledger, this one among them."""
