"""What `csk usage` does once the book is open."""

from dataclasses import dataclass

from csk.analyses.usage import refuse_unknown_groups, refuse_without_usage, table, usage
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.session import Session
from csk.errors import ModelError
from csk.reports import usage as usage_report


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about usage."""

    by: str
    top: int


def run(session: Session, wanted: Wanted, asked: Asked) -> None:
    """Find whose usage falls, write what was wanted and show the report."""
    book, settings = session.book, session.settings
    if "cross_section" in book.tables:
        raise ModelError("A cross-section has no dates, so nothing tells when anything was used.")
    refuse_without_usage(book)
    refuse_unknown_groups(book, asked.by)
    with emit.progress("Reading usage ...", quiet=wanted.quiet):
        result = usage(book, session.engine, settings, asked.by)
        rows, described = table(result)
        report = usage_report.report(result, settings, words(), asked.top)
    deliver(wanted, book, report, rows, described)
