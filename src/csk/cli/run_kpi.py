"""What `csk kpi` does once the book is open: it asks the other questions, and lines them up."""

from datetime import date
from pathlib import Path
from typing import Final

from csk.analyses.kpi import CHANNEL, Found, kpis, refuse_unknown
from csk.analyses.mrr import mrr
from csk.analyses.retention import repeat
from csk.analyses.segment import segmentation
from csk.analyses.surveys import measured, surveys
from csk.analyses.window import window
from csk.book import Book
from csk.calendar import plus_months
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.run_mrr import Asked, motion_of
from csk.cli.session import Session
from csk.errors import ModelError, UsageError
from csk.intake.benchmarks import benchmarks
from csk.models.key_figures import Standing
from csk.models.measures import table
from csk.reports import kpi as kpi_report
from csk.schema import KPI
from csk.stats.scores import Figure
from csk.tables.movements import Motion

_YEAR: Final = 12


def run(session: Session, wanted: Wanted, asked: Asked, benchmark: Path | None) -> None:
    """Find the key figures of the book, write what was wanted and show the report."""
    book, settings = session.book, session.settings
    if "cross_section" in book.tables:
        raise ModelError("A cross-section has no dates, so it has no figures of any period.")
    refuse_unknown(settings.targets)
    outside = benchmarks(benchmark) if benchmark is not None else ()
    _refuse_unknown_groups(book, asked.by)
    motion = motion_of(session, asked)
    with emit.progress("Following money, answers and value ...", quiet=wanted.quiet):
        found = _found(session, motion, asked)
        standards = (settings.targets, outside)
        result = kpis(book, session.engine, motion, found, asked.by, standards, asked.window)
        report = kpi_report.report(result, settings, words(), asked.last)
        rows = table(result.measured, book)
    deliver(wanted, book, report, rows, KPI)


def _found(session: Session, motion: Motion, asked: Asked) -> Found:
    """Ask every question that the book can answer."""
    book, engine, settings = session.book, session.engine, session.settings
    moved = {}
    if book.is_contractual:
        customers = book.tables.get("customers")
        has_channel = customers is not None and CHANNEL in customers.columns
        for dimension in dict.fromkeys([asked.by, *([CHANNEL] if has_channel else [])]):
            moved[dimension] = mrr(book, engine, motion, dimension, preset=asked.preset)
    answers = (
        measured(surveys(book, engine, motion, settings.csat_scale, asked.by))
        if "surveys" in book.tables
        else ()
    )
    dated = _dated(session, motion, asked.window[1])
    has_payments = "payments" in book.tables
    return Found(
        periods=next(iter(moved.values())).periods if moved else (),
        groups={name: result.groups for name, result in moved.items() if name},
        preset=asked.preset,
        answers=answers,
        standings=[found for one in dated if (found := _standing(session, one)) is not None],
        repeats={} if book.is_contractual or not has_payments else _repeats(session, dated),
    )


def _dated(session: Session, motion: Motion, to: date | None) -> list[Book]:
    """Return the book as of its last day, a period before and a year before, as far as it goes."""
    book, settings = session.book, session.settings
    last = min(to or book.span.as_of, book.span.as_of)
    days = [last, plus_months(last, -motion.period_months), plus_months(last, -_YEAR)]
    found = []
    for day in dict.fromkeys(days):
        if day == book.span.as_of:
            found.append(book)
        elif day > book.span.data_from:
            then = settings.model_copy(update={"as_of": day})
            found.append(book.dated(window(book, session.engine, then, day)))
    return found


def _standing(session: Session, book: Book) -> Standing | None:
    """Value the customers of a day; nothing where the log up to then cannot carry it."""
    try:
        result = segmentation(book, session.engine, session.settings)
    except ModelError:
        return None
    return Standing(
        book.span.as_of,
        result.customers,
        result.figures,
        result.fit,
        result.horizons,
        result.ltv_basis,
    )


def _repeats(session: Session, dated: list[Book]) -> dict[date, Figure]:
    """Return who of a shop's first-time buyers bought again within the days of the settings."""
    found = {}
    for book in dated:
        steps = repeat(book, session.engine).steps
        within = session.settings.purchase_within_days
        for at in steps[0].at if steps else ():
            if at.age == within:
                found[book.span.as_of] = Figure(at.share, at.low, at.high, steps[0].n)
    return found


def _refuse_unknown_groups(book: Book, by: str) -> None:
    customers = book.tables.get("customers")
    known = [name for name in (customers.columns if customers else ()) if name != "customer_id"]
    if by and by not in known:
        raise UsageError(
            f"There are no groups by {by!r}.",
            hint=f"There are: {', '.join(known)}."
            if known
            else "No file was read as the customers table.",
        )
