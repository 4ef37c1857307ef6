import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import eye, kron

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


def test_among_many_equals_the_first_rows_come_first():
    value = np.tile([1, 3], 500)
    for tier in (
        by_share(value, (0.6, 0.9)),
        by_budget(value * 20.0, [Tier(8, 0.9, 200), Tier(5, 0.8, 500), TECH], 10**6).tier,
    ):
        assert len(set(tier.tolist())) == 3
        for worth in (1, 3):
            assert (np.diff(tier[value == worth]) >= 0).all()


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


LADDERS = [
    [Tier(50, 0.9, 30), Tier(20, 0.5, 60), Tier(5, 0.2), Tier(0, 0.0)],
    [Tier(50, 0.9), Tier(20, 0.5), Tier(5, 0.2, 80), Tier(1, 0.05)],
    [Tier(10, 0.9, 30), Tier(20, 0.5, 60), Tier(30, 0.3), Tier(0, 0.0)],
    [Tier(7, 0.3), Tier(60, 0.95, 40), Tier(30, 0.7), Tier(1, 0.1), Tier(0, 0.0)],
]


def many(seed, n=300):
    return np.round(np.random.default_rng(seed).lognormal(3.5, 1.0, n))


@pytest.mark.parametrize("tiers", LADDERS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_more_than_three_tiers_keep_to_the_budget_and_near_the_best(tiers, share):
    at_risk = many(1)
    free = by_budget(at_risk, tiers, 10**9)
    least = tiers[-1].cost * len(at_risk)
    budget = least + int(share * (free.spend - least))
    found = by_budget(at_risk, tiers, budget)
    assert found.spend <= budget
    for index, tier in enumerate(tiers):
        assert tier.capacity is None or np.sum(found.tier == index) <= tier.capacity
    saved = sum(tiers[t].saved_share * v for t, v in zip(found.tier, at_risk, strict=True))
    assert found.gain == pytest.approx(saved - found.spend)
    assert 0.0 <= found.gap == found.bound - found.gain
    # In proportion to what tiers can gain at all over the last one for everybody.
    base = tiers[-1].saved_share * at_risk.sum() - least
    assert found.gap < 0.005 * (found.bound - base)


def relaxed_gain(at_risk, tiers, budget):
    """Give the most that parts of customers in tiers could gain, by a solver of its own."""
    n, k = len(at_risk), len(tiers)
    gain = [[t.saved_share * value - t.cost for t in tiers] for value in at_risk]
    held = [i for i, tier in enumerate(tiers) if tier.capacity is not None]
    found = linprog(
        -np.ravel(gain),
        A_ub=np.vstack([np.tile([t.cost for t in tiers], n), *(np.tile(np.eye(k)[held], n))]),
        b_ub=[budget, *(tiers[i].capacity for i in held)],
        A_eq=kron(eye(n), np.ones((1, k))),
        b_eq=np.ones(n),
        bounds=(0, 1),
    )
    return -found.fun


@pytest.mark.parametrize("tiers", LADDERS)
@pytest.mark.parametrize("share", [0.2, 0.8])
def test_the_bound_for_many_is_that_of_the_linear_program(tiers, share):
    at_risk = many(4, n=120)
    least = tiers[-1].cost * len(at_risk)
    free = by_budget(at_risk, tiers, 10**9).spend - least
    budget = least + int(share * free)
    bound = by_budget(at_risk, tiers, budget).bound
    assert bound == pytest.approx(relaxed_gain(at_risk, tiers, budget), rel=1e-6)


@pytest.mark.parametrize("tiers", LADDERS)
def test_a_budget_that_does_not_bind_leaves_no_gap(tiers):
    at_risk = many(2)
    found = by_budget(at_risk, tiers, 10**9)
    assert found.gap == pytest.approx(0.0, abs=1e-6)
    assert by_budget(at_risk, tiers, found.spend).gain == pytest.approx(found.gain)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
def test_one_more_tier_on_top_never_gains_less(share):
    at_risk, tiers = many(3), LADDERS[0]
    budget = int(share * by_budget(at_risk, tiers, 10**9).spend)
    assert by_budget(at_risk, tiers, budget).gain >= by_budget(at_risk, tiers[1:], budget).gain


def test_tiers_of_a_single_unit_keep_to_the_budget():
    found = by_budget([100.0] * 9, [Tier(2, 0.5), Tier(1, 0.4), TECH], 6)
    assert found.spend == 6
    assert found.gain == pytest.approx(6 * 39.0)


def test_a_tier_that_saves_no_more_than_the_last_is_left_empty():
    found = by_budget([50.0] * 4, [Tier(3, 0.2), Tier(0, 0.2)], 100)
    assert found.tier.tolist() == [1] * 4
    assert (found.gain, found.gap) == pytest.approx((40.0, 0.0))


def test_of_two_tiers_alike_the_cheaper_is_taken():
    assert by_budget([500.0], [Tier(9, 0.2), Tier(4, 0.2), TECH], 100).tier.tolist() == [1]


def test_free_tiers_take_whom_they_help():
    found = by_budget([10.0, 20.0, 0.0], [Tier(0, 0.5, 1), Tier(0, 0.2), TECH], 0)
    assert found.tier.tolist()[:2] == [1, 0]
    assert (found.gain, found.spend) == (12.0, 0)


def test_refusals_of_tiers_say_what_to_do():
    with pytest.raises(UsageError) as unfit:
        by_budget([1.0], [], 10)
    assert str(unfit.value) == "The last tier must be the cheapest one and have no capacity."
    assert unfit.value.hint == "It takes the customers that fit nowhere else."
    with pytest.raises(UsageError) as poor:
        by_budget([1.0, 1.0, 1.0], [Tier(5, 0.1), Tier(2, 0.0)], 4)
    assert str(poor.value) == ("The budget is 2 units short of the last tier for all 3 customers.")
    assert poor.value.hint == "Raise the budget, or lower the cost of the last tier."


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
