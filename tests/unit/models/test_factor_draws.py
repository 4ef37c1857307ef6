"""Draws of the factors of LTV: around the estimate, the same every time, shared where shared."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from csk.analyses.segment import segmentation
from csk.engine.local import LocalEngine
from csk.models import factor_draws as subject
from csk.models.contract import N_DRAWS
from csk.models.factor_draws import Members, factor_draws
from csk.models.value import factors
from csk.settings import Settings

AS_OF = date(2024, 1, 1)
DAY = timedelta(days=1)


def contracts(n=120):
    return [
        {
            "customer_id": f"c{i:03d}",
            "plan": "ab"[i % 2],
            "started_on": date(2022, 1, 1) + 5 * i * DAY,
            "ended_on": date(2022, 1, 1) + (5 * i + 100) * DAY if i % 3 == 0 else None,
            "mrr_amount": 100_000 + 7_000 * (i % 11),
            "term_months": 12 if i % 4 == 0 else 1,
        }
        for i in range(n)
    ]


def purchases(n=80):
    rng = np.random.default_rng(1)
    rows = []
    for i in range(n):
        day = date(2022, 1, 1) + int(rng.integers(0, 300)) * DAY
        while day < AS_OF:
            rows.append({"customer_id": f"c{i:02d}", "paid_on": day, "amount": 90_000 + 900 * i})
            day += int(rng.exponential(60) + 1) * DAY
            if rng.random() < 0.15:
                break
    return rows


@pytest.fixture(scope="module")
def members(book_of):
    @cache
    def found(kind):
        table = {"contract": "subscriptions", "shop": "payments"}[kind]
        rows = {"contract": contracts, "shop": purchases}[kind]()
        chosen = Settings(as_of=AS_OF, margin_share=0.5, discount_rate=0.1)
        result = segmentation(book_of({table: rows}, as_of=AS_OF), LocalEngine(), chosen)
        return Members(result.customers.filter("is_alive"), result.fit, result.horizons)

    return found


both = pytest.mark.parametrize("kind", ["contract", "shop"])


@both
def test_draws_lie_around_the_estimate(kind, members):
    group = members(kind)
    (drawn,) = factor_draws([group])
    of = factors(group.alive)
    assert drawn.shape == (N_DRAWS, 5)
    expected = (
        of.unit_price_amount,
        of.margin_share,
        of.frequency,
        of.duration_months,
        of.discount_factor,
    )
    assert np.median(drawn, axis=0) == pytest.approx(expected, rel=0.05)
    # The margin is everybody's, the others are not.
    assert (drawn.std(axis=0) > 1e-4).tolist() == [True, False, True, True, True]


@both
def test_draws_are_the_same_every_time(kind, members):
    group = members(kind)
    (one,), (other,) = factor_draws([group]), factor_draws([group])
    assert one.tolist() == other.tolist()


@both
def test_what_is_compared_with_itself_is_drawn_alike(kind, members):
    group = members(kind)
    one, other = factor_draws([group, group])
    assert one.tolist() == other.tolist()


@both
def test_models_of_two_fits_are_drawn_apart(kind, members):
    group = members(kind)
    again = Members(group.alive, group.fit, group.horizons, 1)
    one, other = factor_draws([group, again])
    assert (one[:, 2] != other[:, 2]).mean() > 0.9


@both
def test_the_order_of_customers_says_nothing(kind, members):
    group = members(kind)
    (back,) = factor_draws([Members(group.alive.reverse(), group.fit, group.horizons)])
    (there,) = factor_draws([group])
    assert back.tolist() == there.tolist()


def test_blocks_of_customers_vary_as_customers_do(members, monkeypatch):
    group = members("contract")
    (one,) = factor_draws([group])
    monkeypatch.setattr(subject, "MOST_BLOCKS", 40)
    (blocked,) = factor_draws([group])
    assert blocked.std(axis=0)[0] == pytest.approx(one.std(axis=0)[0], rel=0.35)


def test_a_group_that_a_draw_leaves_out_has_factors_of_0(members):
    group = members("contract")
    (drawn,) = factor_draws([Members(group.alive.head(1), group.fit, group.horizons)])
    out = drawn[:, 3] == 0
    assert 0.2 < out.mean() < 0.6
    assert (drawn[out] == 0).all()
    assert (drawn[~out] > 0).all()
