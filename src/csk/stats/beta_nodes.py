"""Where to look at a probability that is Beta(a, b); the one rule: weights sum to 1.

Averages over the chance to leave, where they have no closed form.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@lru_cache(maxsize=256)
def beta_nodes(a: float, b: float, n: int = 64) -> tuple[Floats, Floats]:
    """Return nodes in (0, 1) and weights that integrate against Beta(a, b); weights sum to 1.

    Golub and Welsch (1969), on the normalised measure, so that no gamma function can overflow.
    """
    left, right = b - 1, a - 1
    k = np.arange(1, n, dtype=float)
    s = 2 * k + left + right
    middle = np.append((right - left) / (left + right + 2), (right**2 - left**2) / (s * (s + 2)))
    beside = 4 * k * (k + left) * (k + right) * (k + left + right)
    beside[0] = 4 * (1 + left) * (1 + right)
    beside /= s**2 * (s + 1) * np.append(1.0, (s - 1)[1:])
    roots, vectors = np.linalg.eigh(np.diag(middle) + np.diag(np.sqrt(beside), -1))
    nodes, weights = np.maximum((1 + roots) / 2, 1e-12), vectors[0] ** 2
    # They are asked for again for every horizon, so they are kept, and nobody may change them.
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights
