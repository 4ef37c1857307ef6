"""What a cluster does with a wide log, by simulation: rows that are shuffled, rows that come back.

One rule: nothing is taken for granted but the law of the log: so many rows of so many customers,
whose shares are lognormal, over so many days and features. Customers are drawn: the largest one
by one (order statistics of the whole), the others as strata that each stand for many.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

LARGEST: Final = 50_000
"""Customers drawn one by one."""
STRATA: Final = 100_000
AT_ONCE: Final = 20_000
LENGTHS: Final = 10
"""Kinds of stretches of time that are told apart by their length."""
SHUFFLE_PARTITIONS: Final = 200
"""What Spark takes unless told otherwise."""


class Log(NamedTuple):
    """A wide table: its size and its law."""

    name: str
    n_rows: float
    n_customers: float
    n_days: int
    spread: float
    """Standard deviation of the logarithm of a customer's rows."""
    n_features: int = 1
    is_in_time: bool = True
    """Whether rows lie in the order of time, as logs do, or in none."""
    rows_a_visit: float = 1.0
    """Rows that come together, as lines of one order do."""


class Customers(NamedTuple):
    """Shares of all rows, and how many customers each stands for; the largest first."""

    share: Floats
    weight: Floats


class Cells(NamedTuple):
    """Rows that come back, by what they are added up to."""

    by_day_and_feature: float
    by_day: float
    by_period_and_feature: float
    by_customer: float


def customers(of: Log, rng: np.random.Generator) -> Customers:
    """Draw the customers of a log."""
    n = int(of.n_customers)
    n_largest = min(LARGEST, n)
    ranks = np.cumsum(rng.exponential(1.0, n_largest)) / (n + 1)
    rest = n - n_largest
    strata = min(STRATA, rest)
    at = ranks[-1] + (1 - ranks[-1]) * (np.arange(strata) + 0.5) / max(strata, 1)
    size = np.exp(of.spread * -ndtri(np.concatenate([np.minimum(ranks, 1 - 1e-12), at])))
    count = np.concatenate([np.ones(n_largest), np.full(strata, rest / max(strata, 1))])
    return Customers(size / float(size @ count), count)


def feature_shares(n: int) -> Floats:
    """Return how often each feature is used: as in the generator of events."""
    shares = 1.0 / np.arange(1, n + 1) ** 1.2
    return np.asarray(shares / shares.sum(), np.float64)


def expected_cells(of: Customers, n_rows: float, n_times: float, shares: Floats) -> Floats:
    """Return how many cells of time and feature each customer has, of `n_rows` that fall on them.

    Rows fall on `n_times` alike and on features by their shares, each for itself (Poisson).
    """
    each = of.share * n_rows / n_times
    parts = [
        -np.expm1(-each[begin : begin + AT_ONCE, None] * shares).sum(axis=1)
        for begin in range(0, len(each), AT_ONCE)
    ]
    return np.asarray(n_times * np.concatenate(parts), np.float64)


def cells(of: Log, drawn: Customers) -> Cells:
    """Return how many rows come back when a log is added up by day, by 28 days, or not by time."""
    shares, one = feature_shares(of.n_features), np.ones(1)
    periods = max(1.0, of.n_days / 28)

    def total(n_times: float, by: Floats) -> float:
        n_visits = of.n_rows / of.rows_a_visit
        return float(expected_cells(drawn, n_visits, n_times, by) @ drawn.weight)

    return Cells(total(of.n_days, shares), total(of.n_days, one), total(periods, shares),
                 total(1.0, one))  # fmt: skip


def partial_rows(of: Log, drawn: Customers, rows_a_partition: float) -> Floats:
    """Return the rows that each customer still has after every partition was added up for itself.

    By customer, day and feature. A partition in the order of time holds a stretch of it; one in
    no order holds rows of every day.
    """
    n_partitions = max(1, round(of.n_rows / rows_a_partition))
    shares = feature_shares(of.n_features)
    if not of.is_in_time:
        return expected_cells(drawn, of.n_rows, float(n_partitions * of.n_days), shares)
    found = np.zeros(len(drawn.share))
    for length, n in _stretches(n_partitions, of.n_days):
        found += expected_cells(drawn, of.n_rows * length * n, n, shares)
    return found


def _stretches(n_partitions: int, n_days: int) -> list[tuple[float, float]]:
    """Return mean length and number of stretches that lie in one partition and in one day.

    Of the whole time; every cut and every midnight ends one. Like lengths are counted together.
    """
    ends = np.union1d(np.arange(n_partitions + 1) / n_partitions, np.arange(n_days + 1) / n_days)
    lengths = np.diff(ends)
    number = np.minimum((LENGTHS * lengths / lengths.max()).astype(np.int64), LENGTHS - 1)
    counts = np.bincount(number, minlength=LENGTHS)
    sums = np.bincount(number, lengths, LENGTHS)
    return [(sums[at] / counts[at], float(counts[at])) for at in np.flatnonzero(counts)]


def skew(drawn: Customers, load: Floats, rng: np.random.Generator) -> float:
    """Return the load of the fullest of the shuffle's partitions against the mean; 20 draws.

    `load` is of one customer each. The largest are thrown one by one, the others fill evenly.
    """
    alone = drawn.weight == 1
    even = float(load[~alone] @ drawn.weight[~alone]) / SHUFFLE_PARTITIONS
    mean = float(load @ drawn.weight) / SHUFFLE_PARTITIONS
    fullest = []
    for _ in range(20):
        at = rng.integers(0, SHUFFLE_PARTITIONS, int(alone.sum()))
        filled = np.bincount(at, load[alone], SHUFFLE_PARTITIONS) + even
        fullest.append(filled.max() / mean)
    return float(np.mean(fullest))


def drawn_rows(of: Log, rows_a_partition: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw every row of a small log; return rows after partitions were added up, and cells."""
    size = np.exp(of.spread * rng.normal(0.0, 1.0, int(of.n_customers)))
    n = int(of.n_rows)
    customer = rng.choice(len(size), n, p=size / size.sum())
    day = np.sort(rng.integers(0, of.n_days, n)) if of.is_in_time else rng.integers(0, of.n_days, n)
    feature = rng.choice(of.n_features, n, p=feature_shares(of.n_features))
    cell = (customer * of.n_days + day) * of.n_features + feature
    after = sum(
        len(np.unique(cell[begin : begin + rows_a_partition]))
        for begin in range(0, n, rows_a_partition)
    )
    return after, len(np.unique(cell))
