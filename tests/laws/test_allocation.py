from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from csk.stats.allocation import Tier, by_budget, by_share

SHARES = st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.5, 0.9])


@st.composite
def problems(draw, most_customers=6, most_tiers=4):
    """Draw values at risk, tiers with the cheapest last, and money beyond the last tier's cost."""
    tiers = draw(
        st.lists(
            st.builds(Tier, st.integers(0, 30), SHARES, st.none() | st.integers(0, 4)),
            max_size=most_tiers - 1,
        )
    )
    cheapest = draw(st.integers(0, min((t.cost for t in tiers), default=5)))
    tiers.append(Tier(cheapest, draw(st.sampled_from([0.0, 0.05, 0.2]))))
    values = draw(st.lists(st.integers(0, 120), min_size=1, max_size=most_customers))
    return np.array(values, float), tiers, cheapest * len(values) + draw(st.integers(0, 120))


def worth(at_risk, tiers, chosen):
    return sum(tiers[t].saved_share * at_risk[i] - tiers[t].cost for i, t in enumerate(chosen))


def is_feasible(tiers, chosen, budget):
    fits = all(t.capacity is None or chosen.count(k) <= t.capacity for k, t in enumerate(tiers))
    return fits and sum(tiers[t].cost for t in chosen) <= budget


def best_gain(at_risk, tiers, budget):
    every = product(range(len(tiers)), repeat=len(at_risk))
    return max(worth(at_risk, tiers, c) for c in every if is_feasible(tiers, c, budget))


def relaxed_gain(at_risk, tiers, budget):
    n, k = len(at_risk), len(tiers)
    gain = np.array([[t.saved_share * value - t.cost for t in tiers] for value in at_risk])
    rows, limits = [np.tile([t.cost for t in tiers], n)], [budget]
    for index, tier in enumerate(tiers):
        if tier.capacity is not None:
            rows.append(np.tile(np.arange(k) == index, n).astype(float))
            limits.append(tier.capacity)
    one_each = np.kron(np.eye(n), np.ones(k))
    found = linprog(
        -gain.ravel(),
        A_ub=np.array(rows),
        b_ub=limits,
        A_eq=one_each,
        b_eq=np.ones(n),
        bounds=(0, 1),
        method="highs",
    )
    return -found.fun


@settings(deadline=None, max_examples=80)
@given(problems(most_customers=5))
def test_a_choice_is_feasible_and_its_gap_holds_the_best(problem):
    at_risk, tiers, budget = problem
    found = by_budget(at_risk, tiers, budget)
    chosen = tuple(found.tier.tolist())
    best = best_gain(at_risk, tiers, budget)
    assert is_feasible(tiers, chosen, budget)
    assert found.spend == sum(tiers[t].cost for t in chosen)
    assert found.gain == pytest.approx(worth(at_risk, tiers, chosen), abs=1e-9)
    assert found.gain <= best + 1e-9
    assert best <= found.bound + 1e-9
    assert found.gap == pytest.approx(found.bound - found.gain, abs=1e-9)


@settings(deadline=None, max_examples=80)
@given(problems(most_customers=6, most_tiers=3))
def test_up_to_three_tiers_the_choice_is_the_best(problem):
    assert by_budget(*problem).gain == pytest.approx(best_gain(*problem), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(problems(most_customers=30, most_tiers=5))
def test_the_bound_is_that_of_the_linear_program(problem):
    assert by_budget(*problem).bound == pytest.approx(relaxed_gain(*problem), abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(problems(most_customers=12, most_tiers=5), st.lists(st.integers(0, 200), max_size=8))
def test_a_larger_budget_never_lowers_the_gain(problem, additions):
    at_risk, tiers, budget = problem
    budgets = [budget + more for more in sorted(additions)]
    gains = [by_budget(at_risk, tiers, money).gain for money in [budget, *budgets]]
    assert np.all(np.diff(gains) >= -1e-9)


@settings(deadline=None, max_examples=40)
@given(problems(most_customers=12, most_tiers=5))
def test_nobody_is_upgraded_at_a_loss(problem):
    at_risk, tiers, budget = problem
    last = tiers[-1]
    for value, index in zip(at_risk, by_budget(at_risk, tiers, budget).tier, strict=True):
        tier = tiers[index]
        gained = tier.saved_share * value - tier.cost - (last.saved_share * value - last.cost)
        assert gained >= -1e-9


@settings(deadline=None, max_examples=40)
@given(problems(most_customers=12), st.randoms(use_true_random=False))
def test_row_order_does_not_decide_among_different_customers(problem, random):
    at_risk, tiers, budget = problem
    at_risk = np.unique(at_risk)
    order = list(range(len(at_risk)))
    random.shuffle(order)
    sorted_, shuffled = (
        by_budget(at_risk, tiers, budget),
        by_budget(at_risk[order], tiers, budget),
    )
    assert shuffled.tier.tolist() == sorted_.tier[order].tolist()
    assert (shuffled.gain, shuffled.bound) == (sorted_.gain, sorted_.bound)


@given(st.lists(st.integers(-50, 1000), max_size=40))
def test_a_tier_by_share_never_holds_less_than_the_next_one_deserves(values):
    value = np.array(values, np.int64)
    tier = by_share(value)
    for one in range(2):
        if np.any(tier == one) and np.any(tier > one):
            assert value[tier == one].min() >= value[tier > one].max()
    total = value[value > 0].sum()
    if total > 0:
        assert value[tier == 0].sum() * 10 >= 7 * total


@given(st.lists(st.integers(1, 1000), max_size=40), st.integers(1, 1000))
def test_scaling_money_moves_nobody(values, factor):
    value = np.array(values, np.int64)
    assert by_share(value).tolist() == by_share(value * factor).tolist()
