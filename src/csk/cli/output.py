"""Where a command's table and report go.

One rule: all outputs of a run are in place, together, before the report is shown.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from csk.book import Book
from csk.cli import emit
from csk.errors import UsageError
from csk.registry import names
from csk.reports.blocks import Report
from csk.schema import Table
from csk.sinks.protocol import PACKAGE, Rows, SinkOptions, sink_for, sink_named
from csk.sinks.staging.folder import Run
from csk.sinks.staging.outputs import Outputs


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked to be written and shown."""

    outputs: tuple[Path, ...]
    as_: str
    report: str
    if_exists: Literal["replace", "skip", "fail"]
    encoding: Literal["utf-8", "utf-8-sig", "cp932"]
    quiet: bool
    previous: Path | None = None

    @property
    def has_stdout(self) -> bool:
        """Whether the table itself goes to stdout."""
        return any(emit.is_stdout(path) for path in self.outputs)

    def refuse_early(self) -> None:
        """Refuse, before anything is read, outputs of which it is plain that they cannot be."""
        if self.has_stdout:
            emit.stdout_bytes(is_binary=sink_named(self.as_).is_binary)
        for path in self.outputs:
            if emit.is_stdout(path) or _is_folder(path):
                continue
            _refuse_unknown_suffix(path)
            if not path.parent.is_dir():
                raise UsageError(
                    f"There is no folder '{path.parent}' to write '{path.name}' to.",
                    hint=f"Make it first: mkdir -p '{path.parent}'",
                )
            if self.if_exists == "fail" and path.exists():
                raise UsageError(
                    f"The file '{path}' exists already.",
                    hint="--if-exists replace writes it anew, skip leaves it as it is.",
                )


def deliver(
    wanted: Wanted, book: Book | None, report: Report, rows: Rows | None, table: Table | None
) -> None:
    """Write the table to every output, then the table or the report to stdout.

    Without a book the table is of no day, and goes to files only.
    """
    options = SinkOptions(as_of=_as_of(book), encoding=wanted.encoding)
    if rows is not None and table is not None:
        with Outputs(wanted.if_exists) as outputs:
            for path in wanted.outputs:
                if emit.is_stdout(path):
                    continue
                if _is_folder(path):
                    if book is None:
                        raise UsageError(f"This table is of no day, and '{path}' is a folder.")
                    run = Run(book.span.as_of, book.digest)
                    outputs.folder(path, run).add(rows, table, options)
                else:
                    outputs.add(path, rows, table, options)
        if wanted.has_stdout:
            sink = sink_named(wanted.as_)
            stream = emit.stdout_bytes(is_binary=sink.is_binary)
            sink.write_stream(rows, stream, table, options)
            stream.flush()
    elif wanted.outputs:
        raise UsageError("There is no table to write for these files; see the report.")
    if not wanted.quiet:
        emit.show(report, wanted.report, to_stderr=wanted.has_stdout)


def _as_of(book: Book | None) -> date | None:
    return book.window.as_of if book and book.window else None


def _refuse_unknown_suffix(path: Path) -> None:
    try:
        sink_for(path)
    except UsageError as error:
        known = ", ".join(f".{name}" for name in names(PACKAGE))
        raise UsageError(
            f"'{path}' has a suffix of no format that csk writes.", hint=f"Give it one of {known}."
        ) from error


def _is_folder(path: Path) -> bool:
    if path.exists():
        return path.is_dir()
    return str(path).endswith(("/", "\\")) or not path.suffix
