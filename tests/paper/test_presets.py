"""Presets of vendors: the worked examples of their documentation, with its numbers.

Each test names the page; what a page leaves open (days, other customers) is filled in here.
"""

import csv
from datetime import date
from itertools import count

import pytest

from csk.analyses.mrr import mrr
from csk.cli.session import opened_book
from csk.definitions import definition, preset
from csk.models.rates import rate
from csk.settings import Settings
from csk.tables.movements import Motion
from csk.tables.presets import motion_under

UNIT = 10_000
AS_OF = date(2025, 7, 1)
NAMES = (
    "subscription_id",
    "customer_id",
    "plan",
    "started_on",
    "ended_on",
    "amount",
    "interval",
    "cancel_reason",
)
MAY, JUNE = date(2025, 5, 1), date(2025, 6, 1)


@pytest.fixture
def counted(tmp_path):
    """Count contracts `(customer, start, end, amount, more)` as a vendor does, by month."""

    def count_as(name, contracts, as_of=AS_OF):
        path = tmp_path / "subscriptions.csv"
        numbers = count(1)
        with path.open("w", newline="", encoding="utf-8") as lines:
            rows = csv.DictWriter(lines, [*NAMES, "currency"], restval="")
            rows.writeheader()
            for customer, start, end, amount, more in contracts:
                known = {"customer_id": customer, "started_on": start, "ended_on": end or ""}
                told = {"interval": "month", "plan": "Plan", "amount": amount, "currency": "USD"}
                told |= {"subscription_id": f"s{next(numbers)}"}
                rows.writerow(known | told | more)
        with opened_book([str(path)], Settings(as_of=as_of), quiet=True) as session:
            motion = Motion(as_of)
            if name:
                motion = motion_under(motion, preset(name), session.book.currency)
            found = mrr(session.book, session.engine, motion, preset=name)
        return {one.starts_on: one for one in found.periods}

    return count_as


def many(n, start="2025-04-01", end=None, amount=10, name="c", **more):
    return [(f"{name}{number}", start, end, amount, more) for number in range(n)]


def test_chartmogul_gross_and_net_churn_of_a_hundred_dollars(counted):
    """Metric: MRR Churn Rate: 100 at the start; 10 lost to churn, 10 to contraction, 10 more."""
    contracts = [
        *many(1, end="2025-05-10", name="churn"),
        *many(1, end="2025-05-10", amount=20, name="less"),
        *many(1, start="2025-05-10", amount=10, name="less"),
        *many(1, end="2025-05-10", amount=20, name="more"),
        *many(1, start="2025-05-10", amount=30, name="more"),
        *many(1, amount=50, name="same"),
    ]
    may = counted("chartmogul", contracts)[MAY]
    assert may.start_amount == 100 * UNIT
    assert may.rate("revenue_churn_rate", "chartmogul").value == pytest.approx(0.20)
    assert may.rate("net_revenue_churn_rate", "chartmogul").value == pytest.approx(0.10)
    assert may.rate("grr", "chartmogul").value == pytest.approx(0.80)
    assert may.rate("nrr", "chartmogul").value == pytest.approx(0.90)


def test_chartmogul_movements_of_one_customer(counted):
    """Subscription lifecycle: Syncalytics takes 4 Gold a year for 2,000, then 2 Silver for 60."""
    contracts = [
        ("Syncalytics", "2024-01-03", "2025-01-03", 2000, {"interval": "year", "plan": "Gold"}),
        ("Syncalytics", "2024-01-08", "2024-01-22", 60, {"plan": "Silver"}),
        ("Syncalytics", "2025-03-01", None, 150, {"plan": "Gold monthly"}),
    ]
    by_month = counted("chartmogul", contracts)
    january = by_month[date(2024, 1, 1)].moved
    assert january["new"].amount / UNIT == 166.67
    assert january["expansion"].amount / UNIT == 60
    assert january["contraction"].amount / UNIT == -60
    assert by_month[date(2025, 1, 1)].moved["churn"].amount / UNIT == -166.67
    assert by_month[date(2025, 3, 1)].moved["reactivation"].amount / UNIT == 150
    # Point to point, as csk does, the plan that came and went in one month did not move.
    assert counted("", contracts)[date(2024, 1, 1)].moved["expansion"].n == 0


def test_chartmogul_mrr_of_seven_customers(counted):
    """Metric: Monthly Recurring Revenue (MRR): 5 customers at 5, then 2 more at 30."""
    contracts = [*many(5, amount=5), *many(2, start="2025-05-02", amount=30, name="more")]
    by_month = counted("chartmogul", contracts)
    assert by_month[date(2025, 4, 1)].end_amount == 25 * UNIT
    assert by_month[MAY].end_amount == 85 * UNIT


def test_stripe_mrr_of_two_plans(counted):
    """Billing metric definitions: 100 subscribers at 100 a month, 50 at 600 a year: 12,500."""
    contracts = [*many(100, amount=100), *many(50, amount=600, name="year", interval="year")]
    may = counted("stripe", contracts)[MAY]
    assert may.rate("mrr", "stripe").value == 12_500 * UNIT


def test_stripe_counts_who_joins_and_leaves_in_both_parts(counted):
    """Calculating subscriber churn rate in Billing: in the numerator and in the denominator."""
    contracts = [
        *many(9),
        *many(1, end="2025-05-20", name="old"),
        *many(2, start="2025-05-03", name="new"),
        *many(1, start="2025-05-03", end="2025-05-28", name="flash"),
    ]
    may = counted("stripe", contracts)[MAY]
    found = may.rate("customer_churn_rate", "stripe")
    assert (found.numerator, found.denominator) == (1 + 1, 10 + 2 + 1)


def test_stripe_counts_a_second_churn_of_one_customer(counted):
    """Calculating subscriber churn rate in Billing: ends, restarts, ends again: two churns."""
    contracts = [
        *many(4),
        *many(1, end="2025-05-05", name="again"),
        *many(1, start="2025-05-12", end="2025-05-25", name="again"),
    ]
    may = counted("stripe", contracts)[MAY]
    assert (may.moved["churn"].n, may.moved["reactivation"].n) == (2, 1)


def test_stripe_churned_revenue_of_two_cancellations(counted):
    """Calculating Churned Revenue in Billing: first a downgrade, then churn."""
    contracts = [
        ("p", "2025-04-01", "2025-05-10", 30, {"plan": "A"}),
        ("p", "2025-04-01", "2025-05-20", 70, {"plan": "B"}),
        *many(1),
    ]
    moved = counted("stripe", contracts)[MAY].moved
    assert (moved["contraction"].amount, moved["churn"].amount) == (-30 * UNIT, -70 * UNIT)


def test_profitwell_takes_sarah_off_when_her_time_is_over(counted):
    """Churn: signed up on 15 April for 10, cancelled on 8 June, churns on 15 June."""
    contracts = [("Sarah", "2025-04-15", "2025-06-15", 10, {}), *many(1, amount=90)]
    by_month = counted("profitwell", contracts)
    assert by_month[MAY].end_amount == 100 * UNIT
    assert by_month[JUNE].moved["churn"].amount == -10 * UNIT
    assert by_month[JUNE].end_amount == 90 * UNIT


def test_profitwell_leaves_out_who_joins_and_leaves_in_a_month(counted):
    """Calculating Metrics: who pays 100 on 5 December and churns in it is no churned user."""
    contracts = [("p", "2024-12-05", "2024-12-20", 100, {}), *many(1, start="2024-11-01")]
    december = counted("profitwell", contracts)[date(2024, 12, 1)]
    assert (december.moved["new"].n, december.moved["churn"].n) == (0, 0)
    assert december.rate("flash_churn", "profitwell").numerator == 1


def test_recurly_mrr_does_not_prorate(counted):
    """Does MRR prorate?: 100 from 29 March counts 100 in March; a year / 12, a day x 30."""
    contracts = [
        ("r", "2025-05-29", None, 2, {"interval": "day"}),
        ("p", "2025-03-29", None, 100, {}),
        ("q", "2025-04-29", None, 1200, {"interval": "year"}),
    ]
    by_month = counted("recurly", contracts)
    assert by_month[date(2025, 3, 1)].end_amount == 100 * UNIT
    assert by_month[date(2025, 4, 1)].end_amount == 200 * UNIT
    assert by_month[MAY].end_amount == 260 * UNIT


def test_recurly_revenue_per_subscriber_of_company_x():
    """Analytics Dashboard: 555,000 of MRR, 5,000 subscribers; 3.5 % churn are 175 of 5,000."""
    terms = {"money.end": 555_000 * UNIT, "customers.end": 5_000}
    assert rate(definition("arpa"), terms, "recurly").value == 111 * UNIT
    terms = {"customers.churn": 175, "customers.start": 5_000}
    assert rate(definition("customer_churn_rate"), terms, "recurly").value == 0.035


def test_recurly_who_was_away_for_a_day_returns(counted):
    """What is the Subscribers Report?: churned for at least 1 day, then a new subscription."""
    contracts = [
        ("p", "2025-03-01", "2025-05-31", 10, {}),
        ("p", "2025-06-01", None, 10, {}),
        *many(1),
    ]
    by_month = counted("recurly", contracts)
    assert by_month[MAY].moved["churn"].n == 1
    assert by_month[JUNE].moved["reactivation"].n == 1
    assert counted("", contracts)[JUNE].moved["reactivation"].n == 0


def test_chargebee_retention_from_totals(counted):
    """Recurring Revenue: 5,000 at the beginning, 6,000 at the end: GRR 100 %, NRR 6,000/5,000."""
    contracts = [
        *many(4, amount=1000),
        *many(1, amount=1000, end="2025-05-10", name="gone"),
        *many(2, amount=1000, start="2025-05-15", name="new"),
    ]
    may = counted("chargebee", contracts)[MAY]
    assert (may.start_amount, may.end_amount) == (5_000 * UNIT, 6_000 * UNIT)
    assert may.rate("grr", "chargebee").value == 1.0
    assert may.rate("nrr", "chargebee").value == pytest.approx(1.2)
    assert may.rate("grr").value == may.rate("nrr").value == pytest.approx(0.8)


def test_chargebee_a_lower_price_is_revenue_churn_only(counted):
    """How Churn is calculated in the Chargebee Revenue Story: from 100 to 70 a month."""
    contracts = [("p", "2025-04-01", "2025-05-10", 100, {}), ("p", "2025-05-10", None, 70, {})]
    may = counted("chargebee", contracts)[MAY]
    assert may.rate("customer_churn_rate", "chargebee").numerator == 0
    assert may.rate("revenue_churn_rate", "chargebee").numerator == 30 * UNIT


def test_chargebee_voluntary_and_involuntary_cancellations(counted):
    """Charts: 15 customers at 10 a month left voluntarily, 10 involuntarily: 150 and 100."""
    left = "2025-05-10"
    contracts = [
        *many(10, end=left, cancel_reason="too expensive", name="v"),
        *many(5, end=left, name="untold"),
        *many(10, end=left, cancel_reason="card expired", name="i"),
        *many(1),
    ]
    may = counted("chargebee", contracts)[MAY]
    assert may.rate("voluntary_churn_rate", "chargebee").numerator == 15
    assert may.rate("involuntary_churn_rate", "chargebee").numerator == 10
    assert may.rate("unknown_churn_rate", "chargebee").numerator == 0
    amounts = [may.causes[why].amount for why in ("voluntary", "unknown", "involuntary")]
    assert (amounts[0] + amounts[1], amounts[2]) == (-150 * UNIT, -100 * UNIT)


def test_revenuecat_mrr_of_a_month_and_a_year(counted):
    """Charts: Monthly Recurring Revenue: 8 a month is 8, 120 a year is 10 for 12 months."""
    contracts = [*many(1, amount=8), *many(1, amount=120, name="year", interval="year")]
    assert counted("revenuecat", contracts)[MAY].end_amount == 18 * UNIT


def test_revenuecat_week_is_a_quarter_of_a_month(counted):
    """Charts: Monthly Recurring Revenue: 2.99 a week is 11.96; a day counts 30 times."""
    contracts = [
        *many(1, amount=2.99, interval="week"),
        *many(1, amount=1, name="day", interval="day"),
    ]
    assert counted("revenuecat", contracts)[MAY].end_amount == (11.96 + 30) * UNIT
    ours = 2.99 * 52 / 12 + 365.25 / 12
    assert counted("", contracts)[MAY].end_amount == pytest.approx(ours * UNIT, abs=1)


def test_revenuecat_churn_is_negative_where_more_come_back_than_expire(counted):
    """Charts: Churn: (expired - resubscribed) / paid at the start of the period."""
    contracts = [
        *many(14),
        *many(1, start="2025-03-01", end="2025-04-10", name="back"),
        *many(1, start="2025-05-12", name="back"),
    ]
    may = counted("revenuecat", contracts)[MAY]
    found = may.rate("customer_churn_rate", "revenuecat")
    assert (found.numerator, found.denominator) == (-1, 14)


def test_baremetrics_mrr_and_churn_of_a_hundred_customers(counted):
    """Monthly Recurring Revenue: 10 at 10 are 100, 120 a year adds 10. User churn: 5 % of 100."""
    contracts = [*many(10), *many(1, amount=120, name="year", interval="year")]
    assert counted("baremetrics", contracts)[MAY].end_amount == 110 * UNIT
    may = counted("baremetrics", [*many(95), *many(5, end="2025-05-20", name="gone")])[MAY]
    assert may.rate("customer_churn_rate", "baremetrics").value == 0.05


def test_baremetrics_counts_who_signs_up_and_cancels_within_the_time(counted):
    """Churn Update; New Quick Ratio Metric: (new + expansion) / (contraction + churned)."""
    contracts = [
        *many(20),
        *many(1, end="2025-05-20", name="gone"),
        *many(1, start="2025-05-02", end="2025-05-28", name="flash"),
        *many(1, start="2025-03-01", end="2025-04-10", name="back"),
        *many(1, start="2025-05-12", name="back"),
    ]
    may = counted("baremetrics", contracts)[MAY]
    assert may.rate("customer_churn_rate", "baremetrics").numerator == 2
    assert may.rate("quick_ratio", "baremetrics").value == 10 / 20
    assert may.rate("quick_ratio").value == 20 / 20


def test_one_month_has_five_churn_rates(counted):
    """Of 20 customers 2 leave, 5 are new, 1 comes and goes, 1 comes back."""
    contracts = [
        *many(18),
        *many(2, end="2025-05-20", name="gone"),
        *many(5, start="2025-05-02", name="new"),
        *many(1, start="2025-05-02", end="2025-05-28", name="flash"),
        *many(1, start="2025-03-01", end="2025-04-10", name="back"),
        *many(1, start="2025-05-12", name="back"),
    ]
    found = {}
    for name in ("", "chartmogul", "stripe", "profitwell", "recurly", "revenuecat", "baremetrics"):
        one = counted(name, contracts)[MAY].rate("customer_churn_rate", name)
        found[name] = (one.numerator, one.denominator)
    assert found == {
        "": (2, 20),
        "chartmogul": (3, 20),
        "stripe": (3, 26),
        "profitwell": (2, 20),
        "recurly": (2, 20),
        "revenuecat": (2, 20),
        "baremetrics": (3, 20),
    }
