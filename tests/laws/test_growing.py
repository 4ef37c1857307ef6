"""A book of a kept store that gained files is the book of all files, whenever each of them came."""

from datetime import date, timedelta
from itertools import count
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.intake.origins.finding import found
from csk.intake.storage.growing import MOST_FURTHER
from csk.intake.storage.store import stored
from csk.settings import settings as configured

TODAY, BEGIN = date(2026, 1, 1), date(2024, 1, 1)
FEATURES = ("open", "search", "edit")
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=3)


def usage(draw: Random, first: int, n_days: int, n_rows: int) -> str:
    """Draw a file of usage of some days; a few rows are broken, a few of nobody."""
    lines = ["customer_id,used_at,feature,quantity"]
    for _ in range(n_rows):
        day = BEGIN + timedelta(days=first + draw.randrange(n_days))
        who = draw.choice(["", "broken", *(f"c{n}" for n in range(20))])
        quantity = "much" if who == "broken" else draw.choice(["", "1", "2.5", "-1"])
        at = f"{day}T{draw.randrange(24):02d}:00:00Z"
        lines.append(f"{who},{at},{draw.choice(FEATURES)},{quantity}")
    lines.append(f"c0,{BEGIN + timedelta(days=first)}T00:00:00Z,open,1")
    return "\n".join(lines) + "\n"


def payments(draw: Random, first: int) -> str:
    lines = ["customer_id,date,amount,status"]
    for _ in range(10):
        day = BEGIN + timedelta(days=first + draw.randrange(3))
        lines.append(f"c{draw.randrange(20)},{day},{draw.randint(1, 90)},{draw.choice(STATUSES)}")
    return "\n".join([*lines, f"c1,{BEGIN + timedelta(days=first)},5,paid"]) + "\n"


STATUSES = ("paid", "paid", "failed", "refunded")


@pytest.fixture(scope="session")
def stores(tmp_path_factory):
    """Make books of files of text, in a folder of their own, with or without a kept store."""
    folder, numbers = tmp_path_factory.mktemp("growing"), count()

    class Stores:
        def place(self):
            path = folder / str(next(numbers))
            path.mkdir()
            return path

        def make(self, files, place, shards=None, store=None):
            paths = []
            for name, text in files.items():
                path = place / name
                path.write_text(text, "utf-8")
                paths.append(str(path))
            asked = {"reject_limit": 1.0} | ({"shards": shards} if shards else {})
            return stored(found(paths), configured(asked, None), TODAY, self.place(), store)

    return Stores()


def rows_of(book, table):
    """Return the rows of a table, shard by shard, in an order of their own."""
    parts = [[pl.read_parquet(p) for p in book.parts(table, n)] for n in range(book.n_shards)]
    return [pl.concat(shard).sort(pl.all(), nulls_last=True) for shard in parts]


def is_sorted(part, day):
    """Tell whether each customer's rows lie together and by day."""
    runs = part.select(pl.col("customer_id").rle().struct.field("value")).to_series()
    falls = pl.col(day).cast(pl.Date).diff().dt.total_days() < 0
    same = pl.col("customer_id") == pl.col("customer_id").shift(1)
    return runs.n_unique() == runs.len() and not part.select((falls & same).any()).item()


def same(grown, whole):
    facts = [
        (b.tables, b.files, b.excluded, b.rows_rejected, b.overlapping, b.beside)
        for b in (grown, whole)
    ]
    assert facts[0] == facts[1]
    assert grown.n_shards == whole.n_shards
    for table in (*whole.tables, *whole.beside):
        for one, other in zip(rows_of(grown, table), rows_of(whole, table), strict=True):
            assert one.equals(other)
    for shard in range(grown.n_shards):
        for path in grown.parts("usage", shard):
            assert is_sorted(pl.read_parquet(path), "used_at")
    names = [pl.read_parquet(book.root / "rejects.parquet") for book in (grown, whole)]
    assert names[0].equals(names[1])


@few
@given(seed=seeds, shards=st.sampled_from([1, 3]))
def test_days_that_come_in_any_order_are_all_at_once(stores, seed, shards):
    draw = Random(seed)
    files = {f"usage_{n}.csv": usage(draw, 20 + n, 2, draw.randrange(20)) for n in range(4)}
    files["usage_base.csv"] = usage(draw, 0, 20, 200)
    files |= {f"payments_{n}.csv": payments(draw, 30 * n) for n in range(3)}
    files["customers.csv"] = "customer_id,plan\n" + "".join(f"c{n},a\n" for n in (*range(20), 3))
    place, store = stores.place(), stores.place() / "kept"
    there = {name: files[name] for name in ("usage_base.csv", "payments_0.csv", "customers.csv")}
    stores.make(there, place, shards, store)
    n_further = []
    for name in draw.sample(sorted(files.keys() - there.keys()), len(files) - len(there)):
        there[name] = files[name]
        grown = stores.make(there, place, shards, store)
        n_further.append(grown.n_further.get("usage", 0))
    again = stores.make(files, place, shards, store)
    assert (again.root, again) == (grown.root, grown)
    same(grown, stores.make(files, place, shards))
    assert n_further[-1] == 4
    # Another table of customers changes nothing of the days; a day taken away builds anew.
    files["customers.csv"] += "c99,b\n"
    grown = stores.make(files, place, shards, store)
    assert grown.n_further == {"usage": 4}
    same(grown, stores.make(files, place, shards))
    del files["usage_base.csv"]
    fewer = stores.make(files, place, shards, store)
    assert fewer.n_further == {}
    same(fewer, stores.make(files, place, shards))


def test_many_days_are_brought_together(stores):
    draw = Random(7)
    place, store = stores.place(), stores.place() / "kept"
    files = {"usage_base.csv": usage(draw, 0, 60, 4000), "payments.csv": payments(draw, 5)}
    stores.make(files, place, None, store)
    n_further = []
    for day in range(MOST_FURTHER + 2):
        files[f"usage_{day:03d}.csv"] = usage(draw, 60 + day, 1, 3)
        grown = stores.make(files, place, None, store)
        n_further.append(grown.n_further["usage"])
    assert n_further == [*range(1, MOST_FURTHER + 1), 1, 2]
    same(grown, stores.make(files, place))


def test_two_sets_of_files_in_one_store_both_go_on(stores):
    draw = Random(11)
    store = stores.place() / "kept"
    sets = []
    for place in (stores.place(), stores.place()):
        files = {"usage_0.csv": usage(draw, 0, 9, 300), "payments.csv": payments(draw, 5)}
        stores.make(files, place, None, store)
        sets.append((place, files))
    for place, files in sets:
        files["usage_1.csv"] = usage(draw, 9, 1, 9)
        grown = stores.make(files, place, None, store)
        assert grown.n_further == {"usage": 1}
        same(grown, stores.make(files, place))


def test_what_grew_to_twice_its_size_is_built_anew(stores):
    draw = Random(8)
    place, store = stores.place(), stores.place() / "kept"
    files = {"payments.csv": payments(draw, 5)}
    n_further = []
    for day in range(6):
        files[f"usage_{day}.csv"] = usage(draw, day, 1, 2000)
        grown = stores.make(files, place, None, store)
        n_further.append(grown.n_further.get("usage", 0))
    assert 0 in n_further[1:]
    assert n_further[1] == 1
    same(grown, stores.make(files, place))


def test_other_columns_or_shards_are_built_anew(stores):
    draw = Random(9)
    place, store = stores.place(), stores.place() / "kept"
    files = {"usage_0.csv": usage(draw, 0, 9, 99), "payments.csv": payments(draw, 5)}
    stores.make(files, place, 2, store)
    files["usage_1.csv"] = "customer_id,used_at,feature,user_id\nc1,2024-02-01T00:00:00Z,edit,u1\n"
    wider = stores.make(files, place, 2, store)
    assert wider.n_further == {}
    same(wider, stores.make(files, place, 2))
    files["usage_2.csv"] = usage(draw, 40, 1, 9)
    assert stores.make(files, place, 2, store).n_further == {"usage": 1}
    more = stores.make(files, place, 3, store)
    assert (more.n_shards, more.n_further) == (3, {})


@pytest.mark.parametrize("damage", ["cut", "overwritten", "manifest of another make"])
def test_a_damaged_book_is_not_gone_on_with(stores, damage):
    draw = Random(10)
    place, store = stores.place(), stores.place() / "kept"
    files = {"usage_0.csv": usage(draw, 0, 9, 300), "payments.csv": payments(draw, 5)}
    book = stores.make(files, place, None, store)
    manifest = book.root / "manifest.json"
    match damage:
        case "cut":
            book.part("usage", 0).write_bytes(b"")
        case "overwritten":
            manifest.write_text(manifest.read_text().replace('"piece": "_', '"piece": "-'))
        case _:
            manifest.write_text(manifest.read_text().replace('"has_future"', '"had_future"'))
    files["usage_1.csv"] = usage(draw, 9, 1, 9)
    made = stores.make(files, place, None, store)
    assert made.n_further == {}
    same(made, stores.make(files, place))
