"""Buying at every k-th event of a Poisson process; the one rule: k = 1 is plain chance.

Gaps between purchases are then Erlang-k: the larger k, the more regular. A customer whose k-th
event is not yet due stands in one of k phases (events since the last purchase: 0 to k - 1).
Reutterer, Platzer and Schröder (2021), "Leveraging purchase regularity for predicting customer
behavior the easy way", IJRM 38(1), is where such gaps meet customers who leave; what is summed
there over the number of the purchase is closed here by roots of unity.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHORTEST = 1e-9
"""Least probability of staying after a purchase that is told from none."""


class Phases(NamedTuple):
    """ln S of S = sum over j < k of (q)_j u^j / j!, with its first and second derivatives.

    Subscript r: by q; subscript alpha: by the alpha in u = (T - t_x) / (alpha + T).
    """

    log_sum: Floats
    d_r: Floats
    d_alpha: Floats
    d_rr: Floats
    d_ra: Floats
    d_aa: Floats


def phases(q: Floats, u: Floats, per_T: Floats, k: int) -> Phases:
    """Return ln S and its derivatives for equally long columns; `per_T` is 1 / (alpha + T).

    S (1 - u)^q is the probability of fewer than k events in the silence, given nobody left.
    """
    term, total = np.ones_like(u), np.ones_like(u)
    h, g = np.zeros_like(u), np.zeros_like(u)
    by_j, by_jj, by_h, by_hh, by_jh = (np.zeros_like(u) for _ in range(5))
    for j in range(1, k):
        last = q + (j - 1)
        term = term * last * (u / j)
        h, g = h + 1 / last, g + 1 / last**2
        total += term
        by_j += j * term
        by_jj += j * (j + 1) * term
        by_h += h * term
        by_hh += (h * h - g) * term
        by_jh += j * h * term
    d_r, d_alpha = by_h / total, -per_T * by_j / total
    return Phases(
        log_sum=np.log(total),
        d_r=d_r,
        d_alpha=d_alpha,
        d_rr=by_hh / total - d_r**2,
        d_ra=-per_T * by_jh / total - d_r * d_alpha,
        d_aa=per_T**2 * by_jj / total - d_alpha**2,
    )


def phase_shares(q: Floats, u: Floats, k: int) -> Floats:
    """Return the probability of each phase for one who has not left: (k, ...), sums to 1."""
    terms = [np.ones_like(u)]
    for j in range(1, k):
        terms.append(terms[-1] * (q + (j - 1)) * (u / j))
    stacked = np.stack(terms)
    return np.asarray(stacked / stacked.sum(axis=0))


def beyond_chance(leaving: Floats, tau: Floats, q: float, k: int) -> Floats:
    """Return how many more purchases a regular buyer makes than a random one of the same rate.

    For the probability p of `leaving` after each purchase and a Gamma(q, 1) rate of events over
    `tau`: E[1 + (1 - p) + ... (M terms)], M the purchases possible, less its equal with
    events k times as rare and k = 1; for each phase j, (k, tau, leaving). Always above -1 and
    below 1; 0 for k = 1.
    """
    p = np.minimum(leaving, 1 - SHORTEST)
    log_stay = np.log1p(-p)
    v = -log_stay / k
    steps = np.arange(k)
    root = np.exp(2j * np.pi * steps[1 : k // 2 + 1] / k)
    twice = np.where(2 * steps[1 : k // 2 + 1] == k, 1.0, 2.0)
    zeta = np.exp(-v)[:, None] * root
    share = twice / (k * np.exp(log_stay)[:, None] * (1 - 1 / zeta))
    slowed = np.log1p(np.outer(tau, -np.expm1(-v)))
    wheels = np.log1p(tau[:, None, None] * (1 - zeta))
    chance = np.log1p(np.outer(tau / k, p))
    start = np.log1p(np.mean(np.expm1(np.outer(v, steps)), axis=1))
    found = np.empty((k, len(tau), len(p)))
    for j in range(k):
        even = -np.expm1(start - j * v - (q + j) * slowed)
        turning = np.einsum("pl,tpl->tp", share * zeta**j, np.exp(-(q + j) * wheels)).real
        found[j] = (even + np.expm1(-(q + j) * chance)) / p + turning
    return found
