"""Life tables: how many were exposed to leaving in each period of their age, and how many left.

One rule: exposure is counted in shares of a period's hazard, not of its days, so that one table
is exact for contracts that can end on their anniversaries only and the actuarial one for exits on
any day.
"""

from typing import NamedTuple

import numpy as np

from csk.errors import UsageError
from csk.stats.survival import Counts, Floats, Ints


class LifeTable(NamedTuple):
    """Exposure and exits by period; period p covers the ticks pL + 1 to (p + 1)L."""

    exposed: Floats
    """(P,) customers, in parts where they were watched for a part of the period's hazard."""
    left: Ints
    """(P, n_causes) exits."""
    profile: Floats
    """(L + 1,) share of a period's hazard that has passed after 0 to L of its ticks."""


def life_table(of: Counts, ticks_per_period: int) -> LifeTable:
    """Tabulate counts by periods of L = `ticks_per_period` ticks.

    An exit at tick x falls into period (x - 1) // L. Those carried into a period count 1, those
    who enter after tau of its ticks 1 - profile[tau], those censored there profile[tau] (from
    their entry on), those who leave count fully from their entry. No counts give no periods.
    Exposure is never below the exits of the period.
    """
    if ticks_per_period < 1:
        raise UsageError("a period must be at least one tick long")
    length = ticks_per_period
    n_periods = -(-int(of.age[-1]) // length) if len(of.age) else 0
    profile = _hazard_profile(of, length, n_periods)
    last_tick = np.maximum(of.age - 1, 0)
    left = np.zeros((n_periods, of.left.shape[1]), np.int64)
    exits = of.left.sum(axis=1)
    leaves = exits > 0
    np.add.at(left, last_tick[leaves] // length, of.left[leaves])
    exposed = _carried_in(of, length, n_periods).astype(np.float64)
    starts, offset = np.divmod(of.age, length)
    midway = (of.entered > 0) & (offset > 0)
    np.add.at(exposed, starts[midway], of.entered[midway] * (1.0 - profile[offset[midway]]))
    # A spell censored at age 0 was never exposed and was never carried in.
    cut = (of.censored > 0) & (of.age > 0)
    period, offset = last_tick[cut] // length, last_tick[cut] % length + 1
    np.subtract.at(exposed, period, of.censored[cut] * (1.0 - profile[offset]))
    return LifeTable(np.maximum(exposed, left.sum(axis=1)), left, profile)


def _carried_in(of: Counts, length: int, n_periods: int) -> Ints:
    """Count who is at risk just after tick pL, for every period p."""
    running = np.cumsum(of.entered - of.left.sum(axis=1) - of.censored)
    at = np.searchsorted(of.age, np.arange(n_periods) * length, side="right") - 1
    return np.where(at >= 0, running[np.maximum(at, 0)], 0)


def _hazard_profile(of: Counts, length: int, n_periods: int) -> Floats:
    """Share out a period's Nelson-Aalen hazard over its ticks, all periods pooled.

    A straight line where nobody has left.
    """
    exits = of.left.sum(axis=1)
    if not exits.any():
        return np.linspace(0.0, 1.0, length + 1)
    ticks = np.arange(1, n_periods * length + 1)
    running = np.r_[0, np.cumsum(of.entered - exits - of.censored)]
    at_risk = running[np.searchsorted(of.age, ticks, side="left")]
    pooled_at_risk = at_risk.reshape(n_periods, length).sum(axis=0)
    pooled_exits = np.zeros(length, np.int64)
    np.add.at(pooled_exits, (np.maximum(of.age - 1, 0)) % length, exits)
    hazard = np.cumsum(pooled_exits / np.maximum(pooled_at_risk, 1))
    return np.concatenate([[0.0], hazard / hazard[-1]])
