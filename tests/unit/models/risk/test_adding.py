"""What features add, read off their values, beside the matrix that is spelt out."""

import numpy as np
import polars as pl
import pytest

from csk.errors import DataError
from csk.models.risk import design
from csk.models.risk.adding import additions, blocks, shared, spread, summed

EDGES = (7, 30, 90)


def customers(n=500, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "usage_to_baseline": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "tickets_28d": rng.poisson(2, n) - 0.5,
            "tenure_days": rng.exponential(300, n),
            "seats": np.where(rng.random(n) < 0.5, 7.0, np.nan),
            "plan": rng.choice(["basic", "plus", "rare"], n, p=[0.6, 0.395, 0.005]),
            "term_months": rng.integers(0, 3, n),
            "renewals_7d": rng.integers(0, 2, n),
            "renewals_90d": rng.integers(2, 5, n),
        }
    ).with_columns(pl.col("usage_to_baseline").fill_nan(None))


def spelt_out(most=200):
    """Return blocks with what four predictors add, and the same by the matrix."""
    rows = customers()
    recipe = design.recipe(rows)
    coefficients = np.random.default_rng(1).normal(size=(4, len(recipe.columns)))
    folded = additions(recipe, coefficients)
    # A plan that was not there, and values beyond all that were.
    new = customers(seed=2).with_columns(
        plan=pl.when(pl.int_range(pl.len()) % 7 == 0).then(pl.lit("new")).otherwise("plan"),
        tickets_28d=pl.col("tickets_28d") * 9 - 5,
    )
    parts = list(blocks(recipe, EDGES, new, most))
    return folded, parts, coefficients @ design.matrix(recipe, new)


def test_what_features_add_is_what_the_matrix_says():
    folded, parts, expected = spelt_out()
    found = np.concatenate([summed(folded, one, spread(folded, one)) for one in parts], axis=1)
    assert found == pytest.approx(expected, abs=1e-10)


def test_shares_of_features_add_up_to_a_millionth():
    folded, parts, expected = spelt_out()
    slopes = np.random.default_rng(3).normal(size=(4, 500))
    told = [shared(folded, one, spread(folded, one), slopes[:, one.place]) for one in parts]
    found = np.concatenate(told, axis=1)
    assert len(found) == 5  # four features and the plan
    whole = (slopes * expected).sum(axis=0)
    assert found.sum(axis=0) == pytest.approx(whole, abs=1e-5 * np.abs(whole).max())


def test_blocks_hold_every_row_once_and_in_order():
    rows = customers()
    recipe = design.recipe(rows)
    (whole,) = blocks(recipe, EDGES, rows, 1000)
    parts = list(blocks(recipe, EDGES, rows, 73))
    assert [one.place.start for one in parts] == list(range(0, 500, 73))
    for name in ("values", "plan", "due", "term"):
        together = np.concatenate([getattr(one, name) for one in parts], axis=-1)
        np.testing.assert_array_equal(together, getattr(whole, name))
    assert whole.due.sum(axis=0).tolist() == rows["renewals_90d"].to_list()
    assert whole.due[1].tolist() == [0] * 500  # no column for that edge


def test_no_features_add_nothing():
    rows = customers().select("term_months")
    recipe = design.recipe(rows)
    folded = additions(recipe, np.zeros((2, 0)))
    (one,) = blocks(recipe, EDGES, rows)
    assert not summed(folded, one, spread(folded, one)).any()


def test_a_feature_that_is_no_column_is_refused():
    recipe = design.recipe(customers())
    with pytest.raises(DataError, match="needs features"):
        list(blocks(recipe, EDGES, customers().drop("seats")))
