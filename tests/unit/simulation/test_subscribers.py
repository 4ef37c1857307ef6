from datetime import date

import numpy as np
import polars as pl
import pytest

from csk.simulation.company import Company, source

LOG = (date(2024, 1, 1), date(2025, 12, 31))
TERMS = {"month": 1, "year": 12}


def block(late_entry=True, seed=3, n=2_000):
    return source(Company("subscription", n, 24, seed, late_entry)).block(0, 0, n)


@pytest.fixture(scope="module", params=[True, False], ids=["late entry", "from the start"])
def tables(request):
    return block(request.param)


@pytest.fixture(scope="module")
def many():
    return block(n=5_000)


def test_contracts_end_after_they_start_inside_the_log(tables):
    rows = tables["subscriptions"]
    assert (rows["ended_on"] > rows["started_on"]).all()
    assert rows["ended_on"].min() > LOG[0]
    assert rows["ended_on"].max() <= LOG[1]
    assert rows["started_on"].max() == LOG[1]


@pytest.mark.parametrize(("late_entry", "is_before"), [(True, True), (False, False)])
def test_only_late_entry_starts_before_the_log(late_entry, is_before):
    rows = block(late_entry, n=500)["subscriptions"]
    first = rows.group_by("customer_id").agg(pl.col("started_on").min())["started_on"]
    assert (first.min() < LOG[0]) is is_before
    if is_before:
        assert 0.2 < (first < LOG[0]).mean() < 0.6
        assert first.min() >= date(2021, 1, 1)


def test_contracts_of_a_customer_follow_each_other(tables):
    rows = tables["subscriptions"].with_columns(
        following=pl.col("started_on").shift(-1).over("customer_id"),
    )
    pairs = rows.filter(pl.col("following").is_not_null())
    gap = (pairs["following"] - pairs["ended_on"]).dt.total_days()
    changed = pairs["status"] == "changed"
    assert gap.filter(changed).unique().to_list() == [0]
    assert gap.filter(~changed).min() > 30
    assert changed.sum() > 100
    assert (~changed).sum() > 30
    last = rows.filter(pl.col("following").is_null())
    assert set(last["status"].unique()) == {"active", "canceled"}


def test_contracts_end_at_a_renewal(tables):
    rows = tables["subscriptions"].filter(pl.col("ended_on").is_not_null())
    term = rows["interval"].replace_strict(TERMS).to_numpy()
    start, end = (
        rows[name].to_numpy().astype("datetime64[M]") for name in ("started_on", "ended_on")
    )
    months = (end - start).astype(int)
    assert (months > 0).all()
    assert (months % term == 0).all()


def test_reasons_stand_where_a_customer_left(tables):
    rows = tables["subscriptions"]
    left = rows["status"] == "canceled"
    assert (rows["cancel_reason"].is_not_null() == left).all()
    assert (rows["ended_on"].is_null() == (rows["status"] == "active")).all()
    shares = rows.filter(left)["cancel_reason"].value_counts(normalize=True)
    assert 0.05 < shares.filter(cancel_reason="payment_failed")["proportion"].item() < 0.35


def test_a_payment_is_price_times_term(tables):
    paid = tables["payments"].filter(pl.col("status") == "paid")
    rows = paid.join(tables["subscriptions"], on="subscription_id", validate="m:1")
    price = rows["mrr_amount"] * rows["interval"].replace_strict(TERMS)
    assert rows["amount"].equals(price.rename("amount"))
    assert (rows["paid_on"] >= rows["started_on"]).all()
    assert (rows["paid_on"] < rows["ended_on"]).drop_nulls().all()


def test_every_term_of_the_log_is_paid_once(tables):
    paid = tables["payments"].filter(pl.col("status") == "paid")
    assert not paid.select("subscription_id", "paid_on").is_duplicated().any()
    rows = tables["subscriptions"].filter(pl.col("started_on") >= LOG[0])
    rows = rows.filter(pl.col("interval") == "month", pl.col("ended_on").is_not_null())
    start, end = (
        rows[name].to_numpy().astype("datetime64[M]") for name in ("started_on", "ended_on")
    )
    counts = paid.group_by("subscription_id").len()
    n_paid = rows.join(counts, on="subscription_id", maintain_order="left")["len"].to_numpy()
    assert n_paid.sum() == (end - start).astype(int).sum()


def test_failed_payments_stand_at_the_end_of_those_who_failed_to_pay(tables):
    ends = tables["subscriptions"].filter(pl.col("cancel_reason") == "payment_failed")
    failed = tables["payments"].filter(pl.col("status") == "failed")
    keys = ["subscription_id", "ended_on"]
    missed = failed.rename({"paid_on": "ended_on"}).select(keys)
    assert ends.join(missed, on=keys, how="anti").height == 0
    refunds = tables["payments"].filter(pl.col("status") == "refunded")["amount"]
    assert refunds.max() < 0


def test_usage_falls_before_a_customer_leaves(many):
    ends = many["subscriptions"].filter(pl.col("cancel_reason") == "voluntary")
    ends = ends.group_by("customer_id").agg(pl.col("ended_on").min())
    days = (pl.col("ended_on") - pl.col("used_at").dt.date()).dt.total_days()
    logins = many["usage"].filter(pl.col("feature") == "login")
    before = logins.join(ends, on="customer_id").with_columns(days=days)
    reached = ends.join(
        before.filter(pl.col("days") > 150).select("customer_id").unique(), on="customer_id"
    )
    long_ago = before.join(reached.select("customer_id"), on="customer_id")
    late = long_ago.filter(pl.col("days").is_between(1, 30))["quantity"].sum()
    early = long_ago.filter(pl.col("days").is_between(121, 150))["quantity"].sum()
    assert late < 0.8 * early


def test_unhappy_customers_score_lower(many):
    rows = (
        many["surveys"]
        .filter(pl.col("kind") == "nps")
        .join(many["truth"].select("customer_id", "engagement_state"), on="customer_id")
    )
    rows = rows.filter(pl.col("answered_on") > date(2025, 9, 30))
    means = dict(rows.group_by("engagement_state").agg(pl.mean("score")).iter_rows())
    assert means["healthy"] > means["declining"] > means["dormant"]
    assert set(many["surveys"]["kind"].unique()) == {"nps", "csat"}


def test_arms_are_balanced_and_the_effect_is_known(many):
    arms = many["touches"].group_by("arm").len().sort("arm")
    control, treated = arms["len"].to_list()
    assert arms["arm"].to_list() == ["control", "treated"]
    assert abs(treated - control) < 4 * np.sqrt(treated + control)
    effects = many["truth"].group_by("touch_arm").agg(pl.col("touch_effect").first())
    assert dict(effects.iter_rows()) == {None: None, "control": 0.0, "treated": -0.4}


def test_those_who_left_have_no_residual_value(tables):
    gone = tables["truth"].filter(~pl.col("is_alive"))
    sums = gone.select(pl.col("^(ltv_residual|duration|revenue).*$").cast(float).sum())
    assert set(sums.row(0)) == {0.0}
    assert gone["p_churn_90d"].null_count() == gone.height
    assert gone["ltv_all_in_36m_amount"].min() == 0


def test_those_who_left_lately_may_come_back(tables):
    gone = (
        tables["truth"].filter(~pl.col("is_alive")).select("customer_id", "ltv_all_in_36m_amount")
    )
    ends = tables["subscriptions"].group_by("customer_id").agg(pl.col("ended_on").max())
    rows = gone.join(ends, on="customer_id")
    back = rows["ltv_all_in_36m_amount"] > 0
    assert (back == (rows["ended_on"] >= date(2025, 7, 1))).all()


def test_truth_is_in_order(tables):
    alive = tables["truth"].filter("is_alive").with_columns(pl.col("^.*_amount$").cast(float))
    assert (alive["p_churn_30d"] <= alive["p_churn_90d"]).all()
    assert (alive["p_churn_90d"] <= alive["p_churn_365d"]).all()
    assert (alive["ltv_residual_12m_amount"] <= alive["ltv_residual_36m_amount"]).all()
    assert (alive["ltv_residual_36m_amount"] <= alive["ltv_all_in_36m_amount"] * 1.6).all()
    assert alive["duration_12m_months"].max() <= 12
    assert alive["duration_36m_months"].max() <= 36
    assert alive["hazard_monthly"].is_between(0, 1).all()
    active = tables["subscriptions"].filter(pl.col("status") == "active")
    assert active["customer_id"].equals(alive["customer_id"])
    assert active["mrr_amount"].cast(float).equals(alive["mrr_amount"])


def test_hazards_lie_in_the_usual_range(many):
    alive = many["truth"].filter("is_alive")
    means = dict(alive.group_by("plan").agg(pl.mean("hazard_monthly")).iter_rows())
    assert 0.15 < means.pop("Annual") < 0.25
    assert all(0.02 < mean < 0.06 for mean in means.values())
