"""How trees are grown: in steps, until customers held apart are foretold no better.

One rule: scikit-learn grows them and is then let go; what leaves this module are plain arrays.
It is given the rank of each value among cuts, not the value: with weights it would look for its
own cuts by 255 sorts a column, which takes longer than all trees.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from csk.models.risk.nodes import Forest, exported, predictors

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAVES: Final = 12
ROWS_A_LEAF: Final = 50
RATE: Final = 0.05
STEP: Final = 50
"""Trees that are grown before the loss is looked at again."""
MOST_TREES: Final = 400
MOST_CUTS: Final = 254
"""Values of a column that a tree may split at."""
ENOUGH_APART: Final = 10
"""Events among customers held apart below which they decide nothing."""
FEW_TREES: Final = 50
"""Number of trees where it cannot be chosen."""
_SEED: Final = 6


def grown(x: Floats, is_event: Flags, weight: Floats, is_apart: Flags) -> Forest:
    """Return trees for the chance of an event, as many as foretell the rows held apart best.

    The number is chosen without the rows held apart (by weighted log-loss), and then that many
    are grown on all. Missing values are NaN.
    """
    from threadpoolctl import threadpool_limits

    weight = weight / weight.mean()
    cuts = [_cuts(column) for column in x.T]
    ranks = np.column_stack([_ranks(column, at) for column, at in zip(x.T, cuts, strict=True)])
    # Sums of gradients differ from run to run where several threads add them up.
    with threadpool_limits(1, "openmp"):
        n_trees = _n_trees(ranks, is_event, weight, is_apart)
        fitted = _empty(max(n_trees, 1)).fit(ranks, is_event, weight)
    return _on_values(exported(fitted, n_trees), cuts)


def _cuts(column: Floats) -> Floats:
    """Return what splits a column into parts of about equal numbers; between all its few values."""
    known = np.sort(column[~np.isnan(column)])
    values = np.unique(known)
    if len(values) <= MOST_CUTS:
        return np.asarray((values[1:] + values[:-1]) / 2)
    at = np.linspace(0, len(known), MOST_CUTS + 2)[1:-1].astype(np.int64)
    return np.unique((known[at - 1] + known[at]) / 2)


def _ranks(column: Floats, cuts: Floats) -> Floats:
    """Return how many cuts lie below each value; NaN stays."""
    return np.where(np.isnan(column), np.nan, np.searchsorted(cuts, column))


def _on_values(trees: Forest, cuts: list[Floats]) -> Forest:
    """Return trees that ask ranks as trees that ask the values themselves."""
    nodes = trees.nodes
    threshold = nodes.threshold.copy()
    for at in np.flatnonzero((nodes.feature >= 0) & np.isfinite(threshold)):
        # A rank is at most k + a half where the value is at most cut number k.
        threshold[at] = cuts[nodes.feature[at]][int(threshold[at])]
    return Forest(
        trees.n_features, trees.baseline, trees.starts, nodes._replace(threshold=threshold)
    )


def _n_trees(x: Floats, is_event: Flags, weight: Floats, is_apart: Flags) -> int:
    known = ~is_apart
    if is_event[is_apart].sum() < ENOUGH_APART or not is_event[known].any():
        return FEW_TREES
    held, outcome, heft = x[is_apart], is_event[is_apart], weight[is_apart]
    seen, seen_outcome, seen_heft = x[known], is_event[known], weight[known]
    fitted = _empty(STEP).set_params(warm_start=True)
    odds = np.zeros(len(held))
    losses: list[float] = []
    while len(losses) <= MOST_TREES:
        fitted.fit(seen, seen_outcome, seen_heft)
        trees = exported(fitted, fitted.max_iter)
        if not losses:
            odds += trees.baseline
            losses.append(_loss(odds, outcome, heft))
        for way in predictors(trees, held)[len(losses) - 1 :]:
            odds += way(held)
            losses.append(_loss(odds, outcome, heft))
        if int(np.argmin(losses)) <= len(losses) - STEP // 2:
            break
        fitted.set_params(max_iter=fitted.max_iter + STEP)
    return int(np.argmin(losses))


def _loss(odds: Floats, is_event: Flags, weight: Floats) -> float:
    """Return the weighted sum of -ln(chance of what happened)."""
    return float(weight @ np.logaddexp(0.0, np.where(is_event, -odds, odds)))


def _empty(n_trees: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=RATE,
        max_iter=n_trees,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=ROWS_A_LEAF,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=_SEED,
    )
