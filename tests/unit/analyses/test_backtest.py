from datetime import date, timedelta

import numpy as np
import pytest

from csk.analyses.backtest import backtest
from csk.engine.local import LocalEngine
from csk.errors import ModelError
from csk.models.foretelling import CONTRACTS, SHOP, Foretold
from csk.models.verdicts import DEFAULT, MEASURES
from csk.settings import Settings

BEGIN, AS_OF = date(2022, 1, 1), date(2024, 1, 1)
DAY = timedelta(days=1)
CHOSEN = Settings(purchase_within_days=30, ltv_horizon=6)


def payments(n=100, seed=5):
    rng = np.random.default_rng(seed)
    rows = [{"customer_id": "first", "paid_on": BEGIN, "amount": 9_000}]
    for number in range(n):
        day, rate = BEGIN + int(rng.integers(0, 200)) * DAY, rng.gamma(1.0, 0.03)
        while day < AS_OF:
            rows.append({"customer_id": f"c{number:03d}", "paid_on": day, "amount": 9_000 + number})
            day += (1 + int(rng.exponential(1 / rate))) * DAY
            if rng.random() < 0.1:
                break
    return rows


def contract(name, started_on, ended_on=None, **more):
    made = {"customer_id": name, "started_on": started_on, "ended_on": ended_on}
    return {**made, "mrr_amount": 100_000, "plan": "a", **more}


def subscriptions(n=90):
    days = [BEGIN + 6 * i * DAY for i in range(n)]
    ends = [day + 61 * (1 + i % 5) * DAY if i % 3 else None for i, day in enumerate(days)]
    plans = [("ab"[i % 2], 12 if i % 4 == 0 else 1) for i in range(n)]
    return [
        contract(f"c{i:02d}", day, end if end and end < AS_OF else None, plan=p, term_months=t)
        for i, (day, end, (p, t)) in enumerate(zip(days, ends, plans, strict=True))
    ]


@pytest.fixture(scope="module")
def books(book_of):
    return {
        "shop": book_of({"payments": payments()}, 2, AS_OF),
        "contracts": book_of({"subscriptions": subscriptions()}, 2, AS_OF),
    }


@pytest.fixture(scope="module")
def tested(books):
    engine = LocalEngine()
    return {name: backtest(book, engine, CHOSEN, 2) for name, book in books.items()}


@pytest.mark.parametrize(("name", "models"), [("shop", SHOP), ("contracts", CONTRACTS)])
def test_every_model_is_judged_at_every_origin(tested, name, models):
    found = tested[name]
    assert len(found.origins) == found.asked == 2
    assert [one.on for one in found.origins] == [
        date(2023, 7, 1),
        date(2023, 1, 1),
    ]
    assert {one.end for one in found.origins} == {
        date(2024, 1, 1),
        date(2023, 7, 1),
    }
    assert {one.model for one in found.standings} == set(models)
    assert set(found.winners) == set(MEASURES)
    assert found.best.excess <= found.default.excess
    assert found.basis == "revenue"


@pytest.mark.parametrize("name", ["shop", "contracts"])
def test_steps_hold_what_came_of_the_customers_known(tested, name):
    for origin in tested[name].origins:
        for one in origin.models:
            assert sum(one.number.actual) == one.purchases.actual
            assert sum(one.revenue.actual) == one.money.actual
            assert sum(one.number.expected) == pytest.approx(one.purchases.predicted)


def test_what_came_is_what_the_payments_say(tested):
    origin = tested["shop"].origins[1]
    rows = payments()
    known = {row["customer_id"] for row in rows if row["paid_on"] < origin.on}
    ahead = [
        row
        for row in rows
        if origin.on <= row["paid_on"] < origin.end and row["customer_id"] in known
    ]
    default = origin.judged(DEFAULT)
    assert origin.n == len(known)
    assert default.money.actual == sum(row["amount"] for row in ahead)
    assert default.purchases.actual == len(ahead)


def test_nothing_of_the_hold_out_is_seen(book_of, tested):
    latest = tested["shop"].origins[0]
    seen = [row for row in payments() if row["paid_on"] < latest.on]
    # The last day of the log stays, so that the origins do.
    last = {"customer_id": "later", "paid_on": AS_OF - DAY, "amount": 10**9}
    other = backtest(book_of({"payments": [*seen, last]}, 1, AS_OF), LocalEngine(), CHOSEN, 1)
    there = other.origins[0]
    assert there.on == latest.on
    for one, before in zip(there.models, latest.models, strict=True):
        assert one.money.predicted == pytest.approx(before.money.predicted)
        assert one.money.actual == 0


@pytest.mark.parametrize("name", ["shop", "contracts"])
def test_shards_change_nothing(book_of, tested, name):
    tables = {"payments": payments()} if name == "shop" else {"subscriptions": subscriptions()}
    other = backtest(book_of(tables, 1, AS_OF), LocalEngine(), CHOSEN, 1)
    assert other.origins == tested[name].origins[:1]


def test_contracts_are_told_from_their_payments_where_there_are_any(book_of):
    rows = subscriptions()
    paid = [
        {"customer_id": row["customer_id"], "paid_on": day, "amount": 77}
        for row in rows
        for day in [row["started_on"] + 31 * step * DAY for step in range(24)]
        if day < (row["ended_on"] or AS_OF)
    ]
    book = book_of({"subscriptions": rows, "payments": paid}, 1, AS_OF)
    default = backtest(book, LocalEngine(), CHOSEN, 1).origins[0].judged(DEFAULT)
    assert default.money.actual == 77 * default.purchases.actual > 0


def test_margin_scales_money_and_no_number(books, tested):
    found = backtest(
        books["contracts"], LocalEngine(), CHOSEN.model_copy(update={"margin_share": 0.5}), 1
    )
    half, whole = (of.origins[0].judged(DEFAULT) for of in (found, tested["contracts"]))
    assert found.basis == "margin"
    assert half.money.mae == pytest.approx(whole.money.mae / 2)
    assert half.purchases == whole.purchases
    assert half.gini == pytest.approx(whole.gini)


def test_a_model_that_is_given_is_judged_with_the_others(books):
    def nothing(known):
        zeros, steps = np.zeros(known.customers.height), np.zeros(len(known.ends))
        return Foretold(zeros, zeros, steps, steps)

    def refuses(known):
        raise ModelError(f"It has nothing to say of {known.on}.")

    found = backtest(
        books["shop"], LocalEngine(), CHOSEN, 1, {"nothing": nothing, "refuses": refuses}
    )
    names = {one.model for one in found.standings}
    assert names == {*SHOP, "nothing"}
    of = next(one for one in found.standings if one.model == "nothing")
    assert of.money.bias == -1
    assert of.gini == 0


@pytest.mark.parametrize(
    ("days", "months", "origins"), [(400, 3, 3), (150, 1, 3), (100, 1, 2), (65, 1, 1)]
)
def test_a_short_history_has_shorter_and_fewer_hold_outs(book_of, days, months, origins):
    end = BEGIN + days * DAY
    rows = [
        contract(f"c{i:02d}", BEGIN + i % 20 * DAY, BEGIN + (23 + i) * DAY if i % 2 else None)
        for i in range(40)
    ]
    found = backtest(book_of({"subscriptions": rows}, 1, end), LocalEngine(), Settings())
    assert found.months == months
    assert len(found.origins) + len(found.refused) == origins
    assert all(origin.end <= end for origin in found.origins)


@pytest.mark.parametrize(
    ("tables", "as_of", "sentence"),
    [
        ({"payments": payments(9)}, BEGIN + 100 * DAY, "none of the earlier days"),
        ({"payments": payments(40)}, BEGIN + 40 * DAY, "too short"),
        ({"subscriptions": [contract("a", BEGIN)]}, AS_OF, "too short"),
        ({"subscriptions": [contract("a", BEGIN, AS_OF - DAY)]}, AS_OF, "too short"),
    ],
)
def test_what_cannot_be_held_back_is_refused_with_a_sentence(book_of, tables, as_of, sentence):
    with pytest.raises(ModelError, match=sentence) as refused:
        backtest(book_of(tables, 1, as_of), LocalEngine(), CHOSEN)
    assert refused.value.hint


def test_no_hold_out_is_longer_than_the_horizon_of_the_ltv(books):
    found = backtest(books["contracts"], LocalEngine(), Settings(ltv_horizon=2), 1)
    assert found.months == 2
