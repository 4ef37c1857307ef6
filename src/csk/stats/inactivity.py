"""When silence means that a buyer is gone; the one rule: silence is counted at a day's start.

Silence s at the start of a day is that day less the day of the last purchase. A gap of g days
(to the next purchase day) is over once silence has been g, so S[s] = P(gap >= s) and
S[0] = S[1] = 1. A buyer has left when silence reaches the limit w of the state: on the day
last purchase + w, provided that no purchase was made before that day.

A buyer's state is the number of purchase days so far, 1 to 5 and then 6 for good. Gaps are
pooled over states 3, 4 and 5, so there are four groups: 1, 2, 3-5, 6+.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.stats.intervals import wilson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GROUPS = ("1", "2", "3-5", "6+")
"""Purchase counts that share one curve of gaps."""

STATES = 6
"""Purchase counts told apart: 1, 2, 3, 4, 5, and 6 for all above."""

GROUP_OF_STATE = (0, 1, 2, 2, 2, 3)

ENOUGH_AT_RISK = 30
"""A limit is read off a curve only where this many were still being watched."""


class GapCounts(NamedTuple):
    """How many gaps ended in a purchase, and how many were still open, by length; mergeable.

    `days` ascending and unique. `bought[i]` gaps ended after days[i] >= 1 days; `censored[i]`
    are open at a silence of days[i] = as_of less the last purchase.
    """

    days: Ints
    bought: Ints
    censored: Ints


class GapCurve(NamedTuple):
    """`silent[s]` = P(gap >= s) and `at_risk[s]` = gaps watched on their s-th day, s = 0..D.

    D is the longest silence or gap seen; beyond it `silent` is taken as constant.
    """

    silent: Floats
    at_risk: Ints


class SilenceLimit(NamedTuple):
    """The silence w, in days, that counts as gone.

    `is_extrapolated`: a purchase was still likelier than the threshold at every silence whose
    sequel the log shows; w is then the longest silence at which enough are watched, and the true
    limit may lie beyond. `is_pooled`: the group had too few gaps, so curve and limit are those
    of all buyers together.
    """

    days: int
    is_extrapolated: bool
    is_pooled: bool


class Inactivity(NamedTuple):
    """A curve and a limit for each of the four groups, ready for `leaving_table`."""

    curves: tuple[GapCurve, ...]
    limits: tuple[SilenceLimit, ...]


class LeavingTable(NamedTuple):
    """What is ahead of a buyer, by state, silence and horizon: small, made to be broadcast.

    `p_churn[b, s, h]` = P(silence reaches the limit within horizons[h] days | state b + 1,
    silence s, not yet gone); `expected_days[b, s, h]` the expected days until then, at most
    horizons[h]. `limit[b]` days; from that silence on p_churn is 1 and expected_days is 0.
    """

    horizons: Ints
    limit: Ints
    p_churn: Floats
    expected_days: Floats


def gap_counts(days: ArrayLike, is_bought: ArrayLike, weight: ArrayLike | None = None) -> GapCounts:
    """Count gaps by length: `days` each, and whether it ended in a purchase or is open."""
    lengths, ended = np.asarray(days, np.int64), np.asarray(is_bought, bool)
    counts = np.ones(len(lengths), np.int64) if weight is None else np.asarray(weight, np.int64)
    unique, place = np.unique(lengths, return_inverse=True)
    bought, censored = np.zeros(len(unique), np.int64), np.zeros(len(unique), np.int64)
    np.add.at(bought, place, np.where(ended, counts, 0))
    np.add.at(censored, place, np.where(ended, 0, counts))
    return GapCounts(unique, bought, censored)


def merged(parts: Sequence[GapCounts]) -> GapCounts:
    """Add counts up, in whole numbers, whatever their order."""
    if not parts:
        return gap_counts([], [])
    days = np.concatenate([np.asarray(part.days, np.int64) for part in parts] * 2)
    bought = np.concatenate([np.asarray(part.bought, np.int64) for part in parts])
    censored = np.concatenate([np.asarray(part.censored, np.int64) for part in parts])
    is_bought = np.repeat([True, False], [len(bought), len(censored)])
    return gap_counts(days, is_bought, np.concatenate([bought, censored]))


def gap_curve(counts: GapCounts) -> GapCurve:
    """Return Kaplan-Meier's curve of gaps, open gaps censored.

    An open gap at silence c was watched on its days 1..c-1 only: the day about to start is not
    in the log. Nothing counted gives the curve (1, 1) with nobody at risk.
    """
    longest = int(np.max(counts.days, initial=0)) + 1
    bought = np.bincount(counts.days, counts.bought, longest + 1).astype(np.int64)
    censored = np.bincount(counts.days, counts.censored, longest + 1).astype(np.int64)
    at_risk = bought[::-1].cumsum()[::-1] + censored[::-1].cumsum()[::-1] - censored
    stays = 1.0 - bought / np.maximum(at_risk, 1)
    silent = np.concatenate([[1.0], np.cumprod(stays)[:-1]])
    return GapCurve(silent, at_risk)


def silence_limit(
    curve: GapCurve, within_days: int = 90, threshold: float = 0.10
) -> SilenceLimit | None:
    """Return the smallest silence after which a purchase within `within_days` is unlikely.

    Unlikely is 1 - S[w + within_days] / S[w] < threshold at w and not demonstrably false later:
    at no supported silence above w does Wilson's 95 % interval of that share lie at or above
    the threshold (a shop of yearly buyers is quiet for months without having lost anybody). A
    silence is supported where at least 30 are watched through w + within_days. None where no
    silence is, or where the curve cannot be conditioned on.
    """
    watched = np.flatnonzero(curve.at_risk >= ENOUGH_AT_RISK)
    end = min(int(watched[-1]) + 1, len(curve.silent) - 1) if len(watched) else 0
    last = end - within_days
    if last < 1 or curve.silent[last] <= 0:
        return None
    w = np.arange(1, last + 1)
    comes_back = 1.0 - curve.silent[w + within_days] / curve.silent[w]
    n = curve.at_risk[w]
    refuted = wilson(comes_back * n, n).low >= threshold
    after = int(np.flatnonzero(refuted)[-1]) + 1 if refuted.any() else 0
    fitting = np.flatnonzero(comes_back[after:] < threshold)
    if len(fitting) == 0:
        # At every silence up to `last` too many come back, so the limit lies beyond it.
        return SilenceLimit(end, is_extrapolated=True, is_pooled=False)
    return SilenceLimit(int(w[after + fitting[0]]), is_extrapolated=False, is_pooled=False)


def inactivity(
    groups: Sequence[GapCounts], within_days: int = 90, threshold: float = 0.10
) -> Inactivity | None:
    """Return curve and limit of each of `GROUPS`, pooled where a group is too thin.

    None where all gaps together do not support a limit: the log is too short (it must be
    longer than `within_days`) or has too few buyers.
    """
    pooled = gap_curve(merged(groups))
    pooled_limit = silence_limit(pooled, within_days, threshold)
    if pooled_limit is None:
        return None
    stand_in = (pooled, pooled_limit._replace(is_pooled=True))
    own = [gap_curve(counts) for counts in groups]
    limits = [silence_limit(curve, within_days, threshold) for curve in own]
    chosen = [
        stand_in if limit is None else (curve, limit)
        for curve, limit in zip(own, limits, strict=True)
    ]
    return Inactivity(tuple(c for c, _ in chosen), tuple(limit for _, limit in chosen))


def crossing_curves(found: Inactivity, days: int) -> Floats:
    """Return P(gone by t | bought just now), t = 0..days, one row for each of `STATES`.

    Gone is for good: a later return does not undo it. Renewal equation: either silence reaches
    w, or a purchase before that starts the next state afresh; the last state renews itself.
    """
    crossed = np.zeros((STATES, days + 1))
    for state in reversed(range(STATES)):
        gap, stays, w = _gaps(found, state)
        row = crossed[state]
        row[w:] = stays
        if state < STATES - 1:
            row += np.convolve(gap, crossed[state + 1])[: days + 1]
        else:
            backwards = gap[::-1]
            for t in range(w + 1, days + 1):
                row[t] += backwards[max(w - 1 - t, 0) : w - 1] @ row[max(t - w + 1, 0) : t]
        np.clip(np.maximum.accumulate(row), 0.0, 1.0, out=row)
    return crossed


def leaving_table(found: Inactivity, horizons: Sequence[int]) -> LeavingTable:
    """Return what is ahead of every buyer, for each state, silence and horizon (days >= 0).

    Horizon 0 gives 0; p_churn grows and expected_days does not fall with the horizon. The area
    under 1 - p_churn, day by day, is expected_days: both come from one curve.
    """
    asked = np.asarray(horizons, np.int64)
    order = np.argsort(asked, kind="stable")
    longest = int(asked.max(initial=0))
    crossed = crossing_curves(found, longest)
    area = np.zeros((STATES, longest + 1))
    area[:, 1:] = np.cumsum(1.0 - crossed[:, :-1], axis=1)
    limit = np.array([found.limits[group].days for group in GROUP_OF_STATE])
    shape = (STATES, int(limit.max()) + 1, len(horizons))
    p_churn, expected = np.ones(shape), np.zeros(shape)
    for state in range(STATES):
        after = min(state + 1, STATES - 1)
        w = int(limit[state])
        ahead = np.arange(w + 1)[:, None]
        within = asked[order][None, :]
        left = np.maximum(within - ahead, 0)
        seen = ahead < within
        bought = (crossed[after][left] * seen, np.minimum(ahead, within) + area[after][left])
        silent = ((ahead <= within).astype(float), np.minimum(ahead, within).astype(float))
        for out, renewed, crossing in zip((p_churn, expected), bought, silent, strict=True):
            mixed = _given_silence(found, state, renewed, crossing)
            out[state, :w, order] = np.maximum.accumulate(mixed, axis=1).T
    return LeavingTable(asked, limit, np.minimum(p_churn, 1.0), np.minimum(expected, asked))


def churn_from_silence(
    table: LeavingTable, state: ArrayLike, silence_days: ArrayLike
) -> tuple[Floats, Floats]:
    """Look up (p_churn, expected_days), each (n, horizons), for buyers of a state and silence.

    `state` is the number of purchase days so far, 1 or more (above 6 is 6). Silence at or above
    the limit: gone, (1, 0).
    """
    row = np.clip(np.asarray(state, np.int64), 1, STATES) - 1
    silence = np.minimum(np.asarray(silence_days, np.int64), table.limit[row])
    return table.p_churn[row, silence], table.expected_days[row, silence]


def _gaps(found: Inactivity, state: int) -> tuple[Floats, float, int]:
    """Return P(gap = g) for g < w (index 0 is g = 0), P(gap >= w), and w."""
    group = GROUP_OF_STATE[state]
    silent, w = found.curves[group].silent, found.limits[group].days
    return silent[:w] - silent[1 : w + 1], float(silent[w]), w


def _given_silence(found: Inactivity, state: int, renewed: Floats, crossing: Floats) -> Floats:
    """Mix the two ways out of silence s = 0..w-1: bought after d more days, or reached w.

    `renewed[d]` and `crossing[d]` are the values of each way out after d more days.
    """
    group = GROUP_OF_STATE[state]
    silent = found.curves[group].silent
    gap, stays, w = _gaps(found, state)
    mixed = np.empty((w, renewed.shape[1]))
    for s in range(w):
        mixed[s] = (gap[s:] @ renewed[: w - s] + stays * crossing[w - s]) / silent[s]
    return mixed
