import numpy as np
import pytest

from csk.errors import UsageError
from csk.stats.allocation import Tier, by_budget, by_share

SHARES = [
    ([50, 30, 15, 5], [0, 0, 1, 2]),
    ([5, 15, 30, 50], [2, 1, 0, 0]),
    ([100], [0]),
    ([70, 20, 10], [0, 1, 2]),
    ([10, 10, 10, 10, 10, 10, 10, 10, 10, 10], [0] * 7 + [1, 1, 2]),
    ([90, 0, -5, 10], [0, 2, 2, 2]),
    ([0, 0], [2, 2]),
    ([], []),
]


@pytest.mark.parametrize(("value", "expected"), SHARES)
def test_tiers_by_share_go_down_the_list(value, expected):
    assert by_share(np.array(value, np.int64)).tolist() == expected


def test_cuts_may_come_in_any_order_and_number():
    assert by_share([50, 30, 15, 5], (0.9, 0.4, 0.7)).tolist() == [0, 1, 2, 3]


def test_whole_numbers_beyond_double_precision_are_summed_exactly():
    assert by_share(np.array([2**60, 1, 1]), (0.5, 1.0)).tolist() == [0, 1, 1]


HIGH, LOW, TECH = Tier(30, 0.5, 2), Tier(10, 0.3), Tier(0, 0.0)
BUDGETS = [
    # values at risk, budget, tiers, gain: by hand
    ([100.0, 80.0, 20.0], 0, [2, 2, 2], 0.0),
    ([100.0, 80.0, 20.0], 10, [1, 2, 2], 20.0),
    ([100.0, 80.0, 20.0], 29, [1, 1, 2], 34.0),
    ([100.0, 80.0, 20.0], 1000, [1, 1, 2], 34.0),
    ([400.0, 380.0, 360.0], 1000, [0, 0, 1], 428.0),
    ([400.0, 380.0, 360.0], 59, [0, 1, 1], 372.0),
    ([30.0], 1000, [2], 0.0),
    ([], 0, [], 0.0),
]


@pytest.mark.parametrize(("at_risk", "budget", "tier", "gain"), BUDGETS)
def test_tiers_are_chosen_as_by_hand(at_risk, budget, tier, gain):
    found = by_budget(at_risk, [HIGH, LOW, TECH], budget)
    assert found.tier.tolist() == tier
    assert found.gain == pytest.approx(gain)
    assert found.spend == sum((30, 10, 0)[t] for t in tier)


def test_the_bound_is_met_where_the_budget_does_not_bind():
    found = by_budget([400.0, 380.0, 360.0], [HIGH, LOW, TECH], 1000)
    assert found.gap == pytest.approx(0.0, abs=1e-9)


def test_the_bound_mixes_two_choices_where_it_does():
    found = by_budget([100.0, 80.0], [LOW, TECH], 15)
    assert (found.gain, found.bound, found.gap) == pytest.approx((20.0, 27.0, 7.0))


def test_the_cost_of_the_last_tier_counts():
    found = by_budget([100.0, 0.0], [Tier(10, 0.3), Tier(2, 0.1)], 12)
    assert found.tier.tolist() == [0, 1]
    assert found.spend == 12
    assert found.gain == pytest.approx(30.0 - 12)


def test_equal_customers_are_taken_by_row():
    assert by_budget([50.0, 50.0, 50.0], [LOW, TECH], 20).tier.tolist() == [0, 0, 1]


def test_a_value_at_risk_below_zero_counts_as_zero():
    found = by_budget([-100.0], [Tier(10, 0.3), Tier(1, 0.1)], 50)
    assert found.gain == -1.0


def test_a_tier_that_saves_less_for_more_is_never_chosen():
    found = by_budget([1000.0] * 3, [Tier(20, 0.1), Tier(10, 0.3), TECH], 1000)
    assert found.tier.tolist() == [1, 1, 1]


def test_a_fourth_tier_is_used_to_its_capacity():
    tiers = [Tier(50, 0.9, 1), Tier(20, 0.5, 2), Tier(5, 0.2, 2), TECH]
    found = by_budget([600.0, 500.0, 400.0, 300.0, 200.0, 100.0], tiers, 1000)
    assert found.tier.tolist() == [0, 1, 1, 2, 2, 3]
    assert found.gap == pytest.approx(0.0, abs=1e-9)


def test_a_single_tier_takes_everybody():
    found = by_budget([10.0, 20.0], [Tier(3, 0.5)], 6)
    assert found.tier.tolist() == [0, 0]
    assert (found.gain, found.bound) == pytest.approx((9.0, 9.0))


REFUSED = [
    ([1.0], [], 10, "last tier"),
    ([1.0], [Tier(1, 0.1), Tier(2, 0.0)], 10, "cheapest"),
    ([1.0], [Tier(5, 0.1), Tier(2, 0.0, 7)], 10, "no capacity"),
    ([1.0, 1.0], [Tier(5, 0.1), Tier(2, 0.0)], 3, "1 units short"),
    ([np.nan], [TECH], 3, "finite"),
]


@pytest.mark.parametrize(("at_risk", "tiers", "budget", "says"), REFUSED)
def test_tiers_that_cannot_be_chosen_from_are_refused(at_risk, tiers, budget, says):
    with pytest.raises(UsageError, match=says):
        by_budget(at_risk, tiers, budget)
