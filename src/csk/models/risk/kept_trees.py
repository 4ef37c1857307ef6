"""Boosted trees as a table, one row a node, and back.

One rule: a split that only asks whether a value is known has no threshold; so every number in
the table is finite.
"""

from typing import Any, Final

import numpy as np
import polars as pl

from csk.errors import DataError
from csk.models.risk.nodes import Forest, Nodes
from csk.models.risk.trees import TreeModel
from csk.models.strict_json import made, plain, refuse_fields, typed

SCHEMA: Final = {
    "cause": pl.Int64,
    "tree": pl.Int64,
    "node": pl.Int64,
    "feature": pl.String,
    "threshold": pl.Float64,
    "missing_goes_left": pl.Boolean,
    "left": pl.Int64,
    "right": pl.Int64,
    "value": pl.Float64,
    "n": pl.Int64,
}
"""`feature`, `left` and `right` are null in a leaf; a value at most the threshold goes left."""
_OF_A_SPLIT, _THRESHOLD = ("left", "right"), "threshold"
_NEVER_NULL: Final = ("cause", "tree", "node", "missing_goes_left", "value", "n")


def told(model: TreeModel) -> dict[str, Any]:
    """Return what the table does not hold."""
    return {
        **plain(model, {"forests"}),
        "baselines": [forest.baseline for forest in model.forests],
    }


def table(model: TreeModel) -> pl.DataFrame:
    """Return the nodes of all trees."""
    parts = [
        _of_forest(cause, forest, model.columns)
        for cause, forest in zip(model.causes, model.forests, strict=True)
    ]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *parts])


def model(text: Any, nodes: pl.DataFrame) -> TreeModel:  # noqa: ANN401 - JSON
    """Return the trees of their text and table; DataError or ModelError where they are none."""
    refuse_fields(text, ("causes", "edges", "features", "plans", "baselines"), "The trees")
    baselines = typed("baselines", text["baselines"], tuple[float, ...])
    rest = {name: one for name, one in text.items() if name != "baselines"}
    shape = made(TreeModel, rest, "The trees", forests=())
    if len(baselines) != len(shape.causes) or not nodes["cause"].is_in(list(shape.causes)).all():
        raise DataError("The trees are not those of the causes that the model names.")
    if sum(nodes.select(_NEVER_NULL).null_count().row(0)):
        raise DataError("A node of the trees has no number.")
    place = {name: at for at, name in enumerate(shape.columns)}
    unknown = set(nodes["feature"].drop_nulls().unique()) - set(place)
    if unknown:
        raise DataError("The trees ask columns that the model has not.")
    forests = tuple(
        _forest(nodes.filter(pl.col("cause") == cause), baseline, place)
        for cause, baseline in zip(shape.causes, baselines, strict=True)
    )
    grown: TreeModel = made(TreeModel, rest, "The trees", forests=forests)
    return grown


def _of_forest(cause: int, forest: Forest, columns: tuple[str, ...]) -> pl.DataFrame:
    nodes = forest.nodes
    sizes = np.diff(forest.starts)
    is_split = pl.Series(nodes.feature >= 0)
    own = np.arange(len(nodes.feature)) - np.repeat(forest.starts[:-1], sizes)
    frame = pl.DataFrame(
        {
            "cause": np.full(len(own), cause, np.int64),
            "tree": np.repeat(np.arange(len(sizes)), sizes),
            "node": own,
            "feature": [columns[at] if at >= 0 else None for at in nodes.feature],
            "threshold": nodes.threshold,
            "missing_goes_left": nodes.missing_left,
            "left": nodes.left,
            "right": nodes.right,
            "value": nodes.value,
            "n": nodes.n,
        },
        schema=SCHEMA,
    )
    known = is_split & pl.Series(np.isfinite(nodes.threshold))
    where = {**dict.fromkeys(_OF_A_SPLIT, is_split), _THRESHOLD: known}
    return frame.with_columns(
        pl.when(is_told).then(pl.col(name)).alias(name) for name, is_told in where.items()
    )


def _forest(nodes: pl.DataFrame, baseline: float, place: dict[str, int]) -> Forest:
    tree = nodes["tree"].to_numpy()
    starts = np.concatenate([np.flatnonzero(np.diff(tree, prepend=-1)), [len(tree)]])
    is_leaf = nodes["feature"].is_null()
    feature = nodes["feature"].replace_strict(place, default=-1, return_dtype=pl.Int64)
    asked = nodes[_THRESHOLD].fill_null(np.inf).to_numpy()
    return Forest(
        len(place),
        baseline,
        starts.astype(np.int64),
        Nodes(
            feature=feature.fill_null(-1).to_numpy().copy(),
            threshold=np.where(is_leaf.to_numpy(), 0.0, asked),
            missing_left=nodes["missing_goes_left"].to_numpy().copy(),
            left=nodes["left"].fill_null(0).to_numpy().copy(),
            right=nodes["right"].fill_null(0).to_numpy().copy(),
            value=nodes["value"].to_numpy().copy(),
            n=nodes["n"].to_numpy().copy(),
        ),
    )
