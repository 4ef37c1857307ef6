"""Trees evaluated at every lead bin of a row, without asking twice what has been answered.

One rule: the lead is known before any row is, so each tree is cut down to what is left of it in
a bin; bins with the same remains share one evaluation.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csk.models.risk.nodes import Forest, Nodes, Predictor, forest, predictors

Floats = NDArray[np.float64]

_ROWS: Final = 4_096
"""Rows that go through all trees before the next ones do: they stay in the cache."""


class Remains(NamedTuple):
    """What is left of one tree in some bins."""

    tree: Nodes
    bins: tuple[int, ...]
    asks_renewals: bool


class Wood(NamedTuple):
    """Trees made ready for every lead bin."""

    always: Floats
    """(bins,) log-odds that hang on nothing but the lead."""
    remains: tuple[Remains, ...]
    ways: tuple[Predictor, ...]
    """How each of the remains is evaluated."""


def wood(trees: Forest, n_bins: int, like: Floats) -> Wood:
    """Return trees ready for lead bins, to evaluate rows like these.

    The last two columns that the trees ask are the lead and the renewals in its bin.
    """
    always = np.full(n_bins, trees.baseline)
    remains = []
    for one in _all_remains(trees, n_bins):
        if len(one.tree.feature) > 1:
            remains.append(one)
        else:
            always[list(one.bins)] += one.tree.value[0]
    ways = predictors(forest(trees.n_features, 0.0, [one.tree for one in remains]), like)
    return Wood(always, tuple(remains), tuple(ways))


def odds_by_lead(of: Wood, x: Floats, renewals: Floats) -> Floats:
    """Return the log-odds of rows by lead bin, (rows, bins).

    `x` is (rows, columns), its last two of no meaning and overwritten; `renewals` (rows, bins).
    """
    n, n_bins = renewals.shape
    odds: Floats = np.empty((n, n_bins))
    for at in range(0, n, _ROWS):
        rows = slice(at, at + _ROWS)
        odds[rows] = _odds(of, x[rows], renewals[rows]).T + of.always
    return odds


def _odds(of: Wood, x: Floats, renewals: Floats) -> Floats:
    """Return what trees that still ask something add, (bins, rows)."""
    odds = np.zeros((renewals.shape[1], len(x)))
    for one, way in zip(of.remains, of.ways, strict=True):
        if not one.asks_renewals:
            added = way(x)
            for lead in one.bins:
                odds[lead] += added
            continue
        for lead in one.bins:
            x[:, -1] = renewals[:, lead]
            odds[lead] += way(x)
    return odds


def _all_remains(trees: Forest, n_bins: int) -> list[Remains]:
    lead, renewals = trees.n_features - 2, trees.n_features - 1
    found = []
    for number in range(trees.n_trees):
        tree = trees.tree(number)
        alike: dict[bytes, list[int]] = {}
        cut: dict[bytes, Nodes] = {}
        for at in range(n_bins):
            rest = pruned(tree, lead, float(at))
            mark = b"".join(values.tobytes() for values in rest)
            cut[mark] = rest
            alike.setdefault(mark, []).append(at)
        found += [
            Remains(cut[mark], tuple(bins), bool((cut[mark].feature == renewals).any()))
            for mark, bins in alike.items()
        ]
    return found


def pruned(tree: Nodes, column: int, value: float) -> Nodes:
    """Return what is left of a tree where a column is known to have a value."""
    stands = np.arange(len(tree.feature))
    # Children come after their parents: from behind, what stands for a child is settled first.
    for at in np.flatnonzero(tree.feature == column)[::-1]:
        child = tree.left if value <= tree.threshold[at] else tree.right
        stands[at] = stands[child[at]]
    left, right = stands[tree.left], stands[tree.right]
    is_reached = np.zeros(len(stands), np.bool_)
    is_reached[stands[0]] = True
    for at in range(len(stands)):
        if is_reached[at] and tree.feature[at] >= 0:
            is_reached[[left[at], right[at]]] = True
    number = np.cumsum(is_reached) - 1
    is_split = tree.feature >= 0
    cut = tree._replace(
        left=np.where(is_split, number[left], 0), right=np.where(is_split, number[right], 0)
    )
    return Nodes._make(values[is_reached] for values in cut)
