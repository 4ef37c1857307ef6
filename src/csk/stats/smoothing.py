"""The hazards of a group: what was seen, drawn towards a parametric family, and its tail.

One rule: in period p the hazard is Beta(k h + d, k (1 - h) + n - d), with n exposed, d exits, the
family's hazard h and a strength k that the data choose. Much data outweigh the family, none leave
the family alone: so the tail needs no splice, and a small group needs no special case.

Families are averaged by their Akaike weights (Buckland et al. 1997), in the mean and in the draws.
"""

from typing import NamedTuple

import numpy as np

from csk.stats.lifetable import LifeTable
from csk.stats.survival import Floats
from csk.stats.tails import (
    EVERY_FAMILY,
    TailFit,
    candidates,
    family_hazards,
    hazards,
    log_likelihood,
)

LOWEST_STRENGTH, HIGHEST_STRENGTH = 1.0, 1e7
_PROPOSALS_A_DRAW, _FEWEST_PROPOSALS = 4, 2000
_FREEDOM = 5.0


class HazardPosterior(NamedTuple):
    """Hazards of a group for periods 1 to P', seen and to come."""

    mean: Floats
    """(P',) averaged over the families."""
    strength: float
    """k of the best family: how many customers its hazard is worth in each period."""
    best: TailFit
    candidates: tuple[TailFit, ...]
    """Best AIC first, with weights."""
    strengths: tuple[float, ...]
    """k for each candidate."""
    life_table: LifeTable


def posterior(life_table: LifeTable, n_periods: int) -> HazardPosterior:
    """Estimate hazards for the longer of `n_periods` and the periods of the table.

    Refused where nobody was exposed (ModelError). Without exits the hazard is half an exit more
    than was seen (Jeffreys); `best.n_events` says how many there were.
    """
    fits = candidates(life_table.exposed, life_table.left)
    n_observed = len(life_table.exposed)
    n_all = max(n_periods, n_observed)
    n, d = np.zeros((2, n_all))
    n[:n_observed], d[:n_observed] = life_table.exposed, life_table.left.sum(axis=1)
    mean, strengths = np.zeros(n_all), []
    for one in fits:
        h = hazards(one, n_all)
        k = _strength(h, n, d)
        mean += one.weight * (k * h + d) / (k + n)
        strengths.append(k)
    return HazardPosterior(mean, strengths[0], fits[0], fits, tuple(strengths), life_table)


def _strength(h: Floats, n: Floats, d: Floats) -> float:
    """Maximise the beta-binomial marginal likelihood in k, on a grid of log k and then inside it.

    The strongest k among equals: where the data do not say, the family is believed.
    """
    seen = n > 0.0
    h, n, d = h[seen], n[seen], d[seen]
    low, high = np.log(LOWEST_STRENGTH), np.log(HIGHEST_STRENGTH)
    for _ in range(3):
        grid = np.linspace(high, low, 33)
        at = int(np.argmax(_marginal(np.exp(grid), h, n, d)))
        high, low = grid[max(at - 1, 0)], grid[min(at + 1, 32)]
    return float(np.exp(grid[at]))


def _marginal(k: Floats, h: Floats, n: Floats, d: Floats) -> Floats:
    from scipy.special import betaln  # noqa: PLC0415 - only fits pay for it

    a, b = k[:, None] * h, k[:, None] * (1.0 - h)
    return np.asarray((betaln(a + d, b + n - d) - betaln(a, b)).sum(axis=1))


def draws(of: HazardPosterior, n: int, seed: int) -> Floats:
    """Draw (n, P') hazards: family by weight, its parameters, then each period's own noise.

    Periods without exposure have the noise of family and parameters only. The same seed gives
    the same draws.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    n_all = len(of.mean)
    exposed, left = of.life_table.exposed, of.life_table.left.sum(axis=1).astype(np.float64)
    share = np.array([one.weight for one in of.candidates])
    sizes = rng.multinomial(n, share / share.sum())
    parts = []
    for one, k, size in zip(of.candidates, of.strengths, sizes, strict=True):
        h = family_hazards(one.family, parameter_draws(one, exposed, left, int(size), rng), n_all)
        seen = np.flatnonzero(exposed > 0.0)
        a = np.maximum(k * h[:, seen] + left[seen], 1e-9)
        b = np.maximum(k * (1.0 - h[:, seen]) + exposed[seen] - left[seen], 1e-9)
        h[:, seen] = rng.beta(a, b)
        parts.append(h)
    return rng.permutation(np.concatenate(parts), axis=0)


def parameter_draws(
    one: TailFit, exposed: Floats, left: Floats, size: int, rng: np.random.Generator
) -> Floats:
    """Draw (size, k) log-parameters in proportion to the likelihood inside the bounds.

    Proposals of a t distribution around the fit, resampled by importance: near a bound (everybody
    alike) the normal approximation would draw differences between customers that are not there.
    The geometric rate is drawn exactly, from Beta(d + 1/2, n - d + 1/2).
    """
    if one.family == "geometric":
        events, total = float(left.sum()), float(exposed.sum())
        h = rng.beta(events + 0.5, max(total - events, 0.0) + 0.5, size)
        return np.log(-np.log1p(-np.clip(h, 1e-12, 1.0 - 1e-12)))[:, None]
    model, centre = EVERY_FAMILY[one.family], np.log(np.array(one.params))
    n_proposals = max(_FEWEST_PROPOSALS, _PROPOSALS_A_DRAW * size)
    root = np.linalg.cholesky(one.covariance)
    normal = rng.standard_normal((n_proposals, len(centre)))
    stretch = np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, n_proposals))[:, None]
    standard = normal * stretch
    there = centre + standard @ root.T
    inside = np.all((there >= model.low) & (there <= model.high), axis=1)
    there, standard = there[inside], standard[inside]
    density = -0.5 * (_FREEDOM + len(centre)) * np.log1p((standard**2).sum(axis=1) / _FREEDOM)
    score = log_likelihood(family_hazards(one.family, there, len(exposed)), exposed, left)
    weight = np.exp(score - density - (score - density).max())
    ladder = (np.arange(size) + rng.random()) / max(size, 1)
    at = np.searchsorted(np.cumsum(weight) / weight.sum(), ladder)
    return np.asarray(there[np.minimum(at, len(there) - 1)])
