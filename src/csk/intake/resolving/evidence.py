"""The first pass over a shop's files: who ordered each row, as hashes.

One rule: only hashes outlive a batch, and each distinct set of them is kept once, with a count.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from csk.analyses.identify import KINDS, RECORD
from csk.intake.formats.source import Source
from csk.intake.identity.hashing import email_hashes, hashes
from csk.intake.identity.keys import rules
from csk.intake.identity.normalising import emails, is_alias, is_nobody, names, phones, postcodes
from csk.intake.resolving.columns import KeyColumns, Places
from csk.intake.values.ids import ids, texts, texts_of

_KEYS: Final = (*KINDS, "who", "member")
_SET: Final = ("record", *_KEYS)
_LET_GROW: Final = 1_000_000
"""Records that wait before they are put together with those known."""
_SHORTEST: Final = 4
"""Characters from which on a value was meant to be a key."""


@dataclass(frozen=True)
class ShopFile:
    """One opened export of the shop."""

    source: Source
    keys: KeyColumns


@dataclass(frozen=True)
class Evidence:
    """What the files tell of who ordered."""

    records: pl.DataFrame
    """Columns of `analyses.identify.RECORD`."""
    rows: tuple[pl.Series, ...]
    """For each file the record of every row; null where a row has no key."""
    doubts: Counter[str]
    """Rows whose keys were not understood or not believed, by why."""
    n_of_order: int
    """Rows without a key that have the one of their order's other lines."""
    malformed: tuple[int, ...]
    """For each file the rows of the wrong shape."""

    @property
    def n_without_key(self) -> int:
        """Rows that nothing tells of."""
        return sum(file.null_count() for file in self.rows)


@dataclass
class _Seen:
    """Distinct records so far, and those that wait to be put among them."""

    known: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={name: RECORD[name] for name in _SET})
    )
    waiting: list[pl.DataFrame] = field(default_factory=list)

    def add(self, keyed: pl.DataFrame) -> None:
        """Take in the records of a batch."""
        self.waiting.append(keyed.select(*_SET).drop_nulls("record").unique("record"))
        if sum(one.height for one in self.waiting) > self.known.height + _LET_GROW:
            self.settle()

    def settle(self) -> pl.DataFrame:
        """Put all records together and return them."""
        self.known = pl.concat([self.known, *self.waiting]).unique("record")
        self.waiting = []
        return self.known


def evidence(files: Sequence[ShopFile], key: bytes) -> Evidence:
    """Read the key columns of all files of a shop; `key` is the secret of the hashes."""
    seen, doubts = _Seen(), Counter[str]()
    rows: list[pl.DataFrame] = []
    malformed: list[int] = []
    for file in files:
        parts = [pl.DataFrame(schema={"record": pl.UInt64, "order": pl.UInt64})]
        for batch in file.source.batches(file.keys.read):
            keyed = _keyed(batch.frame, file.keys, key, doubts)
            seen.add(keyed)
            parts.append(keyed.select("record", "order"))
        rows.append(pl.concat(parts))
        malformed.append(file.source.malformed_count)
    together = pl.concat(rows)
    filled = _filled(together)
    starts = [sum(file.height for file in rows[:number]) for number in range(len(rows))]
    return Evidence(
        records=_counted(seen.settle(), filled),
        rows=tuple(
            filled.slice(start, file.height) for start, file in zip(starts, rows, strict=True)
        ),
        doubts=doubts,
        n_of_order=together["record"].null_count() - filled.null_count(),
        malformed=tuple(malformed),
    )


def _counted(records: pl.DataFrame, filled: pl.Series) -> pl.DataFrame:
    """Count the rows of every record, with those that have it by their order."""
    places = pl.DataFrame({"record": filled}).with_row_index("row").drop_nulls("record")
    counts = places.group_by("record").agg(
        n=pl.len().cast(pl.Int64), first_row=pl.col("row").min().cast(pl.Int64)
    )
    return records.join(counts, on="record", how="left").select(*RECORD)


def _filled(rows: pl.DataFrame) -> pl.Series:
    """Give lines without a key the record of their order, where its other lines agree on one."""
    blank = rows.filter(pl.col("record").is_null())["order"].drop_nulls().unique()
    if blank.is_empty():
        return rows["record"]
    of_order = (
        rows.filter(pl.col("record").is_not_null(), pl.col("order").is_in(blank.implode()))
        .group_by("order")
        .agg(pl.col("record").min().alias("other"), n_records=pl.col("record").n_unique())
        .filter(pl.col("n_records") == 1)
        .select("order", "other")
    )
    joined = rows.join(of_order, on="order", how="left", maintain_order="left")
    return joined.select(pl.coalesce("record", "other").alias("record")).to_series()


def _keyed(frame: pl.DataFrame, keys: KeyColumns, key: bytes, doubts: Counter[str]) -> pl.DataFrame:
    """Return the hashes of every row: the keys, the name alone, the member, record and order."""
    member, of_member = _members(frame, keys)
    address = _first_known(
        [of_member, *(_each_once(one, emails) for one in _texts(frame, keys.email))]
    )
    doubts["email_unreadable"] += _n_lost(_texts(frame, keys.email), address)
    doubts["email_nobody"] += int(is_nobody(address).sum())
    doubts["email_alias"] += int(is_alias(address).sum())
    countries = _countries(frame, keys)
    number = _first_known([phones(one, countries) for one in _texts(frame, keys.phone)], frame)
    doubts["phone_unreadable"] += _n_lost(_texts(frame, keys.phone), number)
    name = _first_known([_each_once(one, names) for one in _texts(frame, keys.name)], frame)
    place = _first_known(
        [postcodes(one, keys.default_country) for one in _texts(frame, keys.postcode)], frame
    )
    own, alias = email_hashes(address, key)
    found = pl.DataFrame(
        {
            "email": own,
            "alias": alias,
            "phone": hashes(number, "phone", key),
            "name": hashes(name + "\x1f" + place, "name", key),
            "who": hashes(name, "who", key),
            "member": member,
            "order": _orders(frame, keys),
        }
    )
    has_key = pl.any_horizontal(pl.col(*KINDS, "member").is_not_null())
    return found.with_columns(record=pl.when(has_key).then(pl.struct(*_KEYS).hash()))


def _members(frame: pl.DataFrame, keys: KeyColumns) -> tuple[pl.Series, pl.Series]:
    """Return the shop's own ids, and those of them that are addresses and so are keys instead."""
    nothing = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    if keys.member is None:
        return nothing, nothing
    known = ids(frame[keys.member])
    known = known.set(known.str.to_lowercase().is_in(rules()["values"]["guests"]), None)
    is_address = known.str.contains("[@＠]").fill_null(value=False)
    return known.set(is_address, None), emails(known.set(~is_address, None))


def _texts(frame: pl.DataFrame, places: Places) -> Iterator[pl.Series]:
    """Yield the values of each place as text, parts put together; null where there is nothing."""
    for place in places:
        parts = [texts(frame[column]) for column in place]
        if len(parts) == 1:
            yield parts[0]
        else:
            whole = pl.select(pl.concat_str(parts, separator=" ", ignore_nulls=True)).to_series()
            yield whole.set(whole == "", None)


def _each_once(values: pl.Series, rule: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Apply a rule to each distinct value: customers come back, and patterns are dear."""
    known = values.drop_nulls().unique()
    return values.replace_strict(known, rule(known), default=None, return_dtype=pl.String)


def _first_known(found: Sequence[pl.Series], frame: pl.DataFrame | None = None) -> pl.Series:
    if not found:
        n = 0 if frame is None else frame.height
        return pl.repeat(None, n, dtype=pl.String, eager=True)
    return pl.select(pl.coalesce(list(found))).to_series()


def first_text(
    row: pl.DataFrame, places: Places, normal: Callable[[pl.Series], pl.Series]
) -> str | None:
    """Return the key of a frame of one row in its normal form; null where it has none."""
    found = _first_known([normal(one) for one in _texts(row, places)], row)
    return None if found[0] is None else str(found[0])


def _n_lost(written: Iterator[pl.Series], understood: pl.Series) -> int:
    """Count rows in which something was written that is no key."""
    lost = understood.is_null()
    meant = [(one.str.len_chars() >= _SHORTEST).fill_null(value=False) for one in written]
    return int((lost & pl.select(pl.any_horizontal(meant)).to_series()).sum()) if meant else 0


def _countries(frame: pl.DataFrame, keys: KeyColumns) -> pl.Series:
    """Return the country of each row's phone: its own code, else that of the file."""
    usual = pl.repeat(keys.default_country, frame.height, dtype=pl.String, eager=True)
    if keys.country is None:
        return usual
    codes = texts_of(frame[keys.country]).str.strip_chars().str.to_uppercase()
    return codes.zip_with(codes.str.contains("^[A-Z]{2}$").fill_null(value=False), usual)


def _orders(frame: pl.DataFrame, keys: KeyColumns) -> pl.Series:
    if keys.order is None:
        return pl.repeat(None, frame.height, dtype=pl.UInt64, eager=True)
    known = ids(frame[keys.order])
    return known.hash().set(known.is_null(), None)
