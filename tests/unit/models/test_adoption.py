from math import isnan

import polars as pl
import pytest

from csk.models.adoption import entitlements, hazards, uses, with_unused
from csk.stats.stratified import risk_ratio


def customers(*rows):
    """Rows of plan and features used."""
    return pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(len(rows))],
            "plan": [plan for plan, _ in rows],
            "mrr_amount": [100] * len(rows),
            "features": [features for _, features in rows],
        },
        schema={
            "customer_id": pl.String,
            "plan": pl.String,
            "mrr_amount": pl.Int64,
            "features": pl.List(pl.String),
        },
    )


TEN = [("a", ["x", "y"])] * 5 + [("a", ["x"])] * 4 + [("a", ["z"])]


def test_what_half_of_a_plan_uses_is_of_the_plan():
    # Who uses nothing is not asked; nine customers of b are too few to tell.
    found = entitlements(customers(*TEN, ("a", []), ("a", None), *[("b", ["x"])] * 9), {})
    assert found == {"a": ("x", "y"), "b": ()}


def test_settings_tell_it_outright():
    found = entitlements(customers(*TEN), {"a": ("w",), "c": ("x",)})
    assert found == {"a": ("w",), "c": ("x",)}


def test_without_plans_the_book_is_one():
    rows = customers(*[(None, ["x"])] * 10)
    assert entitlements(rows, {}) == {"": ("x",)}
    assert with_unused(rows, {"": ("x", "y")})["unused"].to_list() == [["y"]] * 10


def test_unused_is_what_the_plan_has_and_the_customer_does_not_use():
    rows = customers(("a", ["x", "q"]), ("a", None), ("b", ["x"]))
    found = with_unused(rows, {"a": ("x", "y")})
    assert found["unused"].to_list() == [["y"], ["x", "y"], []]
    assert found["n_features_28d"].to_list() == [2, 0, 1]
    told = [
        (one.feature, one.n_entitled, one.n_using, one.mrr_unused_amount) for one in uses(found)
    ]
    assert told == [("y", 2, 0, 200), ("x", 2, 1, 100)]


def sums(*rows):
    names = ["feature", "plan", "tenure_no", "level_no", "n", "n_left", "n_level", "n_level_left"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_who_does_not_use_a_feature_is_all_less_who_does():
    # At level 2: 100 customers, 20 left. 40 of them use x (6 left), which is all they use beyond
    # level 1, where 50 others are (10 left) who use none.
    found = hazards(
        sums(
            ("", "a", 0, 2, 100, 20, 0, 0),
            ("", "a", 0, 1, 50, 10, 0, 0),
            ("x", "a", 0, 2, 0, 0, 40, 6),
            ("x", "a", 0, 1, 40, 6, 0, 0),
        )
    )
    (one,) = found
    assert (one.n_with, one.left_with, one.n_without, one.left_without) == (40, 6, 110, 24)
    # Only level 1 has both: 50 without (10 left), 40 with (6 left).
    assert one.ratio == risk_ratio([10], [50], [6], [40])
    assert one.p_adjusted == pytest.approx(one.ratio.p_value)


def test_a_feature_that_few_leave_with_has_no_ratio():
    rows = [("", "a", 0, 1, 900, 90, 0, 0)]
    rows += [("x", "a", 0, 1, 300, 4, 300, 4), ("y", "a", 0, 1, 300, 10, 300, 10)]
    found = hazards(sums(*rows))
    assert [one.feature for one in found] == ["y", "x"]
    assert found[0].ratio.value > 1
    assert isnan(found[1].ratio.value)
    assert isnan(found[1].p_adjusted)
