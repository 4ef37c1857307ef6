"""Laws of a time to leaving that runs on, as hazards by period of tenure.

One rule: only whole periods are counted, so each law is the rise of its cumulative hazard over a
period, H_t = L(t) - L(t - 1); its likelihood stands on the same counts as those of
`csk.stats.families`, and their AICs can be compared.

    pareto         S(t) = (1 + t / scale)^-shape             exponential times, gamma rates (Lomax)
    log_normal     S(t) = 1 - Phi((log t - log median) / sigma)
    log_logistic   S(t) = 1 / (1 + (t / median)^shape)

The Weibull of continuous time is `discrete_weibull` there: counted by period they are one.
"""

import numpy as np

from csk.stats.families import Family
from csk.stats.survival import Floats


def _natural(log_params: Floats) -> tuple[Floats, Floats]:
    first, second = np.exp(log_params[..., 0, None]), np.exp(log_params[..., 1, None])
    return first, second


def _pareto(log_params: Floats, t: Floats) -> Floats:
    shape, scale = _natural(log_params)
    return np.asarray(shape * np.log1p(1.0 / (scale + t - 1.0)))


def _pareto_slopes(log_params: Floats, t: Floats) -> Floats:
    shape, scale = _natural(log_params)
    before = scale + t - 1.0
    return np.stack([_pareto(log_params, t), -shape * scale / (before * (before + 1.0))], axis=-1)


def _log_logistic(log_params: Floats, t: Floats) -> Floats:
    return _logistic_rise(log_params, t) - _logistic_rise(log_params, t - 1.0)


def _logistic_rise(log_params: Floats, t: Floats) -> Floats:
    """Return L(t) = log(1 + (t / median)^shape), 0 at 0."""
    shape = np.exp(log_params[..., 1, None])
    z = shape * (_log(t) - log_params[..., 0, None])
    return np.where(t > 0.0, np.logaddexp(0.0, z), 0.0)


def _log_logistic_slopes(log_params: Floats, t: Floats) -> Floats:
    return _logistic_bend(log_params, t) - _logistic_bend(log_params, t - 1.0)


def _logistic_bend(log_params: Floats, t: Floats) -> Floats:
    from scipy.special import expit  # noqa: PLC0415 - only fits pay for it

    shape = np.exp(log_params[..., 1, None])
    z = shape * (_log(t) - log_params[..., 0, None])
    reached = np.where(t > 0.0, expit(z), 0.0)
    return np.stack([-shape * reached, z * reached], axis=-1)


def _log_normal(log_params: Floats, t: Floats) -> Floats:
    return _normal_rise(log_params, t) - _normal_rise(log_params, t - 1.0)


def _normal_rise(log_params: Floats, t: Floats) -> Floats:
    """Return L(t) = -log Phi(-z), 0 at 0."""
    from scipy.special import log_ndtr  # noqa: PLC0415 - only fits pay for it

    return np.where(t > 0.0, -log_ndtr(-_deviate(log_params, t)), 0.0)


def _deviate(log_params: Floats, t: Floats) -> Floats:
    sigma = np.exp(log_params[..., 1, None])
    return np.asarray((_log(t) - log_params[..., 0, None]) / sigma)


def _log_normal_slopes(log_params: Floats, t: Floats) -> Floats:
    return _normal_bend(log_params, t) - _normal_bend(log_params, t - 1.0)


def _normal_bend(log_params: Floats, t: Floats) -> Floats:
    from scipy.special import log_ndtr  # noqa: PLC0415 - only fits pay for it

    z = _deviate(log_params, t)
    pace = np.exp(-0.5 * z * z - log_ndtr(-z)) / np.sqrt(2.0 * np.pi)
    pace = np.where(t > 0.0, pace, 0.0)
    sigma = np.exp(log_params[..., 1, None])
    return np.stack([-pace / sigma, -pace * z], axis=-1)


def _log(t: Floats) -> Floats:
    """Return log t, and 0 where t is 0."""
    return np.log(np.where(t > 0.0, t, 1.0))


CONTINUOUS = {
    "pareto": Family(2, _pareto, _pareto_slopes, (-9.0, -9.0), (12.0, 14.0)),
    "log_normal": Family(2, _log_normal, _log_normal_slopes, (-6.0, -3.0), (20.0, 3.0)),
    "log_logistic": Family(2, _log_logistic, _log_logistic_slopes, (-6.0, -3.0), (20.0, 2.5)),
}


def starts(family: str, mean: float) -> list[Floats]:
    """Return log-parameters to begin a fit at, given the average hazard."""
    if family == "pareto":
        return [np.log([mean * scale, scale]) for scale in (3.0, 300.0)]
    middle = np.log(2.0) / mean
    return [np.log([middle, width]) for width in (1.0, 2.0)]
