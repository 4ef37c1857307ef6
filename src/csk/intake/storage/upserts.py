"""Exports that overlap: which of several versions of a row counts.

One rule: the version that counts is told by what stands in the rows and in their files, never by
the order in which files were named. Rows of one id in one file are its lines and stay together;
the file that runs furthest replaces the lines of all others; where all versions know when they
were updated, the last update wins.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from csk.intake.canonical.rows import DAY, Canonical
from csk.intake.canonical.rules import MONEY
from csk.intake.storage.partition import Buckets, Marks

IDS_OF: Final = {
    "customers": "customer_id",
    "subscriptions": "subscription_id",
    "payments": "payment_id",
    "tickets": "ticket_id",
}
"""Canonical column with the id of a row, or of an order with its lines, by table."""

_STARTING: Final = frozenset({"subscriptions"})
"""Tables whose day belongs to the id: several starts of one contract are its history of prices."""
_KEY: Final = ("id_high", "id_low")
_LEFT: Final = ("rule", "amount")
_NULLABLE: Final = {"row": pl.UInt32, "updated": pl.Int64, "rule": pl.String, "amount": pl.Int64}
_KEY_SEEDS: Final = (3, 4)
_SHORT: Final = 2**32
_HELD_BYTES: Final = 480_000_000
_MOST_UNLIKE: Final = 0.5


class Identified(NamedTuple):
    """The ids of one batch: of its kept rows, and of those that a rule leaves out.

    Both have `id` (null where a row has none), and `updated` where the file knows it; those left
    out have `customer_id`, `day`, `rule` and `amount` too. What a rejected row replaces is not
    known, so it is not among them.
    """

    kept: pl.DataFrame
    left: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Superseded:
    """What does not count, since another version of it does."""

    rows: Marks | None = None
    """Marks of kept rows by their number; null where all of them count."""
    kept: Counter[int] = field(default_factory=Counter)
    """Kept rows that do not count, by file."""
    left: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Rows that a rule had left out anyway, by file and rule, and their money."""
    left_amounts: Counter[tuple[int, str]] = field(default_factory=Counter)
    is_renumbered: bool = False
    """Whether ids begin anew in every file, so that they tell nothing across files."""


def identified(part: Canonical, role: str, ids: pl.Series, updated: pl.Series | None) -> Identified:
    """Return the ids of a batch; `ids` and `updated` (Int64 µs) are those of all of its rows."""
    typed, marks = part.typed, part.marks
    if marks.height != typed.height:  # one mark for all: nothing is left out or broken
        marks = typed.select(rule=pl.repeat(None, pl.len(), dtype=pl.String), bad=False)
    rule, is_bad = marks["rule"], marks["bad"]
    told = pl.DataFrame([ids.alias("id"), *([] if updated is None else [updated.alias("updated")])])
    money, day = MONEY.get(role, ""), DAY.get(role, "")
    left = told.with_columns(
        customer_id=typed["customer_id"],
        day=typed[day] if day in typed.columns else pl.lit(None, pl.Date),
        rule=rule,
        amount=typed[money].fill_null(0) if money in typed.columns else pl.lit(0, pl.Int64),
    )
    is_left = rule.is_not_null()
    is_kept = ~is_left & ~is_bad
    return Identified(
        told if is_kept.all() else told.filter(is_kept),
        left.filter(is_left) if is_left.any() else left.clear(),
    )


class Versions:
    """The ids of all rows of one table, file by file, on their way to a decision."""

    def __init__(self, folder: Path, n_buckets: int, role: str) -> None:
        self.role = role
        self._kept = Buckets(folder / "kept", n_buckets, _HELD_BYTES)
        self._left = Buckets(folder / "left", n_buckets, _HELD_BYTES)
        self._n_buckets = n_buckets

    def add(self, file: int, rows: pl.DataFrame, ids: Identified, first_row: int) -> None:
        """Take the ids of kept rows of a file, whose first one has the number `first_row`."""
        day = DAY.get(self.role, "")
        of_rows = ids.kept.with_columns(
            customer_id=rows["customer_id"],
            day=rows[day] if day in rows.columns else pl.lit(None, pl.Date),
        )
        kept = self._hashed(of_rows.with_row_index("row", first_row), ["row"])
        for found, into in ((kept, self._kept), (self._hashed(ids.left, _LEFT), self._left)):
            if found.height:
                into.add(found.with_columns(file=pl.lit(file, pl.UInt32)), pl.col(_KEY[0]))

    def _hashed(self, rows: pl.DataFrame, more: Sequence[str]) -> pl.DataFrame:
        """Return, of the rows with an id, two hashes that tell ids apart in tables of any size.

        `whose` and `when` are hashes of customer and day.
        """
        key = pl.col("id")
        if self.role in _STARTING:
            key = pl.concat_str(key, pl.col("day").cast(pl.String), separator="\0")
        alike = {
            name: pl.when(pl.col(of).is_not_null()).then(pl.col(of).hash() % _SHORT).cast(pl.UInt32)
            for name, of in {"whose": "customer_id", "when": "day"}.items()
        }
        return rows.filter(pl.col("id").is_not_null()).select(
            *(key.hash(seed).alias(name) for name, seed in zip(_KEY, _KEY_SEEDS, strict=True)),
            *more,
            *([pl.col("updated")] if "updated" in rows.columns else []),
            **alike,
        )

    def superseded(self, ranks: Sequence[int], n_rows: int) -> Superseded:
        """Return what does not count among `n_rows` kept rows and those left out by rules.

        `ranks` has the rank of each file: the highest runs furthest.
        """
        outdated, n_shared, n_unlike = [], 0, 0
        for bucket in range(self._n_buckets):
            parts = [*self._kept.taken(bucket), *self._left.taken(bucket)]
            if not parts:
                continue
            found = _outdated(parts, ranks)
            outdated.append(found.rows)
            n_shared += found.n_shared
            n_unlike += found.n_unlike
        self._kept.clear()
        self._left.clear()
        if n_unlike > _MOST_UNLIKE * n_shared:
            return Superseded(is_renumbered=True)
        return _counted(outdated, n_rows)


class _Outdated(NamedTuple):
    rows: pl.DataFrame
    """`file`, `row` (null = left out by a rule), `rule`, `amount`."""
    n_shared: int
    """Ids that stand in several files,"""
    n_unlike: int
    """and those of them with different customers or days, and no update to tell why."""


def _outdated(parts: Sequence[pl.DataFrame], ranks: Sequence[int]) -> _Outdated:
    """Return the rows of which another version counts.

    Most ids stand in one file alone: they are told from the others by one hash and a glance, and
    only what is left is decided by both.
    """
    rows = _doubtful(pl.concat(parts, how="diagonal"))
    for name, kind in _NULLABLE.items():
        if name not in rows.columns:
            rows = rows.with_columns(pl.lit(None, dtype=kind).alias(name))
    rank = pl.Series(ranks, dtype=pl.UInt32)
    rows = rows.with_columns(rank=rank.gather(rows["file"]))
    shared = _shared(rows)
    decided = rows.join(_best(rows), on=_KEY)
    is_old = (pl.col("rank") != pl.col("best")) | (pl.col("updated") < pl.col("newest"))
    old = decided.filter(is_old.fill_null(value=False)).select("file", "row", *_LEFT)
    return _Outdated(old, shared.height, int(shared["unlike"].sum()))


def _shared(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ids that stand in several files, `unlike` where these differ with no update since.

    What is compared is what each file says, since the lines of one order may differ.
    """
    ends = {
        f"{end}_{name}": getattr(pl.col(name), end)()
        for name in ("whose", "when")
        for end in ("min", "max")
    }
    by_file = rows.group_by(*_KEY, "rank").agg(is_bare=pl.col("updated").has_nulls(), **ends)
    unlike = pl.any_horizontal(pl.col(name).min() != pl.col(name).max() for name in ends)
    return (
        by_file.group_by(_KEY)
        .agg(several=pl.len() > 1, unlike=unlike & pl.col("is_bare").any())
        .filter("several")
    )


def _best(rows: pl.DataFrame) -> pl.DataFrame:
    """Return, by id, the rank of the file that counts (`best`) and its last update (`newest`)."""
    known = pl.col("newest").is_not_null().all()
    versions = rows.group_by(*_KEY, "rank").agg(newest=pl.col("updated").max())
    last = versions.group_by(_KEY).agg(
        known=known, last=pl.col("rank").max(), latest=pl.col("newest").max()
    )
    counts = (
        pl.when("known")
        .then(pl.col("newest") == pl.col("latest"))
        .otherwise(pl.col("rank") == pl.col("last"))
    )
    return (
        versions.join(last, on=_KEY)
        .filter(counts)
        .group_by(_KEY)
        .agg(best=pl.col("rank").max(), newest=pl.col("newest").max())
    )


def _doubtful(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of ids that may stand in several files, or at several times."""
    hashes = np.sort(rows[_KEY[0]].to_numpy())
    twice = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    found = rows.join(pl.DataFrame({_KEY[0]: twice}), on=_KEY[0], how="semi")
    names = [name for name in ("file", "updated") if name in found.columns]
    differs = [pl.col(name).min() != pl.col(name).max() for name in names]
    several = (
        found.group_by(_KEY[0])
        .agg(pl.any_horizontal(differs).fill_null(value=False).alias("file"))
        .filter("file")
    )
    return found.join(several, on=_KEY[0], how="semi")


def _counted(outdated: Sequence[pl.DataFrame], n_rows: int) -> Superseded:
    rows = pl.concat(outdated) if outdated else pl.DataFrame()
    if rows.is_empty():
        return Superseded()
    is_kept = pl.col("row").is_not_null()
    kept, left = rows.filter(is_kept), rows.filter(~is_kept)
    marks = np.zeros(n_rows, dtype=np.bool_)
    marks[kept["row"].to_numpy()] = True
    by_file = kept.group_by("file").agg(pl.len())
    by_rule = left.group_by("file", "rule").agg(pl.len(), pl.col("amount").sum())
    numbers = {(int(f), str(rule)): (int(n), int(a)) for f, rule, n, a in by_rule.iter_rows()}
    return Superseded(
        rows=marks if kept.height else None,
        kept=Counter({int(file): int(n) for file, n in by_file.iter_rows()}),
        left=Counter({which: n for which, (n, _) in numbers.items()}),
        left_amounts=Counter({which: amount for which, (_, amount) in numbers.items()}),
    )
