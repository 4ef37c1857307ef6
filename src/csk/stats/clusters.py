"""Answers of the same customer are alike, so many of one tell less than one of many.

One rule: what is needed of each customer are sums, so that clusters add up over shards.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from csk.stats.survival import SurvivalCurve


class Clusters(NamedTuple):
    """Sums over customers who each gave m answers with the values v, s being their sum."""

    n: int
    """Answers, the sum of m."""
    n_customers: int
    total: int
    """Sum of v."""
    squares: int
    """Sum of v * v."""
    n_squares: int
    """Sum of m * m."""
    products: int
    """Sum of m * s."""
    total_squares: int
    """Sum of s * s."""


def design_effect(of: Clusters) -> float:
    """Return by how much the variance of the mean is larger than of as many strangers' answers.

    At least 1. The linearised variance of a ratio of sums (Cochran 1977, Sampling Techniques,
    eq. 6.9), over that of independent answers. Where all answers are equal, or one customer gave
    them all, answers of one customer count as one (Kish 1965).
    """
    if not of.n:
        return 1.0
    alike = of.n_squares / of.n
    mean = of.total / of.n
    spread = of.squares / of.n - mean * mean
    if of.n_customers < 2 or spread <= 0:  # noqa: PLR2004 # one customer has no variance
        return max(alike, 1.0)
    between = of.total_squares - 2 * mean * of.products + mean * mean * of.n_squares
    between *= of.n_customers / (of.n_customers - 1)
    return max(between / (of.n * spread), 1.0)


def widened(curve: SurvivalCurve, effect: float, level: float = 0.95) -> SurvivalCurve:
    """Return the curve with the intervals of answers that are not independent.

    Log-log intervals, as those of `kaplan_meier`, of a variance that is `effect` times as large.
    """
    survival = curve.survival
    inside = (survival > 0.0) & (survival < 1.0)
    log_s = np.log(np.where(inside, survival, 0.5))
    error = curve.std_error / np.where(inside, survival, 1.0)
    reach = float(ndtri(0.5 + level / 2.0)) * float(np.sqrt(effect))
    width = np.minimum(reach * error / np.abs(log_s), 700.0)
    low = np.where(inside, np.exp(log_s * np.exp(width)), curve.low)
    high = np.where(inside, np.exp(log_s * np.exp(-width)), curve.high)
    return curve._replace(low=low, high=high)
