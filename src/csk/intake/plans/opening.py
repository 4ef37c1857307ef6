"""Opening the files of a run, and finding what each of them is, before a row is kept.

One rule: all files are understood, or refused together, before the first is read.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Final

import polars as pl

from csk.book import FileRead
from csk.errors import CskError, DataError, UsageError
from csk.intake.canonical.rates import Rates, rates
from csk.intake.canonical.rows import RowPlan, carried, stored_columns
from csk.intake.canonical.rules import Exclusion
from csk.intake.formats.reading import opened
from csk.intake.formats.source import Source
from csk.intake.identity.secret import secret
from csk.intake.origins.finding import Found
from csk.intake.plans.deciding import column_readings, exclusions
from csk.intake.plans.footers import footed
from csk.intake.plans.foreign_keys import linked
from csk.intake.plans.joining import joined
from csk.intake.plans.parts import EMPTY, not_needed, odd_parts, refusal_of_all, refusals
from csk.intake.plans.refusing import refuse_nothing_useful
from csk.intake.plans.small_tables import margins, rate_table
from csk.intake.recognition.exports import GENERIC
from csk.intake.recognition.profiles import profile
from csk.intake.recognition.recognise import Recognition, recognise, recognise_as, refusal
from csk.intake.values.casts import ColumnReading
from csk.schema import INPUTS
from csk.settings import Settings
from csk.tables.merged import MERGED

SAMPLE_ROWS: Final = 20_000
_WHO_PAYS: Final = frozenset({"payments", "subscriptions", "mrr_events", "cross_section"})


@dataclass(slots=True)
class Opened:
    """One file that will be read, with all that was decided about it."""

    name: str
    """The file as the user is told of it."""
    source: Source
    role: str
    recognition: Recognition
    readings: tuple[ColumnReading, ...]
    attributes: tuple[str, ...]
    exclusions: tuple[Exclusion, ...] = ()
    """Rules of the export and of the user for which the file has the column."""
    all_columns: tuple[str, ...] = ()
    """Columns of the stored table, over all files of the role."""
    margins: Mapping[str, float] = field(default_factory=dict)
    """Margin share by product, from a costs file."""
    rates: Rates | None = None
    """Rates of exchange, from an fx file."""
    secret: bytes = field(default=b"", repr=False)
    """Key of the hashes that stand for customers without an id."""

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the columns of the file that are read at all."""
        names = [reading.name for reading in self.readings] + list(self.attributes)
        names += [name for rule in self.exclusions for name in rule.columns]
        names += [name for name in (self.recognition.once_per, self.recognition.person) if name]
        return tuple(dict.fromkeys(names))

    def plan(self, today: date) -> RowPlan:
        """Return how the rows become rows of the table."""
        export = self.recognition.known.export if self.recognition.known else None
        mapped = {reading.column.name for reading in self.readings}
        return RowPlan(
            table=INPUTS[self.role],
            readings=self.readings,
            attributes=self.attributes,
            today=today,
            margin_by_product=self.margins,
            has_ids=self.role != "cross_section" or "customer_id" in mapped,
            statuses={
                **profile().statuses.get(self.role, {}),
                **(export.statuses if export else {}),
            },
            exclusions=self.exclusions,
            constants={"currency": export.settings["currency"]}
            if export and "currency" in export.settings
            else {},
            own_digits="currency" in mapped
            and any(r.column.kind == "amount" and r.is_minor for r in self.readings),
            person=self.recognition.person or "",
            rates=self.rates,
            secret=self.secret,
        )

    @property
    def _settings_of_export(self) -> Mapping[str, str]:
        known = self.recognition.known
        return known.export.settings if known else {}

    @property
    def _known_notes(self) -> tuple[str, ...]:
        known = self.recognition.known
        return known.export.notes if known else ()

    def told(self, n_read: int, n_excluded: int, n_rejected: int, n_kept: int) -> FileRead:
        """Return what the user is told of the file."""
        return FileRead(
            file=self.name,
            role=self.role,
            profile=self.recognition.known.export.name if self.recognition.known else GENERIC,
            encoding=self.source.encoding,
            delimiter=self.source.delimiter,
            rows_read=n_read,
            rows_excluded=n_excluded,
            rows_rejected=n_rejected,
            rows_kept=n_kept,
            tax=self._settings_of_export.get("tax", ""),
            shipping=self._settings_of_export.get("shipping", ""),
            mapping=tuple(
                (r.column.name, r.name)
                for r in self.readings
                if r.column.name in INPUTS[self.role].names
            ),
            unused=tuple(c for c in self.recognition.unused if c not in self.needed),
            dropped=tuple(self.recognition.personal),
            readings=tuple(f"{r.name}: {r.form}" for r in self.readings if r.form),
            notes=(*self.source.shape.notes, *self._known_notes),
        )


@dataclass(slots=True)
class OpenedFiles:
    """The files of a run: those to read, those not needed, and the margins of a costs file."""

    files: list[Opened] = field(default_factory=list)
    unneeded: list[FileRead] = field(default_factory=list)
    margin_by_plan: dict[str, float] = field(default_factory=dict)
    margin_by_product: dict[str, float] = field(default_factory=dict)
    fx: list[pl.DataFrame] = field(default_factory=list)
    """Tables of rates of exchange, with the columns of `schema.FX`."""
    seen: dict[str, tuple[Source, Recognition]] = field(default_factory=dict)
    """Every file that could be opened as a table, by name."""
    refused: dict[str, CskError] = field(default_factory=dict)
    """What is wrong with single files, by name, where it is kept rather than raised."""

    @property
    def tells_who_pays(self) -> bool:
        """Whether there is a table without which nothing can be said."""
        return any(one.role in _WHO_PAYS for one in self.files)

    @property
    def spooled_bytes(self) -> int:
        """Size of what came through a pipe, was packed, or was not UTF-8."""
        copies = [path for one in self.files for path in one.source.temporary_files]
        return sum(path.stat().st_size for path in copies)


@contextmanager
def opened_files(
    found: Sequence[Found],
    settings: Settings,
    temporary: Path,
    *,
    keeps_refusals: bool = False,
    kept: Sequence[Opened] = (),
) -> Iterator[OpenedFiles]:
    """Open and recognise all files; they are closed at the end.

    DataError where a file cannot be read as a table, lacks columns of the role it was given, or
    where none of them tells who pays. With `keeps_refusals` what is wrong with single files
    stands in `refused`, and it is no error that nobody pays. `kept` are files of which all rows
    are kept from an earlier run: they stand after the others, and are not opened again.
    """
    _refuse_unknown_zone(settings.tz)
    result = OpenedFiles()
    problems: dict[str, Recognition] = {}
    with ExitStack() as stack:
        sources: list[Source] = []
        tables: list[Found] = []
        for one in found:
            if why := _why_unopened(one, settings):
                result.unneeded.append(not_needed(one.name, why))
                continue
            with _kept_refusal(one, result, keeps_refusals):
                source = opened(
                    one.path,
                    temporary=temporary,
                    encoding=settings.encoding,
                    sheet=one.sheet,
                    name=one.name if one.place else "",
                )
                sources.append(stack.enter_context(source))
                tables.append(one)
        for one, source in zip(tables, joined(sources), strict=True):
            with _kept_refusal(one, result, keeps_refusals):
                _sort_in(one, source, settings, result, problems)
        _follow_keys(tables, settings, result, problems)
        missing = refusal(problems)
        if missing is not None and not keeps_refusals:
            raise missing
        for name, problem in problems.items():
            if (lacking := refusal({name: problem})) is not None:
                result.refused[name] = lacking
        result.files.extend(kept)
        _refuse_odd_parts(result, problems, keeps=keeps_refusals)
        _refuse_unmet_columns(result, settings)
        _drop_rivals(result)
        if not keeps_refusals and not result.tells_who_pays:
            refuse_nothing_useful(result.unneeded + [o.told(0, 0, 0, 0) for o in result.files])
        _agree_on_columns(result)
        _share(result, settings)
        yield result


@contextmanager
def _kept_refusal(one: Found, result: OpenedFiles, keeps: bool) -> Iterator[None]:  # noqa: FBT001 # told by its name
    try:
        yield
    except (DataError, UsageError) as error:
        if not keeps:
            raise
        result.refused[one.name] = error


def _why_unopened(one: Found, settings: Settings) -> str:
    """Return why a file is not even opened; empty where it is."""
    if one.left_out:
        return one.left_out
    if _is_skipped(one, settings):
        return "the settings skip it"
    return EMPTY if _is_empty_by_the_way(one) else ""


def _is_skipped(one: Found, settings: Settings) -> bool:
    """Tell whether the settings leave a file unread; one that the user names is read."""
    names = (one.name, PurePath(one.name).name)
    return not one.was_named and any(
        fnmatch(name, pattern) for name in names for pattern in settings.skip
    )


def _refuse_unknown_zone(tz: str) -> None:
    try:
        pl.Series([], dtype=pl.Datetime("us")).dt.replace_time_zone(tz)
    except pl.exceptions.ComputeError:
        raise UsageError(
            f"There is no time zone {tz!r}.", hint="Write tz like Asia/Tokyo or Europe/Berlin."
        ) from None


def _refuse_unmet_columns(result: OpenedFiles, settings: Settings) -> None:
    """Stop where settings name columns of a table that none of its files has: they were meant."""
    for role, mapping in settings.columns.items():
        days = set(MERGED.get(role, ()))  # days of a wide table have our names, not those meant
        every = [one for one in result.files if one.role == role]
        files = [one for one in every if not days & set(one.recognition.mapping)]
        if files and not any(set(mapping.values()) <= set(one.source.columns) for one in files):
            recognise_as(role, files[0].source.columns, files[0].source.sample(1), mapping=mapping)


def _refuse_odd_parts(result: OpenedFiles, said: Container[str], *, keeps: bool) -> None:
    """Stop where one of many parts of a table is not read as they are."""
    unread = [f for f in result.unneeded if f.file in result.seen or f.note == EMPTY]
    unread = [f for f in unread if not f.role]
    read = {one.name: one.role for one in result.files}
    odd = refusals(odd_parts(read, [f.file for f in unread], said), unread, result.seen)
    if odd and not keeps:
        raise refusal_of_all(list(odd.values()))
    result.refused.update(odd)


def _is_empty_by_the_way(one: Found) -> bool:
    return not one.was_named and one.path.stat().st_size == 0


def _sort_in(
    one: Found,
    source: Source,
    settings: Settings,
    result: OpenedFiles,
    problems: dict[str, Recognition],
) -> None:
    sample = source.sample(SAMPLE_ROWS)
    given = one.role or _configured(source, settings)
    if given is not None:
        overrides = None if one.is_canonical else settings.columns.get(given)
        recognition = recognise_as(given, source.columns, sample, mapping=overrides)
        problems[one.name] = recognition
        if recognition.missing:
            result.seen[one.name] = (source, recognition)
            return
    else:
        recognition = recognise(source.columns, sample)
    result.seen[one.name] = (source, recognition)
    role = recognition.role
    if role is None:
        result.unneeded.append(not_needed(one.name, recognition.reason))
        return
    readings = column_readings(recognition, source, sample, settings)
    attributes = carried(role, recognition.unused)
    opened_file = Opened(
        *(one.name, footed(source, recognition.known), role, recognition, readings, attributes),
        exclusions=exclusions(recognition, source, settings),
    )
    if role == "costs":
        n_rows, shares = margins(source, readings)
        result.margin_by_plan.update(shares["plan"])
        result.margin_by_product.update(shares["product_id"])
        result.unneeded.append(opened_file.told(n_rows, 0, 0, n_rows))
    elif role == "fx":
        n_rows, parts = rate_table(source, readings)
        result.fx += parts
        result.unneeded.append(opened_file.told(n_rows, 0, 0, n_rows))
    else:
        result.files.append(opened_file)


def _follow_keys(
    tables: Sequence[Found],
    settings: Settings,
    result: OpenedFiles,
    problems: dict[str, Recognition],
) -> None:
    """Sort payments that name no customer in again, with that of the order they name."""
    found = linked(result.seen)
    for one in (table for table in tables if table.name in found):
        source, why, other = found[one.name]
        if source is not None:
            result.unneeded = [file for file in result.unneeded if file.file != one.name]
            _sort_in(one, source, settings, result, problems)
            notes = {other: f"its customers are those of {one.name}, to which it was joined"}
        else:
            notes = {one.name: f"it names no customer, and {why}"}
        result.unneeded = [
            replace(file, note=notes.get(file.file, file.note)) for file in result.unneeded
        ]


def _configured(source: Source, settings: Settings) -> str | None:
    """Return the table for which the settings name columns that this file has."""
    for role, mapping in settings.columns.items():
        if mapping and set(mapping.values()) <= set(source.columns):
            return role
    return None


def _drop_rivals(result: OpenedFiles) -> None:
    """Leave out what other files know better: a cross-section, the same money told twice."""
    roles = {o.role for o in result.files}
    exports = {o.recognition.known.export.name for o in result.files if o.recognition.known}
    for one in list(result.files):
        known = one.recognition.known
        better = [name for name in known.export.yields_to if name in exports] if known else []
        reason = ""
        if one.role == "cross_section" and roles & {"payments", "subscriptions"}:
            reason = "a cross-section, beside tables with dates"
        elif known and better:
            reason = f"{known.export.title}: the same money as in {better[0]}"
        if reason:
            result.files.remove(one)
            result.unneeded.append(not_needed(one.name, reason))


def _agree_on_columns(result: OpenedFiles) -> None:
    for role in {o.role for o in result.files}:
        same = [o for o in result.files if o.role == role]
        canonical = frozenset(r.column.name for o in same for r in o.readings)
        if any(o.recognition.person for o in same):
            canonical |= {"customer_id"}
        with_margin = role == "payments" and bool(result.margin_by_product)
        columns = stored_columns(role, canonical, with_margin=with_margin)
        attributes = dict.fromkeys(a for o in same for a in o.attributes if a not in columns)
        for one in same:
            one.all_columns = (*columns, *attributes)


def _share(result: OpenedFiles, settings: Settings) -> None:
    """Give every file what the small tables say."""
    exchange = rates(result.fx, settings.currency)
    if exchange is not None and not exchange.to:
        raise DataError(
            "The rates of exchange lead to several currencies.",
            hint="Say which one the book shall be in: --currency EUR.",
        )
    for one in result.files:
        one.rates = exchange
        one.secret = secret().key if one.recognition.person else b""
        if one.role == "payments":
            one.margins = result.margin_by_product
