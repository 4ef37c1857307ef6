"""From flags to an opened book: settings, store, engine, window.

One rule: commands never read a file or a variable of the environment themselves.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from csk.analyses.window import window
from csk.book import Book
from csk.cli import emit
from csk.engine.local import LocalEngine
from csk.engine.protocol import Engine
from csk.errors import UsageError
from csk.intake.apart import apart
from csk.intake.finding import found
from csk.intake.places import in_use, temporary_store
from csk.intake.store import stored
from csk.settings import Settings, config_file, settings

_SETTING: Final = {"margin": "margin_share", "input_encoding": "encoding"}
"""Options whose setting has another name; `encoding` of a command is that of its outputs."""
_DAYS: Final = ("as_of", "data_from", "data_through")


@dataclass(frozen=True, slots=True)
class Session:
    """An opened book with the settings and the engine to ask it with."""

    settings: Settings
    engine: Engine
    book: Book


def configured(options: dict[str, Any], config: Path | None) -> Settings:
    """Return the settings of a run: flags, then `CSK_*`, then csk.toml.

    `options` are the arguments of a command by name; those that are no settings are passed over.
    """
    if config is not None and not config.is_file():
        raise UsageError(f"There is no settings file {config}.")
    settings_of = {name: value for name, value in options.items() if name != "encoding"}
    flags = {_SETTING.get(name, name): value for name, value in settings_of.items()}
    flags = {name: value for name, value in flags.items() if name in Settings.model_fields}
    flags |= {name: _day(flags[name]) for name in _DAYS if flags.get(name) is not None}
    if flags.get("rfm") is not None:
        flags["rfm"] = {"method": flags["rfm"]}
    return settings(flags, config or config_file(Path.cwd()))


@contextmanager
def opened_book(
    paths: Sequence[str],
    chosen: Settings,
    store: Path | None = None,
    *,
    quiet: bool = False,
    outputs: Sequence[Path] = (),
) -> Iterator[Session]:
    """Read the files and give the book, dated unless it has no dates; the store goes at the end.

    `outputs` are what will be written: UsageError where one of them is an input.
    """
    today = datetime.now(tz=UTC).date()
    files = apart(found(paths), outputs)
    if store is not None and not all(file.path.is_file() for file in files):
        raise UsageError("What comes through a pipe cannot be kept.", hint="Name a file.")
    engine = LocalEngine()
    with ExitStack() as stack:
        work = Path() if store is not None else stack.enter_context(temporary_store())
        with emit.progress("Reading ...", quiet=quiet):
            book = stored(files, chosen, today, work, store)
        if store is not None:
            stack.enter_context(in_use(book.root))
        _refuse_unknown_columns(book, chosen)
        if "cross_section" not in book.tables:
            with emit.progress("Finding the days ...", quiet=quiet):
                book = book.dated(window(book, engine, chosen, today))
        yield Session(chosen, engine, book)


def _refuse_unknown_columns(book: Book, chosen: Settings) -> None:
    known = (*book.tables["customers"].columns, "plan") if "customers" in book.tables else ("plan",)
    wanted = [*chosen.keep, *([] if chosen.by in ("plan", "none") else [chosen.by])]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise UsageError(
            f"The customers table has no column {', '.join(missing)}.",
            hint=f"It has: {', '.join(known)}."
            if "customers" in book.tables
            else "No file was read as the customers table; csk check says what each one is.",
        )


def _day(text: str) -> date | str:
    if text == "today":
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day.", hint="Write it like 2026-01-31.") from None
