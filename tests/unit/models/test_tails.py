"""Which law is chosen, and what it foretells."""

from datetime import date

import numpy as np
import pytest

from csk.models.tails import FAMILIES, TOLD, WITHIN, Since, tail
from csk.stats.survival import counts


def drawn(seed, n=3000, ticks=31, longest=36):
    """Draw terms of months lasted: geometric at 8 % a month, seen for up to `longest`."""
    rng = np.random.default_rng(seed)
    months, seen = rng.geometric(0.08, n), rng.integers(1, longest + 1, n)
    left = months <= seen
    return np.minimum(months, seen) * ticks, left


def known(seed, longest=36):
    last, left = drawn(seed, longest=longest)
    return counts(0 * last, last, left)


def followed(seed):
    """Return what followed those there at an origin: their ages, and a year more."""
    rng = np.random.default_rng(seed)
    n = 2000
    age = rng.integers(1, 20, n) * 31
    lasts = rng.geometric(0.08, n) * 31
    left = lasts <= 12 * 31
    after = counts(age, age + np.minimum(lasts, 12 * 31), left)
    ages, place = np.unique(age, return_inverse=True)
    there = np.bincount(place, ~left)
    alive = zip(ages.tolist(), np.bincount(place).tolist(), there.astype(int).tolist(), strict=True)
    return after, tuple(alive)


def test_the_law_that_made_the_counts_is_near_the_best_and_foretells():
    after, alive = followed(2)
    since = [Since(date(2025, 1, 1), known(3, 24), after, alive, 12)]
    found = tail(("", 1), known(1), since)
    assert {one.fit.family for one in found.candidates} <= set(FAMILIES)
    assert len(found.candidates) == len(FAMILIES)
    best = found.candidates[0].fit.aic
    geometric = next(one for one in found.candidates if one.fit.family == "geometric")
    assert geometric.fit.aic <= best + WITHIN
    assert geometric.tried[0].foretold == pytest.approx(0.92**12, abs=0.02)
    assert geometric.tried[0].came == pytest.approx(0.92**12, abs=0.04)
    assert geometric.miss == abs(geometric.tried[0].foretold - geometric.tried[0].came)
    assert found.chosen.held_out == max(
        one.held_out for one in found.candidates if one.fit.aic <= best + WITHIN
    )
    assert tuple(one.months for one in found.ahead) == TOLD
    for one in found.ahead:
        assert one.low <= one.share <= one.high
        assert one.share == pytest.approx(0.92**one.months, abs=0.03)
        assert (one.seen is None) is (one.months > 36)
    assert found.median_months == pytest.approx(np.log(0.5) / np.log(0.92), abs=1.0)
    assert found.mean_months == pytest.approx(12.0, abs=1.0)


def test_without_an_origin_aic_chooses():
    found = tail(("", 1), known(1), [])
    assert found.chosen is found.candidates[0]
    assert (found.chosen.held_out, found.chosen.miss) == (None, None)


def test_an_origin_before_which_too_few_had_left_is_not_tried():
    after, alive = followed(2)
    last, left = drawn(4, n=30)
    few = counts(0 * last, last, left & (np.arange(30) < 10))
    found = tail(("", 1), known(1), [Since(date(2025, 1, 1), few, after, alive, 12)])
    assert found.chosen.tried == ()


def test_from_an_age_on_survival_is_of_those_who_reached_it():
    whole, later = tail(("", 1), known(1), []), tail(("", 1), known(1), [], from_months=6)
    start = whole.grid[6 * 31]
    assert later.grid == pytest.approx(whole.grid[6 * 31 :] / start)
    assert later.from_months == 6
    assert later.ahead[0].share == pytest.approx(whole.ahead[0].share / start)
    assert later.median_months > whole.median_months


def test_contracts_of_a_year_have_periods_of_a_year():
    rng = np.random.default_rng(5)
    years = rng.geometric(0.3, 800)
    last, left = np.minimum(years, 4) * 12 * 31, years <= 4
    found = tail(("", 12), counts(0 * last, last, left), [])
    assert found.term_months == 12
    assert found.ahead[0].share == pytest.approx(0.7, abs=0.06)
    assert found.ahead[1].share == pytest.approx(0.49, abs=0.06)
