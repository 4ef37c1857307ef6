"""The integral of Pareto/NBD over the time of leaving; the one rule: no term is ever negative.

I = integral from t_x to T of (alpha + y)^-q (beta + y)^-(s + 1) dy with q = r + x: the customer
bought x times, the last at t_x, and left at y. In u = ln((m + y) / (m + t_x)), m the smaller of
alpha and beta, the integrand falls at a rate that changes slowly from its first to its last
value; in v = 1 - exp(-c u), c a sixth of the first rate, it is nearly a polynomial of degree 5.
Gauss-Legendre nodes in v therefore see it to 1e-11 with 12 nodes and to 1e-13 with 24, whether
alpha or beta is larger, at any x; and every derivative of ln I is a moment over the same nodes.
"""

from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

DEGREE = 6
"""A constant rate of fall is a polynomial of this degree less one in v, hence exact."""

FITTING, PREDICTING = 12, 24
"""Nodes: error of the log odds below 1e-10 in ordinary fits and below 1e-12 anywhere."""

GAUSS = {n: leggauss(n) for n in (FITTING, PREDICTING)}

SHORTEST = 1e-100
"""A silence that is no longer is none: its chances are too small for numbers."""

BLOCK = 4096
"""Cells worked on at a time: their nodes fit a processor's cache."""


class Histories(NamedTuple):
    """Customers by cell: x purchases, the last at t_x, watched until T."""

    x: Floats
    t_x: Floats
    T: Floats


class Nodes(NamedTuple):
    """Times of leaving y at which the integrand is looked at, one column a cell.

    `share` is each node's part of the integral (columns sum to 1), `log_alpha` and `log_beta` are
    ln((alpha + y) / (alpha + t_x)) and the same with beta, `passed` is y - t_x and `log_mass`
    the logarithm of I over the integrand at t_x.
    """

    share: Floats
    log_alpha: Floats
    log_beta: Floats
    passed: Floats
    log_mass: Floats


def nodes(theta: Floats, of: Histories, n: int) -> Nodes:
    """Return `n` nodes a cell (FITTING or PREDICTING); t_x < T in all of them.

    `theta` is (r, alpha, s, beta), each one number or one a cell.
    """
    r, alpha, s, beta = theta
    low, high = np.minimum(alpha, beta) + of.t_x, np.maximum(alpha, beta) + of.t_x
    at, by = GAUSS[n]
    q, is_alpha_low = r + of.x, alpha <= beta
    over_low, over_high = np.where(is_alpha_low, (q, 0 * q + s + 1), (0 * q + s + 1, q))
    rate = (over_low + over_high * (low / high) - 1) / DEGREE
    rate = np.where(rate == 0, 1e-12, rate)
    whole = -np.expm1(-rate * np.log1p((of.T - of.t_x) / low))
    u = np.log1p(np.multiply.outer((1 + at) / 2, -whole)) / -rate
    passed = np.expm1(u) * low
    beside = np.log1p(passed / high)
    density = np.exp((rate + 1 - over_low) * u - over_high * beside) * (by / 2)[:, None]
    mass = density.sum(axis=0)
    log_alpha = np.where(is_alpha_low, u, beside)
    log_beta = np.where(is_alpha_low, beside, u)
    return Nodes(density / mass, log_alpha, log_beta, passed, np.log(mass * (whole / rate) * low))


def log_odds_gone(theta: Floats, of: Histories) -> Floats:
    """Return ln of P(left before T) over P(still a buyer at T), -inf where t_x = T."""
    odds = np.full(of.x.shape, -np.inf)
    silent = np.flatnonzero(of.T - of.t_x > SHORTEST)
    for start in range(0, len(silent), BLOCK):
        rows = silent[start : start + BLOCK]
        part = Histories(*(column[rows] for column in of))
        odds[rows] = _log_odds(theta, part, nodes(theta, part, PREDICTING))
    return odds


def leaving(theta: Floats, of: Histories, weight: Floats) -> tuple[float, Floats, Floats]:
    """Sum weight x ln(1 + odds of having left), with its gradient and Hessian in (r, ..., beta).

    Cells with t_x = T must be left out: they add nothing.
    """
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    for start in range(0, len(of.x), BLOCK):
        rows = slice(start, start + BLOCK)
        part = Histories(*(column[rows] for column in of))
        here = _leaving(theta, part, weight[rows])
        value, gradient, hessian = value + here[0], gradient + here[1], hessian + here[2]
    return value, gradient, hessian


def _log_odds(theta: Floats, of: Histories, at: Nodes) -> Floats:
    r, alpha, s, beta = theta
    silence = of.T - of.t_x
    odds = np.log(s) + at.log_mass - np.log(beta + of.t_x)
    odds += (r + of.x) * np.log1p(silence / (alpha + of.t_x))
    return np.asarray(odds + s * np.log1p(silence / (beta + of.t_x)))


def _leaving(theta: Floats, of: Histories, weight: Floats) -> tuple[float, Floats, Floats]:
    r, alpha, s, beta = theta
    at = nodes(theta, of, FITTING)
    odds = _log_odds(theta, of, at)
    q, silence = r + of.x, of.T - of.t_x
    # Minus the slopes of the log integrand in r, alpha, s and beta.
    by_alpha, by_beta = q / (at.passed + (alpha + of.t_x)), (s + 1) / (at.passed + (beta + of.t_x))
    sides = (at.log_alpha, by_alpha, at.log_beta, by_beta)
    means = [np.einsum("kn,kn->n", at.share, side) for side in sides]
    end_alpha, end_beta = 1 / (alpha + of.T), 1 / (beta + of.T)
    slopes = (
        np.log1p(silence / (alpha + of.t_x)) - means[0],
        q * end_alpha - means[1],
        1 / s + np.log1p(silence / (beta + of.t_x)) - means[2],
        s * end_beta - means[3],
    )
    gone = expit(odds)
    ws = weight * gone
    wv = ws * (1 - gone)
    more = (ws, ws * (1 + 1 / q), ws, ws * (1 + 1 / (s + 1)))
    hessian = np.zeros((4, 4))
    for i, one in enumerate(sides):
        shared = at.share * one
        hessian[i, i] = _dot(more[i], np.einsum("kn,kn->n", shared, one))
        if i:
            shared *= ws
        for j in range(i + 1):
            if j < i:
                hessian[i, j] = np.einsum("kn,kn->", shared, sides[j])
            hessian[i, j] += _dot(wv * slopes[i], slopes[j]) - _dot(ws * means[i], means[j])
    hessian += np.tril(hessian, -1).T
    hessian[0, 1] += _dot(ws, end_alpha - means[1] / q)
    hessian[2, 3] += _dot(ws, end_beta - means[3] / (s + 1))
    hessian[1, 0], hessian[3, 2] = hessian[0, 1], hessian[2, 3]
    hessian[1, 1] -= _dot(ws * q, end_alpha**2)
    hessian[2, 2] -= float(ws.sum()) / s**2
    hessian[3, 3] -= s * _dot(ws, end_beta**2)
    value = _dot(weight, np.maximum(odds, 0.0) + np.log1p(np.exp(-np.abs(odds))))
    return value, np.array([_dot(ws, slope) for slope in slopes]), hessian


def _dot(left: Floats, right: Floats) -> float:
    return float(np.einsum("n,n->", left, right))
