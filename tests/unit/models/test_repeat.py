from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.errors import ModelError
from csk.models import repeat
from csk.models.contract import Horizons
from csk.tables.purchases import gap_counts
from csk.tables.snapshot import purchase_snapshot

BEGIN, AS_OF = date(2022, 1, 1), date(2024, 1, 1)
AHEAD = Horizons(AS_OF, (30, 90, 365), 36)
NAMES = ("n_expected", "n_present", "n_retained", "duration_months", "unit_price_amount")


def payments(n=120, seed=1):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        day = BEGIN + timedelta(days=int(rng.integers(0, 500)))
        stays = rng.random() < 0.5
        while day < AS_OF:
            rows.append(
                {"customer_id": f"c{number:03d}", "paid_on": day, "amount": 10_000 + number}
            )
            day += timedelta(days=1 + int(rng.exponential(25)))
            if not stays and rng.random() < 0.3:
                break
    rows += [{"customer_id": "refund", "paid_on": BEGIN, "amount": -5}]
    return rows


@pytest.fixture(scope="module")
def shop(tables_of):
    tables = tables_of(payments=payments())
    snapshot = purchase_snapshot(tables, AS_OF).sort("customer_id").collect()
    return gap_counts(tables, AS_OF).collect(), snapshot


@pytest.fixture(scope="module")
def fitted(shop):
    return repeat.fit(*shop, 90, 0.1)


def scored(shop, fitted, months=36, days=(30, 90, 365), rate=0.0):
    return repeat.score(shop[1], fitted, Horizons(AS_OF, days, months, rate))


def test_whoever_has_been_silent_too_long_is_gone(shop, fitted):
    found = scored(shop, fitted)
    alive, gone = (found.filter(pl.col("is_alive") == there) for there in (True, False))
    assert alive.height > 5
    assert gone.height > 20
    limits = {limit.days for limit in fitted.silence.limits}
    silences = gone.drop_nulls("churned_on").select(
        (pl.col("churned_on") - pl.col("last_purchase_on")).dt.total_days()
    )
    assert set(silences.to_series()) <= limits
    assert (gone.drop_nulls("churned_on")["churned_on"] <= AS_OF).all()
    assert alive["churned_on"].null_count() == alive.height
    assert gone.select(pl.col("n_expected", "duration_months").sum()).row(0) == (0, 0)
    assert gone["p_churn_30d"].null_count() == gone.height


def test_only_refunds_make_no_buyer(shop, fitted):
    found = scored(shop, fitted).filter(customer_id="refund").row(0, named=True)
    assert (found["is_alive"], found["p_alive"], found["churned_on"]) == (False, 0.0, None)
    assert found["n_expected"] == 0


def test_a_horizon_of_nothing_is_worth_nothing(shop, fitted):
    found = scored(shop, fitted, months=0)
    assert found.select(pl.col(*NAMES[:4]).sum()).row(0) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("stays", "within", "leaves", "full", "expected"),
    [
        # The days of the horizon in full, and what comes after for those who reach it.
        (100.0, 25.0, 0.25, 30, 30 + 75 / 0.75),
        (30.0, 30.0, 0.0, 30, 30.0),
        (20.0, 20.0, 1.0, 30, 30.0),
        (0.0, 0.0, 1.0, 0, 0.0),
    ],
)
def test_those_who_stay_through_the_risk_horizon_have_its_days_in_full(
    stays, within, leaves, full, expected
):
    one = (np.array([value]) for value in (stays, within, leaves))
    assert repeat._stay_if_retained(*one, full) == pytest.approx([expected])


@pytest.mark.parametrize("days", [(30,), (365,), (30, 365), (5000,)])
def test_what_a_customer_is_worth_depends_on_nobody_else(shop, fitted, days):
    found = scored(shop, fitted, days=days).filter("is_alive")
    assert (found["n_retained"] >= found["n_present"] - 1e-12).all()
    one = shop[1].filter(customer_id=found["customer_id"][0])
    alone = repeat.score(one, fitted, Horizons(AS_OF, days, 36))
    assert alone.select(NAMES).row(0) == pytest.approx(found.select(NAMES).row(0), rel=1e-12)


def test_money_to_come_is_worth_less_at_a_rate(shop, fitted):
    free, dear = (scored(shop, fitted, rate=rate).filter("is_alive") for rate in (0.0, 0.2))
    assert free["n_present"].equals(free["n_expected"], check_names=False)
    share = dear["n_present"] / dear["n_expected"]
    assert (share < 1).all()
    assert (share > 1.2**-3).all()


def test_bounds_are_finite_however_little_is_known(shop, fitted):
    vague = replace(fitted.purchases, covariance=np.eye(4) * 1e6, is_at_bound=False)
    found = scored(shop, replace(fitted, purchases=vague)).filter("is_alive")
    assert (found["share_low"] * found["share_high"] - 1).abs().max() < 1e-9
    assert found["share_high"].is_between(1, np.exp(10.0)).all()


def test_the_bounds_of_a_sum_are_no_wider_than_the_sum_of_bounds(shop, fitted):
    found = scored(shop, fitted)
    worth = (found["n_expected"] * 1_000).round(0).cast(pl.Int64)
    whole = found.with_columns(ltv_amount=worth)
    low, high = repeat.total_interval(whole, fitted, AHEAD)
    lows, highs = ((worth * found[f"share_{end}"]).sum() for end in ("low", "high"))
    assert low < 1 < high
    # Both are told in logarithms, of which the mean is not the logarithm of the mean.
    assert high / low <= 1.001 * highs / lows


def test_the_bounds_of_a_sum_of_one_are_its_own(shop, fitted):
    one = scored(shop, fitted).filter(pl.col("n_expected") > 0).head(1)
    found = repeat.total_interval(one.with_columns(ltv_amount=pl.lit(7_000_000)), fitted, AHEAD)
    assert found == pytest.approx((one["share_low"].item(), one["share_high"].item()))


def test_nothing_to_add_up_has_no_bounds(shop, fitted):
    nothing = scored(shop, fitted).with_columns(ltv_amount=pl.lit(0))
    assert repeat.total_interval(nothing, fitted, AHEAD) is None


def test_prices_are_shrunk_towards_each_other(shop, fitted):
    found = scored(shop, fitted).filter(pl.col("n_purchases") > 0)
    paid = found["purchase_amount"] / found["n_purchases"]
    assert found["unit_price_amount"].min() >= paid.min()
    assert found["unit_price_amount"].max() <= paid.max()


def test_mean_spend_of_whoever_never_bought_is_not_known():
    buyers = pl.DataFrame({"n_purchases": [2, 0], "purchase_amount": [30, 0]})
    assert repeat.mean_spend(buyers)[0] == 15
    assert np.isnan(repeat.mean_spend(buyers)[1])


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("a", BEGIN, 5)],
        [("a", BEGIN, -5), ("b", BEGIN, -5)],
        [(f"c{i}", AS_OF - timedelta(days=1), 5) for i in range(50)],
        [(f"c{i}", BEGIN, 5) for i in range(50)],
        [(f"c{i}", BEGIN + timedelta(days=d), 0) for i in range(50) for d in (0, 20, 60)],
    ],
)
def test_too_little_carries_no_model(tables_of, rows):
    frame = pl.DataFrame(
        rows, {"customer_id": pl.String, "paid_on": pl.Date, "amount": pl.Int64}, orient="row"
    )
    tables = tables_of(payments=frame)
    gaps, snapshot = (plan(tables, AS_OF).collect() for plan in (gap_counts, purchase_snapshot))
    with pytest.raises(ModelError):
        repeat.fit(gaps, snapshot, 90, 0.1)
