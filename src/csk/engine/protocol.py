"""What an engine offers. Nothing else in csk runs a plan.

A plan is a function from the tables of one shard to a lazy frame, closed under customer: no
row of its result depends on customers of another shard.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import polars as pl

from csk.book import Book

Tables: TypeAlias = Mapping[str, pl.LazyFrame]
"""The canonical tables of one shard; only those that the book has."""

Plan: TypeAlias = Callable[[Tables], pl.LazyFrame]


class Engine(Protocol):
    """Where plans run."""

    def total(self, book: Book, summary: Plan, key: Sequence[str]) -> pl.DataFrame:
        """Add up a summary over all shards: integer columns summed by `key`, sorted by it.

        Every column but those of `key` must be an integer, so that the order of shards and
        threads cannot change a bit.
        """
        ...

    def collect(self, book: Book, plan: Plan, order: Sequence[str]) -> pl.DataFrame:
        """Return the rows of a plan of all shards, sorted by `order`; only for what is small."""
        ...

    def write(self, book: Book, plan: Plan, folder: Path) -> list[Path]:
        """Write the rows of a plan as one Parquet file a shard, unsorted across shards."""
        ...
