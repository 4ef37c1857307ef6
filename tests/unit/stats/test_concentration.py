from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csk.stats.concentration import abc, deciles, gini_parts, paying, top_share

AMOUNTS = st.lists(st.integers(-50, 10**12), min_size=1, max_size=60).filter(
    lambda amounts: max(amounts) > 0
)


def gini(amounts):
    above, below = gini_parts(amounts)
    return above / below


@pytest.mark.parametrize(
    ("amounts", "wanted"),
    [
        ([5, 5, 5, 5], 0.0),
        # 1, 2, 3, 4: (-3 * 1 - 1 * 2 + 1 * 3 + 3 * 4) / (4 * 10) = 10 / 40.
        ([4, 2, 1, 3], 0.25),
        ([1], 0.0),
        ([100, 0, -20], 0.0),
    ],
)
def test_the_gini_coefficient_of_a_few(amounts, wanted):
    assert gini(amounts) == pytest.approx(wanted)


def test_one_who_pays_nearly_all_is_near_one():
    assert gini([1] * 99 + [10**9]) == pytest.approx(0.99, abs=1e-4)


@pytest.mark.parametrize(
    ("amounts", "share", "wanted"),
    [
        ([10, 20, 30, 40], 0.5, 0.7),
        ([10, 20, 30, 40], 0.25, 0.4),
        # A tenth of five customers is half of the largest one.
        ([60, 10, 10, 10, 10], 0.1, 0.3),
        ([7] * 10, 0.1, 0.1),
    ],
)
def test_the_largest_few_bring_in_so_much(amounts, share, wanted):
    assert top_share(amounts, share) == pytest.approx(wanted)


def test_nobody_pays_no_share():
    assert isnan(top_share([0, -5]))
    assert gini_parts([]) == (0.0, 0.0)
    assert [one.n for one in abc([])] == [0, 0, 0]


def test_classes_end_where_their_share_is_reached():
    # Before each, of 100: 0, 50, 70, 85, 95.
    found = abc([50, 20, 15, 10, 5])
    assert [(one.name, one.n, one.amount) for one in found] == [
        ("A", 2, 70),
        ("B", 2, 25),
        ("C", 1, 5),
    ]


def test_deciles_are_slices_of_customers():
    found = deciles(range(1, 26))
    assert [one.n for one in found] == [3] * 5 + [2] * 5
    assert found[0].amount == 25 + 24 + 23


@given(AMOUNTS)
def test_slices_are_all_of_it(amounts):
    whole = paying(amounts)
    for found in (abc(amounts), deciles(amounts)):
        assert sum(one.n for one in found) == len(whole)
        assert sum(one.amount for one in found) == int(whole.sum())


@given(AMOUNTS, st.integers(1, 7), st.randoms())
def test_neither_unit_nor_order_nor_copies_change_a_coefficient(amounts, times, shuffle):
    other = [amount * times for amount in amounts] * 2
    shuffle.shuffle(other)
    assert gini(other) == pytest.approx(gini(amounts), abs=1e-9)
    assert top_share(other, 0.1) == pytest.approx(top_share(amounts, 0.1), abs=1e-9)
    assert 0.0 <= gini(amounts) < 1.0
    assert top_share(amounts, 0.1) >= 0.1 - 1e-9
