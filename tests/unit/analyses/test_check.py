from datetime import date

import pytest

from csk.analyses.check import findings
from csk.analyses.window import window
from csk.engine.local import LocalEngine
from csk.settings import Settings

BEGIN, LATER, AS_OF = date(2023, 1, 1), date(2023, 6, 1), date(2024, 1, 1)
KNOWN = [{"customer_id": name} for name in "abc"]


def contract(name="a", started_on=BEGIN, ended_on=None, mrr=5):
    return {
        "customer_id": name,
        "started_on": started_on,
        "ended_on": ended_on,
        "mrr_amount": mrr,
    }


def paid(name="a", day=BEGIN, amount=5):
    return {"customer_id": name, "paid_on": day, "amount": amount}


def used(name="a", day=LATER):
    return {"customer_id": name, "used_at": day, "feature": "x"}


@pytest.fixture
def found(book_of):
    """Give the findings of a book, as (key, table, rows, examples)."""

    def looked(tables, shards=2):
        book, engine = book_of(tables, shards), LocalEngine()
        dated = book.dated(window(book, engine, Settings(as_of=AS_OF), AS_OF))
        return [(one.key, one.table, one.n, one.examples) for one in findings(dated, engine)]

    return looked


SOUND = [contract("a", BEGIN, LATER), contract("b")]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"subscriptions": SOUND, "customers": KNOWN, "payments": [paid(), paid("b")]}, []),
        (
            {"subscriptions": [*SOUND, contract("x"), contract("x", LATER, mrr=9)],
             "customers": KNOWN},
            [("orphans", "subscriptions", 2, ("x",))],
        ),
        ({"subscriptions": [*SOUND, contract("x")]}, []),
        (
            {"subscriptions": [*SOUND, contract("b", LATER, mrr=1)]},
            [("overlaps", "subscriptions", 1, ("b",))],
        ),
        (
            {"subscriptions": [*SOUND, contract("c", BEGIN, AS_OF)]},
            [("future_ends", "subscriptions", 1, ("c",))],
        ),
        (
            {"subscriptions": [*SOUND, contract("c", LATER)], "usage": [used("c", BEGIN), used()]},
            [("usage_before_start", "usage", 1, ("c",))],
        ),
        (
            {"payments": [paid(), paid("b", amount=-5), paid("c", amount=0)]},
            [("negative", "payments", 1, ("b",)), ("zero", "payments", 1, ("c",))],
        ),
        # The same again: counted once for each day and amount.
        (
            {"payments": [paid(), paid(), paid(), paid("b"), paid("b", LATER)]},
            [("repeats", "payments", 1, ("a",))],
        ),
        (
            {"payments": [paid(), paid("b", date(1970, 1, 1)), paid("c", amount=-1)]},
            [("early_dates", "payments", 1, ("b",)), ("negative", "payments", 1, ("c",))],
        ),
        (
            {"subscriptions": [contract("a"), contract("b")]},
            [("survivors_only", "subscriptions", 2, ())],
        ),
    ],
)  # fmt: skip
def test_what_looks_wrong_is_counted_with_examples(found, tables, expected):
    assert found(tables) == expected


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_examples_are_the_first_three_however_the_book_is_cut(found, shards):
    rows = [paid(name, amount=-1) for name in "gfedcbagg"]
    assert found({"payments": rows}, shards) == [("negative", "payments", 9, ("a", "b", "c"))]


def test_the_gravest_come_first(book_of):
    rows = [paid("a", date(1970, 1, 1)), *[paid(name, amount=-1) for name in "bcd"]]
    book, engine = book_of({"payments": rows}), LocalEngine()
    dated = book.dated(window(book, engine, Settings(as_of=AS_OF), AS_OF))
    assert [one.is_grave for one in findings(dated, engine)] == [True, False]
