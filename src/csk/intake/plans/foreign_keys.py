"""Payments that name an order and no customer: another file of the run says whose it was.

One rule: names propose and values dispose: a file is joined only where its ids are unique, are the
ids that the payments have, and no other file of the run is as likely; what was joined is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Final, NamedTuple

import polars as pl

from csk.intake.formats.source import Source
from csk.intake.plans.joining import ROW, Joined
from csk.intake.recognition.profiles import normal, profile, words
from csk.intake.recognition.recognise import Recognition, recognise_as

Seen = Mapping[str, tuple[Source, Recognition]]
Givers = Mapping[str, tuple[Sequence[str], Mapping[str, str]]]
"""By name of a file: its columns, and canonical column -> column."""

ENOUGH: Final = 0.9
"""Share of the ids of the payments that the other file must have."""
_SAMPLE_ROWS: Final = 20_000
_CUSTOMER, _DAY, _AMOUNT = ("customer_id",), ("paid_on",), "amount"
_OWN: Final = frozenset({"id", "no"})
_KINDS: Final = frozenset({"id", "no", "number", "code", "key", "番号", "コード"})


class Link(NamedTuple):
    """A column of payments whose values are ids of another file, and what is taken from there."""

    here: str
    other: str
    """Name of the other file."""
    there: str
    taken: tuple[str, ...]
    """Columns of the other file: its customer, and its day where the payments have none."""
    is_named: bool
    """Whether names say so too: the same column in both, or the other file is called by it."""


class Linked(NamedTuple):
    """What became of payments without a customer: a source that has one, or why there is none."""

    source: Source | None
    why: str
    other: str = ""
    """Name of the file that gave the customer."""


def linked(seen: Seen) -> dict[str, Linked]:
    """Return, by name of the file, what its foreign keys lead to; files that need none are absent.

    `seen` is every file of the run with what it was taken for, by name.
    """
    in_need = [name for name, (_, recognition) in seen.items() if _lacks_customer(recognition)]
    givers = _givers(seen) if in_need else {}
    return {name: one for name in in_need if (one := _linked(name, seen, givers)) is not None}


def _givers(seen: Seen) -> Givers:
    """Return the files that have a customer to give, and no money of their own.

    A file with a role of its own may be kept from an earlier run, and is then not there to ask.
    """
    found = {}
    for name, (source, recognition) in seen.items():
        if recognition.role is None and recognition.known is None:
            sample = source.sample(_SAMPLE_ROWS)
            mapping = recognise_as("payments", source.columns, sample).mapping
            if "customer_id" in mapping and _AMOUNT not in mapping:
                found[name] = (source.columns, mapping)
    return found


def _lacks_customer(recognition: Recognition) -> bool:
    lacking = {missing.names for missing in recognition.missing}
    role = recognition.role or recognition.nearest_role
    return role == "payments" and _CUSTOMER in lacking and lacking <= {_CUSTOMER, _DAY}


def _linked(name: str, seen: Seen, givers: Givers) -> Linked | None:
    """Follow the likeliest link that values bear out; none where no file could be meant."""
    source, recognition = seen[name]
    needs_day = _DAY in {missing.names for missing in recognition.missing}
    sample = source.sample(_SAMPLE_ROWS)
    proposed = [
        link
        for other, (there, mapping) in givers.items()
        if other != name
        for link in _links(sample.columns, other, there, mapping, needs_day=needs_day)
    ]
    borne_out = [
        (link, lookup, share)
        for link in proposed
        if (lookup := _lookup(link, seen[link.other][0])) is not None
        and (share := _share(sample[link.here], lookup)) >= ENOUGH
    ]
    likely = [one for one in borne_out if one[0].is_named] or borne_out
    if len(likely) > 1:
        among = " or ".join(f"{link.other} ({link.here} = {link.there})" for link, *_ in likely)
        return Linked(None, f"several files could have its customer: {among}")
    return _joined(source, *likely[0]) if likely else None


def _joined(source: Source, link: Link, lookup: pl.DataFrame, share: float) -> Linked:
    told = (
        f"{' and '.join(link.taken)} joined from {link.other}, where {link.there} is "
        f"{link.here} ({share:.1%} of the ids are there)"
    )
    shape = replace(
        source.shape,
        columns=(*source.columns, *link.taken),
        notes=(*source.shape.notes, f"{told}."),
    )
    spooled = source.temporary_files
    found = Joined(shape, spooled, source=source, key=link.here, lookup=lookup)
    return Linked(found, told, link.other)


def _links(
    columns: list[str],
    other: str,
    there: Sequence[str],
    mapping: Mapping[str, str],
    *,
    needs_day: bool,
) -> list[Link]:
    """Propose which columns are ids of the other file, where that has what is wanted."""
    wanted = ["customer_id", *(["paid_on"] if needs_day else [])]
    if not set(wanted) <= mapping.keys():
        return []
    taken = tuple(mapping[canonical] for canonical in wanted)
    if set(taken) & set(columns):
        return []
    ids = {normal(column): column for column in reversed(there)}
    file = normal(PurePath(other).stem)
    links = []
    for here in columns:
        spoken = words(here).split()
        if normal(here) in _OWN or not _is_id(here):
            continue
        stem = "".join(spoken[:-1]) if spoken[-1] in _KINDS else "".join(spoken)
        if normal(here) in ids:
            links.append(Link(here, other, ids[normal(here)], taken, is_named=True))
        elif "id" in ids:
            links.append(Link(here, other, ids["id"], taken, is_named=stem in file))
    return [link for link in links if link.there not in taken]


def _is_id(column: str) -> bool:
    """Tell whether a column can hold the id of what was paid: an order, an invoice, a contract."""
    names = profile().names["payments"]
    return normal(column) in {*names["payment_id"], *names["subscription_id"]}


def _lookup(link: Link, other: Source) -> pl.DataFrame | None:
    """Return id and what is taken of the other file; none where an id is there twice."""
    wanted = [link.there, *link.taken]
    parts = [batch.frame.select(pl.col(wanted).cast(pl.String)) for batch in other.batches(wanted)]
    if not parts:
        return None
    rows = pl.concat(parts).drop_nulls(link.there).rename({link.there: ROW})
    is_unique = rows.height > 0 and rows[ROW].n_unique() == rows.height
    return rows if is_unique else None


def _share(values: pl.Series, lookup: pl.DataFrame) -> float:
    """Return the share of the distinct ids that the lookup has, with a customer."""
    ids = values.cast(pl.String).drop_nulls().unique()
    known = lookup.drop_nulls(lookup.columns[1])[ROW]
    return float(ids.is_in(known.implode()).sum()) / ids.len() if ids.len() else 0.0
