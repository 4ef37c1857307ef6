"""Why they left: the share that has left by each age, cause by cause.

One rule: causes compete, so their shares and survival add up to one at every age.
"""

from typing import NamedTuple

import numpy as np

from csk.stats.survival import Counts, Floats, Ints, at_risk


class Incidence(NamedTuple):
    """Cumulative incidence by cause, a step function of age."""

    age: Ints
    """(k,)"""
    share: Floats
    """(k, n_causes) share that has left for each cause up to this age."""
    std_error: Floats
    """(k, n_causes)"""


def aalen_johansen(of: Counts) -> Incidence:
    """Estimate the share that has left for each cause by each age, others competing.

    Product-limit with late entry (Aalen and Johansen 1978); variance by the delta method
    (Marubini and Valsecchi 1995, eq. 10.12).
    """
    n = np.maximum(at_risk(of), 1).astype(np.float64)
    exits = of.left.sum(axis=1)
    before = np.r_[1.0, np.cumprod(1.0 - exits / n)[:-1]]
    step = before[:, None] * of.left / n[:, None]
    share = np.cumsum(step, axis=0)
    return Incidence(of.age, share, np.sqrt(_variance(of, n, exits, before, share)))


def _variance(of: Counts, n: Floats, exits: Ints, before: Floats, share: Floats) -> Floats:
    """Sum over the ages up to each; written in running sums, so that k ages cost k steps."""
    stays = n > exits
    hazard = np.where(stays, exits / np.where(stays, n * (n - exits), 1.0), 0.0)[:, None]
    own = of.left * (n[:, None] - of.left) / n[:, None] ** 3
    mixed = before[:, None] * of.left / n[:, None] ** 2
    gap_square = share**2 * np.cumsum(hazard, axis=0)
    gap_square += np.cumsum(share**2 * hazard, axis=0)
    gap_square -= 2.0 * share * np.cumsum(share * hazard, axis=0)
    squared = np.cumsum(before[:, None] ** 2 * own, axis=0)
    cross = share * np.cumsum(mixed, axis=0) - np.cumsum(share * mixed, axis=0)
    return np.asarray(np.maximum(gap_square + squared - 2.0 * cross, 0.0))
