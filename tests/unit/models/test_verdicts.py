from datetime import date

import numpy as np
import pytest

from csk.models.foretelling import Foretold, Known
from csk.models.verdicts import DEFAULT, Came, Origin, judged, measure, standings, winner
from csk.stats import holdout

ON, END = date(2024, 1, 1), date(2024, 2, 1)
PURCHASES = np.array([3.0, 1.0, 0.0, 0.0])
CAME = Came(PURCHASES * 10, PURCHASES, PURCHASES <= 0, (40.0,), (4.0,))


def foretold(purchases, **more):
    number = np.array(purchases, float)
    sums = np.array([number.sum()])
    return Foretold(number * 10, number, sums * 10, sums, **more)


def judge(name, purchases, margin=1.0, **more):
    known = Known(ON, 1, (END,), None, PURCHASES, PURCHASES, None)  # type: ignore[arg-type] # unread
    came = CAME._replace(money=CAME.money * margin)
    return judged(name, foretold(purchases, **more), known, came, np.full(4, margin))


def origin(*models):
    return Origin(ON, END, 4, 0.5, models)


def test_a_perfect_model_is_off_in_nothing():
    found = judge("x", PURCHASES)
    assert [measure(found, name) for name in ("money_mae", "purchases_rmse")] == [0, 0]
    assert (found.gini, measure(found, "money_bias")) == (pytest.approx(1), 0)
    assert found.revenue.step_error == 0


def test_money_is_margin_and_tracking_is_revenue():
    found = judge("x", PURCHASES, margin=0.5)
    assert (found.money.predicted, found.money.actual) == (20, 20)
    assert found.revenue.actual == (40,)


def test_bounds_are_held_against_the_whole_that_came():
    low = np.zeros(4)
    found = judge(
        "x",
        PURCHASES,
        total=(0, 39),
        total_with_chance=(0, 41),
        low=low,
        high=np.array([2, 1, 0, 0]),
        p_none=np.array([0, 0.5, 1, 1]),
    )
    assert not found.total.is_inside
    assert found.total_with_chance.is_inside
    assert (found.covered.n, found.covered.share) == (4, 0.75)
    assert found.zero == holdout.ZeroClass(4, 2.5, 2)


def test_the_model_with_the_smaller_errors_stands_first():
    good, bad = judge("good", [3, 1, 0, 1]), judge(DEFAULT, [0, 0, 2, 2])
    found = standings([origin(bad, good)])
    assert [one.model for one in found] == ["good", DEFAULT]
    assert found[0].excess == 0
    assert found[1].excess > 0
    assert winner(found, "gini") == "good"
    # It foretells four, as many as came, of the wrong customers.
    assert winner(found, "money_bias") == DEFAULT


def test_who_did_not_speak_at_every_origin_is_not_ranked():
    both, once = judge("both", [1, 1, 1, 1]), judge("once", PURCHASES)
    found = standings([origin(both, once), origin(both)])
    assert [one.model for one in found] == ["both"]
    assert found[0].money.n == 8


def test_a_perfect_order_twice_is_a_perfect_order():
    (found,) = standings([origin(judge("x", PURCHASES))] * 2)
    assert found.gini == pytest.approx(1)
    assert found.deciles == judge("x", PURCHASES).deciles
    assert found.zero is None
    assert found.covered is None
