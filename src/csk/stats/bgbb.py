"""Buying or not on n numbered occasions by BG/BB; the one rule: equal customers are one cell.

x occasions bought on out of n, t_x the number of the last of them (0 where there is none);
occasions before the first purchase do not count. Yearly donations, events, issues: whatever can
happen once an occasion, while the customer may leave for good before any of them.
Fader, Hardie and Shang (2010), Customer-Base Analysis in a Discrete-Time Noncontractual
Setting, Marketing Science 29(6). Paper letters: buying is Beta(alpha, beta), leaving
Beta(gamma, delta).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError, UsageError
from csk.stats.bgnbd import Cells, cells
from csk.stats.histories import broadcast
from csk.stats.likelihood import akaike, covariance, maximum, standard_errors

Floats = NDArray[np.float64]

STARTS = ((1.0, 1.0, 0.5, 3.0), (0.5, 0.5, 0.5, 0.5), (3.0, 6.0, 2.0, 20.0))


@dataclass(frozen=True)
class BgBbFit:
    """Parameters of BG/BB.

    `covariance` is that of (ln alpha, ln beta, ln gamma, ln delta), NaN where the information
    has no inverse. `is_at_bound` says that the data do not identify a parameter; predictions
    are usable then, intervals are not. `gradient_norm` is the largest derivative in
    log-parameters per customer.
    """

    alpha: float
    beta: float
    gamma: float
    delta: float
    covariance: Floats
    log_likelihood: float
    n: float
    gradient_norm: float
    is_converged: bool
    is_at_bound: bool

    @property
    def theta(self) -> Floats:
        """The parameters in the order (alpha, beta, gamma, delta)."""
        return np.array([self.alpha, self.beta, self.gamma, self.delta])

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of (alpha, beta, gamma, delta) by the delta method."""
        return standard_errors(self.theta, self.covariance)

    @property
    def aic(self) -> float:
        """Akaike's criterion, comparable with models of the same occasions only."""
        return akaike(self.log_likelihood, 4)


def fit(x: ArrayLike, t_x: ArrayLike, n: ArrayLike, weight: ArrayLike | None = None) -> BgBbFit:
    """Fit BG/BB by maximum likelihood, frequency weights equal to repeated rows.

    Raises ModelError where the data cannot carry it: no customer, no occasion, nobody who ever
    bought again.
    """
    unique = _occasions(x, t_x, n, weight)
    customers = float(unique.weight.sum())
    _refuse_thin(unique, customers)
    objective = _Objective(unique)
    low, high = np.full(4, -10.0), np.full(4, 10.0)
    at = max(
        (maximum(objective, np.log(start), low, high) for start in STARTS),
        key=lambda found: found.value,
    )
    alpha, beta, gamma, delta = (float(p) for p in np.exp(at.theta))
    return BgBbFit(
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        delta=delta,
        covariance=covariance(at.hessian),
        log_likelihood=at.value,
        n=customers,
        gradient_norm=float(np.max(np.abs(at.gradient))) / customers,
        is_converged=at.is_converged and not at.is_at_bound,
        is_at_bound=at.is_at_bound,
    )


def p_alive(fitted: BgBbFit, x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> Floats:
    """Return P(still there on occasion n + 1 | x, t_x, n).

    Leaving falls before an occasion: this is below 1 even for those who bought on the last one.
    """
    x, t_x, n = broadcast(x, t_x, n)
    stays = (fitted.delta + n) / (fitted.gamma + fitted.delta + n)
    return np.asarray(stays * _there_so_far(fitted, x, t_x, n))


def expected_purchases(
    fitted: BgBbFit, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, ahead: int
) -> Floats:
    """Return the expected purchases on occasions n + 1 to n + `ahead`, given (x, t_x, n)."""
    x, t_x, n = broadcast(x, t_x, n)
    seen, back = np.unique(n, return_inverse=True)
    occasions = np.array([_survival(fitted, float(k), ahead).sum() for k in seen])
    there = _there_so_far(fitted, x, t_x, n)
    return np.asarray(_rate(fitted, x, n) * occasions[back.reshape(n.shape)] * there)


def expected_purchases_new(fitted: BgBbFit, n: ArrayLike) -> Floats:
    """Return the expected purchases of a new customer on the first n occasions."""
    occasions = np.asarray(n, np.int64)
    farthest = int(np.max(occasions, initial=0))
    summed = np.append(0.0, np.cumsum(_survival(fitted, 0.0, farthest)))
    return np.asarray(
        fitted.alpha / (fitted.alpha + fitted.beta) * summed[np.maximum(occasions, 0)]
    )


def discounted_purchases(
    fitted: BgBbFit, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, rate: float
) -> Floats:
    """Return the expected purchases after n without end, discounted by 1 + rate an occasion (DERT).

    Eq. 14; the next occasion counts 1 / (1 + rate). Refused at a rate of 0 where gamma <= 1:
    undiscounted, such a customer is worth infinitely much.
    """
    if rate < 0.0 or (rate == 0.0 and fitted.gamma <= 1.0):
        raise UsageError(
            "purchases without end cannot be summed undiscounted where gamma <= 1",
            hint="Give a discount rate above 0, or a horizon.",
        )
    x, t_x, n = broadcast(x, t_x, n)
    seen, back = np.unique(n, return_inverse=True)
    occasions = _discounted_occasions(fitted, seen, rate)
    there = _there_so_far(fitted, x, t_x, n)
    return np.asarray(_rate(fitted, x, n) * occasions[back.reshape(n.shape)] * there)


def _occasions(x: ArrayLike, t_x: ArrayLike, n: ArrayLike, weight: ArrayLike | None) -> Cells:
    x, t_x, n = broadcast(x, t_x, n)
    whole = all(np.all(column == np.floor(column)) for column in (x, t_x, n))
    if not whole or not np.all((x >= 0) & (x <= t_x) & (t_x <= n) & ((x > 0) | (t_x == 0))):
        raise ModelError(
            "BG/BB needs whole numbers 0 <= x <= t_x <= n for every customer.",
            hint="Count one purchase at most on each occasion.",
        )
    return cells(x, t_x, n, weight)


def _refuse_thin(unique: Cells, customers: float) -> None:
    bought = unique.weight > 0
    if customers <= 0:
        raise ModelError("There is no customer to fit a repeat-buying model on.")
    if not np.any(unique.T[bought] > 0):
        raise ModelError(
            "Nobody had an occasion to buy again.", hint="Give a log of more than one occasion."
        )
    if not np.any(unique.x[bought] > 0):
        raise ModelError(
            f"None of {customers:.0f} customers bought again: repeat buying cannot be fitted.",
            hint="Give a longer log, or check that customer ids repeat.",
        )


def _rate(fitted: BgBbFit, x: Floats, n: Floats) -> Floats:
    """Return the probability of a purchase on an occasion of those still there."""
    return np.asarray((fitted.alpha + x) / (fitted.alpha + fitted.beta + n))


def _survival(fitted: BgBbFit, n: float, ahead: int) -> Floats:
    """Return P(still there on occasion n + k | there on n), k = 1 ... `ahead`."""
    k = np.arange(ahead) + fitted.delta + n
    return np.asarray(np.cumprod(k / (k + fitted.gamma)))


def _discounted_occasions(fitted: BgBbFit, n: Floats, rate: float) -> Floats:
    """Return the discounted occasions still to be there for, of those there on occasion n.

    With b = delta + n, the sum of eq. 14 is b / (1 + rate) times the integral over y > 0 of
    (1 + y)^-gamma (1 + y rate / (1 + rate))^-(b + 1), here by the trapezoid in
    ln y = pi / 2 sinh(t): 2F1 of SciPy is not finite for b in the hundreds, and wrong for small b
    at gamma = 1.
    """
    b = fitted.delta + n
    if rate == 0.0:
        return np.asarray(b / (fitted.gamma - 1))
    t, step = np.linspace(-5.0, 14.0, 501, retstep=True)
    log_y = np.pi / 2 * np.sinh(t)
    decay = log_y - fitted.gamma * np.logaddexp(0.0, log_y)
    leaving = np.logaddexp(0.0, np.log(rate / (1 + rate)) + log_y)
    density = np.exp(decay - np.multiply.outer(b + 1, leaving))
    return np.asarray(b / (1 + rate) * (density @ np.cosh(t)) * (np.pi / 2 * step))


def _there_so_far(fitted: BgBbFit, x: Floats, t_x: Floats, n: Floats) -> Floats:
    """Return P(still there on occasion n | x, t_x, n)."""
    unique = _occasions(x.ravel(), t_x.ravel(), n.ravel(), None)
    terms = _Terms(unique)
    _, share = terms.posterior(terms.logs(_Rising(fitted.theta, terms.farthest)))
    # Cells are sorted by (x, t_x, n): one number tells a customer's cell.
    size = float(np.max(n, initial=0.0)) + 1
    known = (unique.x * size + unique.t_x) * size + unique.T
    place = np.searchsorted(known, (x * size + t_x) * size + n)
    return np.asarray(share[terms.last][place])


class _Rising:
    """Logarithms of (p)(p + 1) ... (p + j - 1), j = 0, 1, ..., and their two derivatives.

    One row a parameter: alpha, beta, alpha + beta, gamma, delta, gamma + delta. Sums of
    logarithms, so nothing cancels however large p is.
    """

    def __init__(self, theta: Floats, farthest: int) -> None:
        alpha, beta, gamma, delta = theta
        parameters = np.array([alpha, beta, alpha + beta, gamma, delta, gamma + delta])
        factors = parameters[:, None] + np.arange(farthest + 1)
        self.log, self.slope, self.curve = (
            np.concatenate([np.zeros((6, 1)), np.cumsum(part, axis=1)], axis=1)
            for part in (np.log(factors), 1 / factors, -1 / factors**2)
        )


class _Terms:
    """Each cell's ways of having come about: left after occasion k = t_x ... n - 1, or not yet.

    One row a way, a cell's ways together, the last of them "not yet" (k = n).
    """

    def __init__(self, unique: Cells) -> None:
        x, t_x, n = (column.astype(np.int64) for column in (unique.x, unique.t_x, unique.T))
        ways = n - t_x + 1
        self.farthest = int(n.max(initial=0)) + 1
        self.last = np.cumsum(ways) - 1
        self.first = self.last - ways + 1
        self.cell = np.repeat(np.arange(len(x)), ways)
        self.x = x[self.cell]
        self.k = np.arange(len(self.cell)) - self.first[self.cell] + t_x[self.cell]
        self.left = np.ones(len(self.cell), np.int64)
        self.left[self.last] = 0

    def parts(self, table: Floats) -> tuple[Floats, ...]:
        """Look the six factors of a term up in a table of `_Rising`."""
        x, k, left = self.x, self.k, self.left
        a, b, ab, c, d, cd = table
        return a[x], b[k - x], ab[k], c[left], d[k], cd[k + left]

    def logs(self, rising: _Rising) -> Floats:
        """Return ln of the probability of each way."""
        a, b, ab, c, d, cd = self.parts(rising.log)
        return np.asarray(a + b - ab + c + d - cd)

    def posterior(self, logs: Floats) -> tuple[Floats, Floats]:
        """Return ln L of each cell and the share of each way in it."""
        top = np.maximum.reduceat(logs, self.first) if len(self.first) else logs
        ratio = np.exp(logs - top[self.cell])
        total = self.sums(ratio)
        return top + np.log(total), ratio / total[self.cell]

    def sums(self, of_ways: Floats) -> Floats:
        """Add up the ways of each cell."""
        return np.bincount(self.cell, of_ways, len(self.first)).astype(np.float64)


class _Objective:
    """The log-likelihood of cells in log-parameters, with its gradient and Hessian."""

    def __init__(self, unique: Cells) -> None:
        self.terms = _Terms(unique)
        self.weight = unique.weight

    def __call__(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at (ln alpha, ..., ln delta)."""
        natural = np.exp(theta)
        terms, rising = self.terms, _Rising(natural, self.terms.farthest)
        values, share = terms.posterior(terms.logs(rising))
        shared = share * self.weight[terms.cell]
        a, b, ab, c, d, cd = terms.parts(rising.slope)
        slopes = np.array([a - ab, b - ab, c - cd, d - cd])
        means = np.array([terms.sums(share * slope) for slope in slopes])
        curves = np.array([_dot(shared, curve) for curve in terms.parts(rising.curve)])
        hessian = np.diag(curves[[0, 1, 3, 4]])
        hessian[:2, :2] -= curves[2]
        hessian[2:, 2:] -= curves[5]
        for i in range(4):
            for j in range(i + 1):
                both = _dot(shared * slopes[i], slopes[j])
                both -= _dot(self.weight * means[i], means[j])
                hessian[i, j] += both
                hessian[j, i] += both if i != j else 0.0
        gradient = np.array([_dot(self.weight, mean) for mean in means])
        logged = hessian * np.outer(natural, natural) + np.diag(gradient * natural)
        return _dot(self.weight, values), gradient * natural, logged


def _dot(left: Floats, right: Floats) -> float:
    return float(np.einsum("n,n->", left, right))
