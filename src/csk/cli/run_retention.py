"""What `csk retention` does once the book is open."""

from typing import Literal, NamedTuple

from csk.analyses.deliveries import deliveries
from csk.analyses.deliveries import table as steps_table
from csk.analyses.drivers import drivers
from csk.analyses.retention import Asked, repeat, repeat_table, retention, table
from csk.analyses.tails import tails
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.session import Session
from csk.errors import ModelError, UsageError
from csk.reports.blocks import Report
from csk.reports.deliveries import with_deliveries
from csk.reports.drivers import report as drivers_report
from csk.reports.retention import repeat_report, report
from csk.reports.tails import report as tails_report
from csk.schema import SURVIVAL


class Modelled(NamedTuple):
    """What model of staying was asked for."""

    kind: Literal["cox", "aft", "tails"]
    covariates: tuple[str, ...]
    """Empty for those that the book has."""


def modelled(
    kind: Literal["cox", "aft", "tails"] | None, covariates: str | None, by: str | None
) -> Modelled | None:
    """Return the model that flags ask for; UsageError where they do not go together."""
    names = tuple(name.strip() for name in (covariates or "").split(",") if name.strip())
    if kind in ("cox", "aft"):
        if by is not None:
            raise UsageError(
                f"--by compares curves, and --model {kind} takes covariates.",
                hint=f"--covariates {by}",
            )
    elif covariates is not None:
        raise UsageError("--covariates are those of --model cox and --model aft.")
    return Modelled(kind, names) if kind else None


def run(session: Session, wanted: Wanted, asked: Asked, of: Modelled | None = None) -> None:
    """Show survival of contracts by age, or of a shop how buyers come back."""
    book, settings, say = session.book, session.settings, words()
    if "cross_section" in book.tables:
        raise ModelError(
            "A cross-section has no dates, so nobody can be followed.",
            hint="csk segment shows what it can tell of who stays.",
        )
    if not book.is_contractual and (asked != Asked() or of is not None):
        raise UsageError(
            "There are no contracts, so --by, --from-age, --band and --model say nothing here.",
            hint="csk kpi --by has repeat rates of groups.",
        )
    with emit.progress("Following customers ...", quiet=wanted.quiet):
        if of is not None:
            page = _told(session, of, asked)
            rows = (
                table(retention(book, session.engine, settings, asked)) if wanted.outputs else None
            )
        elif book.is_contractual:
            staying = retention(book, session.engine, settings, asked)
            page, rows = report(staying, settings, say), table(staying)
        else:
            again, steps = repeat(book, session.engine), deliveries(book, session.engine)
            page, rows = repeat_report(again, settings, say), repeat_table(again)
            if steps is not None:
                page, rows = with_deliveries(page, steps, say), rows.vstack(steps_table(steps))
    deliver(wanted, book, page, rows, SURVIVAL)


def _told(session: Session, of: Modelled, asked: Asked) -> Report:
    """Return the report of a model."""
    book, engine, settings, say = session.book, session.engine, session.settings, words()
    if of.kind == "tails":
        return tails_report(tails(book, engine, settings, asked.by), settings, say)
    return drivers_report(drivers(book, engine, settings, of.kind, of.covariates), settings, say)
