"""Boosted trees as plain arrays: taken out of scikit-learn, read from a file, and evaluated.

One rule: a `Forest` that exists is sound. Children come after their parents and every split asks
a column that is there, so that compiled code, which checks nothing, can be given any of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csk.errors import ModelError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_TREES: Final = 2_000
MOST_NODES: Final = 200_000
"""Of a forest; what is larger was not grown here."""
_ROWS: Final = 4_096
"""Rows that go through all trees before the next ones do: they stay in the cache."""
_PROBED: Final = 64
_FIELDS: Final = {
    "value",
    "count",
    "feature_idx",
    "num_threshold",
    "missing_go_to_left",
    "left",
    "right",
    "is_leaf",
    "is_categorical",
}
_UNUSED: Final = {"gain", "depth", "bin_threshold", "bitset_idx"}
"""What scikit-learn keeps of a node and no number asks for."""


class Nodes(NamedTuple):
    """The nodes of trees one after another, each tree from its root."""

    feature: Ints
    """Column that is asked; -1 in a leaf."""
    threshold: Floats
    """What is not above it goes left; inf where only known and missing are told apart."""
    missing_left: Flags
    left: Ints
    """Number of the child within the tree; 0 in a leaf."""
    right: Ints
    value: Floats
    """What a leaf adds to the log-odds, the rate of learning within it."""
    n: Ints
    """Rows that came by when it was fitted."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A sum of trees: log-odds of an event."""

    n_features: int
    baseline: float
    starts: Ints
    """(trees + 1,) place of each root among the nodes, and their number at last."""
    nodes: Nodes

    def __post_init__(self) -> None:
        unsound = _unsound(self)
        if unsound:
            raise ModelError("These are no trees that can be evaluated.", details=[unsound])
        for values in (self.starts, *self.nodes):
            values.flags.writeable = False

    @property
    def n_trees(self) -> int:
        """Return how many trees are added up."""
        return len(self.starts) - 1

    def tree(self, number: int) -> Nodes:
        """Return the nodes of one tree, as views."""
        span = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return Nodes._make(values[span] for values in self.nodes)


def forest(n_features: int, baseline: float, trees: list[Nodes]) -> Forest:
    """Return trees as one forest. ModelError where they are not sound."""
    starts = np.cumsum([0, *(len(tree.feature) for tree in trees)], dtype=np.int64)
    kinds: tuple[Any, ...] = (np.int64, np.float64, np.bool_, np.int64, np.int64, np.float64)
    columns = (
        np.concatenate([np.empty(0, kind), *(tree[at] for tree in trees)]).astype(kind)
        for at, kind in enumerate((*kinds, np.int64))
    )
    return Forest(n_features, float(baseline), starts, Nodes(*columns))


def exported(fitted: Any, n_trees: int) -> Forest:  # noqa: ANN401 - scikit-learn has no types
    """Return the first trees of a fitted HistGradientBoostingClassifier of two classes.

    The only place that reads private attributes of scikit-learn. ModelError, naming its version,
    where nodes have fields that are not known here or ask for categories.
    """
    from sklearn import __version__

    refusal = f"csk cannot read the trees of scikit-learn {__version__}."
    hint = "Install a version of scikit-learn that the locks of csk name."
    try:
        baseline = float(np.asarray(fitted._baseline_prediction).item())  # noqa: SLF001 - see above
        grown = [one.nodes for (one,) in fitted._predictors[:n_trees]]  # noqa: SLF001 - likewise
        names = {name for nodes in grown for name in nodes.dtype.names}
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(refusal, details=[str(error)], hint=hint) from error
    odd = names ^ (_FIELDS | (_UNUSED & names)) if grown else set()
    if odd:
        details = [f"field of a node: {name}" for name in sorted(odd)]
        raise ModelError(refusal, details=details, hint=hint)
    if any(nodes["is_categorical"].any() for nodes in grown):
        raise ModelError(refusal, details=["a split by categories"], hint=hint)
    return forest(int(fitted.n_features_in_), baseline, [_nodes(nodes) for nodes in grown])


def log_odds(trees: Forest, x: Floats) -> Floats:
    """Return the log-odds of the rows of `x` (n, columns; NaN is missing), by the quickest way.

    scikit-learn's compiled predictor where it takes our nodes and gives our numbers, otherwise
    `by_steps`. Equal to it bit by bit, on one thread.
    """
    return summed(trees, x, predictors(trees, x))


Predictor = Callable[[Floats], Floats]
"""Gives what one tree adds to each row."""


def predictors(trees: Forest, like: Floats) -> list[Predictor]:
    """Return a way to evaluate each tree; `like` has rows as they will come, to probe it with."""
    if trees.n_trees == 0:
        return []
    try:
        made: list[Predictor] = [_compiled(trees, at) for at in range(trees.n_trees)]
        probe = like[:_PROBED]
        is_same = np.array_equal(made[-1](probe), by_steps(trees.tree(trees.n_trees - 1), probe))
    except (ImportError, AttributeError, TypeError, ValueError):
        is_same = False
    if is_same:
        return made
    return [_stepwise(trees.tree(at)) for at in range(trees.n_trees)]


def summed(trees: Forest, x: Floats, ways: list[Predictor]) -> Floats:
    """Return the log-odds of rows, each tree evaluated by its way."""
    if x.ndim != 2 or x.shape[1] != trees.n_features:  # noqa: PLR2004 - rows and columns
        raise ModelError(f"The trees ask {trees.n_features} columns, not {x.shape[-1]}.")
    odds = np.full(len(x), trees.baseline)
    for at in range(0, len(x), _ROWS):
        part, into = x[at : at + _ROWS], odds[at : at + _ROWS]
        for way in ways:
            into += way(part)
    return odds


def by_steps(tree: Nodes, x: Floats) -> Floats:
    """Return what one tree adds to each row: the reference, a level of the tree at a time."""
    at = np.zeros(len(x), np.int64)
    rows = np.arange(len(x))
    while len(rows):
        rows = rows[tree.feature[at[rows]] >= 0]
        here = at[rows]
        asked = x[rows, tree.feature[here]]
        is_left = np.where(np.isnan(asked), tree.missing_left[here], asked <= tree.threshold[here])
        at[rows] = np.where(is_left, tree.left[here], tree.right[here])
    return tree.value[at]


def _stepwise(tree: Nodes) -> Predictor:
    return lambda x: by_steps(tree, x)


def _compiled(trees: Forest, at: int) -> Predictor:
    """Return scikit-learn's own predictor of one tree, made of our nodes."""
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    tree = trees.tree(at)
    is_leaf = tree.feature < 0
    nodes = np.zeros(len(is_leaf), PREDICTOR_RECORD_DTYPE)
    nodes["value"], nodes["count"] = tree.value, tree.n
    nodes["feature_idx"] = np.where(is_leaf, 0, tree.feature)
    nodes["num_threshold"] = np.where(is_leaf, 0.0, tree.threshold)
    nodes["missing_go_to_left"] = tree.missing_left
    nodes["left"], nodes["right"], nodes["is_leaf"] = tree.left, tree.right, is_leaf
    no_categories = np.zeros((0, 8), np.uint32)
    predictor = TreePredictor(nodes, no_categories, no_categories)
    none_asked = np.zeros(trees.n_features, np.uint32)
    return lambda x: np.asarray(predictor.predict(x, no_categories, none_asked, 1))


def _nodes(grown: Any) -> Nodes:  # noqa: ANN401 - a structured array
    is_leaf = grown["is_leaf"].astype(np.bool_)
    return Nodes(
        feature=np.where(is_leaf, -1, grown["feature_idx"]).astype(np.int64),
        threshold=np.where(is_leaf, 0.0, grown["num_threshold"]),
        missing_left=grown["missing_go_to_left"].astype(np.bool_) & ~is_leaf,
        left=np.where(is_leaf, 0, grown["left"]).astype(np.int64),
        right=np.where(is_leaf, 0, grown["right"]).astype(np.int64),
        value=grown["value"].astype(np.float64),
        n=grown["count"].astype(np.int64),
    )


def _unsound(trees: Forest) -> str:
    """Return what is wrong with the nodes; empty where nothing is."""
    nodes, starts = trees.nodes, trees.starts
    n_nodes = len(nodes.feature)
    if any(values.shape != (n_nodes,) for values in nodes):
        return "the columns of the nodes differ in length"
    if n_nodes > MOST_NODES or trees.n_trees > MOST_TREES or trees.n_features < 1:
        return f"{trees.n_trees:,} trees of {n_nodes:,} nodes on {trees.n_features} columns"
    if len(starts) < 1 or starts[0] != 0 or starts[-1] != n_nodes or (np.diff(starts) < 1).any():
        return "a tree has no root"
    sizes = np.diff(starts)
    own = np.arange(n_nodes) - np.repeat(starts[:-1], sizes)
    size, is_split = np.repeat(sizes, sizes), nodes.feature >= 0
    wrong = {
        "a node asks a column that is not there": (nodes.feature < -1)
        | (nodes.feature >= trees.n_features),
        "a child does not come after its parent, within its tree": is_split
        & (
            (np.minimum(nodes.left, nodes.right) <= own)
            | (np.maximum(nodes.left, nodes.right) >= size)
        ),
        "the value of a node is not finite": ~np.isfinite(nodes.value),
        "a threshold is not a number": is_split & np.isnan(nodes.threshold),
        "a count is below 0": nodes.n < 0,
    }
    if not np.isfinite(trees.baseline):
        return "the baseline is not finite"
    return next((why for why, is_wrong in wrong.items() if is_wrong.any()), "")
