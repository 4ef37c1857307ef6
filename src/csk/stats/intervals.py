"""Intervals around observed shares; the one rule: a share is never shown without its two ends."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """The two ends of an interval, of the shape of what it was asked for."""

    low: Floats
    high: Floats


def wilson(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of the shares `successes / n`.

    Broadcasts; counts may be weighted sums. Nothing observed (n = 0) says nothing: (0, 1).
    No success has low = 0 and no failure high = 1, exactly. Wilson (1927); Brown, Cai and
    DasGupta (2001), eq. 4.
    """
    k, m = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(n, np.float64))
    if np.any(k < 0) or np.any(k > m):
        msg = "successes must lie between 0 and n"
        raise ValueError(msg)
    z2 = float(ndtri(0.5 + level / 2)) ** 2
    safe = np.where(m > 0, m, 1.0)
    centre = (k + z2 / 2) / (safe + z2)
    half = np.sqrt(z2 * (k * (safe - k) / safe + z2 / 4)) / (safe + z2)
    low = np.where(k > 0, np.maximum(centre - half, 0.0), 0.0)
    high = np.where(k < m, np.minimum(centre + half, 1.0), 1.0)
    return Interval(low, high)
