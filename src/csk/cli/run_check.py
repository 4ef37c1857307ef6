"""What `csk check` does: read everything, or say what stands in the way, file by file."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from csk.analyses.check import FirstRows, findings
from csk.book import Book
from csk.cli import emit
from csk.cli.language import words
from csk.cli.session import opened_book
from csk.errors import DataError, UsageError
from csk.intake.origins.cluster import wide_tables
from csk.intake.origins.finding import found
from csk.intake.origins.nearby import nearby
from csk.intake.places import temporary_store
from csk.intake.plans.doubts import named_currencies
from csk.intake.plans.first_rows import first_rows
from csk.intake.plans.looking import Looked, Seen, looked_at
from csk.intake.storage.rejecting import rejects
from csk.reports import check as check_report
from csk.reports.check import About
from csk.reports.stub import Mapped, changed, settings_file
from csk.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a check: the form of the report, and how many rows of each file."""

    form: str
    n_rows: int
    config: Path | None
    """The settings file that holds, to be named in the report."""


def run(paths: Sequence[str], settings: Settings, store: Path | None, wanted: Wanted) -> None:
    """Print the report; DataError after it where the files are refused or a finding is grave."""
    say = words()
    config = str(wanted.config) if wanted.config else ""
    examples = _examples(paths, settings, wanted.n_rows) if wanted.n_rows else ()
    about = About(config, examples, settings.currency)
    try:
        with opened_book(paths, settings, store, is_by_row=True) as session:
            book = session.book
            wrong = findings(book, session.engine) if book.window else ()
            emit.show(check_report.report(book, wrong, rejects(book), about, say), wanted.form)
    except DataError:
        if not _has_pipe(paths):
            book, stops = _understood(paths, settings)
            emit.show(check_report.refused(book, stops, about, say), wanted.form)
        raise
    grave = [finding for finding in wrong if finding.is_grave]
    if grave:
        raise DataError(f"{len(grave)} of the findings must be mended before figures are trusted.")


def run_stub(paths: Sequence[str], settings: Settings) -> None:
    """Print a settings file with the columns of every file, as understood or as needed."""
    say = words()
    with _looked(paths, settings) as looked:
        values = changed(settings)
        codes = named_currencies(looked)
        if len(codes) == 1:
            values["currency"] = codes[0]
        tables = [_mapped(one, looked) for one in looked.files if one.told.role != "costs"]
    sys.stdout.write(settings_file(values, {}, tables, say))


def _mapped(one: Seen, looked: Looked) -> Mapped:
    taken = one.opened.recognition if one.opened else one.nearest
    role, mapping = (str(taken.role), taken.mapping) if taken else ("", {})
    return Mapped(
        file=one.file,
        role=role,
        mapping=mapping,
        lacking=tuple((missing.names, missing.nearest) for missing in one.lacking),
        why_not="" if one.opened else one.why_not,
        fits_others=one.opened is not None and looked.fits_others(role, mapping),
    )


@contextmanager
def _looked(paths: Sequence[str], settings: Settings) -> Iterator[Looked]:
    with (
        temporary_store() as work,
        nearby((*found(paths), *wide_tables(settings)), settings) as near,
        looked_at(near, settings, work) as looked,
    ):
        yield looked


def _has_pipe(paths: Sequence[str]) -> bool:
    return not all(one.place or one.left_out or one.path.is_file() for one in found(paths))


def _examples(paths: Sequence[str], settings: Settings, n: int) -> tuple[FirstRows, ...]:
    if _has_pipe(paths):
        raise UsageError(
            "The first rows of a pipe cannot be shown: it can be read only once.",
            hint="Save it to a file, and name that.",
        )
    today = datetime.now(tz=UTC).date()
    with _looked(paths, settings) as looked:
        return tuple(first_rows(one, n, today) for one in looked.opened)


def _understood(paths: Sequence[str], settings: Settings) -> tuple[Book, dict[str, str]]:
    """Return a book that has only its files, and why those that stop a run do."""
    with _looked(paths, settings) as looked:
        files = tuple(one.told for one in looked.files if one.refusal is None)
        stops = {one.file: one.why_not for one in looked.files if one.refusal is not None}
    return Book(Path(), 0, {}, files, (), 0, ""), stops
