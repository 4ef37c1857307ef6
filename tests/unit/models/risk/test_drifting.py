"""Bins of the model's day, and how far later customers have moved out of them."""

import numpy as np
import polars as pl
import pytest

from csk.models.risk.alerts import MISSING as ABSENT
from csk.models.risk.alerts import UNSEEN, VALUES
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
    found = drifted(bins(before), now)
    return {one.feature: one.moved for one in found if one.aspect == VALUES}


def shares(before, now, **told):
    """Return moves of shares that chance does not explain, and what they are now."""
    found = (one for one in drifted(bins(before), now, **told) if one.aspect != VALUES)
    return {
        (one.feature, one.aspect): (one.moved, one.now) for one in found if one.moved > one.critical
    }


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
        "plan": 0,
    }


def test_what_moves_by_itself_is_not_watched():
    watched = set(bins(customers())["feature"])
    assert watched == {"usage_28d", "seats", "refunds_90d", "last_nps", "plan"}


def test_the_same_customers_have_not_moved():
    rows = customers()
    assert psi(rows, rows) == dict.fromkeys(psi(rows, rows), 0.0)
    assert {*psi(rows, rows), "plan"} == set(bins(rows)["feature"])
    assert shares(rows, rows) == {}


def test_other_customers_of_the_same_kind_stay_below_what_chance_makes():
    for one in drifted(bins(customers()), customers(seed=1)):
        assert one.moved <= one.critical, one.feature


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
    far = {one.feature for one in drifted(bins(customers()), now) if one.moved > one.critical}
    assert far == {feature}


def test_a_feature_that_is_no_longer_there_is_one_that_nobody_knows():
    rows = customers()
    unknown = rows.with_columns(usage_28d=pl.lit(None, pl.Float64))
    gone = rows.drop("usage_28d")
    assert psi(rows, gone)["usage_28d"] == psi(rows, unknown)["usage_28d"] > 1.0
    assert shares(rows, gone) == {("usage_28d", ABSENT): (1.0, 1.0)}


def test_nobody_has_not_moved():
    rows = customers()
    assert drifted(bins(rows), rows.clear()) == ()
    assert drifted(bins(rows.select("customer_id")), rows) == ()


def test_a_share_that_is_missing_is_told_where_its_bins_hardly_move():
    before, now = customers(4_000), customers(4_000, seed=1)
    hidden = np.random.default_rng(3).random(4_000) < 0.1
    now = now.with_columns(seats=pl.when(pl.Series(hidden)).then(None).otherwise("seats"))
    assert psi(before, now)["seats"] < 0.1
    ((key, (moved, share)),) = shares(before, now).items()
    assert key == ("seats", ABSENT)
    assert moved == pytest.approx(0.08, abs=0.02)
    assert share == now["seats"].null_count() / 4_000


PLANS = [
    # (plans of the model's day, of the night, what is told)
    (["a"] * 1_000, ["a"] * 900 + ["b"] * 100, {("plan", UNSEEN): (0.1, 0.1)}),
    (["a"] * 1_000, ["a"] * 900 + [None] * 100, {("plan", ABSENT): (0.1, 0.1)}),
    (["a"] * 500 + ["b"] * 500, ["a"] * 1_000, {}),
    ([str(n) for n in range(1_000)], [str(n) for n in range(500, 1_500)], {}),
    (["a", *[None] * 999], ["a", *[None] * 999], {}),
]


@pytest.mark.parametrize(("before", "now", "expected"), PLANS)
def test_new_plans_and_missing_ones_are_told(before, now, expected):
    found = shares(customers(plan=before), customers(plan=now))
    assert found == {key: pytest.approx(value) for key, value in expected.items()}


def test_that_more_is_known_than_before_is_nothing_to_tell():
    full = customers().with_columns(pl.col("seats").fill_null(3.0))
    assert shares(customers(), full) == {}


def test_a_table_without_plans_any_more_has_none_for_anybody():
    assert shares(customers(), customers().drop("plan")) == {("plan", ABSENT): (1.0, 1.0)}


@pytest.mark.parametrize("n", [60, 1_000])
def test_a_night_without_cause_seldom_has_anything_to_tell(n):
    draw, nights, told = np.random.default_rng(n), 150, 0
    names = ("usage_28d", "seats", "refunds_90d", "last_nps", "last_csat", "tickets_28d")

    def night(size):
        hidden = draw.random((len(names), size)) < 0.2
        values = np.where(hidden, np.nan, draw.random((len(names), size)))
        known = {name: pl.Series(of).fill_nan(None) for name, of in zip(names, values, strict=True)}
        return pl.DataFrame({**known, "plan": draw.zipf(1.8, size).clip(max=400).astype(str)})

    for _ in range(nights):
        found = drifted(bins(night(1_000)), night(n))
        told += any(one.moved > one.critical for one in found)
    assert told / nights <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / nights)
