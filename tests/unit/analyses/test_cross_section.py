import math

import pytest

from csk.analyses.cross_section import cross_section
from csk.engine.local import LocalEngine
from csk.stats.survival import survival_at


def person(tenure, left, plan="a", monthly=10, total=100, name=""):
    return {
        "customer_id": name or f"{tenure}{left}{plan}{monthly}{total}",
        "tenure_months": float(tenure),
        "is_churned": left,
        "plan": plan,
        "monthly_amount": monthly,
        "total_amount": total,
    }


@pytest.fixture(params=[1, 3])
def told(book_of, request):
    return lambda rows: cross_section(
        book_of({"cross_section": rows}, request.param), LocalEngine()
    )


def test_shares_and_sums_are_counted(told):
    rows = [
        person(1, left=True),
        person(2, left=False),
        person(3, left=False, plan="b"),
        person(3, left=True, plan="b", total=None),
        person(4, left=False, plan=None),
    ]
    found = told(rows)
    assert (found.n, found.n_churned, found.n_blank_total) == (5, 2, 1)
    assert (found.monthly_amount, found.total_amount) == (50, 400)
    assert found.low < 0.4 < found.high
    assert [(plan.plan, plan.n, plan.n_churned) for plan in found.plans] == [
        ("", 1, 0),
        ("a", 2, 1),
        ("b", 2, 1),
    ]


def test_survival_goes_by_tenure(told):
    rows = [person(2, left=i < 5, name=f"a{i}") for i in range(10)]
    rows += [person(4, left=i < 5, name=f"b{i}") for i in range(10)]
    found = told(rows)
    # A quarter leaves in month 2; of the ten watched on, half in month 4.
    assert survival_at(found.curve, [1, 2, 3, 4]) == pytest.approx([1, 0.75, 0.75, 0.375])
    (plan,) = found.plans
    assert plan.median_months == 4


def test_whoever_leaves_at_once_leaves_in_the_first_month(told):
    found = told([person(0, left=True), person(0, left=False), person(1, left=False)])
    assert found.n_churned == 1
    assert survival_at(found.curve, [1]) == pytest.approx([0.5])


@pytest.mark.parametrize("left", [True, False])
def test_one_customer_is_a_cross_section(told, left):
    found = told([person(5, left=left)])
    assert (found.n, found.n_churned) == (1, int(left))
    assert 0 <= found.low <= found.high <= 1


def test_whoever_all_stay_have_no_median(told):
    (plan,) = told([person(5, left=False), person(0, left=False)]).plans
    assert plan.median_months == math.inf


def test_only_what_the_file_has_is_summed(told):
    rows = [{"customer_id": "a", "tenure_months": 2.0, "is_churned": False}]
    found = told(rows)
    assert (found.monthly_amount, found.total_amount, found.n_blank_total) == (None, None, 0)
    assert [plan.plan for plan in found.plans] == [""]
