"""Bins of the model's day, and how far later customers have moved out of them."""

import numpy as np
import polars as pl
import pytest

from csk.models.risk.drifting import MISSING, N_BINS, SCHEMA, bins, drifted


def customers(n=1_000, seed=0, **changed):
    draw = np.random.default_rng(seed)
    seats = pl.Series(draw.poisson(3.0, n).astype(float))
    return pl.DataFrame(
        {
            "customer_id": [str(number) for number in range(n)],
            "usage_28d": draw.gamma(2.0, 10.0, n),
            "seats": seats.set(pl.Series(draw.random(n) < 0.2), None),
            "refunds_90d": np.zeros(n),
            "last_nps": pl.Series([None] * n, dtype=pl.Float64),
            "tenure_days": draw.random(n) * 900,
            "days_to_renewal": draw.random(n) * 30,
            "nps_age_days": draw.random(n) * 90,
            "plan": ["a"] * n,
            **changed,
        }
    )


def psi(before, now):
    return {one.feature: one.psi for one in drifted(bins(before), now)}


@pytest.mark.parametrize("n", [1, 2, 9, 1_000])
def test_every_feature_counts_everybody_once(n):
    found = bins(customers(n))
    assert dict(found.schema) == SCHEMA
    assert (found.group_by("feature").agg(pl.col("n").sum())["n"] == n).all()
    assert (found["low"] <= found["high"]).all()
    assert found.group_by("feature").len()["len"].max() <= N_BINS + 1


def test_bins_hold_about_a_tenth_each():
    of = bins(customers()).filter(pl.col("feature") == "usage_28d", pl.col("bin") != MISSING)
    assert of["bin"].to_list() == list(range(N_BINS))
    assert of["n"].is_between(99, 101).all()
    assert of["low"].to_list()[1:] == of["high"].to_list()[:-1]


def test_those_of_whom_nothing_is_known_are_counted_apart():
    rows = customers()
    missing = bins(rows).filter(pl.col("bin") == MISSING)
    counted = dict(missing.select("feature", "n").iter_rows())
    assert counted == {
        "usage_28d": 0,
        "seats": rows["seats"].null_count(),
        "refunds_90d": 0,
        "last_nps": 1_000,
    }


def test_what_moves_by_itself_is_not_watched():
    watched = set(bins(customers())["feature"])
    assert watched == {"usage_28d", "seats", "refunds_90d", "last_nps"}


def test_the_same_customers_have_not_moved():
    rows = customers()
    assert psi(rows, rows) == dict.fromkeys(psi(rows, rows), 0.0)
    assert set(psi(rows, rows)) == set(bins(rows)["feature"])


def test_other_customers_of_the_same_kind_stay_below_what_chance_makes():
    for one in drifted(bins(customers()), customers(seed=1)):
        assert 0.0 <= one.psi <= one.critical, one.feature


MOVED = [
    ("usage_28d", {"usage_28d": np.random.default_rng(5).gamma(2.0, 5.0, 1_000)}),
    ("refunds_90d", {"refunds_90d": [None] * 1_000}),
    ("last_nps", {"last_nps": [9.0] * 1_000}),
    ("seats", {"seats": [1e9] * 1_000}),
    ("usage_28d", {"usage_28d": [-5.0] * 1_000}),
]


@pytest.mark.parametrize(("feature", "changed"), MOVED)
def test_a_feature_that_moved_is_told_and_no_other(feature, changed):
    now = customers(**changed).with_columns(pl.col(feature).cast(pl.Float64))
    far = {one.feature for one in drifted(bins(customers()), now) if one.psi > one.critical}
    assert far == {feature}


def test_a_feature_that_is_no_longer_there_is_one_that_nobody_knows():
    rows = customers()
    gone = {one.feature: one for one in drifted(bins(rows), rows.drop("usage_28d"))}
    unknown = rows.with_columns(usage_28d=pl.lit(None, pl.Float64))
    assert gone["usage_28d"].psi == psi(rows, unknown)["usage_28d"] > 1.0


def test_nobody_has_not_moved():
    rows = customers()
    assert drifted(bins(rows), rows.clear()) == ()
    assert drifted(bins(rows.select("customer_id")), rows) == ()
