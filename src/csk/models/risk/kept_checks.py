"""What no model of churn risk can be, wherever it comes from.

One rule: it is asked before a model is kept and after one is read, so neither side trusts the
other.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from csk.models.risk.design import Measure
from csk.models.risk.glass import GlassBox, faded
from csk.models.risk.leads import BASE
from csk.models.risk.model import RiskModel
from csk.models.risk.trees import TreeModel
from csk.models.risk.verdict import CURVES, GLASS, TREES
from csk.schema.features import FEATURES, TOUCHES

MOST: Final = 1e6
"""Log-odds of no model come near it."""
_CAUSES: Final = (1, 2, 3)
_SCALES: Final = ("log", "linear")


def unsound_parts(model: RiskModel) -> list[str]:
    """Return what is wrong with a model, line by line; nothing where it is sound."""
    found = [*_of_facts(model), *_of_edges(model.box.edges), *_of_causes(model.box.causes)]
    found += [*_of_box(model.box), *_of_drift(model.drift)]
    for measure in model.box.recipe.measures:
        found += _of_measure(measure, len(model.box.recipe.levels))
    if model.trees is not None:
        found += _of_trees(model.trees, model.box.edges)
    if model.chosen not in (GLASS, TREES, CURVES):
        found.append("the kind of model that was chosen is none")
    if model.chosen == TREES and model.trees is None:
        found.append("trees were chosen, but there are none")
    of = model.calibration
    numbers = (of.intercept, of.slope, *of.centres)
    if not all(math.isfinite(number) and abs(number) <= MOST for number in numbers):
        found.append("the calibration is not finite")
    if len(of.centres) not in (0, len(model.box.edges)):
        found.append("the calibration is not of the bins")
    return found


def _of_facts(model: RiskModel) -> list[str]:
    facts = model.facts
    is_sound = min(facts.n_rows, facts.n_customers, facts.n_events) >= 0
    is_sound &= facts.data_from < facts.as_of
    return [] if is_sound else ["the facts of the fit contradict each other"]


def _of_edges(edges: Sequence[int]) -> list[str]:
    is_sound = len(edges) > 0 and (np.diff((0, *edges)) > 0).all()
    return [] if is_sound else ["the days at which lead bins end must rise from 1"]


def _of_causes(causes: Sequence[int]) -> list[str]:
    is_sound = len(causes) > 0 and list(causes) == sorted(set(causes)) and set(causes) <= {*_CAUSES}
    return [] if is_sound else ["the causes are not some of 1, 2, 3 in order"]


def _of_box(box: GlassBox) -> list[str]:
    n_causes, n_bins = len(box.causes), len(box.edges)
    size = len(BASE) + n_bins + len(box.recipe.columns) + len(faded(box.recipe))
    lengths = (len(box.penalties), len(box.n_left), len(box.n_bins))
    if box.coefficients.shape != (n_causes, size) or lengths != (n_causes, n_causes, n_bins):
        return ["the glass box has not one coefficient for each of its columns"]
    covariance = box.covariance
    if covariance.shape != (n_causes * size, n_causes * size):
        return ["the covariance is not one of all coefficients"]
    wrong = {
        "a coefficient is not finite, or beyond belief": not _are_sane(box.coefficients),
        "what bins add is not finite": box.ahead.shape != (n_causes, n_bins)
        or not _are_sane(box.ahead),
        "a penalty is below 0": not all(0 <= one < math.inf for one in box.penalties),
        "a count of the glass box is below 0": min((*box.n_left, *box.n_bins)) < 0,
        "the covariance is not finite": not np.isfinite(covariance).all(),
        "the covariance is not symmetric": not np.array_equal(covariance, covariance.T),
        "a variance is below 0": bool((np.diag(covariance) < 0).any()),
    }
    shares = box.recipe.shares
    wrong["plans and their shares do not match"] = len(shares) != len(box.recipe.levels)
    wrong["a share of a plan is none"] = not all(0 <= share <= 1 for share in shares)
    return [why for why, is_wrong in wrong.items() if is_wrong]


def _of_measure(one: Measure, n_levels: int) -> list[str]:
    known = {feature.name for feature in (*FEATURES, *TOUCHES)}
    lists = (one.knots, one.means, one.slopes, one.sizes)
    numbers = [one.low, one.high, one.typical, one.centre, one.size, one.missing]
    numbers += [number for values in lists for number in values]
    wrong = {
        "is no feature": one.name not in known,
        "is on no known scale": one.scale not in _SCALES,
        "has bends without a knot": len({len(values) for values in lists}) > 1,
        "has a number that is not finite": not all(math.isfinite(number) for number in numbers),
        "has no range": not one.low <= one.typical <= one.high or one.size < 0,
        "goes below what has a logarithm": one.scale == "log" and one.low <= -1,
        "has a bend of no size": not all(size > 0 for size in one.sizes),
        "has not quartiles for each plan": len(one.quartiles) != n_levels + 1
        or any(list(three) != sorted(three) for three in one.quartiles),
        "is missing in no share of the rows": not 0 <= one.missing <= 1,
    }
    return [f"the feature {one.name[:40]} {why}" for why, is_wrong in wrong.items() if is_wrong]


def _of_trees(trees: TreeModel, edges: Sequence[int]) -> list[str]:
    found = _of_causes(trees.causes)
    if trees.edges != tuple(edges):
        found.append("trees and glass box have other lead bins")
    if len(set(trees.columns)) < len(trees.columns):
        found.append("the trees ask a column twice")
    known = {feature.name for feature in (*FEATURES, *TOUCHES)}
    if not set(trees.features) <= known:
        found.append("the trees ask what is no feature")
    if len(trees.forests) != len(trees.causes):
        return [*found, "there are not trees for each cause"]
    if any(forest.n_features != len(trees.columns) for forest in trees.forests):
        found.append("the trees ask another number of columns")
    sums = (forest.nodes.value for forest in trees.forests)
    if not all(_are_sane(values) for values in sums):
        found.append("the value of a node is beyond belief")
    return found


def _of_drift(drift: pl.DataFrame) -> list[str]:
    is_sound = not sum(drift.null_count().row(0)) and bool((drift["n"] >= 0).all())
    is_sound &= bool((drift["low"] <= drift["high"]).all())
    return [] if is_sound else ["the bins of drift are no counts of ranges"]


def _are_sane(values: np.ndarray) -> bool:
    return bool((np.isfinite(values) & (np.abs(values) <= MOST)).all())
