"""Repeat buying by BG/NBD on (x, t_x, T) cells; the one rule: equal customers are one cell.

x repeat purchase days, t_x the time from the first purchase to the last, T the time from the
first purchase to the end of the log, all in one time unit of the caller's choice.
Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2);
equation numbers are those of that paper.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, expit, gammaln, hyp2f1, polygamma

from csk.errors import ModelError
from csk.stats.beta_nodes import beta_nodes
from csk.stats.likelihood import Maximum, Objective, covariance, maximum, standard_errors

Floats = NDArray[np.float64]

COARSE_CELLS = 20_000
"""The first walk goes over about this many cells, the last steps over all of them."""


class Cells(NamedTuple):
    """Distinct (x, t_x, T) in ascending order, each with the number of customers in it.

    `unit` is the width in the caller's time unit to which t_x and T were pooled (1: exact);
    a pooled cell holds the means of its members.
    """

    x: Floats
    t_x: Floats
    T: Floats
    weight: Floats
    unit: int


@dataclass(frozen=True)
class BgNbdFit:
    """Parameters of BG/NBD, times in the unit of the fitted cells.

    `covariance` is that of (ln r, ln alpha, ln a, ln b), NaN where the information has no
    inverse. `is_at_bound` says that the data do not identify a parameter (for instance nobody
    ever leaves); predictions are usable then, intervals are not. `gradient_norm` is the
    largest derivative in log-parameters per customer.
    """

    r: float
    alpha: float
    a: float
    b: float
    covariance: Floats
    log_likelihood: float
    n: float
    gradient_norm: float
    is_converged: bool
    is_at_bound: bool

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of (r, alpha, a, b) by the delta method."""
        return standard_errors((self.r, self.alpha, self.a, self.b), self.covariance)


def cells(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weight: ArrayLike | None = None,
    max_cells: int | None = None,
) -> Cells:
    """Return the distinct (x, t_x, T), sorted, with summed weights.

    Beyond `max_cells` times are pooled to 7, 14, 28, ... units (x is never pooled) until they
    fit, and `unit` says so. Row order does not matter to the last bit.
    """
    exact = _distinct(*_columns(x, t_x, T, weight), unit=1)
    pooled, unit = exact, 7
    while max_cells is not None and len(pooled.x) > max_cells and unit < np.max(exact.T, initial=0):
        pooled = _distinct(exact.x, exact.t_x, exact.T, exact.weight, unit=unit)
        unit *= 2
    return pooled


def fit(x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weight: ArrayLike | None = None) -> BgNbdFit:
    """Fit BG/NBD by maximum likelihood (eq. 6), frequency weights equal to repeated rows.

    Raises ModelError where the data cannot carry it: no customer, nobody with a second
    purchase day, no time in which anybody could have come back.
    """
    unique = _distinct(*_columns(x, t_x, T, weight), unit=1)
    n = float(unique.weight.sum())
    _refuse_thin(unique, n)
    scale = float(np.average(unique.T, weights=unique.weight))
    scaled = unique._replace(t_x=unique.t_x / scale, T=unique.T / scale)
    low, high = np.full(4, -10.0), np.full(4, 10.0)
    stride = max(1, len(unique.x) // COARSE_CELLS)
    taken = slice(stride // 2, None, stride)
    columns = (scaled.x, scaled.t_x, scaled.T, scaled.weight)
    x, t_x, T, weight = (column[taken] for column in columns)
    sparse = _Objective(Cells(x, t_x, T, weight, unit=1))
    begun = max(
        (maximum(sparse, np.log(start), low, high) for start in _starts(unique)),
        key=lambda at: at.value,
    )
    best = begun if stride == 1 else maximum(_Objective(scaled), begun.theta, low, high, steps=15)
    return _named(best, scale, n, float(unique.weight @ unique.x))


def p_alive(fitted: BgNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
    """Return P(still a buyer at T | x, t_x, T); 1 for x = 0, where the model has no exit.

    Fader, Hardie and Lee (2008), "Computing P(alive) Using the BG/NBD Model", eq. 1.
    """
    x, t_x, T = _broadcast(x, t_x, T)
    return np.where(x > 0, expit(-_log_odds_gone(fitted, x, t_x, T)), 1.0)


def expected_purchases(
    fitted: BgNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, t: float
) -> Floats:
    """Return the expected number of purchase days in (T, T + t], given (x, t_x, T) (eq. 10).

    0 at t = 0 and rising in t. What does not depend on t_x is computed once per distinct
    (x, T), so a million customers cost little more than their cells.
    """
    x, t_x, T = _broadcast(x, t_x, T)
    pairs, back = np.unique(x + 1j * T, return_inverse=True)
    while_alive = _expected_while_alive(fitted, pairs.real, pairs.imag, t)[back.reshape(x.shape)]
    return np.asarray(while_alive * p_alive(fitted, x, t_x, T))


def expected_purchases_new(fitted: BgNbdFit, t: ArrayLike) -> Floats:
    """Return the expected repeat purchase days of a new customer within t (eq. 9)."""
    times = np.asarray(t, np.float64)
    zero = np.zeros(1)
    expected = [_expected_while_alive(fitted, zero, zero, float(s))[0] for s in times.ravel()]
    return np.array(expected).reshape(times.shape)


def _columns(
    x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weight: ArrayLike | None
) -> tuple[Floats, Floats, Floats, Floats]:
    x, t_x, T = _broadcast(x, t_x, T)
    if np.any(x < 0) or np.any(t_x < 0) or np.any(t_x > T) or not np.all(np.isfinite(T)):
        raise ModelError(
            "BG/NBD needs 0 <= t_x <= T and x >= 0 for every customer.",
            hint="Purchases after the end of the log must be left out.",
        )
    counts = np.ones(x.shape) if weight is None else np.asarray(weight, np.float64)
    return x, t_x, T, counts


def _broadcast(*columns: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.broadcast_arrays(*(np.asarray(column, np.float64) for column in columns)))


def _distinct(x: Floats, t_x: Floats, T: Floats, weight: Floats, unit: int) -> Cells:
    """Merge rows equal in x and, in steps of `unit`, in t_x and T."""
    if len(x) == 0:
        return Cells(x, t_x, T, weight, unit)
    keys = (x, t_x, T) if unit == 1 else (x, np.ceil(t_x / unit), np.ceil(T / unit))
    order = _order(keys)
    if order is not None:
        x, t_x, T, weight = x[order], t_x[order], T[order], weight[order]
        keys = (keys[0][order], keys[1][order], keys[2][order])
    fresh = np.ones(len(x), bool)
    fresh[1:] = (np.diff(keys[0]) != 0) | (np.diff(keys[1]) != 0) | (np.diff(keys[2]) != 0)
    if fresh.all():
        return Cells(x, t_x, T, weight, unit)
    first = np.flatnonzero(fresh)
    total = np.add.reduceat(weight, first)
    if unit == 1:
        return Cells(x[first], t_x[first], T[first], total, unit)
    t_x, T = (np.add.reduceat(times * weight, first) / total for times in (t_x, T))
    return Cells(x[first], t_x, T, total, unit)


def _order(keys: tuple[Floats, Floats, Floats]) -> NDArray[np.intp] | None:
    """Return the order that sorts by the three keys, None where they are sorted already."""
    x, t_x, T = keys
    up, level = np.diff(x), np.diff(t_x)
    if np.all((up > 0) | ((up == 0) & ((level > 0) | ((level == 0) & (np.diff(T) >= 0))))):
        return None
    tops = [float(key.max()) + 1 for key in keys]
    if all(np.all(key == np.floor(key)) for key in keys) and np.prod(tops) < 2.0**62:
        packed = (x.astype(np.int64) * int(tops[1]) + t_x.astype(np.int64)) * int(tops[2])
        return np.argsort(packed + T.astype(np.int64), kind="stable")
    return np.lexsort((T, t_x, x))


def _refuse_thin(unique: Cells, n: float) -> None:
    if n <= 0:
        raise ModelError("There is no customer to fit a repeat-buying model on.")
    if not np.any(unique.T > 0):
        raise ModelError(
            "Every customer's first purchase is on the last day of the log: nobody had time to "
            "come back.",
            hint="Give a log that covers more than one day.",
        )
    if not np.any(unique.x > 0):
        raise ModelError(
            f"None of {n:.0f} customers bought on a second day: repeat buying cannot be fitted.",
            hint="Give a longer log, or check that customer ids repeat.",
        )


def _starts(unique: Cells) -> list[Floats]:
    """Return starting values (r, alpha, a, b) in units of the mean T."""
    mean = float(unique.weight @ unique.x / unique.weight.sum())
    spread = float(unique.weight @ (unique.x - mean) ** 2 / unique.weight.sum())
    r = float(np.clip(mean**2 / max(spread - mean, mean / 10), 0.05, 10.0))
    return [
        np.array([r, r / mean / 1.5, 1.0, 3.0]),
        np.array([1.0, 1.0 / mean, 0.5, 0.5]),
        np.array([r, r / mean, 0.5, 50.0]),
    ]


def _named(at: Maximum, scale: float, n: float, purchases: float) -> BgNbdFit:
    """Translate a maximum in scaled time back to the caller's time unit."""
    r, alpha, a, b = (float(p) for p in np.exp(at.theta))
    norm = float(np.max(np.abs(at.gradient))) / n
    return BgNbdFit(
        r=r,
        alpha=alpha * scale,
        a=a,
        b=b,
        covariance=covariance(at.hessian),
        log_likelihood=at.value - purchases * float(np.log(scale)),
        n=n,
        gradient_norm=norm,
        is_converged=at.is_converged and not at.is_at_bound,
        is_at_bound=at.is_at_bound,
    )


def objective(unique: Cells) -> Objective:
    """Return the log-likelihood of cells at (ln r, ln alpha, ln a, ln b), with derivatives."""
    return _Objective(unique)


class _Objective:
    """The log-likelihood of cells in log-parameters, with its gradient and Hessian.

    Gamma functions once per distinct x, logarithms once per distinct T and t_x; sums by einsum,
    which unlike a BLAS product does not depend on the number of threads.
    """

    def __init__(self, unique: Cells) -> None:
        self.x, at_x = np.unique(unique.x, return_inverse=True)
        self.w_x = np.bincount(at_x, unique.weight)
        buying = unique.x > 0
        self.w = unique.weight[buying]
        self.buys = unique.x[buying]
        self.T, at_T = np.unique(unique.T, return_inverse=True)
        self.w_T = np.bincount(at_T, unique.weight)
        self.wx_T = np.bincount(at_T, unique.weight * unique.x)
        self.t_x, self.at_t_x = np.unique(unique.t_x[buying], return_inverse=True)
        self.at_x, self.at_T = at_x[buying], at_T[buying]

    def __call__(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at (ln r, ln alpha, ln a, ln b)."""
        natural = np.exp(theta)
        value, gradient, hessian = self._never_leaving(*natural)
        gone_value, gone_gradient, gone_hessian = self._leaving(*natural)
        gradient, hessian = gradient + gone_gradient, hessian + gone_hessian
        logged = hessian * np.outer(natural, natural) + np.diag(gradient * natural)
        return value + gone_value, gradient * natural, logged

    def _never_leaving(
        self, r: float, alpha: float, a: float, b: float
    ) -> tuple[float, Floats, Floats]:
        """Sum w ln of the first term of eq. 6: still buying at T."""
        x, w, n = self.x, self.w_x, self.w_x.sum()
        q, later = r + x, alpha + self.T
        value = w @ (gammaln(q) + gammaln(b + x) - gammaln(a + b + x))
        value += n * (gammaln(a + b) - gammaln(b) - gammaln(r) + r * np.log(alpha))
        value -= (r * self.w_T + self.wx_T) @ np.log(later)
        both = n * digamma(a + b) - w @ digamma(a + b + x)
        total_q = r * self.w_T + self.wx_T
        gradient = np.array(
            [
                w @ digamma(q) - n * (digamma(r) - np.log(alpha)) - self.w_T @ np.log(later),
                n * r / alpha - total_q @ (1 / later),
                both,
                both + w @ digamma(b + x) - n * digamma(b),
            ]
        )
        hessian = np.zeros((4, 4))
        hessian[0, 0] = w @ polygamma(1, q) - n * polygamma(1, r)
        hessian[0, 1] = hessian[1, 0] = n / alpha - self.w_T @ (1 / later)
        hessian[1, 1] = -n * r / alpha**2 + total_q @ (1 / later**2)
        hessian[2:, 2:] = n * polygamma(1, a + b) - w @ polygamma(1, a + b + x)
        hessian[3, 3] += w @ polygamma(1, b + x) - n * polygamma(1, b)
        return float(value), gradient, hessian

    def _leaving(self, r: float, alpha: float, a: float, b: float) -> tuple[float, Floats, Floats]:
        """Sum w softplus(z), z the log odds of having left right after the last purchase."""
        w, at_T, at_t_x = self.w, self.at_T, self.at_t_x
        q, k = r + self.buys, b + self.x - 1
        k[self.x == 0] = 1.0
        d_r = np.log(alpha + self.T)[at_T] - np.log(alpha + self.t_x)[at_t_x]
        per_T, per_t_x = 1 / (alpha + self.T), 1 / (alpha + self.t_x)
        slope = per_T[at_T] - per_t_x[at_t_x]
        d_alpha = q * slope
        d_b = (-1 / k)[self.at_x]
        z = (np.log(a) - np.log(k))[self.at_x] + q * d_r
        sigma = expit(z)
        value = _dot(w, np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z))))
        ws = w * sigma
        total = float(ws.sum())
        gradient = np.array([_dot(ws, d_r), _dot(ws, d_alpha), total / a, _dot(ws, d_b)])
        hessian = np.zeros((4, 4))
        hessian[0, 1] = hessian[1, 0] = _dot(ws, slope)
        hessian[1, 1] = _dot(ws * q, (per_t_x**2)[at_t_x] - (per_T**2)[at_T])
        hessian[2, 2] = -total / a**2
        hessian[3, 3] = _dot(ws, d_b * d_b)
        wv = ws * (1 - sigma)
        sides = (d_r, d_alpha, None, d_b)
        for i, one in enumerate(sides):
            weighted = wv / a if one is None else wv * one
            for j, other in enumerate(sides[: i + 1]):
                term = float(weighted.sum()) / a if other is None else _dot(weighted, other)
                hessian[i, j] += term
                hessian[j, i] += term if i != j else 0.0
        return value, gradient, hessian


def _dot(left: Floats, right: Floats) -> float:
    return float(np.einsum("i,i->", left, right))


def _log_odds_gone(fitted: BgNbdFit, x: Floats, t_x: Floats, T: Floats) -> Floats:
    r, alpha, a, b = fitted.r, fitted.alpha, fitted.a, fitted.b
    k = np.where(x > 0, b + x - 1, 1.0)
    ratio = np.log1p((T - t_x) / (alpha + t_x))
    return np.asarray(np.log(a) - np.log(k) + (r + x) * ratio)


def _expected_while_alive(fitted: BgNbdFit, x: Floats, T: Floats, t: float) -> Floats:
    """Return E[purchases in (T, T + t] | still a buyer at T].

    Euler's transformation of eq. 10 leaves no power of x: with e = a - 1 it is
    (C / e) [1 - (1 - z)^e 2F1(e, b + e - r; C; z)], C = a + b + x - 1, z = t / (alpha + T + t).
    At a = 1 that is 0/0: a cubic through four neighbours of a stands in near it.
    """
    if t <= 0:
        return np.zeros(x.shape)
    e, h = fitted.a - 1, 1e-3
    if abs(e) >= h:
        found = _euler(fitted, x, T, t, e)
    else:
        nodes = np.array([-2.0, -1.0, 1.0, 2.0]) * h
        shares = [np.prod([(e - o) / (m - o) for o in nodes if o != m]) for m in nodes]
        found = sum(s * _euler(fitted, x, T, t, m) for s, m in zip(shares, nodes, strict=True))
    rough = ~np.isfinite(found) | (found < 0)
    if rough.any():
        found[rough] = _quadrature(fitted, x[rough], T[rough], t)
    return np.asarray(found)


def _euler(fitted: BgNbdFit, x: Floats, T: Floats, t: float, e: float) -> Floats:
    c = e + fitted.b + x
    z = t / (fitted.alpha + T + t)
    # 0 x inf where a is huge: the caller takes the quadrature where this is not finite.
    with np.errstate(all="ignore"):
        left = np.exp(e * np.log1p(-z)) * hyp2f1(e, fitted.b + e - fitted.r, c, z)
        return np.asarray(c * (1 - left) / e)


def _quadrature(fitted: BgNbdFit, x: Floats, T: Floats, t: float) -> Floats:
    """Integrate over the dropout probability by 64 Gauss-Jacobi nodes: never not finite."""
    found = np.empty(x.shape)
    for count in np.unique(x):
        rows = x == count
        p, share = beta_nodes(fitted.a, fitted.b + float(count))
        growth = np.log1p(np.outer(t / (fitted.alpha + T[rows]), p))
        found[rows] = (-np.expm1(-(fitted.r + count) * growth) / p) @ share
    return found
