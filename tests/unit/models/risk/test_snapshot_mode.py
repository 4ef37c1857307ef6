"""Chances of a cross-section: out of fold, chosen by loss, with reasons that add up."""

import numpy as np
import polars as pl
import pytest

from csk.errors import ModelError
from csk.models.risk import snapshot_mode
from csk.models.risk.snapshot_mode import contributions, folds, snapshot_risk
from csk.models.risk.traits import traits
from csk.stats import logistic

N = 1_200


def drawn(signal, n=N, seed=3, **more):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.normal(size=n)
    plan = rng.choice(["basic", "pro"], n)
    eta = -0.8 + signal(x, z, plan)
    return pl.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "is_churned": rng.random(n) < 1 / (1 + np.exp(-eta)),
            "tenure_months": rng.integers(1, 60, n).astype(float),
            "plan": plan,
            "x": [str(v) for v in x],
            "z": [str(v) for v in z],
            **more,
        }
    )


def line(x, _, plan):
    return 1.5 * x + 0.8 * (plan == "basic")


def nothing(x, *_):
    return 0.0 * x


@pytest.fixture(scope="module")
def straight():
    return snapshot_risk(drawn(line), seeds=(0, 1))


@pytest.fixture(scope="module")
def crossed():
    return snapshot_risk(drawn(lambda x, z, _: 5.0 * ((x > 0) == (z > 0)) - 3.0), seeds=(0,))


@pytest.fixture(scope="module")
def noise():
    return snapshot_risk(drawn(nothing), seeds=(0,))


def test_a_line_is_left_to_the_glass_box(straight):
    assert (straight.chosen, straight.verdict) == ("glass", "sound")
    assert straight.score.auc > 0.75
    assert straight.score.slope == pytest.approx(1.0, abs=0.15)
    assert straight.score.brier_skill > 0.15
    assert straight.n_repeats == 2


def test_what_no_sum_of_columns_can_say_is_left_to_trees(crossed):
    glass, trees = crossed.scores
    assert crossed.chosen == "trees"
    assert trees.auc > 0.8
    assert glass.auc < 0.6
    assert crossed.loss_gap > crossed.loss_gap_se


def test_noise_is_said_to_be_no_better_than_chance(noise):
    assert noise.verdict == "no_better_than_chance"
    assert noise.chosen == "glass"
    # A chance that had seen its own outcome would tell it: these trees have 1,200 leaves.
    assert [one.auc for one in noise.scores] == pytest.approx([0.5, 0.5], abs=0.06)


def test_folds_hold_as_many_who_left_each():
    left = np.arange(1_003) % 7 == 0
    fold = folds(left, 4)
    per_fold = np.bincount(fold[left], minlength=5)
    assert np.ptp(per_fold) <= 1
    assert np.ptp(np.bincount(fold)) <= 2
    assert (fold == folds(left, 4)).all()
    assert (fold != folds(left, 5)).any()


def test_reasons_add_up_to_the_log_odds():
    rows = drawn(line)
    used, _ = traits(rows)
    left = rows["is_churned"].to_numpy()
    box = snapshot_mode._fitted(used, left)  # the sum is what a report rests on
    parts = contributions(used, box.recipes, box.coefficients)
    design = snapshot_mode._design(used, box.recipes)  # as above
    np.testing.assert_allclose(
        parts.sum(axis=1) + box.coefficients[0], design @ box.coefficients, atol=1e-9
    )
    np.testing.assert_allclose(parts.mean(axis=0), 0.0, atol=1e-9)
    assert logistic.chance(design @ box.coefficients).mean() == pytest.approx(left.mean(), abs=1e-4)


def test_the_first_reason_is_the_column_that_moves_most(straight):
    x = straight.customers.with_columns(number=drawn(line)["x"].cast(pl.Float64))
    far = x.filter(pl.col("number").abs() > 1.5)
    assert (far["reason_1"] == "x").mean() > 0.95
    told = far.filter(pl.col("reason_1") == "x")
    ways = told["reason_1_direction"] == "up"
    assert (ways == (told["number"] > 0)).all()
    assert told["reason_1_value"].equals(told["number"].alias("reason_1_value"))
    assert told["reason_1_shown"].cast(pl.Float64).to_list() == pytest.approx(
        told["number"].to_list(), rel=1e-5
    )
    assert told["reason_1_median"].n_unique() == 1


def test_a_text_is_shown_beside_the_most_frequent(straight):
    told = straight.customers.filter(pl.col("reason_2") == "plan")
    assert told.height
    assert told["reason_2_value"].null_count() == told.height
    assert set(told["reason_2_shown"].unique()) <= {"basic", "pro"}
    assert told["reason_2_usual"].n_unique() == 1
    ways = told.filter(pl.col("reason_2_direction") == "up")["reason_2_shown"]
    assert ways.unique().to_list() == ["basic"]


def test_the_table_is_in_the_order_of_the_rows(straight):
    rows = drawn(line)
    assert straight.customers["customer_id"].equals(rows["customer_id"])
    assert straight.customers["is_churned"].equals(rows["is_churned"])
    assert straight.customers["p_churn"].is_between(0, 1).all()
    assert straight.customers.columns[:3] == ["customer_id", "is_churned", "p_churn"]


def test_a_column_that_knows_the_outcome_is_left_out_and_named():
    rows = drawn(line)
    told = rows.with_columns(
        churn_reason=pl.when("is_churned").then(pl.lit("price")).otherwise(pl.lit("")),
        score=pl.col("is_churned").cast(pl.Float64) * 80 + 10,
    )
    found = snapshot_risk(told, seeds=(0,))
    fatal = {(one.column, one.check) for one in found.findings if one.is_fatal}
    assert fatal == {("churn_reason", "target_in_other_words"), ("score", "single_column")}
    assert found.used == ("tenure_months", "plan", "x", "z")
    assert found.score.auc < 0.9


def test_fewer_columns_than_reasons_leave_reasons_null():
    rows = drawn(line).select("customer_id", "is_churned", "x")
    found = snapshot_risk(rows, seeds=(0,)).customers
    assert found["reason_2"].null_count() == found.height
    assert found["reason_1"].null_count() == 0


@pytest.mark.parametrize(
    ("left", "said"),
    [(lambda i: i < 99, "99 of 1,200"), (lambda i: i >= 99, "1,101 of 1,200"), (bool, "1,199")],
    ids=["few left", "few stayed", "nearly all left"],
)
def test_too_few_of_one_kind_are_refused(left, said):
    rows = drawn(line).with_columns(is_churned=pl.Series([left(i) for i in range(N)]))
    with pytest.raises(ModelError, match=said):
        snapshot_risk(rows)


def test_a_table_without_columns_is_refused_and_says_why():
    rows = drawn(line).select("customer_id", "is_churned", same=pl.lit("a"))
    with pytest.raises(ModelError) as refused:
        snapshot_risk(rows)
    assert refused.value.details == ("same: constant",)


def test_the_same_rows_give_the_same_chances(noise):
    again = snapshot_risk(drawn(nothing), seeds=(0,))
    assert again.customers.equals(noise.customers)
