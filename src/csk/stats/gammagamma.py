"""Spend per purchase day by Gamma-Gamma; the one rule: only positive averages are fitted on.

Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value"; equation numbers are those
of that note. Where the model cannot be fitted, linear credibility stands in.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from csk.errors import ModelError
from csk.stats.likelihood import covariance, maximum, standard_errors

Floats = NDArray[np.float64]

MOST_FITTED = 200_000
"""More customers than this are thinned to it: the interval is then that of the thinned fit."""

FEWEST_FITTED = 30
"""With fewer customers than this three parameters are guesswork: credibility stands in."""


@dataclass(frozen=True)
class GammaGammaFit:
    """Parameters of Gamma-Gamma, `gamma` in the unit of the fitted money.

    `covariance` is that of (ln p, ln q, ln gamma), NaN where there is none. `n` customers went
    into the fit, each standing for `thinning` of those given; `n_excluded` had no purchase or
    an average that was not positive.
    """

    p: float
    q: float
    gamma: float
    covariance: Floats
    log_likelihood: float
    n: float
    n_excluded: float
    thinning: int
    is_converged: bool

    @property
    def population_mean(self) -> float:
        """Expected spend of a customer of whom nothing is known; infinite for q <= 1."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else float("inf")

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of (p, q, gamma) by the delta method."""
        return standard_errors((self.p, self.q, self.gamma), self.covariance)


@dataclass(frozen=True)
class CredibilityFit:
    """Bühlmann and Straub's credibility: an average weighs x / (x + k) against the mean of all.

    `k` is the variance within customers over that between them; infinite where customers do
    not differ beyond chance.
    """

    population_mean: float
    k: float
    n: float
    n_excluded: float


SAME = 1e-12
"""Shares 1 / x that vary by less than this are those of equally many purchases."""

SpendFit = GammaGammaFit | CredibilityFit


class _Spenders(NamedTuple):
    """Customers with a positive average: purchases, average and weight, sorted."""

    x: Floats
    mean: Floats
    weight: Floats
    n_excluded: float


def fit(x: ArrayLike, mean_spend: ArrayLike, weight: ArrayLike | None = None) -> GammaGammaFit:
    """Fit Gamma-Gamma by maximum likelihood (eq. 1a) on x purchases averaging `mean_spend`.

    Customers with x = 0 or an average that is not positive are left out and counted. Above
    200,000 rows every k-th in the order of (x, mean) is taken, so row order does not matter.
    Raises ModelError where nothing is left or every average is the same.
    """
    spenders = _spenders(x, mean_spend, weight)
    if len(spenders.x) == 0:
        raise ModelError("No customer has a positive average spend: spend cannot be fitted.")
    if np.ptp(spenders.mean) <= 1e-9 * spenders.mean[0]:
        raise ModelError(
            "Every customer spends the same per purchase: there is no spread to fit.",
            hint="Use the plain average.",
        )
    scale = float(np.average(spenders.mean, weights=spenders.weight))
    stride = -(-len(spenders.x) // MOST_FITTED)
    taken = slice(stride // 2, None, stride)
    objective = _Objective(spenders.x[taken], spenders.mean[taken] / scale, spenders.weight[taken])
    low, high = np.full(3, -12.0), np.full(3, 12.0)
    starts = ((1.0, 2.0, 1.0), (6.0, 4.0, 0.5), (50.0, 3.0, 0.05))
    at = max(
        (maximum(objective, np.log(start), low, high) for start in starts),
        key=lambda found: found.value,
    )
    p, q, gamma = (float(value) for value in np.exp(at.theta))
    n = float(spenders.weight[taken].sum())
    return GammaGammaFit(
        p=p,
        q=q,
        gamma=gamma * scale,
        covariance=covariance(at.hessian),
        log_likelihood=at.value - n * float(np.log(scale)),
        n=n,
        n_excluded=spenders.n_excluded,
        thinning=stride,
        is_converged=at.is_converged and not at.is_at_bound,
    )


def credibility(
    x: ArrayLike, mean_spend: ArrayLike, weight: ArrayLike | None = None
) -> CredibilityFit:
    """Return the credibility of averages, by moments: E (mean - m)^2 = between + within / x.

    The stand-in for Gamma-Gamma on few customers; the same exclusions, counted.
    """
    spenders = _spenders(x, mean_spend, weight)
    n = float(spenders.weight.sum())
    if n == 0:
        raise ModelError("No customer has a positive average spend: spend cannot be fitted.")
    purchases = spenders.weight * spenders.x
    mean = float(purchases @ spenders.mean / purchases.sum())
    share = 1 / spenders.x
    squared = (spenders.mean - mean) ** 2
    w = spenders.weight / n
    tilt = float(w @ (share - w @ share) ** 2)
    if tilt > SAME:
        within = float(w @ ((share - w @ share) * squared)) / tilt
        between = float(w @ squared) - within * float(w @ share)
    else:
        within = between = float(w @ squared) / 2
    within, between = max(within, 0.0), max(between, 0.0)
    never_own = float("inf") if within > 0 else 0.0
    k = within / between if between > 0 else never_own
    return CredibilityFit(mean, k, n, spenders.n_excluded)


def spend_fit(x: ArrayLike, mean_spend: ArrayLike, weight: ArrayLike | None = None) -> SpendFit:
    """Return Gamma-Gamma where it can be had, credibility where it cannot.

    It cannot on fewer than 30 customers, without spread, without a maximum inside, or with
    q <= 1 (the mean of a new customer would be infinite). The type of the result tells which.
    """
    spenders = _spenders(x, mean_spend, weight)
    if len(spenders.x) and np.ptp(spenders.mean) > 1e-9 * spenders.mean[0]:
        fitted = fit(x, mean_spend, weight) if spenders.weight.sum() >= FEWEST_FITTED else None
        if fitted is not None and fitted.is_converged and fitted.q > 1:
            return fitted
    return credibility(x, mean_spend, weight)


def expected_value(fitted: SpendFit, x: ArrayLike, mean_spend: ArrayLike) -> Floats:
    """Return each customer's expected spend per purchase day, shrunk to that of all (eq. 5).

    x = 0 gives the population's mean, whatever `mean_spend` is there (a null may be NaN); an
    average below zero (refunds) counts as zero.
    """
    n, mean = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(mean_spend, np.float64))
    mean = np.where(n > 0, np.maximum(mean, 0.0), 0.0)
    if isinstance(fitted, CredibilityFit):
        if np.isinf(fitted.k):
            return np.full(n.shape, fitted.population_mean)
        own = n / np.where(n > 0, n + fitted.k, 1.0)
        return np.asarray(own * mean + (1 - own) * fitted.population_mean)
    with np.errstate(divide="ignore"):
        degrees = np.maximum(fitted.p * n + fitted.q - 1, 0.0)
        return np.asarray(fitted.p * (fitted.gamma + n * mean) / degrees)


def _spenders(x: ArrayLike, mean_spend: ArrayLike, weight: ArrayLike | None) -> _Spenders:
    n, mean = np.asarray(x, np.float64), np.asarray(mean_spend, np.float64)
    counts = np.ones(n.shape) if weight is None else np.asarray(weight, np.float64)
    kept = (n > 0) & (mean > 0)
    n_excluded = float(counts[~kept].sum())
    n, mean, counts = n[kept], mean[kept], counts[kept]
    order = np.lexsort((counts, mean, n))
    return _Spenders(n[order], mean[order], counts[order], n_excluded)


class _Objective:
    """The log-likelihood of customers in (ln p, ln q, ln gamma), with gradient and Hessian."""

    def __init__(self, x: Floats, mean: Floats, weight: Floats) -> None:
        self.x, self.at_x = np.unique(x, return_inverse=True)
        self.w_x = np.bincount(self.at_x, weight)
        self.n = float(weight.sum())
        self.each, self.weight = x, weight
        self.total = x * mean
        self.log_total_x = np.bincount(self.at_x, weight * np.log(self.total))
        self.log_mean = float(weight @ np.log(mean))

    def __call__(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at (ln p, ln q, ln gamma)."""
        p, q, gamma = (float(value) for value in np.exp(theta))
        x, w = self.x, self.w_x
        a = p * x
        later = gamma + self.total
        logs = np.bincount(self.at_x, self.weight * np.log(later))
        inverse = np.bincount(self.at_x, self.weight / later)
        square = np.bincount(self.at_x, self.weight / later**2)
        value = w @ (gammaln(a + q) - gammaln(a)) - self.n * (gammaln(q) - q * np.log(gamma))
        value += a @ self.log_total_x - self.log_mean - (a + q) @ logs
        both = digamma(a + q)
        gradient = np.array(
            [
                x @ (w * (both - digamma(a)) + self.log_total_x - logs),
                w @ both + self.n * (np.log(gamma) - digamma(q)) - logs.sum(),
                self.n * q / gamma - (a + q) @ inverse,
            ]
        )
        curve = polygamma(1, a + q)
        hessian = np.array(
            [
                [(w * x**2) @ (curve - polygamma(1, a)), (w * x) @ curve, -x @ inverse],
                [0.0, w @ curve - self.n * polygamma(1, q), self.n / gamma - inverse.sum()],
                [0.0, 0.0, (a + q) @ square - self.n * q / gamma**2],
            ]
        )
        hessian = np.triu(hessian) + np.triu(hessian, 1).T
        natural = np.array([p, q, gamma])
        logged = hessian * np.outer(natural, natural) + np.diag(gradient * natural)
        return float(value), gradient * natural, logged
