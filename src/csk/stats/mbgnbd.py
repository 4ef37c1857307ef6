"""Repeat buying by MBG/NBD and MBG/CNBD-k; the one rule: one may leave right after the first day.

As BG/NBD (`bgnbd`, whose cells and units these are), but the chance to leave follows the first
purchase too, and gaps between purchases may be Erlang-k: more regular than chance for k > 1.
MBG/NBD (k = 1): Batislam, Denizel and Filiztekin (2007), "Empirical validation and comparison of
models for customer base analysis", IJRM 24(3). MBG/CNBD-k: Reutterer, Platzer and
Schröder (2021), "Leveraging purchase regularity for predicting customer behavior the easy way",
IJRM 38(1), with its program BTYDplus.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, digamma, expit, gammaln, polygamma

from csk.errors import ModelError
from csk.stats import bgnbd
from csk.stats.beta_nodes import beta_nodes
from csk.stats.bgnbd import COARSE_CELLS, BgNbdFit, Cells
from csk.stats.erlang import beyond_chance, phase_shares, phases
from csk.stats.histories import broadcast, histories
from csk.stats.likelihood import Maximum, Objective, akaike, covariance, maximum, standard_errors

Floats = NDArray[np.float64]

MAX_K = 6
"""The most regular gaps tried; a fit that chose it may be more regular still."""

UNKNOWN = float("nan")


@dataclass(frozen=True)
class MbgNbdFit:
    """Parameters of MBG/CNBD-k, times in the unit of the fitted cells; MBG/NBD for k = 1.

    A purchase comes at every k-th event of a Poisson process with a Gamma(r, alpha) rate.
    `covariance` is that of (ln r, ln alpha, ln a, ln b) given k, NaN where the information has
    no inverse. `log_likelihood` is NaN for k > 1 where the gaps were not told. `n_parameters`
    counts k where it was chosen. The other fields are those of `BgNbdFit`.
    """

    r: float
    alpha: float
    a: float
    b: float
    k: int
    covariance: Floats
    log_likelihood: float
    n_parameters: int
    n: float
    gradient_norm: float
    is_converged: bool
    is_at_bound: bool

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of (r, alpha, a, b) by the delta method."""
        return standard_errors((self.r, self.alpha, self.a, self.b), self.covariance)

    @property
    def aic(self) -> float:
        """Akaike's criterion: twice the parameters less twice the log-likelihood."""
        return akaike(self.log_likelihood, self.n_parameters)


def fit(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weight: ArrayLike | None = None,
    k: int = 1,
    log_gaps: float | None = None,
) -> MbgNbdFit:
    """Fit MBG/CNBD-k for a known k by maximum likelihood; k = 1 is MBG/NBD.

    `log_gaps` is the sum over all gaps (t_x of one customer is the sum of x of them) of their
    natural logarithm, in the unit of t_x; for k > 1 the likelihood is not comparable without.
    Raises ModelError where the data cannot carry the fit (as `bgnbd.fit`), or k or `log_gaps`
    is impossible.
    """
    unique = histories("MBG/NBD", x, t_x, T, weight)
    return _fits(unique, (k,), log_gaps)[0]


def fit_regular(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    log_gaps: float,
) -> MbgNbdFit:
    """Fit MBG/CNBD-k with the k of 1 to 6 that is likeliest, counted as a fifth parameter.

    `log_gaps` as in `fit`, which it needs: without the gaps no k is likelier than another.
    """
    unique = histories("MBG/NBD", x, t_x, T, weight)
    fits = _fits(unique, tuple(range(1, MAX_K + 1)), log_gaps)
    best = max(fits, key=lambda one: one.log_likelihood)
    return MbgNbdFit(**{**vars(best), "n_parameters": 5})


def p_alive(fitted: MbgNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
    """Return P(still a buyer at T | x, t_x, T); below 1 for x = 0 also, unlike BG/NBD."""
    x, t_x, T = broadcast(x, t_x, T)
    q, u = fitted.r + fitted.k * x, (T - t_x) / (fitted.alpha + T)
    stays = phases(q, u, np.ones_like(u), fitted.k).log_sum
    gone = np.log(fitted.a) - np.log(fitted.b + x)
    gone = gone + q * np.log1p((T - t_x) / (fitted.alpha + t_x))
    return np.asarray(expit(stays - gone))


def p_none(fitted: MbgNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, t: float) -> Floats:
    """Return P(no purchase day in (T, T + t] | x, t_x, T): gone, or the next still to come."""
    x, t_x, T = broadcast(x, t_x, T)
    q, u = fitted.r + fitted.k * x, (T - t_x) / (fitted.alpha + T)
    z = max(t, 0.0) / (fitted.alpha + T + max(t, 0.0))
    shares = phase_shares(q, u, fitted.k)
    buys = sum(
        share * betainc(fitted.k - phase, q + phase, z) for phase, share in enumerate(shares)
    )
    return np.asarray(1.0 - p_alive(fitted, x, t_x, T) * buys)


def expected_purchases(
    fitted: MbgNbdFit, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, t: float
) -> Floats:
    """Return the expected number of purchase days in (T, T + t], given (x, t_x, T).

    0 at t = 0 and rising in t. For k = 1 by the formula of Batislam et al.; for k > 1 that
    formula for events k times as rare, plus what regular gaps add, integrated over the
    probability of leaving. What does not depend on t_x is computed once per distinct (x, T).
    """
    x, t_x, T = broadcast(x, t_x, T)
    pairs, back = np.unique(x + 1j * T, return_inverse=True)
    back = back.reshape(x.shape)
    by_phase = _expected_while_alive(fitted, pairs.real, pairs.imag, t)
    q, u = fitted.r + fitted.k * x, (T - t_x) / (fitted.alpha + T)
    shares = phase_shares(q, u, fitted.k)
    while_alive = sum(
        share * expected[back] for share, expected in zip(shares, by_phase, strict=True)
    )
    return np.asarray(while_alive * p_alive(fitted, x, t_x, T))


def expected_purchases_new(fitted: MbgNbdFit, t: ArrayLike) -> Floats:
    """Return the expected repeat purchase days of a new customer within t."""
    times = np.asarray(t, np.float64)
    expected = [float(expected_purchases(fitted, 0, 0.0, 0.0, float(s))) for s in times.ravel()]
    return np.array(expected).reshape(times.shape)


def _expected_while_alive(fitted: MbgNbdFit, x: Floats, T: Floats, t: float) -> Floats:
    """Return E[purchases in (T, T + t] | still a buyer at T] for each phase: (k, customers).

    One who is still a buyer is to BG/NBD a new customer, whose rate is Gamma(r + kx + phase,
    alpha + T) and whose chance to leave is Beta(a, b + x + 1).
    """
    found = np.zeros((fitted.k, *x.shape))
    if t <= 0:
        return found
    for count in np.unique(x):
        rows = x == count
        q, b, T_here = fitted.r + fitted.k * float(count), fitted.b + float(count) + 1, T[rows]
        for phase in range(fitted.k):
            one = _random_buyer(fitted, q + phase, b)
            found[phase, rows] = bgnbd.expected_purchases(one, 0, 0.0, fitted.k * T_here, t)
        if fitted.k > 1:
            leaving, share = beta_nodes(fitted.a, b)
            tau = t / (fitted.alpha + T_here)
            more = beyond_chance(leaving, tau, q, fitted.k)
            found[:, rows] += np.einsum("jtp,p->jt", more, share)
    return np.maximum(found, 0.0)


def _random_buyer(fitted: MbgNbdFit, q: float, b: float) -> BgNbdFit:
    """Return the BG/NBD of one who buys as often, but at random."""
    return BgNbdFit(
        r=q,
        alpha=fitted.alpha * fitted.k,
        a=fitted.a,
        b=b,
        covariance=fitted.covariance,
        log_likelihood=UNKNOWN,
        n=fitted.n,
        gradient_norm=UNKNOWN,
        is_converged=fitted.is_converged,
        is_at_bound=fitted.is_at_bound,
    )


def _fits(unique: Cells, tried: tuple[int, ...], log_gaps: float | None) -> list[MbgNbdFit]:
    """Fit each k in turn, from BG/NBD's estimates and those of the k before."""
    begun = bgnbd.fit(*unique[:4])
    n, purchases = begun.n, float(unique.weight @ unique.x)
    _refuse_gaps(unique, tried, log_gaps)
    scale = float(np.average(unique.T, weights=unique.weight))
    scaled = unique._replace(t_x=unique.t_x / scale, T=unique.T / scale)
    near = np.log([begun.r, begun.alpha / scale, begun.a, begun.b])
    starts = [np.clip(near, -5.0, 5.0), np.log([1.0, n / purchases, 0.5, 0.5])]
    fits = []
    for k in tried:
        # The same number of purchases from k times as many events.
        rarer = np.array([0.0, np.log(k), 0.0, 0.0])
        at = _highest(scaled, k, [start - rarer for start in starts])
        starts = [at.theta + rarer] if not at.is_at_bound else starts
        fits.append(_named(at, k, scale, n, _constant(k, log_gaps, purchases, scale)))
    return fits


def _refuse_gaps(unique: Cells, tried: tuple[int, ...], log_gaps: float | None) -> None:
    if min(tried) < 1 or max(tried) > MAX_K:
        raise ModelError(f"Gaps between purchases are Erlang-k with k from 1 to {MAX_K}.")
    if log_gaps is None:
        return
    # Of gaps with a given sum, equal ones have the largest logarithms.
    again = unique.x > 0
    x, t_x, weight = unique.x[again], unique.t_x[again], unique.weight[again]
    with np.errstate(divide="ignore"):
        most = float((weight * x) @ np.log(t_x / x))
    if not np.isfinite([log_gaps, most]).all() or log_gaps > most + 1e-6 * (abs(most) + 1):
        raise ModelError(
            "The logarithms of the gaps between purchases do not belong to these purchases.",
            hint="Every gap must be longer than nothing, in the unit of t_x, and weighted alike.",
        )


def _constant(k: int, log_gaps: float | None, purchases: float, scale: float) -> float:
    """Return what the likelihood owes to the single gaps, in the caller's time unit."""
    if k == 1:
        return -purchases * float(np.log(scale))
    if log_gaps is None:
        return UNKNOWN
    each = float(gammaln(k)) + k * float(np.log(scale))
    return (k - 1) * float(log_gaps) - purchases * each


def _highest(scaled: Cells, k: int, starts: list[Floats]) -> Maximum:
    low, high = np.full(4, -10.0), np.full(4, 10.0)
    stride = max(1, len(scaled.x) // COARSE_CELLS)
    taken = slice(stride // 2, None, stride)
    x, t_x, T, weight = (column[taken] for column in scaled[:4])
    sparse = _Objective(Cells(x, t_x, T, weight, unit=1), k)
    begun = max((maximum(sparse, start, low, high) for start in starts), key=lambda at: at.value)
    if stride == 1:
        return begun
    return maximum(_Objective(scaled, k), begun.theta, low, high, steps=15)


def _named(at: Maximum, k: int, scale: float, n: float, constant: float) -> MbgNbdFit:
    """Translate a maximum in scaled time back to the caller's time unit."""
    r, alpha, a, b = (float(p) for p in np.exp(at.theta))
    return MbgNbdFit(
        r=r,
        alpha=alpha * scale,
        a=a,
        b=b,
        k=k,
        covariance=covariance(at.hessian),
        log_likelihood=at.value + constant,
        n_parameters=4,
        n=n,
        gradient_norm=float(np.max(np.abs(at.gradient))) / n,
        is_converged=at.is_converged and not at.is_at_bound,
        is_at_bound=at.is_at_bound,
    )


def objective(unique: Cells) -> Objective:
    """Return the log-likelihood of cells by MBG/NBD (k = 1), as `bgnbd.objective`."""
    return _Objective(unique, 1)


class _Objective:
    """The log-likelihood of cells in log-parameters, with its gradient and Hessian.

    Without what depends on the single gaps. Gamma functions once per distinct x, logarithms once
    per distinct T and t_x; sums by einsum, which does not depend on the number of threads.
    """

    def __init__(self, unique: Cells, k: int) -> None:
        self.k, self.w = k, unique.weight
        self.x, self.at_x = np.unique(unique.x, return_inverse=True)
        self.w_x = np.bincount(self.at_x, unique.weight)
        self.T, self.at_T = np.unique(unique.T, return_inverse=True)
        self.w_T = np.bincount(self.at_T, unique.weight)
        self.wx_T = np.bincount(self.at_T, k * unique.weight * unique.x)
        self.t_x, self.at_t_x = np.unique(unique.t_x, return_inverse=True)
        self.events = k * unique.x
        self.silence = unique.T - unique.t_x

    def __call__(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at (ln r, ln alpha, ln a, ln b)."""
        natural = np.exp(theta)
        value, gradient, hessian = self._staying(*natural)
        more, more_gradient, more_hessian = self._silence(*natural)
        gradient, hessian = gradient + more_gradient, hessian + more_hessian
        logged = hessian * np.outer(natural, natural) + np.diag(gradient * natural)
        return value + more, gradient * natural, logged

    def _staying(self, r: float, alpha: float, a: float, b: float) -> tuple[float, Floats, Floats]:
        """Sum w ln of what those share who stayed: q = r + kx events, x + 1 chances to leave."""
        w, n = self.w_x, self.w_x.sum()
        q, stays, later = r + self.k * self.x, b + self.x + 1, alpha + self.T
        value = w @ (gammaln(q) + gammaln(stays) - gammaln(a + stays))
        value += n * (gammaln(a + b) - gammaln(b) - gammaln(r) + r * np.log(alpha))
        total_q = r * self.w_T + self.wx_T
        value -= total_q @ np.log(later)
        both = n * digamma(a + b) - w @ digamma(a + stays)
        gradient = np.array(
            [
                w @ digamma(q) - n * (digamma(r) - np.log(alpha)) - self.w_T @ np.log(later),
                n * r / alpha - total_q @ (1 / later),
                both,
                both + w @ digamma(stays) - n * digamma(b),
            ]
        )
        hessian = np.zeros((4, 4))
        hessian[0, 0] = w @ polygamma(1, q) - n * polygamma(1, r)
        hessian[0, 1] = hessian[1, 0] = n / alpha - self.w_T @ (1 / later)
        hessian[1, 1] = -n * r / alpha**2 + total_q @ (1 / later**2)
        hessian[2:, 2:] = n * polygamma(1, a + b) - w @ polygamma(1, a + stays)
        hessian[3, 3] += w @ polygamma(1, stays) - n * polygamma(1, b)
        return float(value), gradient, hessian

    def _silence(self, r: float, alpha: float, a: float, b: float) -> tuple[float, Floats, Floats]:
        """Sum w ln (S + e^z): k events not yet reached, or left right after the last purchase."""
        w, at_T, at_t_x, q = self.w, self.at_T, self.at_t_x, r + self.events
        per_T, per_t_x = 1 / (alpha + self.T), 1 / (alpha + self.t_x)
        s = phases(q, self.silence * per_T[at_T], per_T[at_T], self.k)
        ratio = np.log(alpha + self.T)[at_T] - np.log(alpha + self.t_x)[at_t_x]
        slope = per_T[at_T] - per_t_x[at_t_x]
        per_stay = (1 / (b + self.x))[self.at_x]
        z = (np.log(a) - np.log(b + self.x))[self.at_x] + q * ratio
        value = _dot(w, np.logaddexp(z, s.log_sum))
        sigma = expit(z - s.log_sum)
        ws, wl = w * sigma, w * expit(s.log_sum - z)
        away = (ratio - s.d_r, q * slope - s.d_alpha, np.full_like(z, 1 / a), -per_stay)
        gradient = np.array([_dot(ws, one) for one in away])
        gradient[:2] += _dot(w, s.d_r), _dot(w, s.d_alpha)
        hessian = np.zeros((4, 4))
        hessian[0, 0] = _dot(wl, s.d_rr)
        hessian[0, 1] = hessian[1, 0] = _dot(ws, slope) + _dot(wl, s.d_ra)
        curve = q * ((per_t_x**2)[at_t_x] - (per_T**2)[at_T])
        hessian[1, 1] = _dot(ws, curve) + _dot(wl, s.d_aa)
        hessian[2, 2] = -float(ws.sum()) / a**2
        hessian[3, 3] = _dot(ws, per_stay**2)
        wv = wl * sigma
        for i, one in enumerate(away):
            weighted = wv * one
            for j, other in enumerate(away[: i + 1]):
                term = _dot(weighted, other)
                hessian[i, j] += term
                hessian[j, i] += term if i != j else 0.0
        return value, gradient, hessian


def _dot(left: Floats, right: Floats) -> float:
    return float(np.einsum("i,i->", left, right))
