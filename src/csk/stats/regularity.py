"""How regular purchases are; the one rule: a customer's own pace never enters.

Of two gaps in a row between a customer's purchases, M = first / (first + second) is Beta(k, k)
where gaps are Erlang-k, whatever the rate and however long the log: k = 1 is plain chance,
larger k a habit, smaller k bursts. Wheat and Morrison (1990), "Estimating Purchase Regularity
with Two Interpurchase Times", Journal of Marketing Research 27(1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError

Floats = NDArray[np.float64]

NORMAL_95 = 1.959964

FEWEST_PAIRS = 30
"""With fewer pairs no interval is worth telling."""

FINEST = 100
"""Two gaps of more steps than this together are as good as not rounded."""

RESOLUTION = 1e-12
"""A variance of M below this is rounding."""

LEAST, MOST = 1e-3, 1e6
"""Between these k is searched for; below and above are 0 and infinity."""


@dataclass(frozen=True)
class Regularity:
    """The k of Erlang-k gaps, with its 95 % interval (low, high).

    `high` is infinite where gaps may be equal. `z` counts the standard errors by which the
    variance of M is below that of random purchases: above 2 regular, below -2 in bursts.
    `n` pairs were used; `n_excluded` were too short for the rounding of their times.
    """

    k: float
    low: float
    high: float
    z: float
    n: float
    n_excluded: float

    @property
    def is_regular(self) -> bool:
        """Whether gaps are more regular than chance beyond doubt: the interval is above 1."""
        return self.low > 1

    @property
    def is_bursty(self) -> bool:
        """Whether purchases come in bursts beyond doubt: the interval is below 1."""
        return self.high < 1


def regularity(
    first: ArrayLike, second: ArrayLike, weight: ArrayLike | None = None, step: float = 0.0
) -> Regularity:
    """Return k from one pair of gaps in a row per customer, by the variance of M.

    `step` is the width to which times were rounded, in the unit of the gaps, when purchases
    within one step are one (whole days: 1). Of gaps of i and n - i steps the share is then taken
    as i^(k - 1) (n - i)^(k - 1), exact for random purchases. Pairs of fewer than 4 steps cannot
    tell, are left out and counted; as M does not depend on n, that favours nobody.
    Raises ModelError with fewer than 30 pairs.
    """
    one, two = (np.asarray(gaps, np.float64) for gaps in (first, second))
    counts = np.ones(one.shape) if weight is None else np.asarray(weight, np.float64)
    if np.any(one < 0) or np.any(two < 0) or not np.all(np.isfinite(one + two)):
        raise ModelError("A gap between two purchases cannot be negative or unknown.")
    together = one + two
    kept = (together > 0) & (together > 3.5 * step)
    n, n_excluded = float(counts[kept].sum()), float(counts[~kept].sum())
    if n < FEWEST_PAIRS:
        raise ModelError(
            f"Of {n + n_excluded:.0f} customers with two gaps between purchases {n:.0f} have gaps "
            "long enough to compare: how regular purchases are cannot be told.",
            hint="Give a longer log.",
        )
    order = np.lexsort((counts[kept], two[kept], one[kept]))
    one, together, counts = one[kept][order], together[kept][order], counts[kept][order]
    squared = (one / together - 0.5) ** 2
    variance = float(counts @ squared) / n
    error = float(np.sqrt(counts @ (squared - variance) ** 2)) / n
    lattice = _Lattice(together, counts, step)
    ends = (variance + NORMAL_95 * error, variance, variance - NORMAL_95 * error)
    low, k, high = (_shape(lattice, end) for end in ends)
    away = lattice.variance(1.0) - variance
    z = away / error if error > RESOLUTION else float(np.copysign(np.inf, away))
    return Regularity(k, low, high, z, n, n_excluded)


class _Lattice:
    """The variance of M expected for k, given the sums of the pairs and their rounding."""

    def __init__(self, together: Floats, counts: Floats, step: float) -> None:
        steps = np.rint(together / step) if step > 0 else np.full(len(together), np.inf)
        is_coarse = steps <= FINEST
        self.n, at = np.unique(steps[is_coarse], return_inverse=True)
        self.coarse = np.bincount(at, counts[is_coarse], len(self.n)) / counts.sum()
        self.fine = float(counts[~is_coarse].sum()) / float(counts.sum())

    def variance(self, k: float) -> float:
        """Return the variance of M about 1/2; it falls in k."""
        fine = self.fine / (4 * (2 * k + 1))
        if not len(self.n):
            return fine
        i, n = np.arange(1, FINEST), self.n[:, None]
        of = i < n
        part = np.where(of, i / n, 0.5)
        logs = np.where(of, (k - 1) * np.log(4 * part * (1 - part)), -np.inf)
        share = np.exp(logs - logs.max(axis=1, keepdims=True))
        coarse = (share * (part - 0.5) ** 2).sum(axis=1) / share.sum(axis=1)
        return float(self.coarse @ coarse) + fine


def _shape(lattice: _Lattice, variance: float) -> float:
    """Return the k at which M varies as much as this, by halving; 0 or infinite beyond all."""
    low, high = LEAST, MOST
    if variance >= lattice.variance(low):
        return 0.0
    if variance <= lattice.variance(high):
        return float("inf")
    while high / low > 1 + 1e-10:
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if lattice.variance(middle) > variance else (low, middle)
    return float(np.sqrt(low * high))
