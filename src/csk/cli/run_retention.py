"""What `csk retention` does once the book is open."""

from csk.analyses.retention import repeat, retention, table
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.session import Session
from csk.errors import ModelError
from csk.reports.retention import repeat_report, report
from csk.schema import SURVIVAL


def run(session: Session, wanted: Wanted, by: str) -> None:
    """Show survival of contracts by age, or of a shop how buyers come back."""
    book, settings, say = session.book, session.settings, words()
    if "cross_section" in book.tables:
        raise ModelError(
            "A cross-section has no dates; csk segment shows what it can tell of survival."
        )
    with emit.progress("Following customers ...", quiet=wanted.quiet):
        if book.is_contractual:
            staying = retention(book, session.engine, settings, by)
            page, rows = report(staying, settings, say), table(staying)
        else:
            page, rows = repeat_report(repeat(book, session.engine), settings, say), None
    deliver(wanted, book, page, rows, SURVIVAL if rows is not None else None)
