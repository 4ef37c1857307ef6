"""What holds of everybody in every book that was valued."""

from functools import cache
from itertools import pairwise

import polars as pl
import pytest

from csk.calendar import DAYS_PER_MONTH, plus_months
from csk.models.value import UNIT, factors
from csk.settings import Settings, TierCost, Tiers

MONTHS = (6, 12, 24)
HORIZONS = (1, 30, 90, 184, 366, 731)
FACTORS = ("unit_price_amount", "margin_share", "frequency", "duration_months", "discount_factor")
both = pytest.mark.parametrize(("kind", "seed"), [("contract", 1), ("shop", 2)])


@pytest.fixture(scope="module")
def segments(book_of, company, value, as_of):
    """Give random companies, valued once a choice of settings."""

    @cache
    def found(kind, seed, **choice):
        chosen = Settings.model_validate({"as_of": as_of, **choice})
        return value(book_of(company(kind, seed)), chosen)

    return lambda kind, seed, **more: found(
        kind, seed, risk_horizon=HORIZONS, discount_rate=0.1, margin_share=0.7, **more
    )


@both
def test_everybody_is_in_the_result_once(kind, seed, segments, company):
    customers = segments(kind, seed).customers
    table = {"contract": "subscriptions", "shop": "payments"}[kind]
    assert customers["customer_id"].to_list() == sorted(
        {row["customer_id"] for row in company(kind, seed)[table]}
    )
    assert 3 <= customers["is_alive"].sum() < customers.height


@both
def test_the_factors_multiply_to_the_ltv_of_everybody(kind, seed, segments):
    alive = segments(kind, seed).customers.filter(pl.col("duration_months") > 0)
    product = pl.lit(float(UNIT))
    for name in FACTORS:
        product = product * pl.col(name)
    off = alive.select((product - pl.col("ltv_amount")).abs().max()).item()
    assert off <= 0.5 + 1e-3
    assert alive["ltv_amount"].max() > 0


@both
@pytest.mark.parametrize("group", ["is_alive", "tier", "lifecycle_stage"])
def test_the_factors_multiply_to_the_ltv_of_every_group(kind, seed, segments, group):
    customers = segments(kind, seed).customers
    minor_unit = UNIT / 100
    for _, members in customers.group_by(group):
        of = factors(members)
        if of.n and of.discount_factor is not None:
            product = of.n * UNIT
            for name in FACTORS:
                product *= getattr(of, name)
            assert product == pytest.approx(of.ltv_amount, abs=minor_unit)
        else:
            assert of.ltv_amount == 0


@both
def test_whoever_has_left_is_worth_nothing_and_has_no_factors(kind, seed, segments):
    gone = segments(kind, seed).customers.filter(~pl.col("is_alive"))
    assert gone.height > 0
    assert gone.select("ltv_amount", "ltv_if_retained", "value_at_risk").sum().row(0) == (0, 0, 0)
    names = [name for name in FACTORS if name != "duration_months"]
    assert gone.select(pl.col(*names).is_not_null().any()).row(0) == (False,) * 4
    assert gone["duration_months"].sum() == 0
    assert gone["tier"].is_null().all()
    assert set(gone["lifecycle_stage"]) == {"churned"}


@both
def test_risk_is_a_probability_that_grows_with_the_horizon(kind, seed, segments):
    alive = segments(kind, seed).customers.filter("is_alive")
    risks = alive.select(f"p_churn_{days}d" for days in HORIZONS)
    assert risks.select(pl.all().is_between(0, 1).all()).row(0) == (True,) * len(HORIZONS)
    for near, far in pairwise(risks.iter_columns()):
        assert (near <= far).all()


@both
def test_a_longer_horizon_is_worth_no_less(kind, seed, segments):
    short = segments(kind, seed, ltv_horizon=12).customers
    long = segments(kind, seed).customers
    assert (short["ltv_amount"] <= long["ltv_amount"]).all()
    assert (short["duration_months"] <= long["duration_months"]).all()
    assert short["ltv_amount"].sum() < long["ltv_amount"].sum()
    assert (long["duration_months"] <= 36 + 1e-9).all()


@both
def test_risk_and_duration_come_from_one_curve(kind, seed, segments, as_of):
    """Between two days a customer stays as long as a share of it that lies between theirs."""
    whole = segments(kind, seed).customers.filter("is_alive")
    ends = [(plus_months(as_of, months) - as_of).days for months in MONTHS]
    there = [1 - whole[f"p_churn_{days}d"] for days in ends]
    stays = [
        segments(kind, seed, ltv_horizon=months).customers.filter("is_alive")["duration_months"]
        for months in MONTHS
    ]
    lengths = {"contract": MONTHS, "shop": [days / DAYS_PER_MONTH for days in ends]}[kind]
    assert (stays[0] <= lengths[0]).all()
    assert (stays[0] >= there[0] * lengths[0] - 1e-9).all()
    for i in range(1, len(MONTHS)):
        between, length = stays[i] - stays[i - 1], lengths[i] - lengths[i - 1]
        assert (between <= there[i - 1] * length + 1e-9).all()
        assert (between >= there[i] * length - 1e-9).all()


@both
def test_value_at_risk_is_risk_times_what_would_be_kept(kind, seed, segments):
    alive = segments(kind, seed).customers.filter("is_alive")
    assert (alive["ltv_if_retained"] >= alive["ltv_amount"]).all()
    lost = alive["p_churn_731d"] * alive["ltv_if_retained"]
    assert (lost - alive["value_at_risk"]).abs().max() <= 0.5 + 1e-3


@both
def test_bounds_lie_around_the_ltv(kind, seed, segments):
    alive = segments(kind, seed).customers.filter(
        pl.col("is_alive") & pl.col("ltv_low").is_not_null()
    )
    assert (alive["ltv_low"] <= alive["ltv_amount"]).all()
    assert (alive["ltv_amount"] <= alive["ltv_high"]).all()


LEVELS = (
    TierCost(name="high-touch", cost_amount=40, capacity=5, saves_share=0.5),
    TierCost(name="low-touch", cost_amount=9, saves_share=0.2),
    TierCost(name="tech-touch", cost_amount=1, saves_share=0.05),
)


@both
def test_tiers_never_cost_more_than_the_budget(kind, seed, segments):
    gains = []
    for budget in (100, 150, 400, 5000):
        found = segments(kind, seed, tiers=Tiers(budget_amount=budget, levels=LEVELS))
        counts = dict(found.customers.drop_nulls("tier").group_by("tier").len().iter_rows())
        spend = sum(level.cost_amount * counts.get(level.name, 0) for level in LEVELS)
        assert spend * UNIT == found.plan.spend <= budget * UNIT
        assert counts.get("high-touch", 0) <= 5
        assert found.plan.gain <= found.plan.bound
        gains.append(found.plan.gain)
    assert gains == sorted(gains)
