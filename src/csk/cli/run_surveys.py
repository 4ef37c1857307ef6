"""What `csk surveys` does once the book is open."""

from dataclasses import dataclass
from datetime import date

from csk.analyses.segment import Segmentation, segmentation
from csk.analyses.surveys import measured, surveys
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.run_mrr import MONTHS
from csk.cli.session import Session
from csk.errors import ModelError, UsageError
from csk.models.measures import table
from csk.reports import surveys as surveys_report
from csk.schema import KPI
from csk.tables.movements import Motion


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about answers."""

    by: str
    period: str
    year_starts: int
    last: int
    window: tuple[date | None, date | None]


def run(session: Session, wanted: Wanted, asked: Asked) -> None:
    """Find the figures of answers, write what was wanted and show the report."""
    book, settings = session.book, session.settings
    if "cross_section" in book.tables:
        raise ModelError("A cross-section has no dates, so nothing tells when anybody answered.")
    _refuse_unknown_groups(session, asked.by)
    motion = Motion(
        as_of=book.span.as_of,
        grace_days=settings.grace_days,
        period_months=MONTHS[asked.period],
        year_starts=asked.year_starts,
    )
    with emit.progress("Reading answers ...", quiet=wanted.quiet):
        valued = _valued(session) if "surveys" in book.tables else None
        result = surveys(
            book,
            session.engine,
            motion,
            settings.csat_scale,
            asked.by,
            asked.window,
            None if valued is None else valued.customers,
        )
        basis = "" if valued is None else valued.ltv_basis
        report = surveys_report.report(result, settings, words(), asked.last, basis)
        rows = table(measured(result), book)
    deliver(wanted, book, report, rows, KPI)


def _valued(session: Session) -> Segmentation | None:
    """Value customers; nothing where the book cannot carry it, which answers do not need."""
    try:
        return segmentation(session.book, session.engine, session.settings)
    except ModelError:
        return None


def _refuse_unknown_groups(session: Session, by: str) -> None:
    book = session.book
    customers = book.tables.get("customers")
    columns = [name for name in (customers.columns if customers else ()) if name != "customer_id"]
    known = list(dict.fromkeys(["plan", *columns] if book.is_contractual else columns))
    if by and by not in known:
        raise UsageError(
            f"There are no groups by {by!r}.",
            hint=f"There are: {', '.join(known)}."
            if known
            else "No file was read as the customers table.",
        )
