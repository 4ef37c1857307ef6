"""How much likelier something is with one thing than without it, among those alike.

One rule: only those of one stratum are compared, and strata need counts alone, so that they add up.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEAST_EVENTS: Final = 5
"""Events on each side under which an interval of a ratio is no more than a guess."""


class RiskRatio(NamedTuple):
    """A ratio of chances over strata; of discrete time, the ratio of hazards."""

    value: float
    low: float
    high: float
    p_value: float
    """Of the test that the chances are equal in every stratum."""
    n_compared: int
    """Of both, in strata that have both."""


UNKNOWN: Final = RiskRatio(float("nan"), float("nan"), float("nan"), float("nan"), 0)


def risk_ratio(
    events: ArrayLike,
    n: ArrayLike,
    other_events: ArrayLike,
    other_n: ArrayLike,
    level: float = 0.95,
) -> RiskRatio:
    """Return the Mantel-Haenszel ratio of the chance in `n` over that in `other_n`.

    All are (k,) counts by stratum. Interval: Greenland and Robins 1985 (Biometrics 41, eq. 13),
    which holds for few large strata and for many sparse ones; test: Mantel and Haenszel 1959,
    without correction for continuity. Strata with one side alone say nothing and drop out.
    `UNKNOWN` where none is left, or one side has no event.
    """
    from scipy.special import chdtrc, ndtri  # noqa: PLC0415 - few reports compare strata

    a, n1, b, n0 = (np.asarray(v, float).ravel() for v in (events, n, other_events, other_n))
    both = (n1 > 0.0) & (n0 > 0.0)
    a, n1, b, n0 = a[both], n1[both], b[both], n0[both]
    if not both.any() or a.sum() == 0.0 or b.sum() == 0.0:
        return UNKNOWN
    whole, left = n1 + n0, a + b
    up, down = float((a * n0 / whole).sum()), float((b * n1 / whole).sum())
    spread = float(((left * n1 * n0 - a * b * whole) / whole**2).sum())
    error = np.sqrt(spread / (up * down)) if up > 0.0 and down > 0.0 else np.inf
    meant = left * n1 / whole
    variance = n1 * n0 * left * (whole - left) / (whole**2 * np.maximum(whole - 1.0, 1.0))
    gap, size = float((a - meant).sum()), float(variance.sum())
    p_value = float(chdtrc(1, gap * gap / size)) if size > 0.0 else 1.0
    value, reach = up / down, float(ndtri(0.5 + level / 2.0)) * error
    low, high = value * float(np.exp(-reach)), value * float(np.exp(reach))
    return RiskRatio(value, low, high, p_value, int(whole.sum()))


def holm(p_values: ArrayLike) -> Floats:
    """Return p-values that allow for how many were looked at (Holm 1979); NaN stays NaN.

    The chance that any of what is below a level would be so, were nothing there, is at most it.
    """
    p = np.asarray(p_values, float)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    times = np.arange(len(order), 0, -1)
    found = np.full(p.shape, np.nan)
    found[order] = np.minimum(np.maximum.accumulate(p[order] * times), 1.0)
    return found
