from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from csk.facts.payments import purchase_days
from csk.intake.origins.finding import found
from csk.intake.storage.merging import merged_payments
from csk.intake.storage.store import stored
from csk.settings import settings

D = date(2026, 3, 1)
E = date(2026, 3, 2)
FAR = date(2027, 1, 1)


def payments(*rows, more=()):
    names = ("customer_id", "paid_on", "amount", *more)
    kinds = {"customer_id": pl.String, "paid_on": pl.Date} | dict.fromkeys(names[2:], pl.Int64)
    return pl.DataFrame(list(rows), schema={name: kinds[name] for name in names}, orient="row")


@pytest.mark.parametrize(
    ("rows", "more", "expected"),
    [
        ([("a", D, 5)], (), [("a", D, 5, 1, 0)]),
        ([("a", D, 5), ("a", D, 7)], (), [("a", D, 12, 2, 0)]),
        ([("a", D, 5), ("a", E, 7)], (), [("a", D, 5, 1, 0), ("a", E, 7, 1, 0)]),
        ([("a", D, 5), ("b", D, 7)], (), [("a", D, 5, 1, 0), ("b", D, 7, 1, 0)]),
        ([("a", D, -5), ("a", D, -7)], (), [("a", D, -12, 0, 2)]),
        ([("a", D, 5), ("a", D, -5)], (), [("a", D, 5, 1, 0), ("a", D, -5, 0, 1)]),
        ([("a", D, 0), ("a", D, 5)], (), [("a", D, 0, 1, 0), ("a", D, 5, 1, 0)]),
        ([], (), []),
    ],
)
def test_neighbours_that_differ_in_money_alone_are_added_up(rows, more, expected):
    assert merged_payments(payments(*rows, more=more)).rows() == expected


def test_what_a_row_says_that_it_adds_up_is_counted():
    rows = payments(("a", D, 5, 3, None), ("a", D, 7, None, 0), more=("n_payments", "n_refunds"))
    assert merged_payments(rows).rows() == [("a", D, 12, 4, 0)]


def test_deliveries_and_contracts_stay_apart_and_margins_are_added_up():
    rows = payments(
        ("a", D, 5, 1, 2),
        ("a", D, 7, 1, 3),
        ("a", D, 7, 2, 3),
        more=("n_delivery", "margin_amount"),
    )
    assert merged_payments(rows).rows() == [("a", D, 12, 1, 5, 2, 0), ("a", D, 7, 2, 3, 1, 0)]


rows = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from((D, E, FAR)), st.integers(-3, 3), st.integers(0, 2)
    ),
    max_size=30,
)


@given(rows)
def test_days_of_merged_payments_are_the_days_of_the_payments(of):
    table = payments(*of, more=("margin_amount",)).sort("customer_id", "paid_on")
    key = ["customer_id", "paid_on"]
    merged = merged_payments(table)
    assert_frame_equal(
        purchase_days(merged.lazy(), FAR).collect().sort(key),
        purchase_days(table.lazy(), FAR).collect().sort(key),
    )
    assert_frame_equal(merged_payments(merged), merged)


def test_a_book_adds_payments_up_and_tells_as_many_as_its_files_had(tmp_path):
    path = tmp_path / "payments.csv"
    path.write_text("customer_id,paid_on,amount\na,2026-03-01,5\na,2026-03-01,7\n", "utf-8")
    kept = {}
    for is_by_row in (False, True):
        work = tmp_path / f"work-{is_by_row}"
        work.mkdir()
        chosen = settings({}, None)
        book = stored(found([str(path)]), chosen, FAR, work, is_by_row=is_by_row)
        kept[is_by_row] = pl.read_parquet(book.part("payments", 0)).height
        assert (book.tables["payments"].rows, book.files[0].rows_kept) == (2, 2)
    assert kept == {False: 1, True: 2}
