"""Whether chances are as large as what comes: in the large, by slope, and bin by bin.

One rule: customers of the same chance lie in the same bin.

Weights are frequencies, unless rows are named by customer (`cluster`): then they may be of any
kind, and errors are those of customers.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtr

from csk.errors import ModelError, UsageError
from csk.stats.blocks import (
    Blocks,
    Floats,
    Ints,
    Rows,
    blocks_of,
    both_classes,
    chances,
    rows,
    within,
)
from csk.stats.intervals import wilson
from csk.stats.likelihood import covariance, maximum
from csk.stats.scoring_rules import LEAST

N_BINS: Final = 10
_BOX: Final = 60.0


class Calibration(NamedTuple):
    """Logit of what came on logit of the chance: intercept 0 and slope 1 are perfect."""

    intercept: float
    slope: float
    intercept_error: float
    slope_error: float
    shift: float
    """The intercept where the slope is held at 1: below 0 where chances are too large."""


class InTheLarge(NamedTuple):
    """How many events were expected, and how many came."""

    observed: float
    expected: float
    std_error: float
    """Of the difference, where chances are right."""

    @property
    def ratio(self) -> float:
        """Observed over expected; NaN where nothing was expected."""
        return self.observed / self.expected if self.expected else float("nan")

    @property
    def z(self) -> float:
        """Observed less expected in standard errors; 0 where neither can differ."""
        off = self.observed - self.expected
        if not self.std_error:
            return float(np.copysign(np.inf, off)) if off else 0.0
        return off / self.std_error

    @property
    def p_value(self) -> float:
        """Chance of so large a difference either way, where chances are right."""
        return float(2.0 * ndtr(-abs(self.z)))


class Bin(NamedTuple):
    """Customers of neighbouring chances: what was foretold, and what came with its interval."""

    n: float
    expected: float
    """Mean chance."""
    observed: float
    """Share to whom the event came."""
    low: float
    high: float


def calibration(
    p: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Calibration:
    """Return intercept and slope of calibration. Cox (1958); Miller et al. (1991).

    Chances of 0 and 1 count as those next to them. With `cluster` errors are of the sandwich over
    customers. Refused: one class only, a constant chance, chances that separate the classes.
    """
    of = rows((p,), event, weight, cluster)
    parts = within(blocks_of(of))
    theta, inverse = fitted(parts)
    if of.cluster is not None:
        inverse = inverse @ _meat(of, of.cluster, theta) @ inverse
    (intercept, slope), errors = map(float, theta), np.sqrt(np.diag(inverse))
    return Calibration(intercept, slope, float(errors[0]), float(errors[1]), _shift(parts))


def fitted(of: Blocks) -> tuple[Floats, Floats]:
    """Return (intercept, slope) of the logistic of events on the logit of chances; covariance."""
    _refuse_unidentified(both_classes(of))
    x, n = logits(of.score), of.events + of.others
    columns = np.stack([np.ones(len(x)), x])

    def objective(theta: Floats) -> tuple[float, Floats, Floats]:
        eta = theta @ columns
        fit = expit(eta)
        value = float((of.events * eta - n * np.logaddexp(0.0, eta)).sum())
        hessian = -(columns * (n * fit * (1.0 - fit))) @ columns.T
        return value, np.asarray(columns @ (of.events - n * fit)), np.asarray(hessian)

    low, high = np.full(2, -_BOX), np.full(2, _BOX)
    top = maximum(objective, np.array([0.0, 1.0]), low, high)
    if top.is_at_bound or not top.is_converged:
        raise ModelError("Chances and outcomes leave the slope of calibration undecided.")
    return top.theta, covariance(top.hessian)


def logits(p: Floats) -> Floats:
    """Return the logit of chances, finite also at 0 and 1."""
    return np.asarray(logit(np.clip(p, LEAST, 1.0 - LEAST)))


def in_the_large(
    p: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> InTheLarge:
    """Return how many events were observed and how many expected.

    The variance is the sum of p (1 - p), as in Spiegelhalter (1986); with `cluster` it is that of
    the sums over customers. One class only is no obstacle.
    """
    of = rows((p,), event, weight, cluster)
    parts = within(blocks_of(of))
    chance, n = parts.score, parts.events + parts.others
    variance = float((n * chance * (1.0 - chance)).sum())
    if of.cluster is not None:
        sums = np.bincount(of.cluster, of.weight * (of.event - of.scores[:, 0]))
        variance = float((sums * sums).sum())
    return InTheLarge(parts.n_events, float((n * chance).sum()), float(np.sqrt(variance)))


def reliability(
    p: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    n_bins: int = N_BINS,
    level: float = 0.95,
    effect: float = 1.0,
) -> tuple[Bin, ...]:
    """Return bins of as equal mass as ties allow, the smallest chances first.

    A block of equal chances lies in the bin of its middle; bins that hold nobody are left out.
    Intervals are Wilson's; `effect` is the design effect by which rows are fewer than they seem.
    """
    of = chances(p, event, weight)
    mass, sums, came = _binned(of, n_bins)
    low, high = wilson(np.minimum(came, mass) / effect, mass / effect, level)
    columns = (mass, sums / mass, came / mass, low, high)
    return tuple(Bin(*map(float, row)) for row in zip(*columns, strict=True))


def calibration_error(
    p: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None, n_bins: int = N_BINS
) -> float:
    """Return the expected calibration error (ECE) over bins of equal mass, ties kept together.

    The mean distance of share and mean chance by bin. Naeini, Cooper and Hauskrecht (2015), eq. 3,
    who cut by width. Above 0 by chance alone: see `calibration_noise`.
    """
    mass, sums, came = _binned(chances(p, event, weight), n_bins)
    return float(np.abs(came - sums).sum() / mass.sum())


def calibration_noise(
    p: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None, n_bins: int = N_BINS
) -> float:
    """Return the calibration error to be expected of perfect chances of as many rows.

    Of each bin the mean of |N(0, variance)|, that is sqrt(2 / pi) of its standard deviation.
    """
    of = chances(p, event, weight)
    n = of.events + of.others
    variance = np.add.reduceat(n * of.score * (1.0 - of.score), _borders(of, n_bins))
    return float(np.sqrt(2.0 / np.pi) * np.sqrt(variance).sum() / of.n)


def _binned(of: Blocks, n_bins: int) -> tuple[Floats, Floats, Floats]:
    """Return mass, sum of chances and events by bin."""
    n, first = of.events + of.others, _borders(of, n_bins)
    mass, sums, came = (np.add.reduceat(v, first) for v in (n, n * of.score, of.events))
    return mass, sums, came


def _borders(of: Blocks, n_bins: int) -> NDArray[np.intp]:
    """Return the first block of each bin that holds somebody."""
    if n_bins < 1:
        raise UsageError("Reliability needs at least one bin.")
    n = of.events + of.others
    middle = (np.cumsum(n) - n / 2.0) / n.sum()
    bin_ = np.minimum((middle * n_bins).astype(np.int64), n_bins - 1)
    return np.flatnonzero(np.r_[True, bin_[1:] != bin_[:-1]])


def _shift(of: Blocks) -> float:
    """Return the intercept that makes chances add up to events, the slope being 1."""
    x, n = logits(of.score), of.events + of.others

    def objective(theta: Floats) -> tuple[float, Floats, Floats]:
        eta = theta[0] + x
        fit = expit(eta)
        value = float((of.events * eta - n * np.logaddexp(0.0, eta)).sum())
        gradient = np.array([(of.events - n * fit).sum()])
        return value, gradient, np.array([[-(n * fit * (1.0 - fit)).sum()]])

    return float(maximum(objective, np.zeros(1), np.full(1, -_BOX), np.full(1, _BOX)).theta[0])


def _meat(of: Rows, cluster: Ints, theta: Floats) -> Floats:
    """Return the sum over customers of the outer products of their scores."""
    x = logits(of.scores[:, 0])
    off = of.weight * (of.event - expit(theta[0] + theta[1] * x))
    sums = np.stack([np.bincount(cluster, off), np.bincount(cluster, off * x)])
    return np.asarray(sums @ sums.T)


def _refuse_unidentified(of: Blocks) -> None:
    x = logits(of.score)
    came, stayed = x[of.events > 0], x[of.others > 0]
    if x[0] == x[-1]:
        raise ModelError("All chances are alike, so there is no slope of calibration.")
    if stayed[-1] <= came[0] or came[-1] <= stayed[0]:
        raise ModelError(
            "The chances separate those to whom the event came from the others without overlap, "
            "so the slope of calibration has no end."
        )
