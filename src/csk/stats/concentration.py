"""How much of all money comes from how few: the Lorenz curve and what is read off it.

One rule: amounts are of those who pay; nothing and less than nothing is no share of a whole.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]


class Slice(NamedTuple):
    """Some of the customers, largest first, and what they pay together."""

    name: str
    n: int
    amount: int


def paying(amounts: ArrayLike) -> Ints:
    """Return the amounts above 0, the largest first."""
    values = np.asarray(amounts, np.int64)
    return np.sort(values[values > 0])[::-1]


def top_share(amounts: ArrayLike, share: float = 0.1) -> float:
    """Return the part of the whole that the largest `share` of customers pay; NaN for nobody.

    A customer who lies across the border counts by the part that lies within.
    """
    values = paying(amounts)
    if not len(values):
        return float("nan")
    sums = np.r_[np.int64(0), np.cumsum(values)]
    inside = float(np.interp(share * len(values), np.arange(len(values) + 1), sums))
    return inside / float(sums[-1])


def gini_parts(amounts: ArrayLike) -> tuple[float, float]:
    """Return numerator and denominator of the Gini coefficient; 0 and 0 where nobody pays.

    The coefficient is 0 where all pay alike and near 1 where one pays all: twice the area between
    the Lorenz curve and the diagonal.
    """
    values = paying(amounts)[::-1].astype(np.float64)
    n = len(values)
    ranks = 2.0 * np.arange(1, n + 1) - n - 1
    return float(ranks @ values), float(n * values.sum())


def abc(amounts: ArrayLike, borders: tuple[float, float] = (0.7, 0.9)) -> tuple[Slice, ...]:
    """Return classes A, B and C: the largest up to the first border of the whole, and so on.

    Who crosses a border belongs to the class above it.
    """
    values = paying(amounts)
    before = np.cumsum(values) - values
    whole = int(values.sum())
    classes = np.digitize(before / max(whole, 1), borders)
    return tuple(
        Slice(name, int((classes == at).sum()), int(values[classes == at].sum()))
        for at, name in enumerate("ABC")
    )


def deciles(amounts: ArrayLike) -> tuple[Slice, ...]:
    """Return ten slices of customers, the largest first, as equal in number as may be."""
    parts = np.array_split(paying(amounts), 10)
    return tuple(Slice(str(at + 1), len(part), int(part.sum())) for at, part in enumerate(parts))
