"""What `csk retention` does once the book is open."""

from csk.analyses.deliveries import deliveries
from csk.analyses.deliveries import table as steps_table
from csk.analyses.retention import Asked, repeat, repeat_table, retention, table
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.session import Session
from csk.errors import ModelError, UsageError
from csk.reports.deliveries import with_deliveries
from csk.reports.retention import repeat_report, report
from csk.schema import SURVIVAL


def run(session: Session, wanted: Wanted, asked: Asked) -> None:
    """Show survival of contracts by age, or of a shop how buyers come back."""
    book, settings, say = session.book, session.settings, words()
    if "cross_section" in book.tables:
        raise ModelError(
            "A cross-section has no dates, so nobody can be followed.",
            hint="csk segment shows what it can tell of who stays.",
        )
    if not book.is_contractual and asked != Asked():
        raise UsageError(
            "There are no contracts, so --by, --from-age and --band say nothing here.",
            hint="csk kpi --by has repeat rates of groups.",
        )
    with emit.progress("Following customers ...", quiet=wanted.quiet):
        if book.is_contractual:
            staying = retention(book, session.engine, settings, asked)
            page, rows = report(staying, settings, say), table(staying)
        else:
            again, steps = repeat(book, session.engine), deliveries(book, session.engine)
            page, rows = repeat_report(again, settings, say), repeat_table(again)
            if steps is not None:
                page, rows = with_deliveries(page, steps, say), rows.vstack(steps_table(steps))
    deliver(wanted, book, page, rows, SURVIVAL)
