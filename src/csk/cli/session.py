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
from csk.intake.origins.apart import apart
from csk.intake.origins.cluster import wide_tables
from csk.intake.origins.finding import expanded, found, is_elsewhere, is_query
from csk.intake.origins.nearby import nearby
from csk.intake.places import in_use, temporary_store
from csk.intake.storage.store import stored
from csk.schema import INPUTS
from csk.settings import CONFIG_NAME, Settings, config_file, settings

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
    flags |= {name: _day_or_today(flags[name]) for name in _DAYS if flags.get(name) is not None}
    if flags.get("rfm") is not None:
        flags["rfm"] = {"method": flags["rfm"]}
    paths = options.get("paths") or ()
    file = settings_file(paths, config)
    chosen = settings(flags, file)
    if config is None and file != config_file(Path.cwd()):
        if chosen.connections:
            _refuse_foreign_connections(paths, file)
        if chosen.cluster:
            raise UsageError(
                f"Tables of a cluster are not taken from {file}, as it lies beside the data.",
                hint=f"If you trust it, name it: --config {file}",
            )
    if flags.get("engine") is not None and not chosen.cluster:
        raise UsageError(
            "--engine names a cluster, and no settings name a table on it.",
            hint='Write in csk.toml: [cluster] payments = "schema.table" (so too '
            "mrr_events, tickets and usage).",
        )
    return chosen


def _refuse_foreign_connections(paths: Sequence[str], file: Path | None) -> None:
    """Refuse to send a query where settings say that came with the data: they may be anybody's."""
    if any(is_query(path) for path in paths):
        raise UsageError(
            f"Connections are not taken from {file}, as it lies beside the data.",
            hint=f"If you trust it, name it: --config {file}",
        )


def settings_file(paths: Sequence[str], config: Path | None) -> Path | None:
    """Return the csk.toml of a run; None where there is none.

    The one named; else that in a folder that is read, or in the folder of a file that is; else
    the nearest upwards from the working directory. UsageError where the folders have several.
    """
    if config is not None:
        return config
    beside = dict.fromkeys(place for path in paths if (place := _beside(path)) is not None)
    if len({place.resolve() for place in beside}) > 1:
        raise UsageError(
            "The folders have settings files of their own.",
            details=map(str, beside),
            hint="Say which one holds with --config FILE.",
        )
    return next(iter(beside), None) or config_file(Path.cwd())


def _beside(path: str) -> Path | None:
    role, _, place = path.partition("=")
    if is_elsewhere(place if role in INPUTS else path):
        return None
    named = expanded(place if role in INPUTS else path)
    candidate = (named if named.is_dir() else named.parent) / CONFIG_NAME
    return candidate if named.exists() and candidate.is_file() else None


@contextmanager
def opened_book(
    paths: Sequence[str] | None,
    chosen: Settings,
    store: Path | None = None,
    *,
    quiet: bool = False,
    outputs: Sequence[Path] = (),
    is_by_row: bool = False,
) -> Iterator[Session]:
    """Read the files and give the book, dated unless it has no dates; the store goes at the end.

    `outputs` are what will be written: UsageError where one of them is an input. `is_by_row` keeps
    payments one by one, for who looks at single rows.
    """
    today = datetime.now(tz=UTC).date()
    wide = wide_tables(chosen)
    if not paths and not wide:
        raise UsageError(
            "Nothing to read was named.",
            hint="Name files, folders or patterns such as exports/*.csv, or - for standard input.",
        )
    files = (*(apart(found(paths), outputs) if paths else ()), *wide)
    if store is not None and not all(file.place or file.path.is_file() for file in files):
        raise UsageError("What comes through a pipe cannot be kept.", hint="Name a file.")
    engine = LocalEngine()
    with ExitStack() as stack:
        with emit.progress("Fetching ...", quiet=quiet):
            files = stack.enter_context(nearby(files, chosen))
        work = Path() if store is not None else stack.enter_context(temporary_store())
        with emit.progress("Reading ...", quiet=quiet):
            book = stored(files, chosen, today, work, store, is_by_row=is_by_row)
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


def day(text: str | None) -> date | None:
    """Return the day that a flag names, null where there is none."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day.", hint="Write it like 2026-01-31.") from None


def _day_or_today(text: str) -> date | str | None:
    return text if text == "today" else day(text)
