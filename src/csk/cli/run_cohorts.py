"""What `csk cohorts` does once the book is open."""

from csk.analyses.cohorts import cohorts, table
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.run_mrr import MONTHS
from csk.cli.session import Session
from csk.errors import ModelError
from csk.reports import cohorts as cohorts_report
from csk.schema import COHORT_CELL
from csk.tables.movements import Motion


def run(session: Session, wanted: Wanted, of: str, last: int, periods: tuple[str, int]) -> None:
    """Find the cohorts of the book, write what was wanted and show the report."""
    book, settings = session.book, session.settings
    if "cross_section" in book.tables:
        raise ModelError("A cross-section has no dates, so nobody came at any time.")
    length, year_starts = periods
    motion = Motion(
        as_of=book.span.as_of,
        grace_days=settings.grace_days,
        period_months=MONTHS[length],
        year_starts=year_starts,
    )
    with emit.progress("Following cohorts ...", quiet=wanted.quiet):
        result = cohorts(book, session.engine, motion)
        report = cohorts_report.report(result, settings, words(), of, last)
        rows = table(result)
    deliver(wanted, book, report, rows, COHORT_CELL)
