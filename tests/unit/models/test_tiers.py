import polars as pl
import pytest

from csk.errors import UsageError
from csk.models.tiers import celled, tiered
from csk.models.value import UNIT
from csk.settings import TierCost, Tiers

LEVELS = (
    TierCost(name="tech-touch", cost_amount=1, saves_share=0.0),
    TierCost(name="high-touch", cost_amount=20, capacity=1, saves_share=0.5),
    TierCost(name="low-touch", cost_amount=5, saves_share=0.2),
)


def customers(*values, risk=0.5):
    return pl.DataFrame(
        [
            {
                "customer_id": f"c{i}",
                "is_alive": value is not None,
                "ltv_amount": (value or 0) * UNIT,
                "ltv_if_retained": (value or 0) * UNIT,
                "p_churn_365d": None if value is None else risk,
            }
            for i, value in enumerate(values)
        ],
        schema={
            "customer_id": pl.String,
            "is_alive": pl.Boolean,
            "ltv_amount": pl.Int64,
            "ltv_if_retained": pl.Int64,
            "p_churn_365d": pl.Float64,
        },
    )


def tiers(frame, choice=None, earlier=None):
    found, plan = tiered(frame, choice or Tiers(), "p_churn_365d", earlier)
    letters = {"high-touch": "h", "low-touch": "l", "tech-touch": "t", None: "-"}
    return "".join(letters[tier] for tier in found["tier"]), plan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((70, 20, 10), "hlt"),
        ((10, 20, 70), "tlh"),
        ((1,), "h"),
        ((69, 21, 10), "hht"),
        # Whoever has left, and whoever is worth nothing, has no tier.
        ((70, None, 20, 0, 10), "h-l-t"),
        ((None, None), "--"),
        ((0, -3), "--"),
        ((), ""),
        # Ties go by customer.
        ((1,) * 10, "hhhhhhhllt"),
    ],
)
def test_tiers_go_by_share_of_what_is_to_come(values, expected):
    assert tiers(customers(*values))[0] == expected


def test_the_order_of_rows_does_not_matter():
    frame = customers(*(1,) * 10)
    assert tiers(frame.reverse())[0] == tiers(frame)[0]


@pytest.mark.parametrize(
    ("was", "now", "n_kept"),
    [
        # At the border between high and low: the cut is 70 %, and within 2 % of it who had a
        # tier keeps it.
        (None, "hlt", 0),
        ("low-touch", "llt", 1),
        ("high-touch", "hlt", 0),
        ("tech-touch", "hlt", 0),
    ],
)
def test_near_its_border_a_customer_keeps_its_tier(was, now, n_kept):
    frame = customers(690, 210, 100).with_columns(customer_id=pl.Series(["a", "b", "c"]))
    earlier = pl.DataFrame({"customer_id": ["b", "x"], "tier": [was, "low-touch"]})
    letters, plan = tiers(frame, earlier=earlier)
    expected = {"hlt": "hht", "llt": "hlt"}[now]
    assert (letters, plan.n_kept) == (expected, n_kept)


@pytest.mark.parametrize(
    ("budget", "expected", "spend"),
    [
        # All cost 1; the best go up while money and places last.
        (5, "ttttt", 5),
        (9, "ltttt", 9),
        (24, "htttt", 24),
        (28, "hlttt", 28),
        (500, "hlllt", 36),
    ],
)
def test_a_budget_buys_the_largest_gain(budget, expected, spend):
    found, plan = tiers(customers(200, 100, 90, 50, 1), Tiers(budget_amount=budget, levels=LEVELS))
    assert (found, plan.spend) == (expected, spend * UNIT)
    assert plan.method == "budget"
    assert plan.gain <= plan.bound
    assert plan.costs == (
        ("high-touch", 20 * UNIT),
        ("low-touch", 5 * UNIT),
        ("tech-touch", UNIT),
    )


def test_nobody_to_serve_costs_nothing():
    found, plan = tiers(customers(None, 0), Tiers(budget_amount=10, levels=LEVELS))
    assert (found, plan.spend) == ("--", 0)


def test_costs_without_a_budget_are_refused():
    with pytest.raises(UsageError, match="need a budget"):
        tiers(customers(1), Tiers(levels=LEVELS))


def test_a_budget_that_does_not_pay_the_cheapest_tier_is_refused():
    with pytest.raises(UsageError):
        tiers(customers(1, 1, 1), Tiers(budget_amount=2, levels=LEVELS))


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        (
            [(9, 0.9), (9, 0.1), (1, 0.9), (1, 0.1)],
            ["save", "protect-and-expand", "automate", "maintain"],
        ),
        # Where all are alike and nobody leaves there is nobody to save.
        ([(5, 0.0), (5, 0.0)], ["protect-and-expand"] * 2),
        ([(0, 0.0)], ["maintain"]),
        ([(0, 0.5)], ["automate"]),
    ],
)
def test_cells_part_value_and_risk_at_their_means(rows, cells):
    frame = pl.DataFrame(
        [
            *({"is_alive": True, "ltv_if_retained": v, "p_churn_365d": p} for v, p in rows),
            {"is_alive": False, "ltv_if_retained": 0, "p_churn_365d": None},
        ]
    )
    assert celled(frame, "p_churn_365d")["value_risk_cell"].to_list() == [*cells, None]
