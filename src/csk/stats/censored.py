"""How good chances are where some customers were not watched for long enough to know.

One rule: who was seen counts for those who, as far as the watching goes, might have been seen:
inverse probability of censoring weights (IPCW), from the Kaplan-Meier curve of the watching.

Time is since the chance was told. Of equal times ends come before the end of watching, so who was
watched up to t and was not seen to leave by then is known to have stayed through t: that counts
at the horizon t as well, and whom nobody stopped watching early is weighed by 1. (Graf et al. take
only those watched beyond t; where no watching ends at a horizon the two are the same.) Of days
that are half-open, an end on day d (0 is the first) has time d + 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError, UsageError
from csk.stats.blocks import Floats

Ints = NDArray[np.int64]


class Censoring(NamedTuple):
    """Chance of being watched still: a step at each time at which watching ended."""

    time: Floats
    """(k,) ascending."""
    watched: Floats
    """(k + 1,) before the first step, and after each."""


class Watched(NamedTuple):
    """Checked rows, in an order that depends on what they hold alone."""

    time: Floats
    end: Ints
    """0 not seen, 1 the event, 2 and above another end."""
    weight: Floats
    scores: Floats
    """(n, m)"""


def censoring(time: ArrayLike, end: ArrayLike, weight: ArrayLike | None = None) -> Censoring:
    """Return the Kaplan-Meier curve of the watching; `end` is 0 where it ended first.

    Who left at t was no longer there to be lost at t.
    """
    t, e, w, _ = watched(time, end, np.zeros(len(np.atleast_1d(np.asarray(time)))), weight)
    first = np.flatnonzero(np.r_[True, t[1:] != t[:-1]])
    left, lost = (np.add.reduceat(np.where(of, w, 0.0), first) for of in (e > 0, e == 0))
    out = left + lost
    there = np.cumsum(out[::-1])[::-1] - left
    steps = lost > 0
    stays = 1.0 - lost[steps] / there[steps]
    # After the last nobody is left; sums of weights that are no whole numbers may not say so.
    stays[there[steps] <= lost[steps]] = 0.0
    return Censoring(t[first][steps], np.r_[1.0, np.cumprod(stays)])


def watched_until(of: Censoring, time: ArrayLike) -> Floats:
    """Return G(t-), the chance of being watched up to and including t."""
    return np.asarray(of.watched[np.searchsorted(of.time, np.asarray(time, np.float64))])


def ipcw_brier(
    time: ArrayLike,
    end: ArrayLike,
    p: ArrayLike,
    horizons: ArrayLike,
    weight: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    by: Censoring | None = None,
) -> Floats:
    """Return the Brier score of chances to have left by each horizon, given as (n, horizons).

    Graf et al. (1999); with other ends (2 and above) that of Schoop et al. (2011): they are known
    not to be the event. Chances are of the event by t. `by` is the censoring of other rows than
    these. Refused: late entry, which these weights do not undo; a horizon to which nobody was
    watched. Rows of weight w are w equal rows.
    """
    ahead = np.atleast_1d(np.asarray(horizons, np.float64))
    refuse_late_entry(entry)
    t, e, w, chance = watched(time, end, p, weight)
    if chance.shape[1] != len(ahead):
        raise UsageError(f"{chance.shape[1]} chances a customer and {len(ahead)} horizons.")
    if chance.min() < 0.0 or chance.max() > 1.0:
        raise UsageError("Chances must lie between 0 and 1.")
    curve = censoring(t, e, w) if by is None else by
    at_end, n = watched_until(curve, t), float(w.sum())
    return np.array(
        [
            float((_weights(t, e, at_end, curve, h) * w * off).sum()) / n
            for h, off in (
                (h, ((e == 1) & (t <= h)) * (1.0 - 2.0 * column) + column * column)
                for h, column in zip(ahead, chance.T, strict=True)
            )
        ]
    )


def integrated_brier(horizons: ArrayLike, scores: ArrayLike) -> float:
    """Return the mean of Brier scores over time between the first and the last horizon (IBS).

    By trapezoids. Of one horizon it is its score. Horizons must ascend.
    """
    t, of = (np.atleast_1d(np.asarray(v, np.float64)) for v in (horizons, scores))
    if len(t) != len(of) or not len(t) or (np.diff(t) <= 0).any():
        raise UsageError("Brier scores need one horizon each, ascending.")
    return float(np.trapezoid(of, t) / (t[-1] - t[0])) if len(t) > 1 else float(of[0])


def watched(
    time: ArrayLike, end: ArrayLike, scores: ArrayLike, weight: ArrayLike | None
) -> Watched:
    """Return checked rows, by time; refused are lengths that differ and what is not known."""
    t, e = (np.asarray(v, np.float64).ravel() for v in (time, end))
    s = np.asarray(scores, np.float64)
    s = s.reshape(len(s), -1) if s.ndim else s.reshape(1, 1)
    w = np.ones(len(t)) if weight is None else np.asarray(weight, np.float64).ravel()
    if not len(t) == len(e) == len(w) == len(s):
        raise UsageError(
            f"{len(t)} times, {len(e)} ends, {len(s)} scores and {len(w)} weights cannot be held "
            "together."
        )
    if not (np.isfinite(t).all() and (t >= 0).all()):
        raise UsageError("Times must be known, and none may be negative.")
    if np.isnan(s).any():
        raise UsageError(f"{int(np.isnan(s).any(axis=1).sum())} scores are not known.")
    if not ((e >= 0) & (e == np.rint(e))).all():
        raise UsageError("An end is 0 (not seen), 1 (the event) or 2 and above (another end).")
    if not (np.isfinite(w).all() and (w >= 0).all() and w.any()):
        raise UsageError("Weights must be known, none negative and not all 0.")
    order = np.lexsort((*(() if w.min() == w.max() else (w,)), *s.T, e, t))
    order = order[w[order] > 0]
    return Watched(t[order], e[order].astype(np.int64), w[order], s[order])


def refuse_late_entry(entry: ArrayLike | None) -> None:
    """Refuse customers who came under observation after time 0."""
    if entry is None:
        return
    late = int((np.asarray(entry, np.float64) > 0).sum())
    if late:
        raise ModelError(
            f"{late} customers came under observation late; weights for the end of watching do not "
            "make up for it.",
            hint="Count time from the day on which each chance was told.",
        )


def _weights(t: Floats, end: Ints, at_end: Floats, curve: Censoring, horizon: float) -> Floats:
    """Return the weight of each row at a horizon: 0 where the watching ended before it."""
    out, there = (end > 0) & (t <= horizon), float(watched_until(curve, horizon))
    stays = ~out & (t >= horizon)
    if (stays.any() and there <= 0) or (at_end[out] <= 0).any() or not (out | stays).any():
        raise ModelError(
            f"Nobody was watched up to {horizon:g}, so chances for it cannot be judged.",
            hint="Choose a horizon within the time that was watched.",
        )
    return np.where(out, 1.0 / np.where(out, at_end, 1.0), np.where(stays, 1.0 / (there or 1.0), 0))
