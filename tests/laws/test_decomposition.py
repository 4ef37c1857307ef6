"""What holds of every split of a change, and of every lever that is moved."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from csk.analyses.levers import needed_days, why
from csk.analyses.what_if import what_if
from csk.engine.local import LocalEngine
from csk.models.key_figures import Standing
from csk.models.lever_asking import Asked, asked_of
from csk.models.levers import Moves, ahead, moved_survival, worths
from csk.settings import Settings
from csk.stats.decomposition import parts, whole_parts

KINDS = [("contract", 3), ("shop", 4)]
both = pytest.mark.parametrize(("kind", "seed"), KINDS)
FACTOR = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))
PAIRS = st.lists(st.tuples(FACTOR, FACTOR), min_size=1, max_size=6)


def sides(pairs):
    before, after = (np.array(side) for side in zip(*pairs, strict=True))
    return before, after


@given(PAIRS)
def test_parts_add_up_to_the_change(pairs):
    before, after = sides(pairs)
    larger = max(before.prod(), after.prod())
    spread = float(np.abs(parts(before, after)).sum())
    change = after.prod() - before.prod()
    assert parts(before, after).sum() == pytest.approx(change, abs=1e-9 * (larger + spread))


@given(PAIRS)
def test_swapping_the_sides_turns_every_sign(pairs):
    before, after = sides(pairs)
    there, back = parts(before, after), parts(after, before)
    assert (there == -back).all()
    change = round(after.prod() - before.prod())
    assert whole_parts(there, change) == [-part for part in whole_parts(back, -change)]


@given(PAIRS)
def test_a_factor_that_did_not_move_has_no_part(pairs):
    before, after = sides(pairs)
    found = parts(before, after)
    assert (found[before == after] == 0.0).all()


@given(PAIRS, st.randoms())
def test_the_order_of_factors_says_nothing(pairs, random):
    order = list(range(len(pairs)))
    random.shuffle(order)
    before, after = sides(pairs)
    shuffled = parts(before[order], after[order])
    scale = max(before.prod(), after.prod())
    assert shuffled == pytest.approx(parts(before, after)[order], rel=1e-9, abs=1e-9 * scale)


@given(PAIRS, st.floats(1e-3, 1e3))
def test_the_unit_of_money_scales_every_part(pairs, unit):
    before, after = sides(pairs)
    scaled = parts(np.append(before, unit), np.append(after, unit))
    spread = float(np.abs(scaled).sum())
    assert scaled[:-1] == pytest.approx(parts(before, after) * unit, rel=1e-9, abs=1e-9 * spread)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40), st.floats(0, 3), st.floats(0, 3))
def test_survival_falls_as_churn_rises(hazards, one, other):
    grid = np.concatenate([[1.0], np.cumprod(1.0 - np.array(hazards))])
    less, more = (moved_survival(grid, churn) for churn in sorted((one, other)))
    assert (less >= more - 1e-12).all()
    assert (np.diff(less) <= 0).all()
    assert less[0] == 1.0
    assert moved_survival(grid, 1.0) == pytest.approx(grid, abs=1e-12)


@pytest.fixture(scope="module")
def standing(book_of, company, value, as_of):
    """Give valued companies by kind and seed, with their books, settings and engine."""
    kept: dict[object, object] = {}

    def found(kind, seed, day: date = as_of):
        if (kind, seed, day) not in kept:
            book = kept.setdefault((kind, seed), book_of(company(kind, seed)))
            chosen = Settings(as_of=day, margin_share=0.6, discount_rate=0.1, by="region")
            result = value(book, chosen)
            kept[kind, seed, day] = (
                result.book,
                Standing(
                    day,
                    result.customers,
                    result.figures,
                    result.fit,
                    result.horizons,
                    result.ltv_basis,
                ),
            )
        return kept[kind, seed, day]

    return found


@both
@pytest.mark.parametrize(
    "text",
    ["2023-02-01:2023-08-16", "2021:2022", "region=north:south", "tier=high-touch:tech-touch"],
)
def test_the_levers_add_up_to_the_change_of_ltv(kind, seed, text, standing):
    asked = asked_of(text)
    book, now = standing(kind, seed)
    days = needed_days(asked, book)
    standings = {day: standing(kind, seed, day)[1] for day in days}
    found = why(book, LocalEngine(), asked, standings)
    assert sum(part.amount for part in found.parts) == found.difference
    assert sum(part.total for part in found.parts) == found.total_difference
    assert all(part.amount == 0 for part in found.parts if part.lever == "customers")
    turned = why(
        book, LocalEngine(), Asked(asked.kind, asked.second, asked.first, asked.column), standings
    )
    assert [-part.amount for part in turned.parts] == [part.amount for part in found.parts]
    assert [-part.total for part in turned.parts] == [part.total for part in found.parts]
    assert now.basis == "margin"


@both
def test_what_if_of_nothing_changes_nothing(kind, seed, standing):
    book, now = standing(kind, seed)
    text = "churn=0%,price=+0%,frequency=0,margin=0pt"
    found = what_if(book, LocalEngine(), text, now, "region")
    assert found.whole.alone == (0, 0, 0, 0)
    assert found.whole.together == 0
    alive = now.customers.filter("is_alive")
    assert found.whole.ltv_amount == alive["ltv_amount"].sum()


@both
def test_ltv_rises_as_churn_falls(kind, seed, standing):
    _, now = standing(kind, seed)
    alive = now.customers.filter("is_alive")
    ltv, months = [], []
    for churn in (0.0, 0.3, 0.9, 0.999, 1.0, 1.001, 1.2, 3.0, 20.0):
        future = ahead(alive, now.fit, now.horizons, churn)
        ltv.append(int(worths(alive, future, Moves(churn=churn)).sum()))
        months.append(float(future.months.sum()))
        assert (future.number >= 0).all()
        assert (future.present <= future.number + 1e-9).all()
    assert ltv == sorted(ltv, reverse=True)
    assert len(set(ltv)) == len(ltv)
    assert months == sorted(months, reverse=True)


@both
@profile(max_examples=4)
@given(
    churn=st.integers(-100, 100),
    price=st.integers(-50, 100),
    frequency=st.integers(0, 12),
    points=st.integers(-20, 30),
)
def test_groups_and_levers_add_up(kind, seed, standing, churn, price, frequency, points):
    book, now = standing(kind, seed)
    text = f"churn={churn}%,price={price}%,frequency={frequency},margin={points}pt"
    found = what_if(book, LocalEngine(), text, now, "region")
    whole = found.whole
    assert sum(whole.alone) + whole.interaction == whole.together
    assert [column for column, _ in found.groups] == ["region", "tier"]
    for _, groups in found.groups:
        assert sum(one.together for one in groups) == whole.together
        assert sum(one.ltv_amount for one in groups) == whole.ltv_amount
        assert sum(one.n for one in groups) == whole.n
        for i, gain in enumerate(whole.alone):
            assert sum(one.alone[i] for one in groups) == gain
    for gain, move in zip(whole.alone, (-churn, price, frequency, points), strict=True):
        assert gain * move >= 0


@both
def test_a_price_that_breaks_even_is_worth_nothing(kind, seed, standing):
    book, now = standing(kind, seed)
    for price in (5, -5):
        found = what_if(book, LocalEngine(), f"price={price}%", now)
        if found.break_even is None:
            continue
        assert (found.break_even > 1) == (price > 0)
        alive = now.customers.filter("is_alive")
        moved = Moves(churn=found.break_even, price=1 + price / 100)
        future = ahead(alive, now.fit, now.horizons, found.break_even)
        after = int(worths(alive, future, moved).sum())
        assert after == pytest.approx(found.whole.ltv_amount, rel=1e-5)


@both
def test_the_order_of_customers_says_nothing(kind, seed, standing):
    _, now = standing(kind, seed)
    alive = now.customers.filter("is_alive")
    back = alive.reverse()
    for churn in (0.8, 1.0):
        there = worths(alive, ahead(alive, now.fit, now.horizons, churn), Moves(price=1.1))
        again = worths(back, ahead(back, now.fit, now.horizons, churn), Moves(price=1.1))
        assert there.tolist() == again[::-1].tolist()
    assert isinstance(alive, pl.DataFrame)
