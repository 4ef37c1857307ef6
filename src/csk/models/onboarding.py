"""Milestones of new customers: who reaches them, how soon, and who of those stays.

One rule: a milestone not yet reached is not one missed; who left before is.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np
import polars as pl

from csk.stats.incidence import aalen_johansen
from csk.stats.logrank import log_rank
from csk.stats.survival import Counts, kaplan_meier
from csk.tables.milestones import Milestone

AFTER_DAYS: Final = (30, 90, 180, 365)
"""Days after the milestone's at which is told who stays."""
LEAST_EACH: Final = 10
"""Customers with and without, at the least, for the two to be compared."""
_REACH: Final = 1.959964
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Stays:
    """Who stays so many days after, of one kind."""

    days: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Side:
    """Who had reached a milestone by its day, or had not, and was still there."""

    is_done: bool
    n: int
    n_left: int
    stays: tuple[Stays, ...]


@dataclass(frozen=True, slots=True)
class Onboarding:
    """One milestone."""

    milestone: Milestone
    name: str
    n: int
    """New customers whose first days are known."""
    n_watched: int
    """Of them, whose wait could be followed to the milestone's day."""
    share: float
    """Share that has reached it by its day, others leaving before; NaN where nobody is so old."""
    low: float
    high: float
    median_days: int | None
    """Day by which half have; null where half never did in the days that are known."""
    sides: tuple[Side, ...] = ()
    p_value: float = float("nan")
    """Of the test that both sides leave at the same pace."""


def onboarding(
    milestones: tuple[tuple[str, Milestone], ...], waits: pl.DataFrame, after: pl.DataFrame
) -> tuple[Onboarding, ...]:
    """Return the milestones, named, from the counts of `csk.tables.milestones`."""
    return tuple(
        _onboarding(
            name,
            milestone,
            waits.filter(pl.col("milestone_no") == number),
            after.filter(pl.col("milestone_no") == number),
        )
        for number, (name, milestone) in enumerate(milestones)
    )


def _onboarding(
    name: str, milestone: Milestone, waits: pl.DataFrame, after: pl.DataFrame
) -> Onboarding:
    n, day = int(waits["n_entered"].sum()), milestone.within_days
    early = waits.filter(pl.col("age") < day)
    n_watched = n - int(early["n_censored"].sum())
    share, low, high, median = _reached(waits, day, is_known=n_watched > 0)
    sides = tuple(side for is_done in (True, False) if (side := _side(after, is_done=is_done)))
    p_value = float("nan")
    if len(sides) == 2 and min(side.n for side in sides) >= LEAST_EACH:  # noqa: PLR2004 # with and without
        p_value = log_rank([_counts(after, is_done=done) for done in (True, False)]).p_value
    return Onboarding(milestone, name, n, n_watched, share, low, high, median, sides, p_value)


def _reached(
    waits: pl.DataFrame, day: int, *, is_known: bool
) -> tuple[float, float, float, int | None]:
    """Return the share by the day with its interval, and the day by which half are there."""
    nothing = float("nan")
    if not waits.height or not is_known:
        return nothing, nothing, nothing, None
    rows = waits.sort("age")
    of = Counts(
        rows["age"].cast(pl.Int64).to_numpy(),
        rows["n_entered"].to_numpy(),
        rows.select("n_done", "n_left").to_numpy(),
        rows["n_censored"].to_numpy(),
    )
    found = aalen_johansen(of)
    at = int(np.searchsorted(found.age, day, side="right")) - 1
    share, error = float(found.share[at, 0]), float(found.std_error[at, 0])
    half = np.flatnonzero(found.share[:, 0] >= _HALF)
    median = int(found.age[half[0]]) if half.size else None
    reach = _REACH * error if isfinite(error) else 0.0
    return share, max(share - reach, 0.0), min(share + reach, 1.0), median


def _counts(after: pl.DataFrame, *, is_done: bool) -> Counts:
    rows = after.filter(pl.col("is_done") == is_done).sort("age")
    return Counts(
        rows["age"].cast(pl.Int64).to_numpy(),
        rows["n_entered"].to_numpy(),
        rows["n_left"].to_numpy()[:, None],
        rows["n_censored"].to_numpy(),
    )


def _side(after: pl.DataFrame, *, is_done: bool) -> Side | None:
    of = _counts(after, is_done=is_done)
    if not of.entered.sum():
        return None
    curve = kaplan_meier(of)
    stays = []
    for days in AFTER_DAYS:
        if days > of.age[-1]:
            break
        at = int(np.searchsorted(curve.age, days, side="right")) - 1
        stays.append(Stays(days, *(float(v[at]) for v in (curve.survival, curve.low, curve.high))))
    return Side(is_done, int(of.entered.sum()), int(of.left.sum()), tuple(stays))
