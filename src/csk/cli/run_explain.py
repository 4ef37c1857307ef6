"""What `csk explain` does: pages of definitions, or a number of a book taken apart."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from csk.analyses.dictionary import dictionary as dictionary_table
from csk.analyses.explain import explained, table
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.run_mrr import Asked as AskedOfMrr
from csk.cli.run_mrr import motion_of
from csk.cli.session import Session
from csk.definitions import definition, preset, presets
from csk.errors import UsageError
from csk.reports import explain as pages_report
from csk.reports.explain_rows import report as rows_report
from csk.schema import DICTIONARY, EXPLAINED

_PERIOD: Final = re.compile(r"(\d{4})(?:-(?:(\d{2})|[Qq]([1-4])))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about a metric."""

    metric: str
    preset: str
    period: str
    level: str
    pause: str | None
    top: int

    def refuse_unknown(self) -> None:
        """Refuse a metric, preset or period that is none, before anything is read."""
        if not self.metric:
            raise UsageError("No metric was named.", hint="csk explain lists them.")
        if self.preset and self.preset not in definition(self.metric).presets:
            preset(self.preset)
        _ = self.span

    @property
    def span(self) -> tuple[date | None, str]:
        """Return a day of the period asked for (null for the latest) and how long periods are."""
        if not self.period:
            return None, "month"
        found = _PERIOD.fullmatch(self.period)
        year, month, quarter = found.groups() if found else ("", None, None)
        if not year or not 1 <= int(month or 1) <= 12 or not int(year):  # noqa: PLR2004 # months
            raise UsageError(
                f"{self.period!r} is not a period.", hint="Write 2024-05, 2024-Q2 or 2024."
            )
        if quarter:
            return date(int(year), 3 * int(quarter) - 2, 1), "quarter"
        return date(int(year), int(month or 1), 1), "month" if month else "year"


def pages(wanted: Wanted, asked: Asked, *, dictionary: bool, whole: bool) -> None:
    """Show what a metric means, or all of them; write the dictionary where it is wanted."""
    say = words()
    if dictionary or wanted.outputs:
        if not dictionary:
            raise UsageError(
                "Without files there are no rows to write.",
                hint="Name files after the metric, or ask for --dictionary.",
            )
        deliver(
            wanted, None, pages_report.catalogue(say, say.language), dictionary_table(), DICTIONARY
        )
        return
    if wanted.quiet:
        return
    if asked.metric:
        asked.refuse_unknown()
        page = pages_report.page(definition(asked.metric), asked.preset, say, say.language)
    else:
        pages_of = pages_report.book_of_metrics if whole else pages_report.catalogue
        page = pages_of(say, say.language)
    emit.show(page, wanted.report)


def run(session: Session, wanted: Wanted, asked: Asked) -> None:
    """Take the metric apart, write what was wanted and show the report."""
    starts_on, length = asked.span
    vendor = asked.preset if asked.preset in [one.name for one in presets()] else ""
    motion = motion_of(
        session,
        AskedOfMrr("", asked.level, length, 1, asked.pause, 1, (None, None), vendor),
    )
    metric = definition(asked.metric)
    with emit.progress("Following revenue ...", quiet=wanted.quiet):
        result = explained(session.book, session.engine, motion, metric, asked.preset, starts_on)
        say = words()
        report = rows_report(result, session.settings, say, asked.top, say.language)
    deliver(wanted, session.book, report, table(result), EXPLAINED)
