"""What leaves the program: reports to stdout, notes and progress to stderr, tables to files.

One rule: outputs are in place before the first byte of a report is written, so a reader who
closes the pipe loses nothing.
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, BinaryIO, Final

from csk.errors import CskError, StorageError, UsageError
from csk.text import visible

if TYPE_CHECKING:
    from csk.reports.blocks import Report

_WIDEST: Final = 120
_NARROWEST: Final = 40
_PIPED_WIDTH: Final = 100
_ASCII: Final = str.maketrans("·–—×“”‘’", "|--x\"\"''")


def show(report: "Report", form: str, *, to_stderr: bool = False) -> None:
    """Render a report and write it to stdout, or to stderr where stdout carries a table."""
    from csk.registry import loaded  # noqa: PLC0415 # only commands that report pay for it
    from csk.render.protocol import Page  # noqa: PLC0415 # likewise

    stream = sys.stderr if to_stderr else sys.stdout
    is_screen = stream.isatty()
    width = get_terminal_size((80, 24)).columns if is_screen else _piped_width()
    wants_color = os.environ.get("FORCE_COLOR") or (is_screen and os.environ.get("TERM") != "dumb")
    page = Page(
        width=max(_NARROWEST, min(width, _WIDEST)),
        color=bool(wants_color) and not os.environ.get("NO_COLOR"),
        unicode=(stream.encoding or "ascii").lower().replace("-", "").startswith("utf"),
    )
    text: str = loaded("csk.render", form, "RENDERER").render(report, page)
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a name that the terminal lacks is no failure
    stream.write(text if page.unicode else text.translate(_ASCII))
    stream.flush()


def _piped_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdigit() else _PIPED_WIDTH


def stdout_bytes(*, is_binary: bool) -> BinaryIO:
    """Return stdout for a table.

    UsageError where a terminal would be sent binary, StorageError where stdout is closed.
    """
    if getattr(sys.stdout, "name", "") == os.devnull:
        raise StorageError(
            "The table cannot be written: standard output is closed.", hint="Give -o FILE."
        )
    if is_binary and sys.stdout.isatty():
        raise UsageError(
            "A terminal cannot show this format.", hint="Pipe it on, or give --as csv or -o FILE."
        )
    return sys.stdout.buffer


@contextmanager
def progress(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Show that something is going on, on a terminal's stderr only."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 # only a terminal pays for it

    with Console(stderr=True).status(text):
        yield


def refusal(error: CskError) -> None:
    """Say what is wrong, where, and what to do."""
    failure(error.sentence, *error.details, *([f"-> {error.hint}"] if error.hint else []))


def failure(sentence: str, *more: str) -> None:
    """Write a sentence, and more lines below it, to stderr; a stderr that is gone is no failure.

    What they quote comes from files: nothing of it reaches a terminal as anything but text.
    """
    line("\n".join([f"csk: {visible(sentence)}", *(f"  {visible(one)}" for one in more)]))


def line(text: str) -> None:
    """Write a line to stderr as it is; a stderr that is gone is no failure."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        pass


def bug(error: BaseException) -> None:
    """Keep the traceback in a file and name it."""
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="csk-bug-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        where = f"The details are in {file.name}"
    except OSError:
        where = f"The details could not be kept: {error}"
    failure(f"This is a bug in csk ({type(error).__name__}). {where}; please report it.")


def is_stdout(path: Path) -> bool:
    """Tell whether an output is standard output."""
    return str(path) == "-"
