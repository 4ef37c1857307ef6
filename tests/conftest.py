"""How the laws are tried, and a builder of books, which every floor's tests share."""

import os
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings

from csk.book import Book, StoredTable, Window
from csk.intake.canonical.rows import DAY, dtype
from csk.intake.storage.partition import PartitionedTable
from csk.schema import INPUTS

# No deadline: a shared machine stalls, which says nothing of the law. On CI the examples are the
# same in every run, so that a failure there is one that anybody can repeat.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.register_profile("quick", settings.get_profile("house"), max_examples=20)
settings.load_profile("house")

WHOLE = {
    "customers": ("customer_id",),
    "subscriptions": (
        "customer_id",
        "plan",
        "started_on",
        "ended_on",
        "mrr_amount",
        "term_months",
        "cancel_reason",
    ),
    "payments": ("customer_id", "paid_on", "amount"),
    "usage": ("customer_id", "used_at", "feature"),
    "cross_section": ("customer_id", "tenure_months", "is_churned"),
}
"""Columns that a canonical table always has in a store; what rows leave out is null."""

Rows = pl.DataFrame | Sequence[Mapping[str, object]]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their length: a file made for a case may carry the second it was made in."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None


class Books:
    """Writes stores of small canonical tables and opens them, as intake would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count()

    def __call__(
        self,
        tables: Mapping[str, Rows],
        shards: int = 1,
        as_of: date | None = None,
        **facts: object,
    ) -> Book:
        """Return a book of canonical rows (dicts or a frame), dated where `as_of` is given."""
        root = self.folder / f"{next(self.numbers):06d}"
        frames = {name: typed(name, rows) for name, rows in tables.items()}
        for name, frame in frames.items():
            table = PartitionedTable(root / name, shards, DAY.get(name))
            if frame.height:
                table.add(frame)
            table.close(frame.clear(), ["customer_id"] if name == "customers" else [])
        about = {name: described(name, frame) for name, frame in frames.items() if frame.height}
        book = Book(
            root=root,
            n_shards=shards,
            tables=about,
            files=(),
            excluded=(),
            rows_rejected=0,
            currency="",
            **facts,  # type: ignore[arg-type] # told by name at the call
        )
        if as_of is None:
            return book
        first = min((t.first_on for t in about.values() if t.first_on), default=as_of)
        return book.dated(Window(first, as_of - timedelta(days=1), as_of))


def typed(name: str, rows: Rows) -> pl.DataFrame:
    """Return rows as a frame with the types of the store, columns that are missing null."""
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
    known = INPUTS[name].names
    columns = dict.fromkeys([*frame.columns, *WHOLE.get(name, ())])
    return frame.select(
        (pl.col(c) if c in frame.columns else pl.lit(None).alias(c)).cast(
            dtype(INPUTS[name], c) if c in known or c == "margin_amount" else pl.String
        )
        for c in columns
    )


def described(name: str, frame: pl.DataFrame) -> StoredTable:
    """Return what a store tells of a table: rows, first and last day, columns, money."""
    days = frame[DAY[name]].cast(pl.Date) if DAY.get(name) in frame.columns else pl.Series([None])
    amount = int(frame["amount"].sum()) if name == "payments" else 0
    return StoredTable(frame.height, days.min(), days.max(), tuple(frame.columns), amount)


@pytest.fixture(scope="session")
def book_of(tmp_path_factory) -> Books:
    """Give the builder of books; a law calls it as often as it likes."""
    return Books(tmp_path_factory.mktemp("books"))


@pytest.fixture(scope="session")
def tables_of():
    """Give a reader of rows as the lazy tables of one shard, sorted as a store keeps them."""

    def opened(**tables: Rows) -> dict[str, pl.LazyFrame]:
        return {
            name: typed(name, rows).sort("customer_id", *[d for d in [DAY.get(name)] if d]).lazy()
            for name, rows in tables.items()
        }

    return opened
