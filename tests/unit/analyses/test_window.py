from datetime import date, timedelta

import pytest

from csk.analyses.window import window
from csk.calendar import plus_months
from csk.engine.local import LocalEngine
from csk.errors import DataError, UsageError
from csk.settings import Settings

TODAY = date(2030, 1, 1)
DAY = timedelta(days=1)


def contract(number, started_on, ended_on=None):
    return {
        "customer_id": f"c{number}",
        "started_on": started_on,
        "ended_on": ended_on,
        "mrr_amount": 10,
    }


def events(table, *days):
    column = {"payments": "paid_on", "usage": "used_at"}[table]
    return [{"customer_id": "c0", column: day, "amount": 1} for day in days]


@pytest.fixture
def window_of(book_of):
    def found(tables, **choice):
        return window(book_of(tables, 2), LocalEngine(), Settings(**choice), TODAY)

    return found


JAN, MAR, JUN = date(2024, 1, 1), date(2024, 3, 1), date(2024, 6, 1)


@pytest.mark.parametrize(
    ("tables", "through"),
    [
        ({"payments": events("payments", JAN, JUN)}, JUN),
        # The smallest of the last days of the tables; an end is no such day.
        ({"payments": events("payments", JAN, JUN), "usage": events("usage", JAN, MAR)}, MAR),
        ({"subscriptions": [contract(0, JAN, JUN), contract(1, MAR, JUN)]}, MAR),
        (
            {"subscriptions": [contract(0, JAN)], "payments": events("payments", JAN, JUN)},
            JAN,
        ),
        # Tickets are too rare to tell.
        (
            {
                "payments": events("payments", JAN, JUN),
                "tickets": [{"customer_id": "c0", "opened_at": JAN}],
            },
            JUN,
        ),
    ],
)
def test_data_reach_as_far_as_their_poorest_table(window_of, tables, through):
    found = window_of(tables)
    assert (found.data_from, found.data_through, found.as_of) == (JAN, through, through + DAY)


@pytest.mark.parametrize(
    ("choice", "through", "as_of"),
    [
        ({"as_of": MAR}, MAR - DAY, MAR),
        ({"as_of": JUN + 9 * DAY}, JUN, JUN + 9 * DAY),
        ({"as_of": "today"}, JUN, TODAY),
        ({"data_through": MAR}, MAR, MAR + DAY),
        ({"data_through": MAR, "as_of": JUN}, MAR, JUN),
    ],
)
def test_the_day_asked_for_is_taken(window_of, choice, through, as_of):
    found = window_of({"payments": events("payments", JAN, JUN)}, **choice)
    assert (found.data_through, found.as_of) == (through, as_of)


@pytest.mark.parametrize("as_of", [JAN, JAN - DAY])
def test_a_day_before_everything_is_refused(window_of, as_of):
    with pytest.raises(UsageError, match="Nothing is known before") as refusal:
        window_of({"payments": events("payments", JAN, JUN)}, as_of=as_of)
    assert str(JAN) in refusal.value.sentence


def test_data_without_days_are_refused(window_of):
    with pytest.raises(DataError, match="has a date"):
        window_of({"customers": [{"customer_id": "c0"}]})


@pytest.mark.parametrize(
    ("days", "choice", "is_told"),
    [
        ((JAN, JAN + 31 * DAY), {}, False),
        ((JAN, JAN + 32 * DAY), {}, True),
        ((JAN, JUN), {"as_of": JUN}, False),
        # Both tables reach beyond the day asked for: nothing is missing.
        ((JUN, JUN + 9 * DAY), {"as_of": MAR}, False),
    ],
)
def test_tables_that_end_apart_are_told(window_of, days, choice, is_told):
    tables = {
        name: events(name, JAN, day) for name, day in zip(("payments", "usage"), days, strict=True)
    }
    assert ("tables_end_apart" in window_of(tables, **choice).notes) is is_told


def steady(n_months, ends_a_month, *, first=date(2020, 1, 1)):
    """Contracts that begin on the first of every month, so many of which end every month."""
    rows = []
    for month in range(n_months):
        day = plus_months(first, month)
        for number in range(ends_a_month + 2):
            ends = plus_months(day, 3) + 4 * DAY if number < ends_a_month else None
            rows.append(contract(f"{month}-{number}", day, ends))
    return rows


def test_a_last_month_that_churns_everybody_is_the_edge_of_the_file(window_of):
    """All who still run are closed on the first of the last month, in which others begin."""
    edge = date(2022, 1, 1)
    rows = [
        {**row, "ended_on": row["ended_on"] if row["ended_on"] and row["ended_on"] < edge else edge}
        for row in steady(24, 1)
    ]
    rows += [contract("new", edge + 14 * DAY)]
    found = window_of({"subscriptions": rows})
    assert found.notes == ("edge_left_out",)
    assert (found.data_through, found.as_of) == (edge - DAY, edge)
    # Whoever names the day means it.
    asked = window_of({"subscriptions": rows}, as_of=edge + 15 * DAY)
    assert asked.as_of == edge + 15 * DAY
    assert "edge_left_out" not in asked.notes


@pytest.mark.parametrize(("n_last", "is_edge"), [(1, False), (10, False), (11, True), (40, True)])
def test_the_edge_is_over_five_times_the_usual_churn(window_of, n_last, is_edge):
    rows = steady(24, 2)
    last = plus_months(date(2020, 1, 1), 23)
    kept = [row for row in rows if row["ended_on"] is None or row["ended_on"] < last]
    kept += [contract(f"last{i}", date(2021, 6, 1), last + 2 * DAY) for i in range(n_last)]
    kept += [contract("new", last + 20 * DAY)]
    assert ("edge_left_out" in window_of({"subscriptions": kept}).notes) is is_edge


def test_few_ends_are_no_edge(window_of):
    rows = [contract(i, date(2020, 1, 1)) for i in range(9)]
    rows += [contract("a", date(2020, 1, 1), date(2021, 3, 1)), contract("n", date(2022, 6, 9))]
    rows += [contract(f"b{i}", date(2020, 1, 1), date(2022, 6, 2)) for i in range(4)]
    assert "edge_left_out" not in window_of({"subscriptions": rows}).notes


def test_a_log_that_begins_after_its_customers_is_found(window_of):
    """Whoever ended before the log began is not in the export at all."""
    log_from = date(2021, 6, 1)
    rows = [row for row in steady(40, 4) if row["ended_on"] is None or row["ended_on"] >= log_from]
    found = window_of({"subscriptions": rows})
    assert (found.is_late_entry, found.notes) == (True, ("late_entry",))
    assert found.data_from == min(row["ended_on"] for row in rows if row["ended_on"])


@pytest.mark.parametrize(("days", "is_near"), [(0, True), (62, True), (63, False), (-1, False)])
def test_events_shortly_before_the_first_end_begin_the_log(window_of, days, is_near):
    rows = [
        row
        for row in steady(40, 4)
        if row["ended_on"] is None or row["ended_on"] >= date(2021, 6, 1)
    ]
    first_end = min(row["ended_on"] for row in rows if row["ended_on"])
    last = max(row["started_on"] for row in rows)
    tables = {"subscriptions": rows, "payments": events("payments", first_end - days * DAY, last)}
    found = window_of(tables)
    assert found.is_late_entry
    assert found.data_from == (first_end - days * DAY if is_near else first_end)


def test_a_young_company_has_no_late_entry(window_of):
    found = window_of({"subscriptions": steady(30, 4)})
    assert (found.is_late_entry, found.notes) == (False, ())
    assert found.data_from == date(2020, 1, 1)


def test_who_pays_by_the_year_cannot_leave_in_the_first_one(window_of):
    """A company that is two years old and of whose customers a third leaves at renewal."""
    rows = []
    for month in range(24):
        day = plus_months(date(2020, 1, 1), month)
        for number in range(6):
            ended_on = plus_months(day, 12) if number < 2 else None
            rows.append({**contract(f"{month}-{number}", day, ended_on), "term_months": 12})
    assert window_of({"subscriptions": rows}).notes == ()


@pytest.mark.parametrize("n", [1, 4])
def test_a_first_few_ends_are_no_beginning_of_a_log(window_of, n):
    rows = [contract(i, JAN + i * DAY, JUN if i < n else None) for i in range(60)]
    found = window_of({"subscriptions": rows}, as_of=JUN + 9 * DAY)
    assert (found.data_from, found.notes) == (JAN, ())


def test_a_first_day_beyond_the_data_is_refused(window_of):
    with pytest.raises(UsageError, match="cannot begin on 2029"):
        window_of({"payments": events("payments", JAN, JUN)}, data_from=date(2029, 1, 1))


def test_the_first_day_asked_for_is_taken(window_of):
    found = window_of({"subscriptions": steady(30, 4)}, data_from=date(2021, 1, 1))
    assert (found.data_from, found.is_late_entry) == (date(2021, 1, 1), True)


def test_survivors_only_are_told(window_of):
    found = window_of({"subscriptions": [contract(i, JAN + i * DAY) for i in range(9)]})
    assert found.notes == ("survivors_only",)


def test_ends_after_as_of_are_no_ends(window_of):
    rows = [contract(i, JAN + i * DAY, JUN + i * DAY) for i in range(9)]
    assert window_of({"subscriptions": rows}).notes == ("survivors_only",)
    assert window_of({"subscriptions": rows}, as_of=JUN + DAY).notes == ()


LATE = {
    "payments": events("payments", JAN, JUN),
    "subscriptions": [contract(1, JAN), contract(2, JUN)],
}


@pytest.mark.parametrize(
    ("tables", "choice", "through", "is_told", "is_complete"),
    [
        ({"payments": LATE["payments"]}, {}, JUN, False, True),
        ({"payments": LATE["payments"]}, {"late_window": 3}, JUN - 3 * DAY, True, True),
        ({"usage": events("usage", JAN, JUN)}, {"late_window": 3}, JUN - 3 * DAY, True, True),
        ({"subscriptions": LATE["subscriptions"]}, {"late_window": 3}, JUN, False, True),
        ({"payments": LATE["payments"]}, {"late_window": 3, "data_through": JUN}, JUN, False, True),
        (
            {"payments": LATE["payments"]},
            {"late_window": 3, "as_of": JUN},
            JUN - 3 * DAY,
            True,
            False,
        ),
    ],
)
def test_the_last_days_of_a_log_may_still_come(
    window_of, tables, choice, through, is_told, is_complete
):
    found = window_of(tables, **choice)
    assert found.data_through == through
    assert ("late_window" in found.notes, found.is_complete) == (is_told, is_complete)
