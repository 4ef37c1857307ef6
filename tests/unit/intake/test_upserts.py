"""Which of several versions of a row counts."""

from datetime import date

import polars as pl
import pytest

from csk.intake.storage.upserts import Identified, Superseded, Versions

LEFT = {"customer_id": pl.String, "day": pl.Date, "rule": pl.String, "amount": pl.Int64}
DAY = date(2024, 1, 5)


def decided(folder, files, ranks=None, role="payments", buckets=1) -> Superseded:
    """Decide on files of (id, update, customer, day, rule) rows."""
    versions, n_rows = Versions(folder, buckets, role), 0
    for number, rows in enumerate(files):
        told = pl.DataFrame(
            [(i, u, c, d, rule, 7) for i, u, c, d, rule in rows],
            {"id": pl.String, "updated": pl.Int64, **LEFT},
            orient="row",
        )
        if told["updated"].null_count() == told.height:
            told = told.drop("updated")
        kept = told.filter(pl.col("rule").is_null())
        stored = kept.select("customer_id", paid_on="day", started_on="day")
        ids = Identified(kept.drop(LEFT), told.filter(pl.col("rule").is_not_null()))
        versions.add(number, stored, ids, n_rows)
        n_rows += kept.height
    return versions.superseded(ranks or range(len(files)), n_rows)


def row(key, update=None, customer="c", day=DAY, rule=None):
    return key, update, customer, day, rule


@pytest.mark.parametrize(
    ("files", "ranks", "gone"),
    [
        ([[row("a"), row("b")], [row("b"), row("c")]], [0, 1], [1]),
        ([[row("a"), row("b")], [row("b"), row("c")]], [1, 0], [2]),
        ([[row("a"), row("a")]], [0], []),  # lines of one order
        ([[row("a"), row("a")], [row("a"), row("a")]], [0, 1], [0, 1]),
        ([[row("a"), row("a")], [row("a")]], [1, 0], [2]),
        ([[row(None)], [row(None)]], [0, 1], []),
        ([[row("a", 9)], [row("a", 5)]], [0, 1], [1]),  # the last update, not the last file
        ([[row("a", 5)], [row("a", 5)]], [0, 1], [0]),
        ([[row("a", 9)], [row("a")]], [0, 1], [0]),  # one does not know: the last file
        ([[row("a", 5)], [row("a", 9)], [row("a", 7)]], [0, 1, 2], [0, 2]),
        ([[row("a", 5), row("a", 9), row("b", 1)]], [0], [0]),
        ([[row("a", 5), row("a", 5)]], [0], []),
        ([[row("a", 5), row("a")]], [0], []),  # an order's update stands on its first line only
        ([[row("a")], [row("a", rule="refunded")]], [0, 1], [0]),
    ],
)
@pytest.mark.parametrize("buckets", [1, 3])
def test_the_latest_version_counts(tmp_path, files, ranks, gone, buckets):
    found = decided(tmp_path, files, ranks, buckets=buckets)
    marks = [] if found.rows is None else found.rows.nonzero()[0].tolist()
    assert marks == gone
    assert found.kept.total() == len(gone)


def test_what_a_rule_left_out_is_superseded_too(tmp_path):
    files = [[row("a", rule="failed"), row("b")], [row("a"), row("b", rule="refunded")]]
    found = decided(tmp_path, files)
    assert dict(found.left) == {(0, "failed"): 1}
    assert dict(found.left_amounts) == {(0, "failed"): 7}
    assert dict(found.kept) == {0: 1}


def test_an_id_of_another_start_is_another_row_of_a_contract(tmp_path):
    later = date(2024, 3, 5)
    files = [[row("s"), row("s", day=later)], [row("s", day=later)]]
    found = decided(tmp_path, files, role="subscriptions")
    assert found.rows.nonzero()[0].tolist() == [1]


def test_ids_that_begin_anew_in_every_file_replace_nothing(tmp_path):
    january = [row(str(n), customer=f"c{n}") for n in range(9)]
    february = [row(str(n), customer=f"c{n + 1}", day=date(2024, 2, n + 1)) for n in range(9)]
    assert decided(tmp_path, [january, february]) == Superseded(is_renumbered=True)
    half = january[:5] + february[5:]
    assert decided(tmp_path, [january, half]).kept.total() == 9


def test_ids_are_compared_on_disk_where_memory_is_short(tmp_path, monkeypatch):
    monkeypatch.setattr("csk.intake.storage.upserts._HELD_BYTES", 10)
    files = [[row(str(n)) for n in range(50)], [row(str(n)) for n in range(25, 75)]]
    assert decided(tmp_path, files, buckets=2).rows.nonzero()[0].tolist() == [*range(25, 50)]
    assert not list(tmp_path.rglob("*.parquet"))
