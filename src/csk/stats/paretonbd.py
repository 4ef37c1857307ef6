"""Repeat buying by Pareto/NBD on (x, t_x, T) cells; the one rule: a customer may leave any day.

x repeat purchase days, t_x the time from the first purchase to the last, T the time from the
first purchase to the end of the log, all in one time unit of the caller's choice.
Schmittlein, Morrison and Colombo (1987), Counting Your Customers, Management Science 33(1);
the expressions are those of Fader and Hardie (2005), A Note on Deriving the Pareto/NBD Model
and Related Expressions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, expit, exprel, gammaln, polygamma

from csk.errors import UsageError
from csk.stats.bgnbd import Cells
from csk.stats.histories import broadcast, histories, moments
from csk.stats.likelihood import Maximum, Objective, akaike, covariance, maximum, standard_errors
from csk.stats.paretonbd_integral import Histories, leaving, log_odds_gone

Floats = NDArray[np.float64]

COARSE_CELLS = 4_000
"""The first walk goes over about this many cells, the last steps over all of them."""


BOX = (np.full(4, -10.0), np.full(4, 10.0))
"""Log-parameters in units of the mean T stay within e^-10 and e^10."""


@dataclass(frozen=True)
class ParetoNbdFit:
    """Parameters of Pareto/NBD, `alpha` and `beta` in the time unit of the fitted cells.

    `covariance` is that of (ln r, ln alpha, ln s, ln beta), NaN where the information has no
    inverse. `is_at_bound` says that the data do not identify a parameter (for instance nobody
    ever leaves); predictions are usable then, intervals are not. `gradient_norm` is the
    largest derivative in log-parameters per customer.
    """

    r: float
    alpha: float
    s: float
    beta: float
    covariance: Floats
    log_likelihood: float
    n: float
    gradient_norm: float
    is_converged: bool
    is_at_bound: bool

    @property
    def theta(self) -> Floats:
        """The parameters in the order (r, alpha, s, beta)."""
        return np.array([self.r, self.alpha, self.s, self.beta])

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of (r, alpha, s, beta) by the delta method."""
        return standard_errors(self.theta, self.covariance)

    @property
    def aic(self) -> float:
        """Akaike's criterion, comparable with every model of purchase times on these cells."""
        return akaike(self.log_likelihood, 4)


def fit(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weight: ArrayLike | None = None,
    start: ParetoNbdFit | None = None,
) -> ParetoNbdFit:
    """Fit Pareto/NBD by maximum likelihood, frequency weights equal to repeated rows.

    `start` is a fit to begin at (that of the whole sample in a bootstrap): a third of the time.

    Raises ModelError where the data cannot carry it: no customer, nobody with a second
    purchase day, no time in which anybody could have come back.
    """
    unique = histories("Pareto/NBD", x, t_x, T, weight)
    n = float(unique.weight.sum())
    scale = float(np.average(unique.T, weights=unique.weight))
    scaled = unique._replace(t_x=unique.t_x / scale, T=unique.T / scale)
    begun = _begun(scaled, scale, start)
    best = maximum(_Objective(scaled), begun, *BOX)
    return _named(best, scale, n, float(unique.weight @ unique.x))


def p_alive(fitted: ParetoNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
    """Return P(still a buyer at T | x, t_x, T); 1 for a purchase at T itself."""
    x, t_x, T = broadcast(x, t_x, T)
    flat = Histories(x.ravel(), t_x.ravel(), T.ravel())
    return np.asarray(expit(-log_odds_gone(fitted.theta, flat)).reshape(x.shape))


def expected_purchases(
    fitted: ParetoNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, t: ArrayLike
) -> Floats:
    """Return the expected number of purchase days in (T, T + t], given (x, t_x, T).

    0 at t = 0 and rising in t; smooth at s = 1. Any shape of `t` that broadcasts with the rest.
    """
    x, t_x, T = broadcast(x, t_x, T)
    rate = (fitted.r + x) / (fitted.alpha + T)
    return np.asarray(rate * _expected_lifetime(fitted, T, t) * p_alive(fitted, x, t_x, T))


def expected_purchases_new(fitted: ParetoNbdFit, t: ArrayLike) -> Floats:
    """Return the expected repeat purchase days of a new customer within t."""
    times = np.asarray(t, np.float64)
    return np.asarray(fitted.r / fitted.alpha * _expected_lifetime(fitted, np.zeros(()), times))


def discounted_purchases(
    fitted: ParetoNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, rate: float
) -> Floats:
    """Return the expected purchase days after T without end, discounted by exp(-rate t) (DERT).

    `rate` is continuous, per time unit of the fit: ln(1.15) / 52 for 15 % a year in weeks.
    Fader, Hardie and Lee (2005), RFM and CLV, Journal of Marketing Research 42(4).
    Refused at a rate of 0 where s <= 1: undiscounted, such a customer is worth infinitely much.
    """
    if rate < 0.0 or (rate == 0.0 and fitted.s <= 1.0):
        raise UsageError(
            "purchases without end cannot be summed undiscounted where s <= 1",
            hint="Give a discount rate above 0, or a horizon.",
        )
    x, t_x, T = broadcast(x, t_x, T)
    until, back = np.unique(T, return_inverse=True)
    years = (fitted.beta + until) * _discounted_decay(fitted.s, rate * (fitted.beta + until))
    purchases = (fitted.r + x) / (fitted.alpha + T) * years[back.reshape(T.shape)]
    return np.asarray(purchases * p_alive(fitted, x, t_x, T))


def _expected_lifetime(fitted: ParetoNbdFit, T: Floats, t: ArrayLike) -> Floats:
    """Return the expected time as a buyer within t of those who are buyers at T."""
    since = fitted.beta + T
    span = np.log1p(np.maximum(np.asarray(t, np.float64), 0.0) / since)
    return np.asarray(since * span * exprel((1 - fitted.s) * span))


def _discounted_decay(s: float, zeta: Floats) -> Floats:
    """Return U(1, 2 - s, zeta): the integral of exp(-zeta v) (1 + v)^-s over v > 0.

    Gauss-Legendre in ln(1 + v), cut where the integrand is below 1e-17 of its mass: hyperu of
    SciPy loses digits where zeta is small and s near an integer.
    """
    at, by = np.polynomial.legendre.leggauss(96)
    with np.errstate(divide="ignore"):
        end = np.minimum(np.log1p(40.0 / zeta), 40.0 / (s - 1) if s > 1 else np.inf)
    p = np.outer(end / 2, 1 + at)
    return np.asarray(np.exp((1 - s) * p - zeta[:, None] * np.expm1(p)) @ by * end / 2)


def _begun(scaled: Cells, scale: float, start: ParetoNbdFit | None) -> Floats:
    """Return where to begin on all cells: a given fit, or the best walk over a part of them."""
    if start is not None:
        return np.asarray(np.log(start.theta / np.array([1.0, scale, 1.0, scale])))
    stride = max(1, len(scaled.x) // COARSE_CELLS)
    taken = slice(stride // 2, None, stride)
    x, t_x, T, weight = (column[taken] for column in scaled[:4])
    sparse = _Objective(Cells(x, t_x, T, weight, unit=1))
    walks = [maximum(sparse, np.log(at), *BOX) for at in _starts(scaled)]
    return max(walks, key=lambda walk: walk.value).theta


def _starts(unique: Cells) -> list[Floats]:
    """Return starting values (r, alpha, s, beta) in units of the mean T."""
    mean, r = moments(unique)
    return [
        np.array([r, r / mean / 1.5, 0.6, 0.5]),
        np.array([1.0, 0.7 / mean, 2.0, 2.0]),
        np.array([r, r / mean, 0.3, 5.0]),
    ]


def _named(at: Maximum, scale: float, n: float, purchases: float) -> ParetoNbdFit:
    """Translate a maximum in scaled time back to the caller's time unit."""
    r, alpha, s, beta = (float(p) for p in np.exp(at.theta))
    norm = float(np.max(np.abs(at.gradient))) / n
    return ParetoNbdFit(
        r=r,
        alpha=alpha * scale,
        s=s,
        beta=beta * scale,
        covariance=covariance(at.hessian),
        log_likelihood=at.value - purchases * float(np.log(scale)),
        n=n,
        gradient_norm=norm,
        is_converged=at.is_converged and not at.is_at_bound,
        is_at_bound=at.is_at_bound,
    )


def objective(unique: Cells) -> Objective:
    """Return the log-likelihood of cells at (ln r, ln alpha, ln s, ln beta), with derivatives."""
    return _Objective(unique)


class _Objective:
    """The log-likelihood of cells in log-parameters, with its gradient and Hessian.

    ln L is ln of the likelihood of a customer who is still a buyer at T plus ln(1 + odds of
    having left): gamma functions once per distinct x, logarithms once per distinct T, the
    integral once per cell.
    """

    def __init__(self, unique: Cells) -> None:
        self.x, at_x = np.unique(unique.x, return_inverse=True)
        self.w_x = np.bincount(at_x, unique.weight)
        self.T, at_T = np.unique(unique.T, return_inverse=True)
        self.w_T = np.bincount(at_T, unique.weight)
        self.wx_T = np.bincount(at_T, unique.weight * unique.x)
        silent = unique.t_x < unique.T
        self.silent = Histories(unique.x[silent], unique.t_x[silent], unique.T[silent])
        self.weight = unique.weight[silent]

    def __call__(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at (ln r, ln alpha, ln s, ln beta)."""
        natural = np.exp(theta)
        value, gradient, hessian = self._never_leaving(*natural)
        gone_value, gone_gradient, gone_hessian = leaving(natural, self.silent, self.weight)
        gradient, hessian = gradient + gone_gradient, hessian + gone_hessian
        logged = hessian * np.outer(natural, natural) + np.diag(gradient * natural)
        return value + gone_value, gradient * natural, logged

    def _never_leaving(
        self, r: float, alpha: float, s: float, beta: float
    ) -> tuple[float, Floats, Floats]:
        """Sum w ln of the likelihood of those still buying at T."""
        w, n = self.w_x, float(self.w_x.sum())
        q, bought = r + self.x, r * self.w_T + self.wx_T
        by_alpha, by_beta = 1 / (alpha + self.T), 1 / (beta + self.T)
        log_alpha, log_beta = np.log1p(self.T / alpha), np.log1p(self.T / beta)
        value = w @ gammaln(q) - n * gammaln(r) - bought @ log_alpha - s * (self.w_T @ log_beta)
        value -= float(self.wx_T.sum()) * np.log(alpha)
        gradient = np.array(
            [
                w @ digamma(q) - n * digamma(r) - self.w_T @ log_alpha,
                n * r / alpha - bought @ by_alpha,
                -(self.w_T @ log_beta),
                n * s / beta - s * (self.w_T @ by_beta),
            ]
        )
        hessian = np.zeros((4, 4))
        hessian[0, 0] = w @ polygamma(1, q) - n * polygamma(1, r)
        hessian[0, 1] = hessian[1, 0] = n / alpha - self.w_T @ by_alpha
        hessian[1, 1] = bought @ by_alpha**2 - n * r / alpha**2
        hessian[2, 3] = hessian[3, 2] = n / beta - self.w_T @ by_beta
        hessian[3, 3] = s * (self.w_T @ by_beta**2) - n * s / beta**2
        return float(value), gradient, hessian
