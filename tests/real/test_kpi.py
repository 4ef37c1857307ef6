"""`csk kpi` on real data: totals that others have published, months of the playbook."""

from datetime import date

import pytest

from csk.analyses.kpi import Found, kpis
from csk.analyses.mrr import mrr
from csk.analyses.retention import repeat
from csk.cli.session import opened_book
from csk.settings import Settings
from csk.stats.scores import Figure
from csk.tables.movements import Motion

UNIT = 10_000


def total(found, metric_id, part="value"):
    of = [one for one in found.measured if one.metric_id == metric_id and not one.dimension]
    return sum(getattr(one, part) for one in of)


@pytest.fixture
def opened(real):
    def path_of(*names):
        path = real.joinpath(*names)
        if not path.exists():
            pytest.skip(f"{path} is absent")
        return str(path)

    return path_of


# Published beside the data: customers, revenue, days with a purchase.
SHOPS = {
    "cdnow/CDNOW_master.txt": (23_570, 2_500_315.63, 67_591),
    "online_retail/online_retail.csv.gz": (4_372, 8_300_065.814, None),
}


@pytest.mark.parametrize("name", SHOPS)
def test_all_periods_of_a_shop_are_all_there_is(opened, name):
    customers, revenue, purchases = SHOPS[name]
    with opened_book([opened(*name.split("/"))], Settings(), quiet=True) as session:
        motion = Motion(session.book.span.as_of)
        steps = repeat(session.book, session.engine).steps
        at = next(at for at in steps[0].at if at.age == 90)
        again = Figure(at.share, at.low, at.high, steps[0].n)
        facts = Found(repeats={motion.as_of: again})
        found = kpis(session.book, session.engine, motion, facts)
    assert total(found, "revenue") / UNIT == pytest.approx(revenue, abs=0.005)
    # Who only ever gave back has no first purchase: 33 of online_retail.
    assert customers - 40 < total(found, "new_inflow") <= customers
    if purchases:
        assert total(found, "new_inflow") == customers
        assert total(found, "order_value", "denominator") == purchases
    assert found.lacking[:1] == ("contracts",)


def test_the_first_cohort_of_online_retail_is_as_published(opened):
    path = opened("online_retail", "online_retail.csv.gz")
    with opened_book([path], Settings(), quiet=True) as session:
        motion = Motion(session.book.span.as_of)
        found = kpis(session.book, session.engine, motion, Found())
    told = {(one.metric_id, one.period_on): one.value for one in found.measured}
    assert told["new_inflow", date(2010, 12, 1)] == 885
    assert found.latest_on == date(2011, 11, 1)


@pytest.fixture
def playbook(opened):
    path = opened("mrr_playbook", "subscription_periods.csv")
    ends = date(2020, 3, 1)
    with opened_book([path], Settings(as_of=ends), quiet=True) as session:

        def found(preset="", window=(None, None)):
            motion = Motion(ends)
            moved = mrr(session.book, session.engine, motion, preset=preset)
            facts = Found(periods=moved.periods, preset=preset)
            return kpis(session.book, session.engine, motion, facts, window=window)

        yield found


# Golden figures: MRR at the end, customers, churn, GRR, NRR, quick ratio.
MONTHS = {
    "2019-04": (895, 17, 0.0, 100.0, 109.85, None),
    "2019-05": (965, 21, 0.0, 90.50, 90.50, 1.82),
    "2019-08": (1240, 26, 11.54, 84.07, 84.07, 0.49),
    "2019-12": (1255, 28, 40.48, 60.05, 62.77, 0.20),
}


@pytest.mark.parametrize("month", MONTHS)
def test_the_months_of_the_playbook_are_reproduced(playbook, month):
    end, customers, churn, grr, nrr, quick = MONTHS[month]
    day = date.fromisoformat(f"{month}-01")
    told = {one.metric_id: one.value for one in playbook().measured if one.period_on == day}
    assert told["mrr"] == end * UNIT
    assert told["paying_customers"] == customers
    assert told["arpa"] == pytest.approx(end * UNIT / customers)
    for name, value in (("customer_churn_rate", churn), ("grr", grr), ("nrr", nrr)):
        assert told[name] * 100 == pytest.approx(value, abs=0.005), name
    assert told["quick_ratio"] == (None if quick is None else pytest.approx(quick, abs=0.005))


@pytest.mark.parametrize(
    ("preset", "churn"), [("", 11.54), ("stripe", 10.34), ("revenuecat", 11.54)]
)
def test_churn_follows_the_preset(playbook, preset, churn):
    day = date(2019, 8, 1)
    told = {one.metric_id: one for one in playbook(preset).measured if one.period_on == day}
    assert told["customer_churn_rate"].value * 100 == pytest.approx(churn, abs=0.005)


def test_twelve_months_are_as_published(playbook):
    found = playbook(window=(None, date(2020, 1, 1)))
    told = {one.now.metric_id: one.now for one in found.lines}
    assert (told["nrr_12m"].n, told["nrr_12m"].denominator) == (12, 585 * UNIT)
    assert told["nrr_12m"].value * 100 == pytest.approx(70.09, abs=0.005)
    assert told["grr_12m"].value * 100 == pytest.approx(58.12, abs=0.005)
