"""Lines that a report has below its rows."""

from datetime import date
from pathlib import Path

import pytest
from exports_reading import fixture, read

from csk.intake.origins.finding import found
from csk.intake.storage.store import stored
from csk.settings import settings

HEADER = "Account Name,Opportunity Name,Stage,Amount,Close Date"
ROWS = ["A,one,Closed Won,10,2024-01-31", "B,two,Closed Won,20,2024-02-29"]
ENDING = '"Grand Totals (2 Records)"'
NOTICE = '"Confidential Information - Do Not Distribute"'


@pytest.mark.parametrize(
    ("lines", "n_footer", "n_rejects"),
    [
        ([*ROWS], 0, 0),
        ([*ROWS, "", ENDING, "", NOTICE, "Example Company"], 3, 0),
        ([*ROWS, "Example Company", NOTICE], 2, 0),
        ([*ROWS, "Example Company"], 0, 1),
        ([*ROWS, ENDING + ",,,30"], 1, 0),
        ([*ROWS, ENDING + ",,,30,"], 1, 0),
        ([ROWS[0], "C,three", ROWS[1], NOTICE], 1, 1),
        ([ROWS[0], NOTICE, ROWS[1]], 0, 1),
        ([*ROWS, "C,three,Closed Won", NOTICE], 1, 1),
        ([*ROWS, *["Example Company"] * 20, NOTICE], 0, 21),
        ([NOTICE, "Example Company"], 2, 0),
    ],
)
def test_a_footer_is_no_malformed_row(
    lines: list[str], n_footer: int, n_rejects: int, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    report.write_text("\n".join([HEADER, *lines]) + "\n")
    told = read(tmp_path / "spool", report)["report.csv"]
    assert told.profile == "salesforce-opportunities"
    assert told.excluded["footer"] == n_footer
    assert len(told.rejects) == n_rejects
    assert len(told.rows) == sum(row in lines for row in ROWS)


def test_a_small_report_with_a_footer_makes_a_book(tmp_path: Path) -> None:
    work = tmp_path / "store"
    work.mkdir()
    report = fixture("salesforce-opportunities")
    book = stored(found([str(report)]), settings({}, None), date(2026, 1, 1), work)
    assert book.rows_rejected == 0
    assert (book.tables["payments"].rows, book.tables["payments"].amount) == (5, 9_220_005_000)
    assert {e.rule: e.rows for e in book.excluded} == {
        "footer": 6,
        "not_won": 2,
        "no_customer_id": 1,
    }
    assert sum(f.rows_read for f in book.files) == 14
