"""Customers of the same score, and to how many of them the event came.

One rule: customers with equal scores are never told apart. All that measures a score starts from
its blocks, so the order of rows changes no bit, and a weight of three is three equal rows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from csk.errors import ModelError, UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Blocks(NamedTuple):
    """Scores, ascending, each once, with the weights of those who have it."""

    score: Floats
    """(k,)"""
    events: Floats
    """(k,) weight of those to whom the event came."""
    others: Floats
    """(k,) weight of those to whom it did not."""

    @property
    def n_events(self) -> float:
        """Weight of all events."""
        return float(self.events.sum())

    @property
    def n_others(self) -> float:
        """Weight of all others."""
        return float(self.others.sum())

    @property
    def n(self) -> float:
        """Weight of all."""
        return self.n_events + self.n_others


class Estimated(NamedTuple):
    """A figure with its standard error and interval."""

    value: float
    std_error: float
    low: float
    high: float


class Rows(NamedTuple):
    """Checked rows in an order that depends on what they hold alone."""

    scores: Floats
    """(n, number of scores)"""
    event: NDArray[np.bool_]
    weight: Floats
    cluster: Ints | None
    """(n,) 0, 1, ... by customer; none where each row stands for itself."""


def blocks(score: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> Blocks:
    """Return the blocks of (n,) scores and of events, which are 0 or 1.

    Rows of weight 0 do not count. Refused: lengths that differ, scores or weights that are not
    known, other events, nobody at all.
    """
    s, y, w = _checked(score, event, weight)
    # Sums of whole numbers are exact in any order; others are added up in the order of size.
    order = np.argsort(s) if _is_whole(w) else np.lexsort((w, y, s))
    s, y, w = s[order], y[order], w[order]
    first = np.flatnonzero(np.r_[True, s[1:] != s[:-1]])
    events = np.add.reduceat(np.where(y, w, 0.0), first)
    others = np.add.reduceat(np.where(y, 0.0, w), first)
    return Blocks(s[first], events, others)


def both_classes(of: Blocks) -> Blocks:
    """Return the blocks; refused where the event came to all or to nobody."""
    if not of.n_events > 0:
        raise ModelError("The event came to nobody, so a score cannot be judged by it.")
    if not of.n_others > 0:
        raise ModelError("The event came to everybody, so a score cannot be judged by it.")
    return of


def chances(p: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> Blocks:
    """Return the blocks of chances; refused where one lies outside 0 and 1."""
    return within(blocks(p, event, weight))


def within(of: Blocks) -> Blocks:
    """Return the blocks; refused where a score is no chance."""
    if of.score[0] < 0.0 or of.score[-1] > 1.0:
        raise UsageError("Chances must lie between 0 and 1.")
    return of


def rows(
    scores: tuple[ArrayLike, ...],
    event: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Rows:
    """Return rows with one or several scores each, in an order of their own.

    `cluster` names the customer of each row, by anything that can be sorted.
    """
    parts = [_checked(score, event, weight, keep=True) for score in scores]
    _, y, w = parts[0]
    columns = [part[0] for part in parts]
    of = None
    if cluster is not None:
        of = np.unique(np.asarray(cluster).ravel(), return_inverse=True)[1].astype(np.int64)
        if len(of) != len(y):
            raise UsageError(f"{len(of)} customers cannot be held against {len(y)} outcomes.")
    # Rows that are alike in all of these add the same to whatever they are added to.
    order = np.lexsort((*(() if w.min() == w.max() else (w,)), y, *columns))
    if not w.all():
        order = order[w[order] > 0]
    if of is not None:
        of = of[order]
        if not w.all():
            of = np.unique(of, return_inverse=True)[1].astype(np.int64)
    return Rows(np.column_stack(columns)[order], y[order], w[order], of)


def blocks_of(of: Rows, column: int = 0) -> Blocks:
    """Return the blocks of one of the scores of rows."""
    return blocks(of.scores[:, column], of.event, of.weight)


def estimated(value: float, std_error: float, level: float) -> Estimated:
    """Return the figure with an interval of the normal law."""
    reach = float(ndtri(0.5 + level / 2)) * std_error
    return Estimated(value, std_error, value - reach, value + reach)


def mean_error(values: Floats, of: Rows) -> tuple[float, float]:
    """Return the weighted mean of a value a row, and its standard error.

    Weights are frequencies where each row stands for itself. With clusters it is the linearised
    variance of a ratio of sums over customers (Cochran 1977, eq. 6.9), for weights of any kind.
    """
    n = float(of.weight.sum())
    mean = float((of.weight * values).sum()) / n
    off = values - mean
    if of.cluster is None:
        return mean, float(np.sqrt((of.weight * off * off).sum() / max(n - 1.0, 1.0) / n))
    sums = np.bincount(of.cluster, of.weight * off) / n
    return mean, float(np.sqrt((sums * sums).sum() * len(sums) / max(len(sums) - 1, 1)))


def _checked(
    score: ArrayLike, event: ArrayLike, weight: ArrayLike | None, *, keep: bool = False
) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Return scores, events and weights; `keep` keeps the rows that weigh nothing."""
    s, y = (np.asarray(value, np.float64).ravel() for value in (score, event))
    w = np.ones(len(s)) if weight is None else np.asarray(weight, np.float64).ravel()
    if not len(s) == len(y) == len(w):
        raise UsageError(
            f"{len(s)} scores, {len(y)} outcomes and {len(w)} weights cannot be held together."
        )
    if np.isnan(s).any():
        raise UsageError(f"{int(np.isnan(s).sum())} scores are not known.")
    if not np.isin(y, (0.0, 1.0)).all():
        raise UsageError("An event came (1) or did not (0); there is nothing else.")
    if not (np.isfinite(w).all() and (w >= 0).all()):
        raise UsageError("Weights must be known, and none may be negative.")
    if not w.any():
        raise UsageError("There is nobody to judge a score by.")
    if keep or (w > 0).all():
        return s, y > 0, w
    return s[w > 0], y[w > 0] > 0, w[w > 0]


def _is_whole(weight: Floats) -> bool:
    return bool((weight == np.rint(weight)).all())
