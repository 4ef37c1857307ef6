"""One pass over the user's files into the store, from which everything else is read.

One rule: nothing of an export is lost in silence: every row read is kept, excluded by a rule
and counted with its money, or rejected and listed; the sums are checked before a Book exists.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl

import csk
from csk.book import Book
from csk.errors import DataError, StorageError
from csk.intake import places
from csk.intake.finding import Found
from csk.intake.manifest import manifest, write_manifest
from csk.intake.opening import Opened, opened_files
from csk.intake.orders import OrderLines
from csk.intake.partition import PartitionedTable
from csk.intake.refusing import (
    is_over_limit,
    refuse_mixed_currencies,
    refuse_nothing_kept,
    refuse_rejects,
)
from csk.intake.rows import DAY, RowPlan, canonical, dtype
from csk.intake.tally import Tally
from csk.money import COUNTS_PER_UNIT
from csk.schema import INPUTS, REJECTS, SCHEMA_VERSION
from csk.settings import Settings

BYTES_A_SHARD: Final = 24_000_000
"""Text of exports that goes into one shard."""
MOST_SHARDS: Final = 64
LISTED_OF_REFUSED: Final = 1_000
"""Rejects of a file that are looked at where there are too many to go on."""
LARGEST_SUM: Final = 10**14
"""Major units that the money of a table may add up to: what Decimal(18,4) holds."""
_PACKED: Final = 6
"""How much a compressed export is thought to grow."""


def stored(
    files: Sequence[Found], settings: Settings, today: date, work: Path, keep_in: Path | None = None
) -> Book:
    """Read the files into a store and return its Book, not yet dated.

    `work` is an empty folder for it; with `keep_in` the store of the same content and settings
    is opened again if it is there, and otherwise moved there. DataError where files break the
    contract, StorageError where reading or writing fails.
    """
    digest = _digest(files, settings, with_content=keep_in is not None)
    if keep_in is not None:
        target = places.kept_folder(keep_in, digest, settings.shards)
        book = manifest(target)
        if book is not None:
            return book
        with places.building(keep_in) as folder:
            write_manifest(_fill(files, settings, today, folder, digest))
            places.settle(folder, target)
        opened_again = manifest(target)
        if opened_again is None:
            raise StorageError(f"The store {target} was kept but cannot be opened again.")
        return opened_again
    return _fill(files, settings, today, work, digest)


def _fill(files: Sequence[Found], settings: Settings, today: date, work: Path, digest: str) -> Book:
    size = sum(_size(found) for found in files)
    places.check_space(work, size)
    return _read(files, settings, today, work, size, digest)


def _read(
    files: Sequence[Found], settings: Settings, today: date, work: Path, size: int, digest: str
) -> Book:
    spool = work / "spool"
    spool.mkdir(mode=0o700)
    tally = Tally()
    with opened_files(files, settings, spool) as opened:
        columns = {one.role: one.all_columns for one in opened.files}
        n_shards = settings.shards or _shards(max(size, opened.spooled_bytes))
        tables = {role: PartitionedTable(work / role, n_shards, DAY.get(role)) for role in columns}
        broken = [
            (one, _read_file(one, opened.margin_by_product, today, tables[one.role], tally))
            for one in opened.files
        ]
        # What will be refused is not worth finding millions of lines for.
        is_over = is_over_limit(tally.files, settings.reject_limit)
        most = LISTED_OF_REFUSED if is_over else None
        parts = [part for one, found in broken for part in _listed(one, found, most)]
        tally.files.extend(opened.unneeded)
    shutil.rmtree(spool, ignore_errors=True)
    listed = pl.concat([_no_rejects(), *parts])
    if is_over:
        refuse_rejects(tally.files, listed, settings.reject_limit)
    _write_rejects(listed, work)
    refuse_nothing_kept(tally.files, sum(tally.rows.values()), tally.excluded)
    for role, table in tables.items():
        repeats = _close(role, table, columns[role])
        tally.excluded.update({(role, "repeated_id"): repeats})
    attributes = (c for c in columns.get("customers", ()) if c not in INPUTS["customers"].names)
    return Book(
        root=work,
        n_shards=n_shards,
        tables={role: tally.table(role, columns[role]) for role in tables if tally.rows[role]},
        files=tuple(tally.files),
        excluded=tally.exclusions(),
        rows_rejected=sum(f.rows_rejected for f in tally.files),
        currency=refuse_mixed_currencies(tally.currencies, settings.currency),
        attributes=tuple(attributes),
        margin_by_plan=dict(opened.margin_by_plan),
        has_product_margin=bool(opened.margin_by_product),
        digest=digest,
    )


def _shards(size: int) -> int:
    return min(MOST_SHARDS, 1 + size // BYTES_A_SHARD)


def _read_file(
    one: Opened, margins: Mapping[str, float], today: date, into: PartitionedTable, tally: Tally
) -> list[pl.DataFrame]:
    """Read one file into its table and return its broken values, batch by batch."""
    table = INPUTS[one.role]
    plan = RowPlan(
        table=table,
        readings=one.readings,
        attributes=one.attributes,
        today=today,
        margin_by_product=margins if one.role == "payments" else {},
        has_ids=one.role != "cross_section" or "customer_id" in one.recognition.mapping,
    )
    rejects: list[pl.DataFrame] = []
    n_read = n_rejected = n_kept = 0
    excluded: Counter[str] = Counter()
    needed = [reading.name for reading in plan.readings] + list(plan.attributes)
    order = one.recognition.once_per
    lines = OrderLines(order) if order else None
    needed += [order] if order else []
    for batch in one.source.batches(list(dict.fromkeys(needed))):
        again = lines.again(batch.frame) if lines else None
        part = canonical(batch.frame, plan, batch.first_row, again)
        into.add(_completed(part.rows, one.all_columns, table.name))
        _refuse_beyond_sums(part.rows, one, tally)
        tally.add(one.role, one.name, part, today)
        for rule, n, _ in part.excluded:
            excluded[rule] += n
        n_read += batch.frame.height
        n_kept += part.rows.height
        n_rejected += part.n_rejected
        if part.n_rejected:
            rejects.append(part.rejects.with_columns(pl.col("row") + batch.first_row))
    n_malformed = one.source.malformed_count
    tally.files.append(
        one.told(n_read + n_malformed, sum(excluded.values()), n_rejected + n_malformed, n_kept)
    )
    if n_read != n_kept + n_rejected + sum(excluded.values()):
        message = f"{one.name}: {n_read} rows read, but {n_kept} kept"
        raise RuntimeError(message)
    return rejects


def _completed(rows: pl.DataFrame, columns: Sequence[str], table: str) -> pl.DataFrame:
    """Give every file of a role the same columns, null where it has none."""
    missing = [c for c in columns if c not in rows.columns]
    return rows.with_columns(
        pl.lit(
            None, dtype=dtype(INPUTS[table], c) if c in INPUTS[table].names else pl.String
        ).alias(c)
        for c in missing
    ).select(columns)


def _refuse_beyond_sums(rows: pl.DataFrame, one: Opened, tally: Tally) -> None:
    """Stop before money adds up to more than whole numbers hold: they would wrap in silence."""
    name = {"payments": "amount", "subscriptions": "mrr_amount"}.get(one.role, "")
    if name not in rows.columns:
        return
    sizes = rows[name].cast(pl.Float64).abs()
    size = tally.sizes[one.role] = tally.sizes.get(one.role, 0.0) + float(sizes.sum())
    if size <= LARGEST_SUM * COUNTS_PER_UNIT:
        return
    largest = Decimal(int(str(rows[name].abs().max()))) / COUNTS_PER_UNIT
    raise DataError(
        f"{one.name}: the money adds up to more than {LARGEST_SUM:,}, which no table can hold.",
        details=[f"the largest amount is {largest:,}"],
        hint="Is the right column read as the amount (csk check --stub), and in the right unit "
        "(--amount-unit minor)?",
    )


def _listed(one: Opened, rejects: list[pl.DataFrame], most: int | None) -> list[pl.DataFrame]:
    """Return the rejects of a file with the record and the physical line of each.

    Only the first `most` of each kind, where it is given.
    """
    found: list[pl.DataFrame] = []
    if rejects:
        values = pl.concat(rejects)
        values = values if most is None else values.head(most)
        rows = values["row"].unique().sort()
        places_ = pl.DataFrame(
            one.source.located(rows.to_list()),
            schema={"record": pl.Int64, "line": pl.Int64},
            orient="row",
        ).with_columns(row=rows)
        found.append(values.join(places_, on="row", how="left").with_columns(file=pl.lit(one.name)))
    if one.source.malformed_count:
        found.append(_malformed(one, most))
    return [part.select(REJECTS.names) for part in found]


def _malformed(one: Opened, most: int | None) -> pl.DataFrame:
    found = islice(one.source.malformed(), most)
    rows = [(one.name, m.record, m.line, "", m.text, m.reason) for m in found]
    return pl.DataFrame(rows, schema=_no_rejects().schema, orient="row")


def _no_rejects() -> pl.DataFrame:
    kinds = {"count": pl.Int64, "text": pl.String}
    return pl.DataFrame(schema={c.name: kinds[c.kind] for c in REJECTS.columns})


def _write_rejects(rejects: pl.DataFrame, work: Path) -> None:
    try:
        rejects.write_parquet(work / "rejects.parquet")
    except (OSError, pl.exceptions.ComputeError) as error:
        raise StorageError(f"The list of rejects could not be written: {error}.") from error


def _close(name: str, table: PartitionedTable, columns: Sequence[str]) -> int:
    schema = {
        c: dtype(INPUTS[name], c) if c in INPUTS[name].names or c == "margin_amount" else pl.String
        for c in columns
    }
    unique = ["customer_id"] if name == "customers" else []
    return table.close(pl.DataFrame(schema=schema), unique)


def _size(found: Found) -> int:
    if str(found.path) == "-":
        return 0
    try:
        size = found.path.stat().st_size
    except OSError:
        return 0
    packed = found.path.suffix.lower() in {
        ".gz",
        ".zst",
        ".zstd",
        ".xz",
        ".bz2",
        ".zip",
        ".parquet",
    }
    return size * (_PACKED if packed else 1)


def _digest(files: Sequence[Found], settings: Settings, *, with_content: bool) -> str:
    """Hash what a store is made of: rules, versions, settings of reading, names and content."""
    digest = hashlib.blake2b(digest_size=32)
    reading = settings.model_dump(
        mode="json",
        include={
            "encoding",
            "date_order",
            "amount_unit",
            "tz",
            "columns",
            "currency",
            "reject_limit",
        },
    )
    for part in (csk.__version__, SCHEMA_VERSION, pl.__version__, sorted(reading.items())):
        digest.update(repr(part).encode())
    for found in files:
        digest.update(repr((found.name, found.role)).encode())
        if with_content and str(found.path) != "-":
            digest.update(_content(found.path))
        elif str(found.path) != "-" and found.path.exists():
            about = found.path.stat()
            digest.update(repr((about.st_size, about.st_mtime_ns)).encode())
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error}.") from error


def rejects(book: Book) -> pl.DataFrame:
    """Return the rejects of a book, in the columns of `schema.REJECTS`."""
    return pl.read_parquet(book.root / "rejects.parquet")
