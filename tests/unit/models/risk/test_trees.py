"""Trees are scikit-learn's to the last bit, and need nothing of it once they are fitted."""

import numpy as np
import polars as pl
import pytest
from risk_models import panel, rows_of, tree_model
from sklearn.ensemble import HistGradientBoostingClassifier

from csk.errors import ModelError
from csk.models.risk import growing, nodes, trees
from csk.models.risk.nodes import Forest, Nodes, by_steps, exported, forest, log_odds, predictors
from csk.models.risk.stacked import EDGES, renewals
from csk.models.risk.woods import pruned


def matrix(model, frame):
    """Return every row at every lead bin, as scikit-learn would be asked."""
    x = np.repeat(trees._matrix(model, frame), len(EDGES), axis=0)
    x[:, -2] = np.tile(np.arange(len(EDGES)), frame.height)
    x[:, -1] = renewals(frame, EDGES).ravel()
    return x


def theirs(model, cause):
    """Return scikit-learn's own fit to the same rows: with few values, its cuts are ours."""
    frame = panel()
    rows = rows_of(frame)
    x = trees._matrix(model, frame)[rows.at]
    x[:, -2], x[:, -1] = rows.lead, rows.n_renewals
    own = np.flatnonzero((rows.cause == 0) | (rows.cause == cause))
    weight = rows.weight[own] / rows.weight[own].mean()
    n_trees = model.forests[model.causes.index(cause)].n_trees
    return growing._empty(n_trees).fit(x[own], rows.cause[own] == cause, weight)


def test_chances_are_those_of_predict_proba():
    model, fresh = tree_model(), panel(700, 5)
    x = matrix(model, fresh)
    odds = []
    for cause, trees_of_cause in zip(model.causes, model.forests, strict=True):
        p = theirs(model, cause).predict_proba(x)[:, 1]
        ours = 1 / (1 + np.exp(-log_odds(trees_of_cause, x)))
        assert np.abs(ours - p).max() <= 1e-12
        odds.append(p / (1 - p))
    against = np.stack(odds, axis=1)
    expected = against / (1 + against.sum(axis=1, keepdims=True))
    found = trees.hazards(model, fresh)
    assert np.abs(found.reshape(expected.shape) - expected).max() <= 1e-12


def test_hazards_are_chances_of_all_causes_together():
    model = tree_model()
    found = trees.hazards(model, panel(300, 2))
    assert found.shape == (300, len(EDGES), 2)
    assert (found > 0).all()
    assert (found.sum(axis=2) < 1).all()


def test_who_uses_more_leaves_less():
    found = trees.hazards(tree_model(), panel(3000, 9)).sum(axis=(1, 2))
    uses = panel(3000, 9)["usage_28d"].fill_null(3.0).to_numpy()
    assert found[uses < 2].mean() > 1.5 * found[uses > 4].mean()


def test_the_compiled_way_and_the_steps_give_the_same_bits():
    of = tree_model().forests[0]
    x = matrix(tree_model(), panel(200, 3))
    steps = [lambda rows, at=at: by_steps(of.tree(at), rows) for at in range(of.n_trees)]
    assert log_odds(of, x).tobytes() == nodes.summed(of, x, steps).tobytes()


def test_a_compiled_predictor_that_gives_other_numbers_is_not_used(monkeypatch):
    model = tree_model()
    x = matrix(model, panel(50, 3))
    expected = log_odds(model.forests[0], x)
    monkeypatch.setattr(nodes, "_compiled", lambda *_: lambda rows: np.zeros(len(rows)))
    assert log_odds(model.forests[0], x).tobytes() == expected.tobytes()


def test_the_same_rows_give_the_same_trees():
    again = trees.fit(panel(), rows_of(panel()))
    for one, other in zip(again.forests, tree_model().forests, strict=True):
        assert one.baseline == other.baseline
        for a, b in zip(one.nodes, other.nodes, strict=True):
            assert a.tobytes() == b.tobytes()


def test_leaves_are_small_in_number_and_hold_enough_rows():
    for one in tree_model().forests:
        for number in range(one.n_trees):
            is_leaf = one.tree(number).feature < 0
            assert is_leaf.sum() <= growing.LEAVES
            assert (one.tree(number).n[is_leaf] >= growing.ROWS_A_LEAF).all()


def test_rare_plans_are_one_column():
    model = tree_model()
    assert model.plans == ("basic", "pro")
    assert model.columns[-3:] == (trees.OTHERS, trees.LEAD, trees.RENEWALS)
    fresh = panel(100, 4)
    seen, unseen = (trees.hazards(model, fresh.with_columns(plan=pl.lit(p))) for p in ("tiny", "x"))
    assert np.array_equal(seen, unseen)


def test_noise_grows_hardly_a_tree():
    grown = []
    for seed in range(5):
        draw = np.random.default_rng(seed)
        x, is_apart = draw.random((6000, 3)), draw.random(6000) < 0.3
        event = draw.random(6000) < 0.1
        grown.append(growing.grown(x, event, np.ones(6000), is_apart).n_trees)
    assert np.median(grown) <= 2


def test_weights_stand_for_rows():
    draw = np.random.default_rng(1)
    x = np.round(draw.random((3000, 2)), 1)
    event = draw.random(3000) < x[:, 0] / 4
    none_apart = np.zeros(3000, bool)
    twice = growing.grown(x, event, np.full(3000, 2.0), none_apart)
    once = growing.grown(x, event, np.ones(3000), none_apart)
    assert np.array_equal(log_odds(twice, x), log_odds(once, x))
    assert once.n_trees == growing.FEW_TREES


REFUSED = [
    ("nobody left", lambda f, r: (f, r._replace(cause=r.cause * 0)), "nobody left"),
    ("nobody stayed", lambda f, r: (f, r._replace(cause=r.cause * 0 + 1)), "nobody stayed"),
    (
        "infinite",
        lambda f, r: (f.with_columns(tickets_90d=pl.lit(float("inf"))), r),
        "tickets_90d is infinite",
    ),
    (
        "no feature",
        lambda f, r: (
            f.select("customer_id", *(f"renewals_{edge}d" for edge in EDGES)),
            r,
        ),
        "no feature",
    ),
]


@pytest.mark.parametrize(("change", "words"), [one[1:] for one in REFUSED], ids=lambda _: "")
def test_what_no_tree_can_be_grown_on_is_refused(change, words):
    frame, rows = change(panel(), rows_of(panel()))
    with pytest.raises(ModelError, match=words):
        trees.fit(frame, rows)


def test_a_panel_without_a_feature_of_the_model_is_refused_by_its_name():
    with pytest.raises(ModelError) as refusal:
        trees.hazards(tree_model(), panel(5).drop("last_nps"))
    assert refusal.value.details == ("missing: last_nps",)


def grown_elsewhere(**settings):
    draw = np.random.default_rng(2)
    x = np.round(draw.random((500, 2)) * 5)
    model = HistGradientBoostingClassifier(max_iter=3, early_stopping=False, **settings)
    return model.fit(x, draw.random(500) < x[:, 0] / 8)


def test_a_node_with_unknown_fields_is_refused_with_the_version():
    model = grown_elsewhere()
    of = model._predictors[1][0]
    kinds = [*of.nodes.dtype.descr, ("tilt", "f8")]
    wider = np.zeros(len(of.nodes), kinds)
    for name in of.nodes.dtype.names:
        wider[name] = of.nodes[name]
    of.nodes = wider
    with pytest.raises(ModelError, match=r"scikit-learn \d") as refusal:
        exported(model, 3)
    assert refusal.value.details == ("field of a node: tilt",)


def test_a_split_by_categories_is_refused():
    with pytest.raises(ModelError, match="scikit-learn") as refusal:
        exported(grown_elsewhere(categorical_features=[0]), 3)
    assert refusal.value.details == ("a split by categories",)


def test_an_estimator_of_another_make_is_refused():
    with pytest.raises(ModelError, match="scikit-learn"):
        exported(object(), 3)


def test_a_split_on_what_is_known_keeps_its_threshold():
    draw = np.random.default_rng(3)
    x = np.where(draw.random(2000) < 0.5, np.nan, 1.0)[:, None]
    event = draw.random(2000) < np.where(np.isnan(x[:, 0]), 0.5, 0.1)
    found = growing.grown(x, event, np.ones(2000), np.zeros(2000, bool))
    assert np.isinf(found.nodes.threshold).any()
    odds = log_odds(found, np.array([[np.nan], [1.0], [-7.0]]))
    assert odds[0] > odds[1] == odds[2]


STUMP = {
    "feature": [0, -1, -1],
    "threshold": [0.5, 0.0, 0.0],
    "missing_left": [True, False, False],
    "left": [1, 0, 0],
    "right": [2, 0, 0],
    "value": [0.0, -1.0, 1.0],
    "n": [9, 5, 4],
}


def stump(**changed):
    return Nodes(**{name: np.array(one) for name, one in (STUMP | changed).items()})


def test_a_stump_sends_missing_values_where_it_says():
    x = np.array([[0.5], [0.6], [np.nan], [np.inf], [-np.inf]])
    assert by_steps(stump(), x).tolist() == [-1.0, 1.0, -1.0, 1.0, -1.0]
    assert log_odds(forest(1, 0.25, [stump(), stump()]), x).tolist()[:2] == [-1.75, 2.25]


UNSOUND = [
    ("a child that is its parent", {"left": [0, 0, 0]}, "child"),
    ("a child beyond the tree", {"right": [3, 0, 0]}, "child"),
    ("a negative child", {"left": [-1, 0, 0]}, "child"),
    ("a column that is not there", {"feature": [1, -1, -1]}, "column"),
    ("a column below none", {"feature": [0, -2, -1]}, "column"),
    ("a value that is no number", {"value": [0.0, np.nan, 1.0]}, "value"),
    ("a threshold that is no number", {"threshold": [np.nan, 0.0, 0.0]}, "threshold"),
    ("a count below 0", {"n": [9, -5, 4]}, "count"),
    ("columns of several lengths", {"n": [9, 5]}, "length"),
]


@pytest.mark.parametrize(
    ("changed", "words"), [one[1:] for one in UNSOUND], ids=[one[0] for one in UNSOUND]
)
def test_trees_that_compiled_code_must_not_see_cannot_exist(changed, words):
    with pytest.raises(ModelError) as refusal:
        Forest(1, 0.0, np.array([0, 3]), stump(**changed))
    assert words in refusal.value.details[0]


def test_a_forest_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        forest(1, 0.0, [stump()]).nodes.left[0] = 0


def test_rows_of_another_width_are_refused():
    with pytest.raises(ModelError, match="1 columns, not 2"):
        log_odds(forest(1, 0.0, [stump()]), np.zeros((3, 2)))


def test_no_tree_at_all_is_the_baseline():
    assert log_odds(forest(2, -3.0, []), np.zeros((2, 2))).tolist() == [-3.0, -3.0]


def test_pruning_at_a_lead_changes_no_answer():
    model = tree_model()
    x = matrix(model, panel(100, 8))
    lead = len(model.columns) - 2
    for one in model.forests:
        for number in range(0, one.n_trees, 5):
            tree = one.tree(number)
            for at in range(len(EDGES)):
                rows = x[x[:, lead] == at]
                rest = pruned(tree, lead, float(at))
                assert len(rest.feature) <= len(tree.feature)
                assert not (rest.feature == lead).any()
                assert np.array_equal(by_steps(rest, rows), by_steps(tree, rows))


def test_an_empty_panel_has_no_hazards():
    assert trees.hazards(tree_model(), panel(3).clear()).shape == (0, len(EDGES), 2)


def test_predictors_of_nothing_are_none():
    assert predictors(forest(1, 0.0, []), np.zeros((1, 1))) == []
