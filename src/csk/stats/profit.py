"""What a campaign earns, and whom it pays to contact.

One rule: a contact is judged by what it is expected to earn, not by how likely the event is.

A contact costs f; who would leave accepts the offer with chance gamma, which then costs d and
keeps V; who would stay takes the offer in any case. So of a customer who leaves with chance p
the expected net benefit is p (gamma (V - d) - f) + (1 - p) (-d - f) = p gamma (V - d) -
(1 - p) d - f (Verbraken, Verbeke and Baesens 2013, eq. 4).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from csk.errors import UsageError
from csk.stats.blocks import Blocks, Floats, blocks, both_classes


class Campaign(NamedTuple):
    """What a contact brings and costs, in one unit of money."""

    value: float
    """V: what a customer who is kept is worth."""
    offer: float
    """d: cost of the offer, where it is accepted."""
    contact: float
    """f: cost of a contact, always."""


class Profit(NamedTuple):
    """The most that a campaign earns by contacting the highest scored."""

    amount: float
    """Of every customer, contacted or not."""
    share: float
    """Of customers, to be contacted."""


def net_benefit(
    p: ArrayLike, value: ArrayLike, offer: ArrayLike, contact: ArrayLike, accepts: ArrayLike
) -> Floats:
    """Return what a contact is expected to earn: p gamma (V - d) - (1 - p) d - f.

    Broadcasts; what is not known (NaN) stays so. `accepts` is gamma, the chance that a customer
    who would leave takes the offer and stays.
    """
    p, V, d, f, gamma = (np.asarray(v, np.float64) for v in (p, value, offer, contact, accepts))
    return np.asarray(p * gamma * (V - d) - (1.0 - p) * d - f)


def paying_chance(
    value: ArrayLike, offer: ArrayLike, contact: ArrayLike, accepts: ArrayLike
) -> Floats:
    """Return the chance of leaving above which a contact pays: (d + f) / (gamma (V - d) + d).

    The root of `net_benefit`. Above 1 nobody is worth it; infinite where a higher chance does not
    help at all.
    """
    V, d, f, gamma = (np.asarray(v, np.float64) for v in (value, offer, contact, accepts))
    slope = gamma * (V - d) + d
    safe = np.where(slope > 0, slope, 1.0)
    return np.asarray(np.where(slope > 0, (d + f) / safe, np.where(slope <= 0, np.inf, np.nan)))


def most_profit(
    score: ArrayLike,
    event: ArrayLike,
    campaign: Campaign,
    accepts: float,
    weight: ArrayLike | None = None,
) -> Profit:
    """Return the maximum profit (MPC) over all cuts of the score, of one chance of acceptance.

    Verbeke et al. (2012), eq. 8. Ties are contacted together; contacting nobody earns 0. Of cuts
    that earn the same, the smaller.
    """
    came, stayed, rate = _curve(score, event, weight)
    per_event = accepts * (campaign.value - campaign.offer) - campaign.contact
    earned = rate * came * per_event - (1.0 - rate) * stayed * (campaign.offer + campaign.contact)
    at = int(np.argmax(earned))
    return Profit(float(earned[at]), float(rate * came[at] + (1.0 - rate) * stayed[at]))


def expected_most_profit(
    score: ArrayLike,
    event: ArrayLike,
    campaign: Campaign,
    acceptance: tuple[float, float],
    weight: ArrayLike | None = None,
) -> Profit:
    """Return the expected maximum profit (EMPC), acceptance being Beta(alpha, beta).

    Verbraken, Verbeke and Baesens (2013), eq. 15: over the convex hull of the ROC curve the best
    cut changes at known chances of acceptance, and between two of them the profit is linear, so
    that the integral is a sum of incomplete beta functions. Needs an offer below the value.
    """
    from scipy.special import betainc  # noqa: PLC0415 - a campaign is seldom asked for

    V, d, f = campaign
    alpha, beta = acceptance
    if not (V > d >= 0.0 and f >= 0.0 and d + f > 0.0):
        raise UsageError("An expected profit needs costs, and an offer that costs below the value.")
    if not (alpha > 0.0 and beta > 0.0):
        raise UsageError("Both parameters of the Beta law of acceptance must be above 0.")
    came, stayed, rate = _curve(score, event, weight)
    hull = _hull(stayed, came)
    F0, F1 = came[hull], stayed[hull]
    # Above this chance of acceptance the next corner of the hull earns more.
    more = rate * np.diff(F0)
    wasted = (1.0 - rate) * np.diff(F1) * (d + f)
    steep = more > 0
    change = np.where(steep, (wasted + more * f) / np.where(steep, more, 1.0) / (V - d), np.inf)
    borders = np.r_[0.0, np.clip(change, 0.0, 1.0), 1.0]
    mass = np.diff(betainc(alpha, beta, borders))
    mean = np.diff(betainc(alpha + 1.0, beta, borders)) * alpha / (alpha + beta)
    amount = (V - d) * rate * F0 * mean - (rate * F0 * f + (1.0 - rate) * F1 * (d + f)) * mass
    contacted = (rate * F0 + (1.0 - rate) * F1) * mass
    return Profit(float(amount.sum()), float(contacted.sum()))


def _curve(
    score: ArrayLike, event: ArrayLike, weight: ArrayLike | None
) -> tuple[Floats, Floats, float]:
    """Return shares of events and of others above each cut, the highest first; share of events."""
    of: Blocks = both_classes(blocks(score, event, weight))
    came, stayed = (np.r_[0.0, np.cumsum(v[::-1])] for v in (of.events, of.others))
    return came / came[-1], stayed / stayed[-1], of.n_events / of.n


def _hull(x: Floats, y: Floats) -> list[int]:
    """Return the corners of the upper convex hull of a rising curve, from its first to last point.

    Runs of one direction need one look each: a cut inside a run of equal slopes is never best.
    """
    kept: list[int] = []
    xs, ys = x.tolist(), y.tolist()
    for at in _turns(x, y):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (xs[b] - xs[a]) * (ys[at] - ys[a]) < (ys[b] - ys[a]) * (xs[at] - xs[a]):
                break
            kept.pop()
        kept.append(at)
    return kept


def _turns(x: Floats, y: Floats) -> list[int]:
    """Return the points at which a corner may lie: where the curve turns right."""
    dx, dy = np.diff(x), np.diff(y)
    right = dy[:-1] * dx[1:] > dy[1:] * dx[:-1]
    return [0, *(np.flatnonzero(right) + 1).tolist(), len(x) - 1]
