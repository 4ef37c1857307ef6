"""What `csk check` does once the book is open."""

import sys

from csk.analyses.check import findings
from csk.cli import emit
from csk.cli.session import Session
from csk.errors import DataError
from csk.intake.store import rejects
from csk.reports import check as check_report
from csk.reports.stub import stub as stub_text
from csk.text import words


def run(session: Session, form: str, *, stub: bool) -> None:
    """Print the stub or the report; DataError after it where a finding is grave."""
    book = session.book
    if stub:
        sys.stdout.write(stub_text(book, session.settings))
        return
    found = findings(book, session.engine) if book.window else ()
    emit.show(check_report.report(book, found, rejects(book), words()), form)
    grave = [finding for finding in found if finding.is_grave]
    if grave:
        raise DataError(f"{len(grave)} of the findings must be mended before figures are trusted.")
