"""However a table is cut into files, and whatever is kept of them, the book is the same."""

from datetime import date, timedelta
from filecmp import cmp
from itertools import count
from random import Random

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from csk.intake.origins.finding import found
from csk.intake.storage.store import stored
from csk.settings import settings as configured

TODAY, BEGIN = date(2026, 1, 1), date(2024, 1, 1)
STATUSES = ("paid", "paid", "paid", "refunded", "failed")
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=5)


def payments(draw: Random) -> list[tuple[str, str]]:
    """Draw rows by order, some orders of several lines: (order, line of CSV)."""
    rows = []
    for order in range(draw.randint(1, 25)):
        day = BEGIN + timedelta(days=draw.randrange(90))
        for _ in range(draw.choice([1, 1, 1, 3])):
            who = draw.choice(["", *(f"c{n}" for n in range(6))])
            amount = draw.randint(-5, 90)
            status = draw.choice(STATUSES)
            rows.append((f"o{order}", f"o{order},{who},{day},{amount},{status}"))
    return rows


def cut(rows: list[tuple[str, str]], draw: Random) -> list[list[tuple[str, str]]]:
    """Cut rows into files between orders, some orders standing in several of them."""
    orders = [*dict.fromkeys(order for order, _ in rows)]
    n_files = draw.randint(1, 4)
    homes = {order: {draw.randrange(n_files)} for order in orders}
    for order in draw.sample(orders, len(orders) // 3):
        homes[order].add(draw.randrange(n_files))
    return [[row for row in rows if n in homes[row[0]]] for n in range(n_files)]


def updated(rows: list[tuple[str, str]], draw: Random) -> list[tuple[str, str]]:
    """Change what some orders say, but not when they were and whose."""
    chosen = set(draw.sample([*dict.fromkeys(o for o, _ in rows)], 1))
    changed = []
    for order, line in rows:
        number, who, day, amount, status = line.split(",")
        if order in chosen:
            amount, status = str(int(amount) + 7), draw.choice(STATUSES)
        changed.append((order, f"{number},{who},{day},{amount},{status}"))
    return changed


@pytest.fixture(scope="session")
def books(tmp_path_factory):
    """Make books of files of rows, in a folder of their own, with or without a kept store."""
    folder, numbers = tmp_path_factory.mktemp("laws"), count()

    class Books:
        def place(self):
            path = folder / str(next(numbers))
            path.mkdir()
            return path

        def write(self, files, place):
            paths = []
            for number, rows in enumerate(files):
                path = place / f"part_{number}.csv"
                lines = "".join(line + "\n" for _, line in rows)
                path.write_text("order_id,customer_id,date,amount,status\n" + lines, "utf-8")
                paths.append(f"payments={path}")
            return paths

        def make(self, paths, shards, store=None):
            chosen = configured({"shards": shards, "reject_limit": 1.0}, None)
            return stored(found(paths), chosen, TODAY, self.place(), store, is_by_row=True)

    return Books()


def rows_of(book):
    parts = [pl.read_parquet(book.part("payments", n)) for n in range(book.n_shards)]
    return sorted(pl.concat(parts).rows()) if "payments" in book.tables else []


def same_bytes(one, other):
    assert (one.tables, one.files, one.excluded) == (other.tables, other.files, other.excluded)
    for path in [*one.root.glob("payments/part-*"), one.root / "rejects.parquet"]:
        assert cmp(path, other.root / path.relative_to(one.root), shallow=False)


def usable(rows):
    return any(line.split(",")[1] and line.endswith("paid") for _, line in rows)


@few
@example(seed=294, shards=1)  # orders of several customers
@given(seed=seeds, shards=st.sampled_from([1, 3]))
def test_a_table_cut_into_files_that_overlap_is_the_table(books, seed, shards):
    draw = Random(seed)
    rows = payments(draw)
    assume(usable(rows))
    whole = books.make(books.write([rows], books.place()), shards)
    files = books.write(cut(rows, draw), books.place())
    parts = books.make(files, shards)
    assert rows_of(parts) == rows_of(whole)
    rules = {e.rule: (e.rows, e.amount) for e in parts.excluded if e.rule != "superseded"}
    assert rules == {e.rule: (e.rows, e.amount) for e in whole.excluded}
    facts = [
        (t.rows, t.amount, t.first_on, t.last_on) for b in (whole, parts) for t in b.tables.values()
    ]
    assert facts[0] == facts[1]
    for file in parts.files:
        assert file.rows_read == file.rows_kept + file.rows_excluded + file.rows_rejected
    same_bytes(books.make(draw.sample(files, len(files)), shards), parts)


@few
@given(seed=seeds, shards=st.sampled_from([1, 3]))
def test_files_added_one_by_one_to_a_store_are_all_at_once(books, seed, shards):
    draw = Random(seed)
    rows = payments(draw)
    versions = [rows, updated(rows, draw)]
    files = [file for version in versions for file in cut(version, draw)]
    assume(usable(files[0]))
    place, store = books.place(), books.place() / "kept"
    paths = books.write(files, place)
    for n in range(1, len(paths) + 1):
        grown = books.make(paths[:n], shards, store)
    same_bytes(grown, books.make(paths, shards))
    same_bytes(books.make(draw.sample(paths, len(paths)), shards, store), grown)
    changed = draw.randrange(len(files))
    files[changed] = updated(files[changed], draw) if files[changed] else files[changed]
    books.write(files, place)
    if usable([row for file in files for row in file]):
        same_bytes(books.make(paths, shards, store), books.make(paths, shards))
