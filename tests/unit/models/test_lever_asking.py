from datetime import date

import pytest

from csk.errors import UsageError
from csk.models.lever_asking import Asked, Change, asked_of, changes_of, cohort_span, moves
from csk.models.levers import Moves


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-01:2026-01-01", Asked("days", "2025-01-01", "2026-01-01")),
        (" 2026-01-01 : 2025-01-01 ", Asked("days", "2026-01-01", "2025-01-01")),
        ("2024-01:2025-01", Asked("cohorts", "2024-01", "2025-01")),
        ("2024:2025-01", Asked("cohorts", "2024", "2025-01")),
        ("plan=Starter:Premium", Asked("groups", "Starter", "Premium", "plan")),
        ("地域=関東:関西", Asked("groups", "関東", "関西", "地域")),
        ("plan = 2024:2025", Asked("groups", "2024", "2025", "plan")),
    ],
)
def test_two_things_are_understood(text, expected):
    assert asked_of(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "two things"),
        ("2025-01-01", "two things"),
        ("2025-01-01:", "two things"),
        ("a:b:c", "two things"),
        ("=a:b", "two things"),
        ("2025-01-01:2025-01-01", "with itself"),
        ("2025-01-01:2025-02", "a day with a cohort"),
        ("Starter:Premium", "neither a day nor a month"),
        ("2025-02-30:2025-03-01", "neither a day nor a month"),
        ("2025-13:2025-01", "no month"),
        ("0000:2025", "no month"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_how_to_write_it(text, told):
    with pytest.raises(UsageError, match=told) as refused:
        asked_of(text)
    assert "2024-01" in refused.value.hint


def test_days_and_cohorts_are_dates():
    assert asked_of("2025-01-01:2026-01-01").days == (date(2025, 1, 1), date(2026, 1, 1))
    assert cohort_span("2024-12") == (date(2024, 12, 1), date(2025, 1, 1))
    assert cohort_span("2024") == (date(2024, 1, 1), date(2025, 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("churn=-10%", [Change("churn", -10, "%")]),
        ("price=5%", [Change("price", 5, "%")]),
        (
            "churn=-10%, price=+5% ,frequency=+1,margin=+2pt",
            [
                Change("churn", -10, "%"),
                Change("price", 5, "%"),
                Change("frequency", 1, ""),
                Change("margin", 2, "pt"),
            ],
        ),
        ("Margin = -2.5%", [Change("margin", -2.5, "%")]),
        ("frequency=+12.5%", [Change("frequency", 12.5, "%")]),
        # As a Japanese keyboard and a word processor write it.
        ("churn=−10%、price=+5%", [Change("churn", -10, "%"), Change("price", 5, "%")]),
    ],
)
def test_changes_are_understood(text, expected):
    assert list(changes_of(text)) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is no lever."),
        ("chrun=-10%", "'chrun' is no lever; is it churn?"),
        ("churn", "'churn': churn is changed by per cent (+5%)."),
        ("churn=", "'churn=': churn is changed by per cent (+5%)."),
        ("churn=2pt", "'churn=2pt': churn is changed by per cent (+5%)."),
        ("price=100", "'price=100': price is changed by per cent (+5%)."),
        ("margin=2", "'margin=2': margin is changed by points (+2pt) or per cent (+5%)."),
        ("frequency=1pt", "frequency is changed by purchases a year (+1) or per cent (+5%)."),
        ("price=nan%", "price is changed by"),
        ("churn=-101%", "'churn=-101%': per cent go from -100 to +1000."),
        ("price=1e9%", "price is changed by"),
        ("price=9999%", "per cent go from -100 to +1000."),
        ("price=-100%", "at no price there is no LTV."),
        ("margin=100pt", "a margin has 100 points at most."),
        ("frequency=-1", "go from 0 to 1000; fewer in %."),
        ("price=1%,price=2%", "price is moved twice."),
    ],
)
def test_changes_that_cannot_be_meant_are_refused(text, told):
    with pytest.raises(UsageError) as refused:
        changes_of(text)
    assert told in "\n".join(refused.value.details)
    assert "churn=-10%" in refused.value.hint


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(UsageError) as refused:
        changes_of("chrun=1%,price=3,margin=1pt,margin=1%")
    assert len(refused.value.details) == 3


def test_changes_become_factors():
    assert moves(()) == Moves()
    assert moves(changes_of("churn=-10%,margin=+2pt,frequency=+1")) == Moves(
        churn=0.9, margin_points=0.02, purchases=1.0
    )
    assert moves(changes_of("price=+5%,frequency=-50%,margin=10%")) == Moves(
        price=1.05, frequency=0.5, margin=1.1
    )


@pytest.mark.parametrize("text", ["churn=-10%", "price=+5%", "frequency=+1", "margin=+2.5pt"])
def test_a_change_is_written_as_it_was(text):
    (change,) = changes_of(text)
    assert f"{change.lever}={change.text}" == text
