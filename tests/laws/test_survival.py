"""Laws of survival: what must hold for any spells, hazards and horizons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.stats.lifetable import life_table
from csk.stats.residual import (
    conditional_survival,
    expected_months,
    expected_payments,
    survival_grid,
)
from csk.stats.smoothing import posterior
from csk.stats.survival import at_risk, counts, kaplan_meier, merged, simultaneous_band

# No deadline: the first call pays for imports, and a busy machine is not a broken law.
LAW = settings(deadline=None, max_examples=50)
SPELL = st.tuples(st.integers(0, 60), st.integers(1, 60), st.integers(0, 2), st.integers(1, 5))
SPELLS = st.lists(SPELL, min_size=1, max_size=40)
HAZARDS = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6)
SHARES = st.lists(st.floats(0.0, 1.0), min_size=30, max_size=30)


def columns(spells):
    entry, length, cause, weight = np.array(spells).T
    return entry, entry + length, cause, weight


def same(one, other):
    return all(a.tolist() == b.tolist() for a, b in zip(one, other, strict=True))


def grid_of(hazards, shares):
    return survival_grid(hazards, np.r_[0.0, np.sort(shares), 1.0])


@LAW
@given(SPELLS)
def test_survival_falls_from_one(spells):
    curve = kaplan_meier(counts(*columns(spells)))
    assert curve.survival[0] == 1.0
    assert (np.diff(curve.survival) <= 0.0).all()
    assert (curve.survival >= 0.0).all()
    assert (curve.low <= curve.survival + 1e-12).all()
    assert (curve.high >= curve.survival - 1e-12).all()
    assert np.isfinite(np.array(curve[3:])).all()


@LAW
@given(SPELLS)
def test_everybody_who_leaves_was_at_risk(spells):
    table = counts(*columns(spells))
    assert (at_risk(table) >= table.left.sum(axis=1) + table.censored).all()
    assert (life_table(table, 31).exposed >= life_table(table, 31).left.sum(axis=1)).all()


@LAW
@given(SPELLS, SPELLS)
def test_merged_counts_are_the_counts_of_all_rows(some, others):
    parts = counts(*columns(some)), counts(*columns(others))
    whole = counts(*columns(some + others))
    assert same(merged(*parts), whole)
    assert same(merged(*reversed(parts)), whole)


@LAW
@given(SPELLS)
def test_weights_are_rows_written_out(spells):
    entry, exit_, cause, weight = columns(spells)
    rows = [np.repeat(column, weight) for column in (entry, exit_, cause)]
    weighted, written_out = counts(entry, exit_, cause, weight), counts(*rows)
    assert same(weighted, written_out)
    assert same(kaplan_meier(weighted), kaplan_meier(written_out))
    assert same(life_table(weighted, 31), life_table(written_out, 31))


@LAW
@given(SPELLS, st.integers(1, 119))
def test_cutting_spells_in_two_changes_nothing(spells, cut):
    entry, exit_, cause, weight = columns(spells)
    through = (entry < cut) & (cut < exit_)
    again = [column[through] for column in (exit_, cause, weight)]
    halves = merged(
        counts(entry, np.where(through, cut, exit_), np.where(through, 0, cause), weight),
        counts(np.full(through.sum(), cut), *again),
    )
    whole = counts(entry, exit_, cause, weight)
    some = kaplan_meier(halves)
    at = np.isin(some.age, kaplan_meier(whole).age)
    assert some.survival[at].tolist() == kaplan_meier(whole).survival.tolist()
    assert some.at_risk[at].tolist() == kaplan_meier(whole).at_risk.tolist()
    cut_table, table = life_table(halves, 31), life_table(whole, 31)
    assert cut_table.exposed == pytest.approx(table.exposed)
    assert same(cut_table[1:], table[1:])


@LAW
@given(SPELLS, st.integers(1, 50))
def test_ages_shifted_from_the_start_shift_the_curve(spells, shift):
    entry, exit_, cause, weight = columns(spells)
    here = kaplan_meier(counts(entry, exit_, cause, weight))
    there = kaplan_meier(counts(entry + shift, exit_ + shift, cause, weight), from_age=shift)
    assert there.age.tolist() == (here.age + shift).tolist()
    assert there.survival.tolist() == here.survival.tolist()


@LAW
@given(SPELLS)
def test_without_late_entry_the_curve_is_the_plain_one(spells):
    _, length, cause, _ = np.array(spells).T
    curve = kaplan_meier(counts(0 * length, length, cause))
    survival = 1.0
    for age, estimate in zip(curve.age[1:], curve.survival[1:], strict=True):
        survival *= 1.0 - ((length == age) & (cause > 0)).sum() / (length >= age).sum()
        assert estimate == pytest.approx(survival)


@LAW
@given(SPELLS, st.integers(0, 60), st.integers(0, 60))
def test_the_band_holds_the_interval(spells, from_age, more):
    curve = kaplan_meier(counts(*columns(spells)))
    band = simultaneous_band(curve, 0.95, from_age, from_age + more)
    at = np.isin(curve.age, band.age)
    assert (band.low <= curve.low[at] + 1e-9).all()
    assert (band.high >= curve.high[at] - 1e-9).all()


@LAW
@given(SPELLS)
def test_smoothed_hazards_are_probabilities(spells):
    table = life_table(counts(*columns(spells)), 12)
    hazards = posterior(table, 30).mean
    assert ((hazards >= 0.0) & (hazards <= 1.0)).all()


@LAW
@given(HAZARDS, SHARES, st.integers(0, 61))
def test_a_horizon_of_nothing_gives_nothing(hazards, shares, tick):
    grid = grid_of(hazards, shares)
    assert expected_months(grid, tick, tick)[0] == 0.0
    assert [v[0] for v in expected_payments(grid, tick, tick, tick + 1, 31)] == [0.0, 0.0]
    assert conditional_survival(grid, tick, tick)[0] == (1.0 if grid[tick] > 0.0 else 0.0)


@LAW
@given(HAZARDS, SHARES, st.integers(-1, 30), st.integers(1, 31))
def test_figures_move_one_way_with_the_horizon(hazards, shares, tick, term):
    grid = grid_of(hazards, shares)
    to = np.arange(max(tick, 0), grid.shape[-1])
    assert (np.diff(conditional_survival(grid, tick, to)) <= 0.0).all()
    assert (np.diff(expected_months(grid, tick, to)) >= -1e-12).all()
    number, worth = expected_payments(grid, tick, to, tick + 1, term, discount_per_month=0.01)
    assert (np.diff(number) >= 0.0).all()
    assert (worth <= number + 1e-12).all()


@LAW
@given(HAZARDS, SHARES, st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_survival_and_months_add_up_over_a_stop_on_the_way(hazards, shares, a, b, c):
    grid = grid_of(np.minimum(hazards, 0.99), shares)
    start, stop, end = a, a + b, a + b + c
    first, second = (conditional_survival(grid, x, y)[0] for x, y in ((start, stop), (stop, end)))
    assert conditional_survival(grid, start, end)[0] == pytest.approx(first * second)
    months = expected_months(grid, start, stop)[0] + first * expected_months(grid, stop, end)[0]
    assert expected_months(grid, start, end)[0] == pytest.approx(months)
