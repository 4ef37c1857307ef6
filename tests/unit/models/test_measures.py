from datetime import date
from math import nan

import pytest

from csk.definitions import definitions
from csk.models.measures import METRICS, Measured, answered, ratio, share, table
from csk.models.rates import Rate
from csk.schema import KPI
from csk.stats.scores import Figure

DAY = date(2024, 1, 1)


def test_a_metric_has_the_unit_of_its_definition():
    units = {"points": "share"}
    defined = {one.metric_id: one.unit for one in definitions()}
    told = {name: units.get(metric.unit, metric.unit) for name, metric in METRICS.items()}
    assert {n: told[n] for n in told if n in defined} == {
        n: defined[n] for n in told if n in defined
    }
    assert {metric.defined_as for metric in METRICS.values()} - {""} <= set(defined)


@pytest.mark.parametrize(
    "name", ["mrr", "customer_churn_rate", "grr", "nrr", "nps", "csat", "cac", "ltv_cac", "gini"]
)
def test_what_is_told_is_defined(name):
    assert name in {one.metric_id for one in definitions()}


def test_a_share_has_wilsons_interval():
    found = share("customer_churn_rate", DAY, Rate(2, 10), 10)
    # Wilson (1927) for 2 of 10: 0.0567 to 0.5098.
    assert (found.low, found.high) == pytest.approx((0.0567, 0.5098), abs=5e-5)
    assert (found.value, found.numerator, found.denominator) == (0.2, 2, 10)


def test_a_share_of_nobody_is_null():
    found = share("customer_churn_rate", DAY, Rate(0, 0), 0)
    assert (found.value, found.low, found.high) == (None, None, None)


def test_what_nobody_answered_is_null():
    found = answered("nps", DAY, Figure(nan, nan, nan, 0))
    assert (found.value, found.low, found.high, found.numerator) == (None, None, None, None)


def test_money_is_in_major_units_and_a_ratio_of_money_keeps_its_value(book_of):
    book = book_of({"payments": [{"customer_id": "c", "paid_on": DAY, "amount": 1}]}, 1, DAY)
    rows = table(
        [
            ratio("arpa", DAY, Rate(300_000, 4), 4),
            ratio("grr", DAY, Rate(270_000, 300_000), 4),
            share("customer_churn_rate", DAY, Rate(1, 4), 4).of("region", "north"),
            Measured("cac_payback", DAY, None, n=4),
        ],
        book,
    )
    assert rows.columns == list(KPI.names)
    told = {row["metric_id"]: row for row in rows.iter_rows(named=True)}
    arpa, grr, churn = told["arpa"], told["grr"], told["customer_churn_rate"]
    assert (arpa["value"], arpa["numerator"], arpa["denominator"]) == (7.5, 30.0, 4.0)
    assert (grr["value"], grr["numerator"], grr["denominator"]) == (0.9, 27.0, 30.0)
    assert (churn["value"], churn["numerator"], churn["denominator"]) == (0.25, 1.0, 4.0)
    assert (churn["dimension"], churn["group"]) == ("region", "north")
    assert told["cac_payback"]["value"] is None
    for row in (arpa, grr, churn):
        assert row["value"] == pytest.approx(row["numerator"] / row["denominator"])


def test_a_value_names_the_definition_that_it_follows(book_of):
    book = book_of({"payments": [{"customer_id": "c", "paid_on": DAY, "amount": 1}]}, 1, DAY)
    rows = [
        Measured("customer_churn_rate", DAY, 0.1, preset="stripe"),
        Measured("revenue_churn_rate", DAY, 0.1),
        Measured("grr_12m", DAY, 0.1),
        Measured("revenue", DAY, 0.1),
    ]
    told = table(rows, book)
    assert dict(told.select("metric_id", "definition_id").iter_rows()) == {
        "customer_churn_rate": "customer_churn_rate:stripe",
        "revenue_churn_rate": "revenue_churn_rate",
        "grr_12m": "grr",
        "revenue": "revenue",
    }
