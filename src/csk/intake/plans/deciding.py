"""How the columns of one file are read: what the user says, over what its export is known for.

One rule: everything is decided here, before the first row, and stands in frozen readings.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from csk.errors import CskError, DataError
from csk.intake.canonical.deriving import MOST_DIGITS
from csk.intake.canonical.rows import STORED
from csk.intake.canonical.rules import Exclusion
from csk.intake.formats.source import Source
from csk.intake.recognition.profiles import words
from csk.intake.recognition.recognise import Recognition
from csk.intake.values.casts import CastOptions, ColumnReading, reading
from csk.schema import INPUTS
from csk.settings import Settings

_READ_AT_ONCE: Final = frozenset({"costs", "fx"})
"""Small tables that are needed before a row of the others is understood."""
_SOURCES_OF: Final = {
    "payments": (
        "amount",
        "refunded_amount",
        "unit_price_amount",
        "quantity",
        "currency",
        "status",
        "product_id",
    ),
    "mrr_events": ("currency",),
    "subscriptions": (
        "amount",
        "unit_price_amount",
        "quantity",
        "currency",
        "interval",
        "interval_count",
        "trial_ended_on",
        "period_started_on",
        "period_ended_on",
        "status",
    ),
}
"""Columns read to derive others or to apply rules, beside those that are stored."""


def column_readings(
    recognition: Recognition, source: Source, sample: pl.DataFrame, settings: Settings
) -> tuple[ColumnReading, ...]:
    """Return how each column that is needed is read; a column may have several, in their order.

    DataError where the dates of one have two readings.
    """
    role = str(recognition.role)
    options = _options(settings, recognition)
    wanted = {*STORED.get(role, ()), *_SOURCES_OF.get(role, ())}
    if role in _READ_AT_ONCE:
        wanted = set(INPUTS[role].names)
    meant = recognition.known.words if recognition.known else {}
    return tuple(
        replace(
            _read_as(source, sample, name, INPUTS[role].name, canonical, options),
            word=meant.get(name, ""),
        )
        for canonical, names in _columns_of(recognition).items()
        for name in names
        if canonical in wanted
    ) + _extras(recognition, source, sample, options)


def exclusions(
    recognition: Recognition, source: Source, settings: Settings
) -> tuple[Exclusion, ...]:
    """Return the rules for which the file has the column: the user's first, then the export's."""
    own = tuple(
        Exclusion(name, rule.column, _spoken(rule.values), _spoken(rule.unless))
        for name, rule in settings.exclude.items()
        if rule.column in source.columns
    )
    return own + (recognition.known.exclusions if recognition.known else ())


def _spoken(values: Sequence[str]) -> frozenset[str]:
    return frozenset(unicodedata.normalize("NFKC", value).strip().lower() for value in values)


def _columns_of(recognition: Recognition) -> dict[str, tuple[str, ...]]:
    """Return canonical column -> columns of the file, those that fill gaps after the first."""
    more = recognition.known.otherwise if recognition.known else {}
    return {c: (name, *more.get(c, ())) for c, name in recognition.mapping.items()}


def _extras(
    recognition: Recognition, source: Source, sample: pl.DataFrame, options: CastOptions
) -> tuple[ColumnReading, ...]:
    """Return how the amounts are read that are added to the amount of a row or taken off it."""
    extras = recognition.known.extras if recognition.known else {}
    read = ((_read_as(source, sample, n, "payments", "amount", options), n) for n in extras)
    return tuple(
        replace(one, column=one.column._replace(name=f"{extras[name]}{name}")) for one, name in read
    )


def _options(settings: Settings, recognition: Recognition) -> CastOptions:
    """Return how values are read: what the user says wins over what the export is known for."""
    known_for = recognition.known.export.settings if recognition.known else {}
    unit = settings.amount_unit or known_for.get("amount_unit", "major")
    by_row = unit == "minor" and "currency" in recognition.mapping and not settings.currency
    return CastOptions(
        tz=settings.tz,
        zone=known_for.get("zone"),
        date_order=settings.date_order or known_for.get("date_order"),
        amount_unit=unit,
        currency=settings.currency or known_for.get("currency"),
        minor_digits=MOST_DIGITS if by_row else None,
    )


def _read_as(
    source: Source,
    sample: pl.DataFrame,
    name: str,
    table: str,
    canonical: str,
    options: CastOptions,
) -> ColumnReading:
    if options.zone is None and "utc" in words(name).split():
        options = replace(options, zone="UTC")
    try:
        return reading(sample[name], INPUTS[table][canonical], options)
    except CskError as error:
        raise DataError(
            f"{source.name}: {error.sentence}", details=error.details, hint=error.hint
        ) from error
