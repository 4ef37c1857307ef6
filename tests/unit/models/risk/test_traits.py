"""Columns of a cross-section: what is read of them, and that a recipe learns of its rows alone."""

import numpy as np
import polars as pl
import pytest

from csk.models.risk.traits import columns, plain, recipe, traits

N = 200
EVEN = [str(i % 2) for i in range(N)]


def rows(**given):
    base = {
        "customer_id": [f"c{i}" for i in range(N)],
        "is_churned": [i % 3 == 0 for i in range(N)],
    }
    return pl.DataFrame({**base, **given})


def trait(values, name="x"):
    (found,), _ = traits(pl.DataFrame({name: values}))
    return found


@pytest.mark.parametrize(
    ("values", "is_text"),
    [
        ([str(i / 7) for i in range(N)], False),
        (["", *(str(i) for i in range(0, 2 * (N - 1), 2))], False),
        (EVEN, False),
        (["yes", "no"] * (N // 2), True),
        ([*(["n/a"] * 20), *(str(i) for i in range(N - 20))], True),
        ([i % 2 == 0 for i in range(N)], False),
    ],
    ids=["numbers", "a gap", "codes", "words", "too few numbers", "flags"],
)
def test_texts_that_are_numbers_are_read_as_numbers(values, is_text):
    found, left_out = traits(rows(x=values))
    if left_out:
        assert (left_out[0].check, is_text) == ("too_many_values", True)
    else:
        assert (found[0].texts is not None) == is_text


@pytest.mark.parametrize(
    ("values", "check"),
    [
        ([5.0] * N, "constant"),
        ([None] * N, "constant"),
        (["same"] * N, "constant"),
        ([str(i + 1) for i in range(N)], "row_number"),
        ([f"street {i}" for i in range(N)], "too_many_values"),
    ],
)
def test_a_column_that_tells_nothing_is_left_out_and_named(values, check):
    found, left_out = traits(rows(x=pl.Series(values), y=EVEN))
    assert [one.name for one in found] == ["y"]
    assert [(one.check, one.column, one.is_fatal) for one in left_out] == [(check, "x", False)]


def test_amounts_are_read_in_units_of_money():
    (found,), _ = traits(rows(monthly_amount=[10_000 * (1 + i % 50) for i in range(N)]))
    assert found.numbers.max() == 50.0


def test_columns_of_the_rows_that_were_learnt_have_a_mean_of_zero():
    for values in ([str(i**1.5) for i in range(N)], ["a", "b", "c", "c"] * 50, ["", *EVEN[1:]]):
        of = trait(values)
        made = columns(of, recipe(of))
        np.testing.assert_allclose(made.mean(axis=0), 0.0, atol=1e-10)


def test_a_number_bends_and_a_gap_has_a_column_of_its_own():
    whole = trait([i**1.5 for i in range(N - 1)] + [None])
    assert columns(whole, recipe(whole)).shape == (N, 5)
    straight = trait([0.0, 1.0] * (N // 2))
    assert columns(straight, recipe(straight)).shape == (N, 1)


def test_beyond_its_last_knot_a_number_goes_on_in_a_line():
    of = trait([float(i) for i in range(N)] + [1_000.5])
    made = recipe(of)
    ahead = columns(trait([300.0, 400.0, 500.0, 600.5]), made)[:3]
    np.testing.assert_allclose(np.diff(ahead, n=2, axis=0), 0.0, atol=1e-9)


def test_rare_texts_are_pooled_and_unknown_ones_count_with_them():
    of = trait(["a"] * 100 + ["b"] * 90 + ["rare"] * 10)
    made = recipe(of)
    assert made.levels == ("a", "b")
    x = columns(trait(["rare", "never seen", "rare", "never seen"]), made)
    assert (x[0] == x[1]).all()


def test_a_recipe_does_not_know_rows_that_it_was_not_made_of():
    of = trait([str(float(i**2)) for i in range(N)])
    some = np.arange(0, N, 2)
    other = trait([str(float(i**2 if i % 2 == 0 else 1e6 + i)) for i in range(N)])
    assert recipe(of.picked(some)) == recipe(other.picked(some))


def test_trees_take_numbers_as_they_are():
    number, word = trait([1.5, None] * 100), trait(["a", "b"] * 100)
    x = plain((number, word), (recipe(number), recipe(word)))
    assert x.shape == (200, 3)
    assert x[0, 0] == 1.5
    assert np.isnan(x[1, 0])
