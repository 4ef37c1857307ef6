"""What a nightly run calls for a look at: drift, calibration, volume, freshness.

One rule: a difference is told where it is both larger than chance would make it and large enough
to matter; all that is told by chance alone is at most `false_share` of the nights.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import NormalDist, median
from typing import Final, NamedTuple

import polars as pl

from csk.models.risk.ledger import Live

DRIFT, CALIBRATION, VOLUME, FRESHNESS = "drift", "calibration", "volume", "freshness"
CONDITIONS: Final = (DRIFT, CALIBRATION, VOLUME, FRESHNESS)
WEEK: Final = 7
LEAST_LIKE: Final = 3
"""Earlier nights of the same weekday that say what a day usually brings."""


class Limits(NamedTuple):
    """From where on a difference matters; shares but for `freshness_days`."""

    false_share: float = 0.05
    drift_psi: float = 0.10
    calibration_share: float = 0.25
    customers_share: float = 0.20
    events_share: float = 0.60
    freshness_days: int = 2


class Drifted(NamedTuple):
    """A feature whose values have moved since the model was fitted."""

    feature: str
    psi: float
    critical: float
    """What chance alone stays below, all features counted."""


class Alert(NamedTuple):
    """A condition that holds: what of, what was found, and what was to be expected."""

    condition: str
    what: str
    """Feature, horizon in days, or table (customers, usage, payments)."""
    value: float
    expected: float
    limit: float
    on: date | None = None
    """Day of the run, or of the data, that it is held against."""


def drift(found: Sequence[Drifted], limits: Limits) -> list[Alert]:
    """Return features whose PSI is above both chance and what matters, the farthest first."""
    far = [one for one in found if one.psi > max(one.critical, limits.drift_psi)]
    far.sort(key=lambda one: (-one.psi, one.feature))
    return [
        Alert(DRIFT, one.feature, one.psi, 0.0, max(one.critical, limits.drift_psi)) for one in far
    ]


def calibration(found: Sequence[Live], limits: Limits) -> list[Alert]:
    """Return horizons at which more or fewer left than an earlier run foretold."""
    if not found:
        return []
    chance = NormalDist().inv_cdf(1 - limits.false_share / len(found) / 2)
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
        if abs(one.z) > chance and not abs(one.ratio - 1) <= limits.calibration_share
    ]


def volume(run: pl.DataFrame, earlier: pl.DataFrame, limits: Limits) -> list[Alert]:
    """Return counts of a run (one row of the ledger) that are far from those of `earlier` runs.

    Customers are held against the run before; a day's events against the median of three or
    more earlier runs on the same weekday. What a count varies by chance is let pass.
    """
    if earlier.is_empty():
        return []
    alerts = []
    day: date = run["as_of"][0]
    on, before = earlier["as_of"][-1], earlier["n_customers"][-1]
    now = run["n_customers"][0]
    if _is_far(now, before, limits.customers_share):
        alerts.append(Alert(VOLUME, "customers", now, before, limits.customers_share, on))
    alike = earlier.filter((pl.lit(day) - pl.col("as_of")).dt.total_days() % WEEK == 0)
    for table in ("usage", "payments"):
        seen = alike[f"n_{table}"].drop_nulls().to_list()
        count = run[f"n_{table}"][0]
        if count is None or len(seen) < LEAST_LIKE:
            continue
        usual = float(median(seen))
        spread = 2 * float(median(abs(one - usual) for one in seen))
        if _is_far(count, usual, limits.events_share, spread):
            eve = day - timedelta(days=1)
            alerts.append(Alert(VOLUME, table, count, usual, limits.events_share, eve))
    return alerts


def _is_far(count: float, usual: float, share: float, spread: float = 0.0) -> bool:
    """Whether a count is farther off than matters, and than a Poisson count and `spread` vary."""
    by_chance = 4 * max(usual, 1.0) ** 0.5 + 2 * spread
    return bool(abs(count - usual) > max(share * usual, by_chance))


def freshness(as_of: date, data_through: date, limits: Limits) -> list[Alert]:
    """Return an alert where the data end too long before the day as of which is scored."""
    late = (as_of - data_through).days - 1
    if late <= limits.freshness_days:
        return []
    return [Alert(FRESHNESS, "", late, 0.0, limits.freshness_days, data_through)]


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
