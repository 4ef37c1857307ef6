from datetime import date

import pytest

from csk.tables.movements import Motion
from csk.tables.reconcile import AFTER, BEFORE, Looked, Scope, Way, changed, counted, flow_sums

AS_OF = date(2024, 7, 1)
MOTION = Motion(AS_OF)
JAN, FEB, MAR, APR = (date(2024, month, 1) for month in range(1, 5))


def contract(who, started_on, ended_on=None, mrr=100, plan="a"):
    return {
        "customer_id": who,
        "subscription_id": f"{who}-{started_on}",
        "started_on": started_on,
        "ended_on": ended_on,
        "mrr_amount": mrr,
        "plan": plan,
        "cancel_reason": None,
    }


ROWS = [
    contract("p", JAN, FEB),
    contract("p", FEB, date(2024, 4, 30), mrr=150, plan="b"),
    contract("q", date(2024, 1, 10)),
    contract("r", date(2024, 2, 3), date(2024, 2, 20)),
]
REGIONS = [
    {"customer_id": who, "region": region, "created_on": JAN}
    for who, region in zip("pqr", "nsn", strict=True)
]


@pytest.fixture
def tables(tables_of):
    return tables_of(subscriptions=ROWS, customers=REGIONS)


def sums(tables, way):
    frame = flow_sums(way)(tables).collect().sort("period_on")
    return {row["period_on"]: row for row in frame.to_dicts()}


def test_flows_are_those_of_the_movements(tables):
    found = sums(tables, Way(MOTION))
    assert (found[JAN]["n.new"], found[JAN]["amount.new"]) == (2, 200)
    assert (found[FEB]["n.expansion"], found[FEB]["amount.expansion"]) == (1, 50)
    assert (found[FEB]["n.flash"], found[FEB]["amount.flash"]) == (1, 100)
    assert found[FEB]["amount.grown"] == 50
    assert (found[APR]["n.churn"], found[APR]["amount.churn"]) == (1, -150)
    assert (found[APR]["n.unknown"], found[APR]["amount.unknown"]) == (1, -150)
    assert (found[APR]["n.lost"], found[APR]["amount.lost"]) == (1, 150)


def test_an_end_a_day_later_moves_ends_but_no_change_of_plan(tables):
    rows = counted(tables, Way(MOTION, ends_later=1)).collect().sort("customer_id", "started_on")
    assert rows["ended_on"].to_list() == [FEB, date(2024, 5, 1), None, date(2024, 2, 21)]
    found = sums(tables, Way(MOTION, ends_later=1))
    assert APR not in found
    assert found[date(2024, 5, 1)]["n.churn"] == 1


def test_an_end_a_day_earlier_is_never_before_the_start(tables_of):
    tables = tables_of(subscriptions=[contract("p", JAN, JAN), contract("q", JAN, MAR)])
    rows = counted(tables, Way(MOTION, ends_later=-1)).collect().sort("customer_id")
    assert rows["ended_on"].to_list() == [JAN, date(2024, 2, 29)]


@pytest.mark.parametrize(
    ("scope", "customers"),
    [
        (Scope("plan", "b"), {"p", "q", "r"}),
        (Scope("plan", "b", is_left_out=False), {"p"}),
        (Scope("region", "n"), {"q"}),
        (Scope("region", "n", is_left_out=False), {"p", "r"}),
        (Scope("region", "nowhere"), {"p", "q", "r"}),
    ],
)
def test_a_scope_leaves_contracts_out_or_counts_them_alone(tables, scope, customers):
    rows = counted(tables, Way(MOTION, scope=scope)).collect()
    assert set(rows["customer_id"]) == customers
    assert "b" not in rows["plan"].to_list() or scope != Scope("plan", "b")


def test_customers_who_differ_are_counted_by_level_and_by_flow(tables):
    later = Way(MOTION, ends_later=1)
    figures = {
        "end": Looked(levels=frozenset({("n", AFTER)})),
        "start": Looked(levels=frozenset({("n", BEFORE)})),
        "churn": Looked(flows=frozenset({"n.churn"})),
        "rate": Looked(frozenset({"n.churn"}), frozenset({("n", BEFORE)})),
    }
    frame = changed(Way(MOTION), later, figures)(tables).collect().sort("period_on")
    april, may = frame.to_dicts()
    assert (april["turned.end"], may["turned.end"]) == (1, -1)
    assert (april["beside.churn"], may["beside.churn"]) == (1, 1)
    # In May p differs at the start already, and is not counted a second time for leaving.
    assert (april["beside.rate"], may["beside.rate"]) == (1, 0)
    assert (april["beside.start"], april["turned.start"]) == (0, 1)


def test_two_ways_alike_differ_for_nobody(tables):
    figures = {"end": Looked(levels=frozenset({("n", AFTER)}))}
    assert changed(Way(MOTION), Way(MOTION), figures)(tables).collect().is_empty()
