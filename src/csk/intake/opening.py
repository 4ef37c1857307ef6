"""Opening the files of a run, and finding what each of them is, before a row is kept.

One rule: all files are understood, or refused together, before the first is read.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from csk.book import FileRead
from csk.errors import CskError, DataError, UsageError
from csk.intake.casts import CastOptions, ColumnReading, cast, reading
from csk.intake.finding import Found
from csk.intake.reading import opened
from csk.intake.recognise import Recognition, recognise, recognise_as, refusal
from csk.intake.refusing import refuse_nothing_useful
from csk.intake.rows import STORED, stored_columns
from csk.intake.source import Source
from csk.schema import INPUTS
from csk.settings import Settings

SAMPLE_ROWS: Final = 20_000
_WHO_PAYS: Final = frozenset({"payments", "subscriptions", "cross_section"})
_SOURCES_OF: Final = {
    "payments": ("amount", "unit_price_amount", "quantity", "currency", "status", "product_id"),
    "subscriptions": (
        "amount",
        "unit_price_amount",
        "quantity",
        "currency",
        "interval",
        "interval_count",
        "status",
    ),
}
"""Columns read to derive others or to apply rules, beside those that are stored."""


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
    all_columns: tuple[str, ...] = ()
    """Columns of the stored table, over all files of the role."""

    def told(self, n_read: int, n_excluded: int, n_rejected: int, n_kept: int) -> FileRead:
        """Return what the user is told of the file."""
        return FileRead(
            file=self.name,
            role=self.role,
            profile="generic",
            encoding=self.source.encoding,
            delimiter=self.source.delimiter,
            rows_read=n_read,
            rows_excluded=n_excluded,
            rows_rejected=n_rejected,
            rows_kept=n_kept,
            mapping=tuple((r.column.name, r.name) for r in self.readings),
            unused=tuple(c for c in self.recognition.unused if c not in self.attributes),
            dropped=tuple(self.recognition.personal),
            readings=tuple(f"{r.name}: {r.form}" for r in self.readings if r.form),
        )


@dataclass(slots=True)
class OpenedFiles:
    """The files of a run: those to read, those not needed, and the margins of a costs file."""

    files: list[Opened] = field(default_factory=list)
    unneeded: list[FileRead] = field(default_factory=list)
    margin_by_plan: dict[str, float] = field(default_factory=dict)
    margin_by_product: dict[str, float] = field(default_factory=dict)

    @property
    def spooled_bytes(self) -> int:
        """Size of what came through a pipe, was packed, or was not UTF-8."""
        copies = [path for one in self.files for path in one.source.temporary_files]
        return sum(path.stat().st_size for path in copies)


@contextmanager
def opened_files(
    found: Sequence[Found], settings: Settings, temporary: Path
) -> Iterator[OpenedFiles]:
    """Open and recognise all files; they are closed at the end.

    DataError where a file cannot be read as a table, lacks columns of the role it was given, or
    where none of them tells who pays.
    """
    _refuse_unknown_zone(settings.tz)
    result = OpenedFiles()
    problems: dict[str, Recognition] = {}
    with ExitStack() as stack:
        for one in found:
            if _is_empty_by_the_way(one):
                result.unneeded.append(_not_needed(one.name, "the file is empty"))
                continue
            source = stack.enter_context(
                opened(one.path, temporary=temporary, encoding=settings.encoding)
            )
            _sort_in(one, source, settings, result, problems)
        missing = refusal(problems)
        if missing is not None:
            raise missing
        _refuse_unmet_columns(result, settings)
        _drop_rivals(result)
        if not any(o.role in _WHO_PAYS for o in result.files):
            refuse_nothing_useful(result.unneeded + [o.told(0, 0, 0, 0) for o in result.files])
        _agree_on_columns(result)
        yield result


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
        files = [one for one in result.files if one.role == role]
        if files and not any(set(mapping.values()) <= set(one.source.columns) for one in files):
            recognise_as(role, files[0].source.columns, files[0].source.sample(1), mapping=mapping)


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
        overrides = settings.columns.get(given)
        recognition = recognise_as(given, source.columns, sample, mapping=overrides)
        problems[one.name] = recognition
        if recognition.missing:
            return
    else:
        recognition = recognise(source.columns, sample)
    role = recognition.role
    if role is None:
        result.unneeded.append(_not_needed(one.name, recognition.reason))
        return
    options = CastOptions(
        tz=settings.tz,
        date_order=settings.date_order,
        amount_unit=settings.amount_unit,
        currency=settings.currency or None,
    )
    wanted = {*STORED.get(role, ()), *_SOURCES_OF.get(role, ())}
    if role == "costs":
        wanted = set(INPUTS[role].names)
    readings = tuple(
        _read_as(source, sample, name, INPUTS[role].name, canonical, options)
        for canonical, name in recognition.mapping.items()
        if canonical in wanted
    )
    attributes = tuple(recognition.unused) if role == "customers" else ()
    opened_file = Opened(one.name, source, role, recognition, readings, attributes)
    if role == "costs":
        _take_margins(opened_file, result)
    else:
        result.files.append(opened_file)


def _configured(source: Source, settings: Settings) -> str | None:
    """Return the table for which the settings name columns that this file has."""
    for role, mapping in settings.columns.items():
        if mapping and set(mapping.values()) <= set(source.columns):
            return role
    return None


def _read_as(
    source: Source,
    sample: pl.DataFrame,
    name: str,
    table: str,
    canonical: str,
    options: CastOptions,
) -> ColumnReading:
    try:
        return reading(sample[name], INPUTS[table][canonical], options)
    except CskError as error:
        raise DataError(
            f"{source.name}: {error.sentence}", details=error.details, hint=error.hint
        ) from error


def _take_margins(one: Opened, result: OpenedFiles) -> None:
    """Read a costs file whole: it has a row per plan or product."""
    n = 0
    for batch in one.source.batches([r.name for r in one.readings]):
        values = {r.column.name: cast(batch.frame[r.name], r).values for r in one.readings}
        for key, margins in (
            ("plan", result.margin_by_plan),
            ("product_id", result.margin_by_product),
        ):
            if key in values:
                pairs = zip(values[key].to_list(), values["margin_share"].to_list(), strict=True)
                margins.update(
                    {str(k): float(v) for k, v in pairs if k is not None and v is not None}
                )
        n += batch.frame.height
    bad = [
        f"{key}: {share}"
        for key, share in {**result.margin_by_plan, **result.margin_by_product}.items()
        if not 0 <= share <= 1
    ]
    if bad:
        raise DataError(f"{one.name}: a margin share must lie in 0 to 1.", details=bad)
    result.unneeded.append(one.told(n, 0, 0, n))


def _drop_rivals(result: OpenedFiles) -> None:
    """Leave out a cross-section where there are tables with dates: they know more."""
    roles = {o.role for o in result.files}
    if "cross_section" in roles and roles & {"payments", "subscriptions"}:
        for rival in [o for o in result.files if o.role == "cross_section"]:
            result.files.remove(rival)
            result.unneeded.append(
                _not_needed(rival.name, "a cross-section, beside tables with dates")
            )


def _agree_on_columns(result: OpenedFiles) -> None:
    for role in {o.role for o in result.files}:
        same = [o for o in result.files if o.role == role]
        canonical = frozenset(r.column.name for o in same for r in o.readings)
        with_margin = role == "payments" and bool(result.margin_by_product)
        columns = stored_columns(role, canonical, with_margin=with_margin)
        attributes = dict.fromkeys(a for o in same for a in o.attributes if a not in columns)
        for one in same:
            one.all_columns = (*columns, *attributes)


def _not_needed(name: str, reason: str) -> FileRead:
    return FileRead(
        file=name,
        role="",
        profile="",
        encoding="",
        delimiter="",
        rows_read=0,
        rows_excluded=0,
        rows_rejected=0,
        rows_kept=0,
        note=reason,
    )
