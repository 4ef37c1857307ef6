"""What `csk reconcile` does once the book is open."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from csk.analyses.reconcile import Reconciled, Sides, against, between, choices, table
from csk.book import Book
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.session import Session, opened_book
from csk.definitions import preset
from csk.errors import UsageError
from csk.intake.vendor_figures import vendor_figures
from csk.models.reconcile import Side, metrics
from csk.reports import reconcile as reconcile_report
from csk.schema import RECONCILIATION
from csk.tables.movements import LEVELS, Motion
from csk.tables.presets import motion_under
from csk.tables.reconcile import SUBSCRIPTIONS, Way

OURS: Final = "csk"
CHOICES: Final = {
    "grace_days": tuple(map(str, range(91))),
    "level": tuple(LEVELS),
    "pause": ("movement", "churn", "keep"),
    "grain": ("period", "day"),
    "week": ("4",),
    "day": ("30",),
}
"""What can be said of a side beside its name: `csk+grace_days=30`."""
_MANY: Final = 3
"""Values that are listed one by one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked to be reconciled."""

    between: str
    against: Path | None
    preset: str
    """Whose definition is ours, where theirs is a file."""
    their_tz: str
    metric: str
    last: int
    window: tuple[date | None, date | None]

    def refuse_unknown(self, paths: Sequence[str]) -> None:
        """Refuse what cannot be done before anything is read."""
        if bool(self.between) == (self.against is not None):
            raise UsageError(
                "Say what to reconcile: two definitions, or ours and a file of figures.",
                hint="--between chartmogul,stripe or --against figures.csv",
            )
        if self.between and self.preset:
            raise UsageError("With --between the presets are named there, not by --preset.")
        if self.their_tz and "-" in paths:
            raise UsageError("What comes through a pipe cannot be read in two time zones.")
        if self.between:
            _ = self.sides
        elif self.preset:
            preset(self.preset)
        if self.metric and self.metric not in metrics():
            raise UsageError(
                f"{self.metric!r} is no figure that can be reconciled.",
                hint=f"There are: {', '.join(metrics())}.",
            )

    @property
    def sides(self) -> tuple[str, str]:
        """Return the two definitions that are named; UsageError where they are not two known."""
        parts = [part.strip() for part in self.between.split(",")]
        if len(parts) != 2 or not all(parts):  # noqa: PLR2004 # one against the other
            raise UsageError(
                f"{self.between!r} does not name two definitions.",
                hint="Write them like --between chartmogul,stripe or --between csk,stripe.",
            )
        for part in parts:
            _chosen(part)
        return parts[0], parts[1]


def run(session: Session, wanted: Wanted, asked: Asked, there: tuple[str, Book]) -> None:
    """Reconcile, write what was wanted and show the report."""
    with emit.progress("Comparing ...", quiet=wanted.quiet):
        if asked.against is not None:
            result = _against(session, asked, asked.against, there)
        else:
            result = _between(session, asked, there)
        focus, say = (asked.metric, asked.last), words()
        report = reconcile_report.report(result, session.settings, say, focus, say.language)
        rows = table(result)
    deliver(wanted, session.book, report, rows, RECONCILIATION)


@contextmanager
def elsewhere(
    paths: Sequence[str], session: Session, asked: Asked, *, quiet: bool
) -> Iterator[tuple[str, Book]]:
    """Read the contracts once more with their days in the other time zone, where one is named.

    Give the name of that table (its folder, outside the store) and the book that has it; without
    a time zone no name and the book as it is.
    """
    book = session.book
    if not asked.their_tz or not book.is_contractual:
        yield "", book
        return
    chosen = session.settings.model_copy(update={"tz": asked.their_tz, "shards": book.n_shards})
    with opened_book(paths, chosen, quiet=quiet) as other:
        name = str((other.book.root / SUBSCRIPTIONS).resolve())
        tables = {**book.tables, name: other.book.tables[SUBSCRIPTIONS]}
        yield name, replace(book, tables=tables)


def _between(session: Session, asked: Asked, there: tuple[str, Book]) -> Reconciled:
    name, book = there
    ours, theirs = (_side(session, spec) for spec in asked.sides)
    if name:
        theirs = replace(theirs, way=replace(theirs.way, table=name, zone=asked.their_tz))
        ours = replace(ours, way=replace(ours.way, zone=session.settings.tz))
    wanted = metrics((ours.preset, theirs.preset))
    called = (_called(asked.sides[0]), _called(asked.sides[1]))
    return between(book, session.engine, Sides(ours, theirs, called), wanted, asked.window)


def _against(session: Session, asked: Asked, path: Path, there: tuple[str, Book]) -> Reconciled:
    name, book = there
    with TemporaryDirectory() as folder:
        figures = vendor_figures(path, Path(folder), session.settings.encoding)
    first, last = asked.window
    told = {
        cell: one
        for cell, one in figures.told.items()
        if (first is None or cell[1] >= first.replace(day=1)) and (last is None or cell[1] < last)
    }
    if not told:
        raise UsageError(f"{figures.name} tells of no month between those days.")
    ours = _side(session, asked.preset or OURS)
    elsewhere_ = (name, asked.their_tz) if name else ("", "")
    tried = choices(book, session.engine, elsewhere_)
    called = (_called(asked.preset or OURS), path.name)
    result = against(book, session.engine, ours, called, told, tried)
    columns = tuple(figures.columns.items())
    return replace(result, columns=columns, untold=figures.untold, in_per_cent=figures.in_per_cent)


def _side(session: Session, spec: str) -> Side:
    """Return a definition as it counts this book: a preset or csk's own, with further choices."""
    name, options = _chosen(spec)
    settings, book = session.settings, session.book
    motion = Motion(as_of=book.span.as_of, grace_days=settings.grace_days)
    if name:
        motion = motion_under(motion, preset(name), book.currency)
    return Side(Way(replace(motion, **options)), name)


def _chosen(spec: str) -> tuple[str, dict[str, Any]]:
    """Return the preset (empty for csk) and the choices that a side names."""
    name, *choices_ = spec.split("+")
    options: dict[str, Any] = {}
    for choice in choices_:
        option, _, value = choice.partition("=")
        if value not in CHOICES.get(option, ()):
            raise UsageError(
                f"{choice!r} is no choice of a definition.",
                hint="There are: "
                + "; ".join(
                    f"{key}={values[0]} to {values[-1]}"
                    if len(values) > _MANY
                    else f"{key}={' or '.join(values)}"
                    for key, values in CHOICES.items()
                ),
            )
        options[option] = int(value) if value.isdigit() else value
    return "" if name == OURS else preset(name).name, options


def _called(spec: str) -> str:
    name, plus, rest = spec.partition("+")
    return (OURS if name == OURS else preset(name).title) + plus + rest
