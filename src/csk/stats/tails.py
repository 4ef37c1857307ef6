"""Tails: parametric hazards per period, fitted to exposures and exits.

One rule: the likelihood is that of each period given survival to it, so late entry and censoring
need nothing more than exposures. Families are fitted in the logarithms of their parameters by
damped Fisher scoring with analytic slopes; whatever the counts, the result is finite.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError, UsageError
from csk.stats.continuous import CONTINUOUS, starts
from csk.stats.families import FAMILIES, HIGHEST_HAZARD, LOWEST_HAZARD, Family
from csk.stats.survival import Floats

EVERY_FAMILY: Final = {**FAMILIES, **CONTINUOUS}
EVENTS_A_PARAMETER = 10
"""A family is a candidate when every parameter beyond the first has this many events."""

_PRIOR_PRECISION = 0.1
_MOST_STEPS, _LONGEST_MOVE, _NO_WAY_UP, _CLOSE = 120, 2.0, 1e9, 1e-9


class TailFit(NamedTuple):
    """One fitted family."""

    family: str
    params: tuple[float, ...]
    """Natural parameters, in the order of the family's formula in `csk.stats.families`."""
    covariance: Floats
    """(k, k) of the logarithms of the parameters."""
    log_likelihood: float
    aic: float
    n_events: int
    gradient_norm: float
    """Largest slope per event in a log-parameter, 0 across a bound that holds the fit."""
    weight: float = 1.0
    """Akaike weight among the candidates it was fitted with."""


def hazards(of: TailFit, n_periods: int) -> Floats:
    """Give the fitted probability of leaving in periods 1 to `n_periods`, of those there."""
    return family_hazards(of.family, np.log(np.array(of.params)), n_periods)


def family_hazards(family: str, log_params: Floats, n_periods: int) -> Floats:
    """Give hazards (..., n_periods) of a family at log-parameters (..., k)."""
    t = np.arange(1.0, n_periods + 1.0)
    raw = _known(family).hazard(np.asarray(log_params, np.float64), t)
    return -np.expm1(-np.clip(raw, LOWEST_HAZARD, HIGHEST_HAZARD))


def _known(family: str) -> Family:
    if family not in EVERY_FAMILY:
        names = ", ".join(EVERY_FAMILY)
        raise UsageError(f"{family!r} is not a tail", hint=f"Choose one of {names}.")
    return EVERY_FAMILY[family]


def log_likelihood(hazard: Floats, exposed: Floats, left: Floats) -> Floats:
    """Give sum d log h + (n - d) log(1 - h) for hazards (..., P) below 1."""
    h = np.clip(hazard, LOWEST_HAZARD, -np.expm1(-HIGHEST_HAZARD))
    terms = left * np.log(h) + (exposed - left) * np.log1p(-h)
    return np.asarray(terms.sum(axis=-1))


def fit(family: str, exposed: ArrayLike, left: ArrayLike) -> TailFit:
    """Fit a family by maximum likelihood to exposures (P,) and exits (P,) of periods 1 to P.

    `left` may be (P, n_causes). Where nobody or everybody left no likelihood has a maximum:
    whatever the family asked for, the result is the geometric one with Jeffreys' prior,
    h = (events + 1/2) / (exposed + 1). Refused where nobody was exposed.
    """
    n, d = _observed(exposed, left)
    _known(family)
    return _jeffreys(n, d) if _is_lopsided(n, d) else _fitted(family, n, d, {})


def _fitted(family: str, n: Floats, d: Floats, so_far: dict[str, TailFit]) -> TailFit:
    """Fit from every start and keep the best; what is fitted on the way goes to `so_far`."""
    if family not in so_far:
        model = EVERY_FAMILY[family]
        if family in CONTINUOUS:
            begin = starts(family, _pooled_rate(n, d, slice(None)))
        else:
            begin = _starts(family, n, d, so_far)
        begin = [np.clip(start, model.low, model.high) for start in begin]
        tops = [_ascent(model, start, n, d) for start in begin]
        so_far[family] = _summary(family, max(tops, key=lambda top: top[0])[1], n, d)
    return so_far[family]


def _observed(exposed: ArrayLike, left: ArrayLike) -> tuple[Floats, Floats]:
    n = np.asarray(exposed, np.float64).ravel()
    d = np.asarray(left, np.float64)
    d = d.sum(axis=1) if d.ndim > 1 else d
    if len(n) != len(d):
        raise UsageError("exposed and left must have one value per period")
    if (d < 0.0).any() or (d > n * (1.0 + 1e-9)).any():
        raise UsageError("in every period, exits must lie between 0 and the exposure")
    if not n.sum() > 0.0:
        raise ModelError("Nobody was at risk, so no survival curve can be drawn.")
    return n, d


def _is_lopsided(n: Floats, d: Floats) -> bool:
    return bool(d.sum() <= 0.0 or d.sum() >= n.sum() * (1.0 - 1e-9))


def _jeffreys(n: Floats, d: Floats) -> TailFit:
    events = float(d.sum())
    h = (events + 0.5) / (float(n.sum()) + 1.0)
    rate = -float(np.log1p(-h))
    score = float(log_likelihood(np.full(len(n), h), n, d))
    covariance = np.array([[1.0 / (events + 0.5)]])
    return TailFit("geometric", (rate,), covariance, score, 2.0 - 2.0 * score, int(events), 0.0)


def _starts(family: str, n: Floats, d: Floats, so_far: dict[str, TailFit]) -> list[Floats]:
    """Begin at average hazards; a richer family at its neighbours' best points."""
    mean = _pooled_rate(n, d, slice(None))
    third = max(len(n) // 3, 1)
    early, late = _pooled_rate(n, d, slice(third)), _pooled_rate(n, d, slice(-third, None))
    if family == "geometric":
        return [np.log([mean])]
    if family == "discrete_weibull":
        return [np.log([mean, 1.0])]
    if family == "sbg":
        return [np.log([mean * k, k]) for k in (3.0, 300.0)]
    if family == "plateau":
        return [np.log([late, early, speed]) for speed in (0.05, 0.2)]
    if family == "bdw":
        sbg = _fitted("sbg", n, d, so_far).params
        curved = _fitted("discrete_weibull", n, d, so_far).params
        return [np.log([*sbg, 1.0]), np.log([30.0 * curved[0], 30.0, curved[1]])]
    bdw = _fitted("bdw", n, d, so_far).params
    return [np.log([*bdw, 0.02 * mean]), np.log([*bdw, 0.5 * late])]


def _pooled_rate(n: Floats, d: Floats, periods: slice) -> float:
    """Give the rate of some periods together, never 0 nor infinite."""
    exits, exposed = float(d[periods].sum()), float(n[periods].sum())
    return -float(np.log1p(-min((exits + 0.5) / (exposed + 1.0), 0.999)))


def _ascent(model: Family, start: Floats, n: Floats, d: Floats) -> tuple[float, Floats]:
    """Climb to the maximum inside the bounds: Fisher scoring, damped until each step gains.

    Ends where the next step promises less than 1e-9 of log-likelihood.
    """
    t = np.arange(1.0, len(n) + 1.0)
    low, high = np.array(model.low), np.array(model.high)
    here, damping = start, 1e-3
    score, slope, information = _score(model, here, t, n, d)
    for _ in range(_MOST_STEPS):
        free = np.flatnonzero(~_held(low, high, here, slope))
        inner = information[free[:, None], free]
        own = inner.diagonal()
        inner.flat[:: len(free) + 1] += damping * own + 1e-12 * (1.0 + inner.trace())
        move = np.zeros(len(here))
        move[free] = np.linalg.solve(inner, slope[free])
        # Shortened as a whole: the parameters' moves answer each other.
        move *= _LONGEST_MOVE / max(float(np.abs(move).max()), _LONGEST_MOVE)
        if damping > _NO_WAY_UP or (damping < 1.0 and float(move @ slope) < _CLOSE):
            break
        there = np.minimum(np.maximum(here + move, low), high)
        tried = _score(model, there, t, n, d)
        if tried[0] >= score:
            here, damping = there, max(damping * 0.1, 1e-12)
            score, slope, information = tried
        else:
            damping = max(damping * 10.0, 1e-6)
    return score, here


def _held(low: Floats, high: Floats, log_params: Floats, slope: Floats) -> NDArray[np.bool_]:
    """Say which parameters a bound keeps from climbing further."""
    at_low = (log_params <= low) & (slope < 0.0)
    return np.asarray(at_low | (log_params >= high) & (slope > 0.0))


def _score(
    model: Family, log_params: Floats, t: Floats, n: Floats, d: Floats
) -> tuple[float, Floats, Floats]:
    """Give the log-likelihood, its gradient and the expected information."""
    raw, by_param = model.hazard(log_params, t), model.slopes(log_params, t)
    hazard = np.clip(raw, LOWEST_HAZARD, HIGHEST_HAZARD)
    odds_against = np.expm1(hazard)
    score = float(np.sum(d * np.log(-np.expm1(-hazard)) - (n - d) * hazard))
    slope = by_param.T @ (d / odds_against - (n - d))
    information = (by_param.T * (n / odds_against)) @ by_param
    return score, slope, information


def _summary(family: str, log_params: Floats, n: Floats, d: Floats) -> TailFit:
    model = EVERY_FAMILY[family]
    t = np.arange(1.0, len(n) + 1.0)
    score, slope, information = _score(model, log_params, t, n, d)
    # A weak prior in place of an infinite variance along directions that no exit speaks about.
    covariance = np.linalg.inv(information + _PRIOR_PRECISION * np.eye(model.n_params))
    held = _held(np.array(model.low), np.array(model.high), log_params, slope)
    slack = float(np.abs(np.where(held, 0.0, slope)).max() / d.sum())
    params = tuple(float(v) for v in np.exp(log_params))
    aic = 2.0 * model.n_params - 2.0 * score
    return TailFit(
        family, params, 0.5 * (covariance + covariance.T), score, aic, int(d.sum()), slack
    )


def candidates(
    exposed: ArrayLike, left: ArrayLike, families: Iterable[str] = FAMILIES
) -> tuple[TailFit, ...]:
    """Fit those of the families that the data can carry, best AIC first, with Akaike weights.

    A family of k parameters needs k periods with exposure and 10 (k - 1) events; the geometric
    one is always there. Weights are exp(-AIC / 2), scaled to 1 (Burnham and Anderson 2002).
    """
    n, d = _observed(exposed, left)
    if _is_lopsided(n, d):
        return (_jeffreys(n, d),)
    watched, events = int((n > 0.0).sum()), float(d.sum())
    so_far: dict[str, TailFit] = {}
    fits = [
        _fitted(name, n, d, so_far)
        for name in families
        if (k := _known(name).n_params) == 1
        or (watched >= k and events >= EVENTS_A_PARAMETER * (k - 1))
    ]
    fits.sort(key=lambda one: one.aic)
    raw = np.exp(-0.5 * (np.array([one.aic for one in fits]) - fits[0].aic))
    return tuple(
        one._replace(weight=float(w)) for one, w in zip(fits, raw / raw.sum(), strict=True)
    )


def discounted_lifetime(a: float, b: float, discount: float) -> float:
    """Give the expected discounted payments of a new sBG customer, the first of them now.

    DEL = 2F1(1, b; a + b; 1 / (1 + d)) (Fader and Hardie 2010), d per period. Refused at
    d = 0 with a <= 1, where it is infinite.
    """
    return _discounted_sum(a, b, discount)


def discounted_residual_lifetime(a: float, b: float, discount: float, n_payments: int) -> float:
    """Give the expected discounted payments to come after `n_payments`, the next one due now.

    DERL = (b + n - 1)/(a + b + n - 1) 2F1(1, b + n; a + b + n; 1/(1 + d)) (Fader and Hardie
    2010), whether the next payment will come included in the chance. Refused as above.
    """
    retained = (b + n_payments - 1.0) / (a + b + n_payments - 1.0)
    return retained * _discounted_sum(a, b + n_payments, discount)


def _discounted_sum(a: float, b: float, discount: float) -> float:
    from scipy.special import hyp2f1  # noqa: PLC0415 - only these two need it

    if discount < 0.0 or (discount == 0.0 and a <= 1.0):
        raise UsageError("an undiscounted endless lifetime diverges where a <= 1")
    return float(hyp2f1(1.0, b, a + b, 1.0 / (1.0 + discount)))
