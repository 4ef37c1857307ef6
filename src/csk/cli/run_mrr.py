"""What `csk mrr` does once the book is open."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from csk.analyses.mrr import mrr, table
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.session import Session
from csk.definitions import preset
from csk.errors import UsageError
from csk.reports import mrr as mrr_report
from csk.schema import MRR_MOVEMENT
from csk.tables.movements import COHORT, PLAN, Motion
from csk.tables.presets import motion_under

MONTHS: Final = {"month": 1, "quarter": 3, "half": 6, "year": 12}
"""Months of a `--period`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about movements."""

    by: str
    level: str
    period: str
    year_starts: int
    pause: str | None
    """Null for what the preset or csk takes."""
    last: int
    window: tuple[date | None, date | None]
    preset: str = ""


def run(session: Session, wanted: Wanted, asked: Asked) -> None:
    """Find the movements of the book, write what was wanted and show the report."""
    book, settings = session.book, session.settings
    _refuse_unknown_groups(session, asked.by)
    motion = motion_of(session, asked)
    with emit.progress("Following revenue ...", quiet=wanted.quiet):
        result = mrr(book, session.engine, motion, asked.by, asked.window, asked.preset)
        report = mrr_report.report(result, settings, words(), asked.last)
        rows = table(result, asked.by)
    deliver(wanted, book, report, rows, MRR_MOVEMENT)


def motion_of(session: Session, asked: Asked) -> Motion:
    """Return how movements are told apart: flags, then the preset, then settings."""
    motion = Motion(
        as_of=session.book.span.as_of,
        grace_days=session.settings.grace_days,
        level=asked.level,
        period_months=MONTHS[asked.period],
        year_starts=asked.year_starts,
    )
    if asked.preset:
        motion = motion_under(motion, preset(asked.preset), session.book.currency)
    return replace(motion, pause=asked.pause) if asked.pause else motion


def _refuse_unknown_groups(session: Session, by: str) -> None:
    customers = session.book.tables.get("customers")
    columns = customers.columns if customers else ()
    known = [PLAN, COHORT, *(name for name in columns if name not in ("customer_id", PLAN))]
    if by and by not in known:
        raise UsageError(f"There are no groups by {by!r}.", hint=f"There are: {', '.join(known)}.")
