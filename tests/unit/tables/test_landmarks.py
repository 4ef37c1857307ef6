from datetime import date

import polars as pl
import pytest

from csk.tables.landmarks import landmark_days, panel
from csk.tables.windows import borne_on

FROM, AS_OF = date(2023, 1, 1), date(2024, 1, 1)
DAYS = landmark_days(FROM, AS_OF)


def row(started_on, ended_on=None, mrr=10, plan="a", term=1, **more):
    return {
        "customer_id": "c",
        "started_on": date.fromisoformat(started_on),
        "ended_on": date.fromisoformat(ended_on) if ended_on else None,
        "mrr_amount": mrr,
        "plan": plan,
        "term_months": term,
        "cancel_reason": None,
        **more,
    }


@pytest.fixture
def at(tables_of):
    """Give the row of a panel at one landmark, or None where the customer is not in service."""

    def found(rows, day=DAYS[-2], edges=(30,)):
        whole = panel(tables_of(subscriptions=rows), DAYS, AS_OF, FROM, 1, edges).collect()
        told = whole.filter(pl.col("landmark_on") == day)
        return told.row(0, named=True) if told.height else None

    return found


def test_landmarks_lie_28_days_apart_back_from_as_of():
    assert landmark_days(date(2023, 10, 1), AS_OF) == (
        date(2023, 11, 6), date(2023, 12, 4), date(2024, 1, 1)
    )  # fmt: skip
    assert len(landmark_days(date(2000, 1, 1), AS_OF)) == 25
    assert landmark_days(date(2000, 1, 1), AS_OF, most=2) == DAYS[-2:]


@pytest.mark.parametrize(
    ("data_from", "n"),
    [(date(2023, 12, 4), 1), (date(2023, 12, 5), 0), (date(2024, 6, 1), 0)],
)
def test_a_landmark_has_one_whole_window_behind_it(data_from, n):
    assert len(landmark_days(data_from, AS_OF)) == n


# The landmark is 2023-12-04.
@pytest.mark.parametrize(
    ("rows", "end_in_days"),
    [
        ([row("2023-01-01", "2023-12-10")], 6),
        # Whoever ends on the landmark is served when the day begins, and ends in 0 days.
        ([row("2023-01-01", "2023-12-04")], 0),
        ([row("2023-01-01", "2023-12-03")], "gone"),
        # Whoever begins on the landmark is not yet known.
        ([row("2023-12-04")], "gone"),
        ([row("2023-12-03")], None),
        ([row("2023-12-02", "2023-12-02")], "gone"),
        # An end at as_of was not seen.
        ([row("2023-01-01", "2024-01-01")], None),
        # A plan swapped is no end.
        ([row("2023-01-01", "2023-12-10"), row("2023-12-10", plan="b")], None),
        # In a gap that a spell bridges nobody knows yet that it will be.
        ([row("2023-01-01", "2023-12-03"), row("2023-12-04")], "gone"),
        # Whoever came back long after had left.
        ([row("2023-01-01", "2023-12-10"), row("2023-12-20")], 6),
    ],
)
def test_the_label_is_the_days_to_the_end_of_the_spell(at, rows, end_in_days):
    found = at(rows)
    assert (found["end_in_days"] if found else "gone") == end_in_days
    if found:
        assert found["cause"] == (3 if found["end_in_days"] is not None else 0)


def test_the_cause_is_that_of_the_end(at):
    assert at([row("2023-01-01", "2023-12-10", cancel_reason="card")])["cause"] == 2
    assert at([row("2023-01-01", "2023-12-10", cancel_reason="price")])["cause"] == 1


def test_the_main_contract_is_the_largest_in_force(at):
    rows = [
        row("2023-01-01", mrr=5, plan="small"),
        row("2023-06-01", mrr=30, plan="large", term=12),
        row("2023-02-01", "2023-12-01", mrr=99, plan="past"),
        row("2023-12-20", mrr=99, plan="future"),
    ]
    found = at(rows)
    told = [found[name] for name in ("plan", "term_months", "mrr_amount", "spell_no")]
    assert told == ["large", 12, 35, 1]
    assert found["spell_started_on"] == date(2023, 1, 1)


# From 2023-12-04 on.
@pytest.mark.parametrize(
    ("started_on", "term", "days", "n"),
    [
        ("2023-09-10", 1, 7, 1),
        ("2023-09-10", 1, 6, 0),
        ("2023-09-04", 1, 1, 1),
        ("2023-09-04", 1, 365, 12),
        ("2023-09-03", 1, 28, 0),
        ("2023-01-04", 12, 30, 0),
        ("2023-01-04", 12, 60, 1),
    ],
)
def test_renewals_ahead_are_counted_by_the_calendar(at, started_on, term, days, n):
    assert at([row(started_on, term=term)], edges=(days,))[f"renewals_{days}d"] == n


def test_renewals_of_the_31st_fall_on_the_last_day_of_shorter_months(at):
    # 31 December, 31 January, 29 February: 27, 58 and 87 days after the landmark.
    rows = [row("2023-10-31")]
    counts = [at(rows, edges=(days,))[f"renewals_{days}d"] for days in (27, 28, 58, 59, 87, 88)]
    assert counts == [0, 1, 1, 2, 2, 3]


def test_landmarks_off_the_step_are_refused():
    days = (date(2023, 12, 1), AS_OF)
    with pytest.raises(ValueError, match="28 days apart"):
        borne_on(pl.LazyFrame({"day": [AS_OF]}), days, pl.col("day"))
