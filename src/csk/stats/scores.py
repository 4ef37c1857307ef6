"""Figures of answers on a scale: NPS, top boxes and means, with intervals.

One rule: answers are counts by score, so that they add up.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from csk.stats.intervals import wilson


class Figure(NamedTuple):
    """A figure of answers with its interval; NaN where nobody answered."""

    value: float
    low: float
    high: float
    n: int


def net_promoters(n_promoters: int, n_passives: int, n_detractors: int, level: float = 0.95) -> Figure:
    """Return the NPS, from -1 to 1: promoters less detractors, of all answers.

    The interval is the adjusted Wald of a difference of shares of one sample: three quarters of
    an answer of each kind is added (Agresti and Min 2005, Statistics in Medicine 24:729).
    """
    n = n_promoters + n_passives + n_detractors
    if not n:
        return Figure(float("nan"), -1.0, 1.0, 0)
    more = 1.5
    m = n + 2 * more
    up, down = (n_promoters + more / 1.5 * 0.75) / m, (n_detractors + more / 1.5 * 0.75) / m
    centre = up - down
    half = float(ndtri(0.5 + level / 2)) * np.sqrt((up + down - centre**2) / m)
    return Figure(
        (n_promoters - n_detractors) / n,
        max(centre - half, -1.0),
        min(centre + half, 1.0),
        n,
    )


def top_box(scores: ArrayLike, n: ArrayLike, best: float, level: float = 0.95) -> Figure:
    """Return the share of answers in the two best points of a scale that ends at `best`."""
    values, counts = np.asarray(scores, np.float64), np.asarray(n, np.int64)
    total, top = int(counts.sum()), int(counts[values > best - 2 + 1e-9].sum())
    interval = wilson(top, total, level)
    value = top / total if total else float("nan")
    return Figure(value, float(interval.low), float(interval.high), total)


def mean_score(scores: ArrayLike, n: ArrayLike, level: float = 0.95) -> Figure:
    """Return the mean of answers with the interval of Student's t."""
    from scipy.special import stdtrit  # noqa: PLC0415 - most reports have no answers

    values, counts = np.asarray(scores, np.float64), np.asarray(n, np.int64)
    total = int(counts.sum())
    if not total:
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    mean = float(values @ counts / total)
    if total == 1:
        return Figure(mean, float("nan"), float("nan"), 1)
    variance = float(((values - mean) ** 2) @ counts / (total - 1))
    half = float(stdtrit(total - 1, 0.5 + level / 2)) * np.sqrt(variance / total)
    return Figure(mean, mean - half, mean + half, total)
