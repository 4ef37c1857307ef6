from datetime import date

import polars as pl
import pytest

from csk.engine.local import LocalEngine, tables
from csk.errors import StorageError

ROWS = [
    {"customer_id": f"c{i % 7}", "paid_on": date(2024, 1, 1 + i % 3), "amount": i - 2}
    for i in range(40)
]
ENGINE = LocalEngine()


@pytest.fixture(params=[1, 3])
def book(request, book_of):
    return book_of({"payments": ROWS}, request.param)


def by_day(shard):
    return shard["payments"].group_by("paid_on").agg(n=pl.len(), total=pl.col("amount").sum())


def test_a_total_is_summed_by_key_and_sorted(book):
    found = ENGINE.total(book, by_day, ["paid_on"])
    expected = {}
    for row in ROWS:
        n, total = expected.get(row["paid_on"], (0, 0))
        expected[row["paid_on"]] = n + 1, total + row["amount"]
    assert found.rows() == [(day, *sums) for day, sums in sorted(expected.items())]
    assert found.schema == {"paid_on": pl.Date, "n": pl.Int64, "total": pl.Int64}


def test_a_total_without_key_is_one_row(book):
    found = ENGINE.total(book, lambda t: t["payments"].select(n=pl.len()), [])
    assert found.rows() == [(40,)]
    nothing = ENGINE.total(book, lambda t: t["payments"].filter(amount=99).select(n=pl.len()), [])
    assert nothing.rows() == [(0,)]


def test_a_null_key_is_a_key(book):
    def counted(shard):
        key = pl.when(pl.col("amount") > 0).then("amount")
        return shard["payments"].group_by(key).agg(n=pl.len())

    assert ENGINE.total(book, counted, ["amount"]).row(0) == (None, 3)


@pytest.mark.parametrize(
    "value", [pl.col("amount").mean(), pl.col("amount").cast(pl.Float32).sum(), pl.lit("x"),
              pl.col("amount").max().cast(pl.Decimal(18, 4)), pl.col("paid_on").max()],
)  # fmt: skip
def test_a_total_of_anything_but_integers_is_refused(book, value):
    with pytest.raises(TypeError, match=r"worth of a summary is .*, not an integer"):
        ENGINE.total(book, lambda t: t["payments"].select(worth=value), [])


def test_a_key_may_be_of_any_type(book):
    share = pl.col("amount") / 2
    found = ENGINE.total(book, lambda t: t["payments"].group_by(share).agg(n=pl.len()), ["amount"])
    assert found["amount"].dtype == pl.Float64
    assert found["n"].sum() == 40


def test_rows_are_collected_in_order(book):
    found = ENGINE.collect(book, lambda t: t["payments"], ["amount"])
    assert found["amount"].to_list() == [row["amount"] for row in ROWS]


def test_rows_are_written_a_file_a_shard(book, tmp_path):
    written = ENGINE.write(book, lambda t: t["payments"], tmp_path / "out" / "rows")
    assert [path.name for path in written] == [
        f"part-{n:05d}.parquet" for n in range(book.n_shards)
    ]
    assert pl.read_parquet(written).sort("amount")["amount"].to_list() == [
        r["amount"] for r in ROWS
    ]


def test_what_cannot_be_written_is_told(book, tmp_path):
    (tmp_path / "part-00000.parquet").mkdir()
    with pytest.raises(StorageError, match=r"part-00000\.parquet could not be written"):
        ENGINE.write(book, lambda t: t["payments"], tmp_path)


def test_a_customer_is_in_one_shard_only(book_of):
    book = book_of({"payments": ROWS, "customers": [{"customer_id": f"c{i}"} for i in range(7)]}, 3)
    places = {}
    for shard in range(3):
        for table in tables(book, shard).values():
            for customer in table.collect()["customer_id"].unique():
                places.setdefault(customer, set()).add(shard)
    assert len(places) == 7
    assert {len(shards) for shards in places.values()} == {1}
    assert len(set.union(*places.values())) > 1
