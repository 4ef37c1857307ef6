"""What `csk ltv` does once the book is open: customers are valued once, then asked about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from csk.analyses.backtest import backtest
from csk.analyses.levers import needed_days, why
from csk.analyses.ltv import PLAN, Choice, ltv, refuse_cross_section, refuse_unknown_groups, table
from csk.analyses.processes import processes
from csk.analyses.segment import segmentation
from csk.analyses.what_if import what_if
from csk.analyses.window import window
from csk.book import Book
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.run_mrr import MONTHS
from csk.cli.session import Session
from csk.errors import UsageError
from csk.models.key_figures import Standing
from csk.models.lever_asking import asked_of, changes_of
from csk.reports import backtest as backtest_report
from csk.reports import levers as levers_report
from csk.reports import ltv as ltv_report
from csk.reports import what_if as what_if_report
from csk.reports.blocks import Report
from csk.reports.processes import with_processes
from csk.settings import Settings

NO_GROUPS: Final = "none"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about LTV."""

    by: str | None
    """Null for what the kind of book has by itself."""
    period: str
    timing: str
    top: int
    why: str | None = None
    what_if: str | None = None
    is_backtest: bool = False

    def choice(self, session: Session) -> Choice:
        """Return the question as the analysis knows it."""
        usual = PLAN if session.book.is_contractual else NO_GROUPS
        by = self.by or usual
        return Choice("" if by == NO_GROUPS else by, MONTHS[self.period], self.timing == "end")

    def refuse_early(self, wanted: Wanted) -> None:
        """Refuse, before anything is read, what cannot be asked or written together."""
        asked = {"--why": self.why, "--what-if": self.what_if, "--backtest": self.is_backtest}
        named = [name for name, text in asked.items() if text]
        if len(named) > 1:
            raise UsageError(f"{' and '.join(named)} are questions of their own; ask one a time.")
        if named and wanted.outputs:
            raise UsageError(
                f"{named[0]} has a report and no table to write.",
                hint="--report json gives it to machines.",
            )
        if self.why:
            asked_of(self.why)
        if self.what_if:
            changes_of(self.what_if)


def run(session: Session, wanted: Wanted, asked: Asked) -> None:
    """Value the customers of the book, write what was wanted and show the report."""
    book, settings = session.book, session.settings
    refuse_cross_section(book)
    report = _other_report(session, wanted, asked)
    if report is not None:
        deliver(wanted, book, report, None, None)
        return
    choice = asked.choice(session)
    refuse_unknown_groups(book, choice.by)
    with emit.progress("Valuing customers ...", quiet=wanted.quiet):
        result = ltv(book, session.engine, settings, standing(session), choice)
        rows, described = table(result, settings.keep)
        report = ltv_report.report(result, settings, words(), asked.top)
    deliver(wanted, book, report, rows, described)


def _other_report(session: Session, wanted: Wanted, asked: Asked) -> Report | None:
    """Return the report of `--why`, `--what-if` or `--backtest`; null where none was asked."""
    book, engine, settings, say = session.book, session.engine, session.settings, words()
    if asked.why:
        with emit.progress("Comparing ...", quiet=wanted.quiet):
            sides = asked_of(asked.why)
            found = why(book, engine, sides, _standings(session, needed_days(sides, book)))
            return levers_report.report(found, settings, say)
    if asked.what_if:
        by = "" if asked.by in (None, NO_GROUPS) else asked.by or ""
        with emit.progress("Moving levers ...", quiet=wanted.quiet):
            moved = what_if(book, engine, asked.what_if, standing(session), by)
            return what_if_report.report(moved, settings, say)
    if asked.is_backtest:
        with emit.progress("Looking ahead from earlier days ...", quiet=wanted.quiet):
            page = backtest_report.report(backtest(book, engine, settings), settings, say)
            if book.is_contractual:
                return page
            return with_processes(page, processes(book, engine), say)
    return None


def _standings(session: Session, days: tuple[date, ...]) -> Mapping[date, Standing]:
    """Return the customers of the book as they stood on each of some days."""
    found = {}
    for day in dict.fromkeys(days):
        book = session.book
        if day != book.span.as_of:
            then = session.settings.model_copy(update={"as_of": day})
            book = book.dated(window(book, session.engine, then, day))
        found[day] = _standing(session, book, session.settings)
    return found


def standing(session: Session) -> Standing:
    """Return the customers of the book as they stand, valued as `csk segment` values them."""
    return _standing(session, session.book, session.settings)


def _standing(session: Session, book: Book, settings: Settings) -> Standing:
    # What is kept joins at the end, so that no name of theirs meets one of ours.
    plain = settings.model_copy(update={"keep": ()})
    of = segmentation(book, session.engine, plain)
    return Standing(book.span.as_of, of.customers, of.figures, of.fit, of.horizons, of.ltv_basis)
