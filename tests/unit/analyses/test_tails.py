"""Laws of staying of a book: by kind of contract, tried at days in the past."""

from datetime import date, timedelta

import numpy as np
import pytest

from csk.analyses.tails import BACK, tails
from csk.book import Window
from csk.calendar import plus_months
from csk.engine.local import LocalEngine
from csk.errors import ModelError
from csk.models.tails import TOLD
from csk.reports.tails import report
from csk.settings import Settings
from csk.text import words

AS_OF = date(2024, 1, 1)


def rows(seed=1, n=600, leaving=0.06):
    """Draw contracts that end on their monthly day; every tenth has terms of a year."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        term = 12 if number % 10 == 0 else 1
        began = date(2020, 6, 1) + timedelta(days=int(rng.integers(0, 1250)))
        over = plus_months(began, term * int(rng.geometric(leaving * (3 if term > 1 else 1))))
        found.append(
            {
                "customer_id": f"c{number:04}",
                "plan": "ab"[number % 2],
                "started_on": began,
                "ended_on": over if over < AS_OF else None,
                "mrr_amount": 1,
                "term_months": term,
            }
        )
    return found


def told(book_of, contracts, by="", since=None):
    book = book_of({"subscriptions": contracts}, as_of=AS_OF)
    if since:
        book = book.dated(Window(since, AS_OF - timedelta(days=1), AS_OF, is_late_entry=True))
    return tails(book, LocalEngine(), Settings(), by)


def test_each_kind_of_contract_has_a_law_and_few_ends_have_none(book_of):
    result = told(book_of, rows())
    assert [(one.group, one.term_months) for one in result.tails] == [("", 1)]
    assert [one.term_months for one in result.too_few] == [12]
    one = result.tails[0]
    assert [tried.origin for tried in one.chosen.tried] == [plus_months(AS_OF, -m) for m in BACK]
    for tried in one.chosen.tried:
        assert tried.foretold == pytest.approx(tried.came, abs=0.12)
    for ahead in one.ahead:
        assert ahead.share == pytest.approx(0.94**ahead.months, abs=0.08)
    assert tuple(ahead.months for ahead in one.ahead) == TOLD


def test_groups_have_laws_of_their_own(book_of):
    result = told(book_of, rows(), by="plan")
    assert {one.group for one in result.tails} == {"a", "b"}
    assert sum(one.n_ended for one in (*result.tails, *result.too_few)) == sum(
        row["ended_on"] is not None for row in rows()
    )


def test_late_entry_does_not_move_what_is_foretold(book_of):
    since = date(2022, 1, 1)
    seen = [row for row in rows(2, 1200) if row["ended_on"] is None or row["ended_on"] >= since]
    one = told(book_of, seen, since=since).tails[0]
    for ahead in one.ahead:
        truth = 0.94 ** (ahead.months - one.from_months)
        assert ahead.share == pytest.approx(truth, abs=0.08)
    assert {tried.origin for tried in one.chosen.tried} == {plus_months(AS_OF, -m) for m in BACK}


def test_of_few_ends_nothing_is_fitted(book_of):
    with pytest.raises(ModelError, match="has ended 30 times") as refused:
        told(book_of, rows(n=30))
    assert all("ended" in line for line in refused.value.details)


def test_the_report_names_the_law_chosen_and_what_it_is_tried_on(book_of):
    result, say = told(book_of, rows()), words("ja")
    page = report(result, Settings(), say)
    told_of = page.data["tails"][0]
    assert told_of["chosen"] == result.tails[0].chosen.fit.family
    grids = [block for block in page.blocks if type(block).__name__ == "Grid" and block.keys]
    laws = next(grid for grid in grids if "held_out" in grid.keys)
    chosen = [row for row in laws.rows if row[-1] == say("tails.chosen")]
    assert len(chosen) == 1
    assert len(laws.rows) == len(told_of["candidates"])
