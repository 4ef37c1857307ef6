from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.calendar import DAYS_PER_MONTH
from csk.models import foretelling
from csk.models.buying import Process
from csk.models.foretelling import CONTRACTS, SHOP, Bought, Known
from csk.models.tracking import steps
from csk.stats import bgnbd
from csk.tables.purchases import gap_counts
from csk.tables.snapshot import contract_snapshot, purchase_snapshot
from csk.tables.spells import age_counts, contracts, exposures

BEGIN, ON = date(2022, 1, 1), date(2023, 7, 1)


def payments(n=150, seed=3):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        day, rate = BEGIN + timedelta(days=int(rng.integers(0, 400))), rng.gamma(1.0, 0.05)
        while day < ON:
            rows.append({"customer_id": f"c{number:03d}", "paid_on": day, "amount": 9_000 + number})
            day += timedelta(days=1 + int(rng.exponential(1 / rate)))
            if rng.random() < 0.15:
                break
    return [*rows, {"customer_id": "refund", "paid_on": BEGIN, "amount": -5}]


def subscriptions(n=80):
    rows = []
    for number in range(n):
        start = BEGIN + timedelta(days=6 * number)
        end = start + timedelta(days=91 * (1 + number % 6)) if number % 3 else None
        rows.append(
            {
                "customer_id": f"c{number:03d}",
                "started_on": start,
                "ended_on": end,
                "mrr_amount": 100_000 * (1 + number % 4),
                "plan": "a",
                "term_months": 12 if number % 5 == 0 else 1,
            }
        )
    return rows


@pytest.fixture(scope="module")
def shop(tables_of):
    tables = tables_of(payments=payments())
    customers = purchase_snapshot(tables, ON).sort("customer_id").collect()
    n = customers.height
    return Known(
        on=ON,
        months=3,
        ends=steps(ON, 3, by_week=True),
        customers=customers,
        received=np.arange(n, dtype=float),
        bought=np.arange(n) % 3 / 1.0,
        counts=gap_counts(tables, ON).collect(),
    )


@pytest.fixture(scope="module")
def under_contract(tables_of):
    tables = tables_of(subscriptions=subscriptions())
    rows = contracts(tables, ON).with_columns(group=pl.col("plan"))
    customers = contract_snapshot(tables, ON, BEGIN, 1).with_columns(group=pl.col("plan"))
    snapshot = customers.sort("customer_id").collect()
    n = snapshot.height
    return Known(
        on=ON,
        months=6,
        ends=steps(ON, 6, by_week=False),
        customers=snapshot,
        received=np.full(n, 5.0),
        bought=np.ones(n),
        counts=age_counts(exposures(rows, BEGIN, ON)).collect(),
        churned_share=0.5,
    )


@pytest.fixture
def known(request):
    return request.getfixturevalue(request.param)


CASES = [("shop", name) for name in SHOP] + [("under_contract", name) for name in CONTRACTS]


@pytest.mark.parametrize(("known", "name"), CASES, indirect=["known"])
def test_steps_lead_up_to_the_whole(known, name):
    models = SHOP if "recency_days" in known.customers.columns else CONTRACTS
    of = models[name](known)
    n = known.customers.height
    assert len(of.revenue) == len(of.purchases) == n
    assert len(of.revenue_by_step) == len(of.purchases_by_step) == len(known.ends)
    assert of.revenue_by_step[-1] == pytest.approx(of.revenue.sum())
    assert of.purchases_by_step[-1] == pytest.approx(of.purchases.sum())
    assert (np.diff(of.purchases_by_step, prepend=0) > 0).all()
    assert of.p_none is None or ((of.p_none >= 0) & (of.p_none <= 1)).all()
    assert np.isfinite(of.revenue).all()


@pytest.mark.parametrize("known", ["shop", "under_contract"], indirect=True)
def test_the_default_tells_bounds_of_each_and_of_the_sum(known):
    models = SHOP if "recency_days" in known.customers.columns else CONTRACTS
    of = models["default"](known)
    assert (of.low <= of.purchases + 1e-9).all()
    assert (of.high >= np.floor(of.purchases - 1e-9)).all()
    low, high = of.total
    wide_low, wide_high = of.total_with_chance
    assert wide_low <= low <= of.revenue.sum() <= high <= wide_high


def test_who_has_left_brings_nothing_by_default(under_contract):
    of = CONTRACTS["default"](under_contract)
    gone = ~under_contract.customers["is_alive"].to_numpy()
    assert gone.any()
    assert not of.revenue[gone].any()
    assert (of.p_none[gone] == 1).all()
    assert (of.p_none[~gone] < 1).all()


def test_last_period_comes_again_evenly(shop):
    of = SHOP["last_period"](shop)
    assert of.revenue is not shop.bought
    assert (of.revenue == shop.received).all()
    passed = (shop.ends[0] - shop.on).days / shop.days
    assert of.revenue_by_step[0] == pytest.approx(shop.received.sum() * passed)


def test_the_mean_is_the_same_for_all(shop):
    of = SHOP["mean"](shop)
    assert np.ptp(of.revenue) == 0
    assert of.revenue.sum() == pytest.approx(shop.received.sum())


def test_arpa_and_churn_add_up_to_their_formula(under_contract):
    alive = under_contract.customers.filter("is_alive")
    of = CONTRACTS["arpa_churn"](under_contract)
    months = under_contract.days / DAYS_PER_MONTH
    force = np.log(2) / 6
    mean_months = (1 - np.exp(-force * months)) / force
    assert of.revenue.sum() == pytest.approx(alive["mrr_amount"].sum() * mean_months)
    assert np.unique(of.revenue).size == 2


@pytest.mark.parametrize(("share", "months"), [(0.0, 6.045), (1.0, 0.0), (None, 6.045)])
def test_churn_of_nobody_and_of_all_is_no_division_by_zero(under_contract, share, months):
    of = CONTRACTS["arpa_churn"](replace(under_contract, churned_share=share))
    mrr = under_contract.customers.filter("is_alive")["mrr_amount"].sum()
    assert of.revenue.sum() == pytest.approx(mrr * months, rel=1e-3)


def test_a_process_sees_repeat_purchases_in_days_and_expects_within_days(shop):
    seen = []

    def fit(cells, log_gaps):
        seen.append((cells, log_gaps))
        return 0.5

    def expected(rate, x, t_x, T, days):
        return rate * days + 0 * (x + t_x + T)

    of = Bought(Process("even", 1, fit, expected, expected))(shop)
    buyers = shop.customers.filter(pl.col("n_purchases") > 0)
    ((cells, log_gaps),) = seen
    assert cells.weight.sum() == buyers.height
    assert cells.weight @ cells.x == (buyers["n_purchases"] - 1).sum()
    assert cells.weight @ cells.T == buyers["age_days"].sum()
    assert log_gaps > 0
    assert of.purchases.sum() == pytest.approx(0.5 * shop.days * buyers.height)
    assert of.p_none is None


def test_the_chance_of_none_is_that_of_the_chances(shop):
    buyers = shop.customers.filter(pl.col("n_purchases") > 0)
    x, t_x, T = (
        buyers[name].cast(pl.Float64).to_numpy()
        for name in ("n_purchases", "recency_days", "age_days")
    )
    fitted = bgnbd.fit(x - 1, t_x, T)
    none = foretelling.bg_nbd_none(fitted, x - 1, t_x, T, 90.0)
    ahead = foretelling.purchases_ahead(fitted, x - 1, t_x, T, 90.0)
    assert none == pytest.approx(ahead.none, abs=1e-9)
