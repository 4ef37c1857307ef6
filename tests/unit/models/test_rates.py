"""Rates from their terms: the golden months of the playbook under each vendor's definition."""

import pytest

from csk.definitions import definition
from csk.models.rates import Rate, Retained, rate

# Golden figures of dbt-labs' mrr-playbook: MRR, customers, then per cent.
MONTHS = {
    "2019-04": ((660, 895), (14, 2, 1, 0), (0.0, 0.0, -7.14, 100.0)),
    "2019-05": ((895, 965), (17, 4, 0, 0), (0.0, 0.0, 0.0, 100.0)),
    "2019-08": ((1350, 1240), (26, 3, 0, 3), (11.54, 10.34, 11.54, 91.85)),
    "2019-12": ((1840, 1255), (42, 3, 0, 17), (40.48, 37.78, 40.48, 68.21)),
}


@pytest.mark.parametrize("month", MONTHS)
def test_golden_months_under_each_definition(month):
    (start, end), (n, new, back, left), wanted = MONTHS[month]
    terms = {
        "customers.start": n,
        "customers.new": new,
        "customers.reactivation": back,
        "customers.churn": left,
        "money.start": start,
        "money.lower_total": min(start, end),
    }
    churn = definition("customer_churn_rate")
    found = (
        rate(churn, terms),
        rate(churn, terms, "stripe"),
        rate(churn, terms, "revenuecat"),
        rate(definition("grr"), terms, "chargebee"),
    )
    assert [100 * one.value for one in found] == pytest.approx(wanted, abs=0.005)


def test_twelve_months_of_the_playbook():
    year = Retained(12, 7, 585, 340, 410, 290)
    assert 100 * year.gross.value == pytest.approx(58.12, abs=0.005)
    assert 100 * year.net.value == pytest.approx(70.09, abs=0.005)
    assert 100 * year.gross_by_path.value == pytest.approx(49.57, abs=0.005)
    assert 100 * year.customers.value == pytest.approx(58.33, abs=0.005)


def test_a_preset_that_says_nothing_of_a_metric_reckons_it_as_csk_does():
    terms = {"customers.churn": 3, "customers.start": 26}
    metric = definition("customer_churn_rate")
    assert rate(metric, terms, "recurly") == rate(metric, terms) == Rate(3, 26)


def test_nothing_to_divide_by_is_null_and_not_zero():
    terms = dict.fromkeys(definition("quick_ratio").variant.terms, 0) | {"money.new": 5}
    assert rate(definition("quick_ratio"), terms).value is None


def test_what_is_no_quotient_has_no_denominator():
    found = rate(definition("mrr"), {"money.end": 70})
    assert (found.value, found.denominator) == (70.0, None)


def test_a_term_that_is_not_known_is_no_zero():
    with pytest.raises(KeyError):
        rate(definition("grr"), {"money.start": 1})


def test_an_estimate_is_not_divided():
    terms = dict.fromkeys(definition("repeat_rate").variant.terms, 1)
    with pytest.raises(ValueError, match="estimated"):
        rate(definition("repeat_rate"), terms)
