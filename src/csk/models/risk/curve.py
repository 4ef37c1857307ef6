"""From hazards by bin to the chance of leaving within so many days.

One rule: one curve. Every horizon and every cause is read from the same hazards, so chances rise
with the horizon and those by cause add up to the chance of leaving at all.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from csk.errors import UsageError
from csk.models.risk.stacked import Floats, starts

_NEAR_CERTAIN: Final = 1.0 - 1e-12
"""Nobody is more certain to leave within a bin: logarithms of staying keep an end."""


def shares_of_bins(edges: Sequence[int], days: float) -> Floats:
    """Return (bins,) the share of each bin that lies within so many days.

    UsageError beyond the last bin: nothing is known of what comes after it.
    """
    if not 0 <= days <= edges[-1]:
        message = f"Churn risk is known for 0 to {edges[-1]} days ahead, not for {days:g}."
        raise UsageError(message)
    low, high = np.array(starts(edges), np.float64), np.array(edges, np.float64)
    return np.asarray(np.clip((days - low) / (high - low), 0.0, 1.0))


def log_stays(hazards: Floats) -> Floats:
    """Return (n, bins) logarithms of the chance to stay through each bin."""
    return np.asarray(np.log1p(-np.minimum(hazards.sum(axis=2), _NEAR_CERTAIN)))


def p_churn(hazards: Floats, edges: Sequence[int], days: float) -> Floats:
    """Return (n,) `1 - prod_j (1 - sum_k lambda_kj)` over the bins within so many days.

    `hazards` is (n, bins, causes). Inside a bin the logarithm of staying falls in a straight line.
    """
    within = shares_of_bins(edges, days)
    return np.asarray(-np.expm1(log_stays(hazards) @ within))


def p_churn_by_cause(hazards: Floats, edges: Sequence[int], days: float) -> Floats:
    """Return (n, causes) `sum_j prod_{i<j} (1 - sum_k lambda_ki) lambda_kj`; sums to `p_churn`.

    In a bin that is cut by the horizon, causes have the shares that they have in the whole bin.
    """
    within = shares_of_bins(edges, days)
    stays = log_stays(hazards) * within
    before = np.exp(np.cumsum(stays, axis=1) - stays)
    total = hazards.sum(axis=2)
    leaves = before * -np.expm1(stays)
    share = np.divide(leaves, total, out=np.zeros_like(leaves), where=total > 0.0)
    return np.asarray(np.einsum("nj,njk->nk", share, hazards))
