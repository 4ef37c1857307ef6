"""Where a smooth log-likelihood is largest; the one rule: the caller brings exact derivatives.

Small dense problems only (three or four parameters, any number of observations): a damped
Newton walk inside a box. Few passes over the observations is what makes the fits cheap.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GAIN = 1e-9
"""A step that promised less than this in log-likelihood was the last one needed."""

RESOLUTION = 1e-13
"""Relative change of a long sum that is rounding, not gain."""

DAMPING = (1e-12, 1e-3, 1e12)
"""Least, first and greatest damping; above the first the walk is in trouble."""

LONGEST = 2.0
"""Longest step of a log-parameter."""

Objective = Callable[[Floats], tuple[float, Floats, Floats]]


class Maximum(NamedTuple):
    """A maximum in a box: where, how high, and whether the walk really arrived.

    `is_at_bound` tells that a parameter ran into the box: the data do not identify it.
    """

    theta: Floats
    value: float
    gradient: Floats
    hessian: Floats
    is_converged: bool
    is_at_bound: bool


def maximum(
    objective: Objective, start: Floats, low: Floats, high: Floats, steps: int = 100
) -> Maximum:
    """Climb from `start` to the maximum of `objective` within the box [low, high].

    `objective(theta)` returns value, gradient and Hessian. Arrived means that the last Newton
    step had less than 1e-9 log-likelihood units to gain. Levenberg damping, so that a Hessian
    that is not negative definite still yields an uphill step of bounded length.
    """
    theta = np.clip(start, low, high)
    value, gradient, hessian = objective(theta)
    least, damping, greatest = DAMPING
    is_converged = False
    for _ in range(steps):
        free = ~(((theta <= low) & (gradient < 0)) | ((theta >= high) & (gradient > 0)))
        if not free.any():
            break
        gain, step = _step(gradient[free], hessian[np.ix_(free, free)], damping)
        trial = theta.copy()
        trial[free] += step
        trial = np.clip(trial, low, high)
        there = objective(trial)
        rounding = RESOLUTION * abs(value)
        if np.isfinite(there[0]) and there[0] >= value - rounding:
            is_flat = gain < GAIN or there[0] <= value + rounding
            is_converged = is_flat and damping <= DAMPING[1]
            theta, (value, gradient, hessian) = trial, there
            damping = max(damping / 10, least)
            if is_converged:
                break
        elif damping > greatest:
            break
        else:
            damping *= 10
    is_at_bound = bool(np.any((theta <= low) | (theta >= high)))
    return Maximum(theta, value, gradient, hessian, is_converged, is_at_bound)


def covariance(hessian: Floats) -> Floats:
    """Return the inverse of the observed information, symmetric; NaN where it has no inverse."""
    information = -(hessian + hessian.T) / 2
    if not np.all(np.isfinite(information)) or np.linalg.eigvalsh(information)[0] <= 0:
        return np.full_like(information, np.nan)
    inverse = np.linalg.inv(information)
    return (inverse + inverse.T) / 2


def standard_errors(theta: Sequence[float] | Floats, covariance: Floats) -> Floats:
    """Return standard errors of parameters, given the covariance of their logarithms (delta)."""
    return np.asarray(np.asarray(theta) * np.sqrt(np.diag(covariance)))


def akaike(log_likelihood: float, n_parameters: int) -> float:
    """Return Akaike's criterion: twice the parameters less twice the log-likelihood."""
    return 2 * n_parameters - 2 * log_likelihood


def _step(gradient: Floats, hessian: Floats, damping: float) -> tuple[float, Floats]:
    """Return what a damped Newton step promises to gain, and the step, bounded in length."""
    information = -hessian
    lift = max(0.0, -float(np.linalg.eigvalsh(information)[0]) * 1.5)
    scale = np.maximum(np.abs(np.diag(information)), 1e-8)
    step = np.linalg.solve(
        information + lift * np.eye(len(gradient)) + damping * np.diag(scale), gradient
    )
    gain = float(gradient @ step) / 2
    longest = float(np.max(np.abs(step)))
    return gain, np.asarray(step * min(1.0, LONGEST / longest) if longest > 0 else step)
