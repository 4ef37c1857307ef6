"""Figures of answers on a scale: NPS, top boxes and means, with intervals.

One rule: a figure is made of sums of answers, and its interval of as many as are independent.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtri

from csk.stats.intervals import wilson

_PSEUDO: Final = 0.75


class Figure(NamedTuple):
    """A figure of answers with its interval; NaN where nobody answered."""

    value: float
    low: float
    high: float
    n: int


NOBODY: Final = Figure(float("nan"), float("nan"), float("nan"), 0)


def net_promoters(
    n_promoters: float,
    n_passives: float,
    n_detractors: float,
    level: float = 0.95,
    effect: float = 1.0,
) -> Figure:
    """Return the NPS, from -1 to 1: promoters less detractors, of all answers.

    The interval is the adjusted Wald of Rocks (2016, The American Statistician 70:365): three
    more answers, 3/4 of them promoters and 3/4 detractors. `effect` is the design effect by which
    answers are fewer than they seem.
    """
    n = n_promoters + n_passives + n_detractors
    if not n:
        return NOBODY
    m = n / effect + 4 * _PSEUDO
    up, down = (n_promoters / effect + _PSEUDO) / m, (n_detractors / effect + _PSEUDO) / m
    centre = up - down
    half = float(ndtri(0.5 + level / 2)) * float(np.sqrt((up + down - centre**2) / m))
    value = (n_promoters - n_detractors) / n
    low, high = max(centre - half, -1.0), min(centre + half, 1.0)
    # The adjusted centre lies nearer to 0: of few answers that all agree, the interval must still
    # hold what was observed.
    return Figure(value, min(low, value), max(high, value), round(n))


def top_box(n_top: int, n: int, level: float = 0.95, effect: float = 1.0) -> Figure:
    """Return the share of answers in the best boxes, with Wilson's interval."""
    if not n:
        return NOBODY
    interval = wilson(n_top / effect, n / effect, level)
    return Figure(n_top / n, float(interval.low), float(interval.high), n)


def mean_score(
    n: int,
    total: float,
    squares: float,
    scale: tuple[float, float],
    level: float = 0.95,
    effect: float = 1.0,
) -> Figure:
    """Return the mean of `n` answers with their sum and sum of squares.

    The interval is Student's t, cut at the worst and best answers of the `scale`; of one answer,
    or of several that are all alike, it is the whole scale: they say nothing of their spread.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - most reports have no answers

    if not n:
        return NOBODY
    mean = total / n
    spread = squares - n * mean * mean
    if n == 1 or spread <= 1e-9 * squares:
        return Figure(mean, *scale, n)
    variance = spread / (n - 1)
    freedom = max(n / effect - 1, 1.0)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * float(np.sqrt(variance * effect / n))
    return Figure(mean, max(mean - half, scale[0]), min(mean + half, scale[1]), n)
