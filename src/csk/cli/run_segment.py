"""What `csk segment` does once the book is open."""

from pathlib import Path

from csk.analyses.cross_section import cross_section
from csk.analyses.segment import Earlier, segmentation, snapshot
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.session import Session
from csk.errors import ModelError, UsageError
from csk.intake.origins.earlier import earlier_snapshot
from csk.reports import cross_section as cross_report
from csk.reports import segment as segment_report


def run(session: Session, wanted: Wanted, top: int) -> None:
    """Segment the book, write what was wanted and show the report.

    A cross-section is shown for what it tells; then ModelError, as it cannot carry tiers.
    """
    say, settings, book = words(), session.settings, session.book
    if "cross_section" in book.tables:
        result = cross_section(book, session.engine)
        if not wanted.quiet:
            report = cross_report.report(result, say)
            emit.show(report, wanted.report, to_stderr=wanted.has_stdout)
        raise ModelError(
            "A cross-section has no dates, so it carries no LTV and no tiers.",
            hint="Give subscriptions with start and end, or payments with a day and an amount.",
        )
    with emit.progress("Valuing customers ...", quiet=wanted.quiet):
        earlier = _earlier(session, wanted)
        segments = segmentation(book, session.engine, settings, earlier)
        rows, table = snapshot(segments, settings.keep)
        report = segment_report.report(segments, settings, say, top)
    deliver(wanted, book, report, rows, table)


def _earlier(session: Session, wanted: Wanted) -> Earlier | None:
    """Find the latest earlier snapshot: the one named, or in an output about to be replaced."""
    as_of = session.book.span.as_of
    if wanted.previous is not None and not wanted.previous.exists():
        raise UsageError(f"There is no earlier snapshot {wanted.previous}.")
    places: list[Path] = [wanted.previous] if wanted.previous else list(wanted.outputs)
    found = [one for place in places if (one := earlier_snapshot(place, as_of)) is not None]
    if not found and wanted.previous is not None:
        raise UsageError(f"{wanted.previous} holds no snapshot of a day before {as_of}.")
    return max(found, key=lambda earlier: earlier.as_of, default=None)
