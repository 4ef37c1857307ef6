"""How many purchases are ahead of a customer: not only how many to expect, but how likely each.

One rule: the chances of a customer add up to the expectation that BG/NBD tells of it.

Who is alive at T buys at a rate of Gamma(r + x, alpha + T) and leaves after a purchase with a
chance of Beta(a, b + x), each known from x alone once alive (Fader, Hardie and Lee 2005). So
P(n or more within t) = P(alive) * P(negative binomial >= n) * E[(1 - p) ** (n - 1)].
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaln

from csk.stats import bgnbd

Floats = NDArray[np.float64]

TAIL: Final = 0.025
_NEGLIGIBLE: Final = 1e-9
_MOST: Final = 5_000


class Chances(NamedTuple):
    """What may come of each customer; arrays alike."""

    none: Floats
    """Chance that nothing comes."""
    expected: Floats
    variance: Floats
    low: Floats
    """At least this many come with a chance above 97.5 %."""
    high: Floats
    """More than this many come with a chance below 2.5 %."""


def purchases_ahead(
    fitted: bgnbd.BgNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, days: float
) -> Chances:
    """Return the chances of purchases within `days` after T, given (x, t_x, T), in BG/NBD."""
    x, T = (np.asarray(value, np.float64).ravel() for value in (x, T))
    alive = bgnbd.p_alive(fitted, x, t_x, T).ravel()
    left = (days / (fitted.alpha + T + days), fitted.r + x, fitted.b + x)

    def at_least(n: int, rows: NDArray[np.intp]) -> Floats:
        within, shape, stay = (value[rows] for value in left)
        after = np.exp(betaln(fitted.a, stay + n - 1) - betaln(fitted.a, stay))
        return np.asarray(alive[rows] * betainc(n, shape, within) * after)

    none, rows = np.ones(len(x)), np.arange(len(x))
    sums = np.zeros((4, len(x)))
    for n in range(1, _MOST):
        chance = at_least(n, rows)
        if n == 1:
            none = 1.0 - chance
        counted = [chance, (2 * n - 1) * chance, chance > 1.0 - TAIL, chance >= TAIL]
        sums[:, rows] += np.array(counted)
        rows = rows[chance * n > _NEGLIGIBLE]
        if not len(rows):
            break
    expected, squares, low, high = sums
    return Chances(none, expected, np.maximum(squares - expected**2, 0.0), low, high)
