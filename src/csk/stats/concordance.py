"""How often who leaves earlier is scored higher: Harrell's and Uno's C.

One rule: a pair counts only where it is known who left first. Of equal times an end comes before
the end of watching; two ends at one time are no pair; equal scores count half.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError
from csk.stats.blocks import Floats
from csk.stats.censored import (
    Censoring,
    Watched,
    censoring,
    refuse_late_entry,
    watched,
    watched_until,
)

Indices = NDArray[np.signedinteger[Any]]


def harrell_c(
    score: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    entry: ArrayLike | None = None,
) -> float:
    """Return the part of known pairs in which the higher score left first. Harrell et al. (1982).

    Depends on how long was watched; `uno_c` does not. `event` is 0 where the end was not seen.
    Late entry is refused.
    """
    refuse_late_entry(entry)
    of = watched(time, event, score, weight)
    return _concordance(of, np.ones(len(of.time)))


def uno_c(
    score: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    horizon: float = np.inf,
    weight: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    by: Censoring | None = None,
) -> float:
    """Return C with each end up to `horizon` weighed by 1 / G(t-)^2. Uno et al. (2011), eq. 6.

    `by` is the censoring of other rows than these. Late entry is refused, and an end at a time to
    which nobody was watched according to `by`.
    """
    refuse_late_entry(entry)
    of = watched(time, event, score, weight)
    curve = censoring(of.time, of.end, of.weight) if by is None else by
    seen = watched_until(curve, of.time)
    counts = (of.end > 0) & (of.time <= horizon)
    if (seen[counts] <= 0).any():
        raise ModelError("Some ends lie later than anybody was watched.")
    return _concordance(of, np.where(counts, 1.0 / np.where(counts, seen, 1.0) ** 2, 0.0))


def _concordance(of: Watched, factor: Floats) -> float:
    """Return the weighted part of known pairs that are in order; of ends with factor 0, none."""
    # Latest first, and of one time those whose watching ended before those who left: whoever stands
    # before the first who left at t outlived t.
    order = np.lexsort((of.scores[:, 0], of.end > 0, -of.time))
    t, end, w = of.time[order], of.end[order] > 0, of.weight[order]
    _, rank = np.unique(of.scores[order, 0], return_inverse=True)
    first = np.flatnonzero(np.r_[True, (t[1:] != t[:-1]) | (end[1:] != end[:-1])])
    group = np.cumsum(np.r_[0, (t[1:] != t[:-1]) | (end[1:] != end[:-1])])
    asked = np.flatnonzero(end & (factor[order] > 0))
    outlived = first[group[asked]]
    below, tied = _dominated(rank, w, outlived, rank[asked])
    pairs = np.r_[0.0, np.cumsum(w)][outlived]
    counted = (w * factor[order])[asked]
    known = float((counted * pairs).sum())
    if not known > 0:
        raise ModelError("There is no pair of customers of whom it is known who left first.")
    return float((counted * (below + tied / 2.0)).sum()) / known


def _dominated(rank: Indices, weight: Floats, upto: Indices, of: Indices) -> tuple[Floats, Floats]:
    """Return the weight among the first `upto` rows that ranks below `of`, and that ranks equal.

    A wavelet matrix (Claude and Navarro 2012): bit by bit of the rank rows are parted, zeros first,
    and each question follows its own bits. O(n) a bit.
    """
    # Half as wide, for questions jump about in these arrays and would wait for memory.
    rank, of = rank.astype(np.int32), of.astype(np.int32)
    low, high = np.zeros(len(of), np.int32), upto.astype(np.int32)
    below = np.zeros(len(of))
    for bit in range(int(rank.max()).bit_length() - 1, -1, -1):
        is_zero = (rank >> bit) & 1 == 0
        zeros = np.zeros(len(rank) + 1, np.int32)
        np.cumsum(is_zero, out=zeros[1:])
        mass = np.r_[0.0, np.cumsum(np.where(is_zero, weight, 0.0))]
        goes_up = (of >> bit) & 1 == 1
        below += np.where(goes_up, mass[high] - mass[low], 0.0)
        low_zero, high_zero = zeros[low], zeros[high]
        low = np.where(goes_up, zeros[-1] + low - low_zero, low_zero)
        high = np.where(goes_up, zeros[-1] + high - high_zero, high_zero)
        parted = np.r_[np.flatnonzero(is_zero), np.flatnonzero(~is_zero)]
        rank, weight = rank[parted], weight[parted]
    mass = np.r_[0.0, np.cumsum(weight)]
    return below, mass[high] - mass[low]
