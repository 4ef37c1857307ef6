"""`csk ltv` on real data: totals that others have published, and sums that must hold."""

import pytest

from csk.analyses.ltv import Choice, ltv, table
from csk.cli.run_ltv import standing
from csk.cli.session import opened_book
from csk.settings import Settings

UNIT = 10_000


@pytest.fixture
def told(real):
    def found(name, by="", **choice):
        path = real / name
        if not path.exists():
            pytest.skip(f"{path} is absent")
        with opened_book([str(path)], Settings(**choice), quiet=True) as session:
            return ltv(
                session.book, session.engine, session.settings, standing(session), Choice(by)
            )

    return found


# Published beside the data: customers, money received.
BOOKS = {
    ("cdnow/CDNOW_master.txt", "cohort"): (23_570, 2_500_315.63),
    ("online_retail/online_retail.csv.gz", "segment"): (4_372, 8_300_065.814),
    ("hotel/data", "cohort"): (888, 415_355_800),
    ("saas_usage/crm5", "plan"): (325, None),
    ("mrr_playbook/subscription_periods.csv", "stage"): (51, None),
}


@pytest.mark.parametrize(("name", "by"), BOOKS)
def test_what_was_realised_is_all_that_was_received(told, name, by):
    customers, received = BOOKS[name, by]
    found = told(name, by)
    assert found.whole.n == customers
    if received is not None:
        assert found.whole.realised_amount / UNIT == pytest.approx(received, abs=0.005)
    for key in ("n", "n_alive", "realised_amount", "total_ltv_amount"):
        assert sum(getattr(one, key) for one in found.groups) == getattr(found.whole, key), key
    rows, _ = table(found)
    assert rows.height == customers
    assert rows["ltv_amount"].sum() == found.whole.factors.ltv_amount
    factors = rows.filter("is_alive").select(
        "unit_price_amount", "margin_share", "frequency", "duration_months", "discount_factor"
    )
    product = factors.fold(lambda one, other: one * other)
    away = product * UNIT - rows.filter("is_alive")["ltv_amount"]
    assert away.abs().max() < UNIT / 100


def test_the_intervals_of_cdnow_are_told_and_nested(told):
    found = told("cdnow/CDNOW_master.txt").whole
    assert found.predicted.low < found.bounds.low < found.factors.ltv_amount < found.bounds.high
    assert found.bounds.high < found.predicted.high
    # Eighteen months of log, thirty-six months ahead.
    assert found.tail_share > 0.5
    # The CDs cost 35 to 36 on average.
    assert 30 < found.factors.unit_price_amount < 45


def test_the_formulas_of_a_growing_company_go_apart(told):
    of = told("saas_usage/crm5", "plan").formulas
    amounts = [one.amount for one in of.counted]
    assert max(amounts) / min(amounts) > 2
    assert of.expected + sum(change for _, change in of.steps) == pytest.approx(of.arpa_churn)
