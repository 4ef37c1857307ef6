"""Repeat buying by NBD on (x, T) cells; the one rule: nobody ever leaves.

x repeat purchase days in the time T since the first purchase. Ehrenberg (1959), The Pattern of
Consumer Purchases, Applied Statistics 8(1): Poisson buying at rates that are Gamma(r, alpha).
The likelihood is that of the purchase times, as in the models with an exit (BG/NBD,
Pareto/NBD), so that criteria may be compared: what an exit explains is the difference.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from csk.stats.bgnbd import Cells
from csk.stats.histories import broadcast, histories, moments
from csk.stats.likelihood import akaike, covariance, maximum, standard_errors

Floats = NDArray[np.float64]

BOX = (np.full(2, -10.0), np.full(2, 10.0))
"""Log-parameters in units of the mean T stay within e^-10 and e^10."""


@dataclass(frozen=True)
class NbdFit:
    """Parameters of NBD, `alpha` in the time unit of the fitted cells.

    `covariance` is that of (ln r, ln alpha), NaN where the information has no inverse.
    `is_at_bound` says that customers do not differ beyond chance (r and alpha without end);
    predictions are usable then, intervals are not. `gradient_norm` is the largest derivative
    in log-parameters per customer.
    """

    r: float
    alpha: float
    covariance: Floats
    log_likelihood: float
    n: float
    gradient_norm: float
    is_converged: bool
    is_at_bound: bool

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of (r, alpha) by the delta method."""
        return standard_errors((self.r, self.alpha), self.covariance)

    @property
    def aic(self) -> float:
        """Akaike's criterion, comparable with every model of purchase times on these cells."""
        return akaike(self.log_likelihood, 2)


def fit(x: ArrayLike, T: ArrayLike, weight: ArrayLike | None = None) -> NbdFit:
    """Fit NBD by maximum likelihood, frequency weights equal to repeated rows.

    Raises ModelError where the data cannot carry it: no customer, nobody with a second
    purchase day, no time in which anybody could have come back.
    """
    unique = histories("NBD", x, 0.0, T, weight)
    n, purchases = float(unique.weight.sum()), float(unique.weight @ unique.x)
    scale = float(np.average(unique.T, weights=unique.weight))
    scaled = unique._replace(T=unique.T / scale)
    mean, shape = moments(unique)
    objective = _Objective(scaled)
    at = max(
        (maximum(objective, np.log([r, r / mean]), *BOX) for r in (shape, 1.0)),
        key=lambda found: found.value,
    )
    r, alpha = (float(p) for p in np.exp(at.theta))
    return NbdFit(
        r=r,
        alpha=alpha * scale,
        covariance=covariance(at.hessian),
        log_likelihood=at.value - purchases * float(np.log(scale)),
        n=n,
        gradient_norm=float(np.max(np.abs(at.gradient))) / n,
        is_converged=at.is_converged and not at.is_at_bound,
        is_at_bound=at.is_at_bound,
    )


def expected_purchases(fitted: NbdFit, x: ArrayLike, T: ArrayLike, t: ArrayLike) -> Floats:
    """Return the expected number of purchase days in (T, T + t], given x until T."""
    x, T, t = broadcast(x, T, t)
    return np.asarray((fitted.r + x) / (fitted.alpha + T) * np.maximum(t, 0.0))


def expected_purchases_new(fitted: NbdFit, t: ArrayLike) -> Floats:
    """Return the expected repeat purchase days of a new customer within t."""
    return expected_purchases(fitted, 0.0, 0.0, t)


class _Objective:
    """The log-likelihood of cells in log-parameters, with its gradient and Hessian."""

    def __init__(self, unique: Cells) -> None:
        self.x, at_x = np.unique(unique.x, return_inverse=True)
        self.w_x = np.bincount(at_x, unique.weight)
        self.T, at_T = np.unique(unique.T, return_inverse=True)
        self.w_T = np.bincount(at_T, unique.weight)
        self.wx_T = np.bincount(at_T, unique.weight * unique.x)

    def __call__(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at (ln r, ln alpha)."""
        r, alpha = (float(value) for value in np.exp(theta))
        w, n, q = self.w_x, float(self.w_x.sum()), r + self.x
        bought, later = r * self.w_T + self.wx_T, 1 / (alpha + self.T)
        logs = np.log1p(self.T / alpha)
        value = w @ gammaln(q) - n * gammaln(r) - bought @ logs
        value -= float(self.wx_T.sum()) * np.log(alpha)
        gradient = np.array(
            [w @ digamma(q) - n * digamma(r) - self.w_T @ logs, n * r / alpha - bought @ later]
        )
        beside = n / alpha - self.w_T @ later
        hessian = np.array(
            [
                [w @ polygamma(1, q) - n * polygamma(1, r), beside],
                [beside, bought @ later**2 - n * r / alpha**2],
            ]
        )
        natural = np.array([r, alpha])
        logged = hessian * np.outer(natural, natural) + np.diag(gradient * natural)
        return float(value), gradient * natural, logged
