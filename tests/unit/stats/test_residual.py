import numpy as np
import pytest

from csk.errors import UsageError
from csk.stats.residual import (
    conditional_survival,
    expected_months,
    expected_payments,
    expected_squares,
    survival_grid,
)

STEP = [0.0] * 31 + [1.0]
EVEN = np.arange(32) / 31
MONTHLY = survival_grid(np.full(60, 0.1), STEP)


def test_the_grid_follows_the_profile():
    grid = survival_grid([0.5, 0.19], [0.0, 0.5, 1.0])
    assert grid == pytest.approx([1.0, 0.5**0.5, 0.5, 0.45, 0.405])


def test_draws_stay_in_front():
    grid = survival_grid([[0.5, 0.2], [0.0, 1.0]], STEP)
    assert grid.shape == (2, 63)
    assert expected_months(grid, [0, 31, 40], [31, 62, 62]).shape == (2, 3)
    assert conditional_survival(grid, 0, 62)[:, 0] == pytest.approx([0.4, 0.0])


def test_months_of_a_monthly_contract():
    # From the last day of month 1: the first renewal is due tomorrow, at .9.
    assert expected_months(MONTHLY, 30, 30 + 93)[0] == pytest.approx(0.9 + 0.81 + 0.729)
    # From the renewal just made (30 paid ticks are left, then .9, .81 and one tick of .729).
    expected = (30 + 31 * 0.9 + 31 * 0.81 + 0.729) / 31
    assert expected_months(MONTHLY, 31, 31 + 93)[0] == pytest.approx(expected)


def test_nobody_has_left_before_or_at_the_start():
    daily = survival_grid([0.5, 0.5], EVEN)
    assert conditional_survival(daily, [-1, -1, 0, -1], [-1, 0, 0, 31]).tolist() == [1, 1, 1, 0.5]
    # At the start all are there, a tick later not: what is to come is relative to the start.
    here = [expected_months(daily, tick, 31)[0] for tick in (-1, 0)]
    assert here[0] - here[1] == pytest.approx(1 / 31)
    assert expected_payments(daily, 0, 31, 31, 31)[0][0] == pytest.approx(0.5)


def test_money_is_worth_the_same_at_any_time_unless_discounted():
    number, worth = expected_payments(MONTHLY, 5, 500, 31, 31)
    assert worth.tolist() == number.tolist()


def test_ticks_of_any_length_make_the_same_months():
    weeks = survival_grid(np.full(8, 0.1), [0.0] * 4 + [1.0])
    assert expected_months(weeks, 3, 11, ticks_per_month=4)[0] == pytest.approx(0.9 + 0.81)
    _, worth = expected_payments(weeks, -1, 11, 0, 4, discount_per_month=0.5, ticks_per_month=4)
    assert worth[0] == pytest.approx(1 + 0.9 / 1.5 + 0.81 / 1.5**2)


def test_payments_may_fall_on_every_tick():
    number, _ = expected_payments(survival_grid([0.5], EVEN), 0, 31, 1, 1)
    assert number[0] == pytest.approx(np.sum(0.5 ** (np.arange(1, 32) / 31)))


def test_payments_on_the_same_days_are_as_many_as_months():
    for tick in (-1, 30, 61):
        n, _ = expected_payments(MONTHLY, tick, tick + 12 * 31, tick + 1, 31)
        assert n[0] == pytest.approx(expected_months(MONTHLY, tick, tick + 12 * 31)[0])


def test_a_new_customer_pays_at_once():
    n, pv = expected_payments(MONTHLY, -1, 61, 0, 31, discount_per_month=0.01)
    assert n[0] == pytest.approx(1.9)
    assert pv[0] == pytest.approx(1 + 0.9 / 1.01)
    assert expected_months(MONTHLY, -1, 30)[0] == pytest.approx(1.0)
    assert conditional_survival(MONTHLY, -1, 31)[0] == pytest.approx(0.9)


def test_an_annual_payer_pays_at_the_anniversaries_only():
    # Seven months in: two renewals within 24 months, at the ends of periods 1 and 2.
    year = survival_grid(np.full(10, 0.2), [0.0] * 372 + [1.0])
    tick = 7 * 31 - 1
    n, pv = expected_payments(year, tick, tick + 24 * 31, 372, 372, discount_per_month=0.02)
    assert n[0] == pytest.approx(0.8 + 0.64)
    assert pv[0] == pytest.approx(0.8 * 1.02**-5 + 0.64 * 1.02**-17)


@pytest.mark.parametrize(
    ("first_due", "expected"),
    [(31, 0.9), (61, 0.9), (62, 0.0), (30, 0.9), (0, 0.9), (-31, 0.9)],
)
def test_payments_fall_on_the_ticks_after_from_up_to_to(first_due, expected):
    # From 30 to 61: a due tick at or before 30 moves on by whole months; 62 lies outside.
    got, _ = expected_payments(MONTHLY, 30, 61, first_due, 31)
    assert got[0] == pytest.approx(expected)


def test_cells_may_differ_in_everything():
    n, _ = expected_payments(MONTHLY, [0, 30, 31], [93, 61, 31], [31, 31, 62], [31, 93, 31])
    assert n == pytest.approx([0.9 + 0.81 + 0.729, 0.9, 0.0])


def test_nothing_is_to_come_where_nobody_is_left():
    grid = survival_grid([1.0, 0.5], EVEN)
    assert conditional_survival(grid, 31, 62)[0] == 0.0
    assert expected_months(grid, 31, 62)[0] == 0.0
    assert [v[0] for v in expected_payments(grid, 31, 62, 32, 31)] == [0.0, 0.0]


def test_no_cells_give_no_figures():
    assert expected_months(MONTHLY, [], []).tolist() == []
    assert expected_payments(MONTHLY, [], [], [], [])[0].tolist() == []


def test_nothing_is_to_come_in_any_of_many_cells():
    gone = survival_grid([1.0] * 12, STEP)
    ticks = np.arange(31, 300)
    for found in (
        conditional_survival(gone, ticks, ticks + 31),
        expected_months(gone, ticks, ticks + 31),
        *expected_payments(gone, ticks, ticks + 31, ticks + 1, 5),
    ):
        assert found.tolist() == [0.0] * len(ticks)


@pytest.mark.parametrize(
    ("from_tick", "to_tick", "asked"),
    [(1800, 1861, "1800 to 1861"), ([3, -2], [9, 9], "-2 to 9"), ([7, 5], [6, 2000], "5 to 2000")],
)
def test_ages_past_the_grid_are_refused(from_tick, to_tick, asked):
    with pytest.raises(UsageError) as refused:
        expected_months(MONTHLY, from_tick, to_tick)
    assert str(refused.value) == (
        f"the curve covers ages 0 to 1860, but ages {asked} were asked for"
    )
    assert refused.value.hint == "Extend the curve by more periods."


def test_a_horizon_before_the_age_is_none():
    assert conditional_survival(MONTHLY, 100, 31).tolist() == [1.0]
    assert expected_months(MONTHLY, 100, 31).tolist() == [0.0]


def test_the_last_age_of_the_grid_is_covered():
    assert conditional_survival(MONTHLY, 1829, 1860)[0] == pytest.approx(0.9)


def test_a_term_of_no_ticks_is_refused():
    with pytest.raises(UsageError, match="at least one tick"):
        expected_payments(MONTHLY, 0, 31, 31, 0)


@pytest.mark.parametrize("rate", [0.0, 0.02])
@pytest.mark.parametrize(("term", "due"), [(31, 0), (93, 31), (5, 7)])
def test_squares_are_those_of_who_pays_up_to_the_day_they_leave(rate, term, due):
    start, end = 40, 400
    found = expected_squares(MONTHLY, start, end, due, term, discount_per_month=rate)
    days = [y for y in range(due, end + 1, term) if y > start]
    alive = MONTHLY[days] / MONTHLY[start]
    paid = np.cumsum([(1 + rate) ** -((y - start - 1) / 31) for y in days])
    # Who pays exactly k times has been there at the k-th due day and no more at the next.
    exactly = alive - np.append(alive[1:], 0.0)
    assert found[0] == pytest.approx(float(exactly @ paid**2))


def test_squares_are_no_less_than_the_expectation_squared():
    ticks = np.arange(31, 300)
    number, _ = expected_payments(MONTHLY, ticks, ticks + 400, ticks + 1, 31)
    squares = expected_squares(MONTHLY, ticks, ticks + 400, ticks + 1, 31)
    assert (squares >= number**2).all()
    assert expected_squares(MONTHLY, 3, 3, 0, 31).tolist() == [0.0]
