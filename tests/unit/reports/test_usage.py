"""The report on usage says nothing of what cannot be judged."""

from datetime import UTC, date, datetime

import pytest

from csk.analyses.usage import usage
from csk.engine.local import LocalEngine
from csk.reports.blocks import Figures
from csk.reports.usage import report
from csk.settings import Settings
from csk.text import words

AS_OF = date(2024, 7, 1)


def contract(start):
    return {
        "customer_id": "a",
        "started_on": start,
        "ended_on": None,
        "mrr_amount": 1_000_000,
        "plan": "x",
    }


def used(day):
    return {
        "customer_id": "a",
        "used_at": datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
        "feature": "f",
    }


@pytest.mark.parametrize(
    ("start", "is_judged"), [(date(2024, 6, 20), False), (date(2023, 1, 1), True)]
)
def test_falls_are_counted_only_where_somebody_can_be_judged(book_of, start, is_judged):
    log = [used(date(2023, 1, 1) if is_judged else start)]
    book = book_of({"usage": log, "subscriptions": [contract(start)]}, 1, AS_OF)
    say = words()
    page = report(usage(book, LocalEngine(), Settings()), Settings(), say)
    labels = {
        figure.label
        for block in page.blocks
        if isinstance(block, Figures)
        for figure in block.figures
    }
    assert (say("usage.falling") in labels) == is_judged
    assert (say("usage.mrr") in labels) == is_judged
    assert (say("usage.week") in labels) == (not is_judged)
