from datetime import UTC, date, datetime

import pytest

from csk.analyses.check import FirstRow, FirstRows, Value
from csk.render.protocol import Page
from csk.render.text import RENDERER
from csk.reports.blocks import Grid, Report
from csk.reports.first_rows import _cells, blocks, plain
from csk.schema import INPUTS, Column
from csk.text import words

SAY = words()
THREE = datetime(2024, 1, 5, 3, tzinfo=UTC)
PAYMENTS, USAGE = INPUTS["payments"], INPUTS["usage"]


def begins(*rows, table=PAYMENTS, hidden=()):
    found = {name for row in rows for name in row.values}
    columns = tuple(column for column in table.columns if column.name in found)
    return FirstRows("a.csv", table.name, columns, {}, hidden, rows)


def paid(number=1, amount=12_000_000, text="1200", day="2024/1/5", **more):
    values = {
        "customer_id": Value("00123", "00123"),
        "paid_on": Value(date(2024, 1, 5), day),
        "amount": Value(amount, text),
    }
    return FirstRow(number, values, **more)


def grids(one, currency=""):
    return [block for block in blocks(one, currency, SAY) if isinstance(block, Grid)]


def drawn(one, width=80):
    report = Report("t", "", tuple(blocks(one, "", SAY)))
    return RENDERER.render(report, Page(width=width)).splitlines()


@pytest.mark.parametrize(
    ("kind", "value", "text", "currency", "shown", "below"),
    [
        ("amount", 12_000_000, "1200", "JPY", "¥1,200", ""),
        ("amount", 12_000_000, "1200.00", "JPY", "¥1,200", ""),
        ("amount", 12_000_000, "\\1,200", "JPY", "¥1,200", "\\1,200"),
        ("amount", 12_000_000, "¥1,200", "JPY", "¥1,200", ""),
        ("amount", 12_000_000, "120000", "USD", "$1,200.00", "120000"),
        ("amount", -12_000_000, "△1,200", "", "-1,200", "△1,200"),
        ("amount", 125_000, "12.5", "USD", "$12.50", ""),
        ("amount", 125_000, "12.500", "BHD", "12.500 BHD", ""),
        ("amount", None, "free", "", "–", "free"),
        ("amount", None, "", "", "–", ""),
        ("date", date(2024, 1, 5), "2024-01-05", "", "2024-01-05", ""),
        ("date", date(2024, 1, 5), "令和6年1月5日", "", "2024-01-05", "令和6年1月5日"),
        ("date", None, "9999-12-31", "", "–", "9999-12-31"),
        ("instant", THREE, "2024-01-05 03:00:00", "", "2024-01-05T03:00:00Z", ""),
        ("instant", THREE, "1704423600", "", "2024-01-05T03:00:00Z", "1704423600"),
        ("id", "17850", "17850.0", "", "17850", "17850.0"),
        ("id", "00123", " 00123", "", "00123", ""),
        ("flag", True, "Yes", "", "yes", "Yes"),
        ("flag", False, "no", "", "no", ""),
        ("number", 2.0, "2", "", "2", ""),
        ("count", 3, "３", "", "3", ""),
    ],
)  # fmt: skip
def test_a_text_stands_below_only_where_it_looks_different(
    kind, value, text, currency, shown, below
):
    column = Column("x", kind, "X.")
    row = FirstRow(1, {"x": Value(value, text)})
    (grid,) = grids(FirstRows("a.csv", "payments", (column,), {}, (), (row,)), currency)
    assert grid.rows == ((("Row 1", shown), ("", below)) if below else (("Row 1", shown),))


def test_the_currency_of_a_row_is_its_own():
    row = paid(text="1200")
    row.values["currency"] = Value("kwd", "kwd")
    assert "1,200.000 KWD" in grids(begins(row), "JPY")[0].rows[0]


def test_what_becomes_of_a_row_is_said_where_one_does_not_count():
    assert len(grids(begins(paid()))[0].columns) == 4
    one = begins(paid(), paid(2, rule="no_customer_id"), paid(3, reason="amount is no number"))
    (grid,) = grids(one)
    assert [row[-1] for row in grid.rows if row[0]] == [
        "yes",
        "no: no customer id",
        "no: malformed",
    ]
    assert any("Row 3 is malformed: amount is no number." in line for line in drawn(one))


def wide(n):
    event = {
        "customer_id": Value("customer-0000-0000-0001", "customer-0000-0000-0001"),
        "user_id": Value("ユーザー" * 3, "ユーザー" * 3),
        "used_at": Value(datetime(2024, 1, 5, tzinfo=UTC), "1704412800"),
        "feature": Value("x" * 400, "x" * 400),
        "quantity": Value(1.5, "1.5"),
    }
    return begins(*(FirstRow(i + 1, event) for i in range(n)), table=USAGE)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_wide_rows_stand_side_by_side_and_fit_a_narrow_page(n):
    one = wide(n)
    lines = drawn(one)
    assert max(map(_cells, lines)) <= 80
    heads = [head.title for grid in grids(one) for head in grid.columns if head.title]
    assert heads == [f"Row {i + 1}" for i in range(n)]
    for grid in grids(one):
        assert [row[0] for row in grid.rows if row[0]] == [c.name for c in one.columns]
    assert not any("ustomer…" in line for line in lines)


def test_no_row_is_a_sentence():
    assert drawn(begins())[-1] == "· a.csv has no rows."


def test_machines_get_exact_money_and_iso_days():
    one = plain(begins(paid(), hidden=("mail",)))
    values = one["rows"][0]["values"]
    assert values["amount"] == {"value": "1200.0000", "text": "1200"}
    assert values["paid_on"] == {"value": "2024-01-05", "text": "2024/1/5"}
    assert (one["hidden"], one["rows"][0]["rule"]) == (["mail"], None)
