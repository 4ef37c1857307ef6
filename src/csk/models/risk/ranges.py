"""Between which values a feature is looked at, so that no single row can bend or stretch it.

One rule: a bound is a value that several rows reach; what lies beyond it counts as the bound.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from csk.models.risk.stacked import Floats

MOST_SPAN: Final = 8.0
"""Standard deviations that a line spans at most; of what hardly varies they count as more."""
_TAILS: Final = (0.005, 0.995)
"""Quantiles beyond which a value counts as the quantile."""
_TAILS_OF_FEW: Final = (0.1, 0.9)
"""Likewise of the few rows that have another value than nearly all."""
_FEWEST: Final = 10.0
"""Rows below which another value than that of all others counts as theirs."""


def weighted_quantiles(values: Floats, weight: Floats, shares: Sequence[float]) -> list[float]:
    """Return the least values that have at least these shares of the weight at or below them.

    `values` ascend. A weight of 3 is the same as the row three times.
    """
    upto = np.cumsum(weight)
    at = np.searchsorted(upto, np.array(shares) * upto[-1] * (1.0 - 1e-12))
    return [float(x) for x in values[np.minimum(at, len(values) - 1)]]


def bounds(values: Floats, weight: Floats) -> tuple[float, float]:
    """Return the least and the greatest value that count; equal where nothing can be told apart.

    `values` ascend.
    """
    low, high = weighted_quantiles(values, weight, _TAILS)
    if low < high:
        return low, high
    others = values != low
    if float(weight[others].sum()) < _FEWEST:
        return low, high
    few = weighted_quantiles(values[others], weight[others], _TAILS_OF_FEW)
    return min(low, few[0]), max(high, few[1])


def deviation(found: float, span: float) -> float:
    """Return a standard deviation, no smaller than what keeps a line of that span in bounds."""
    return max(found, span / MOST_SPAN)
