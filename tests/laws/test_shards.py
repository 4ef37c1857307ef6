"""Customers are split and sums are added: how a book is cut changes not one byte."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from csk.analyses.segment import snapshot
from csk.settings import Settings
from csk.sinks.protocol import SinkOptions
from csk.sinks.staging.outputs import Outputs

KEEP = ("region",)
few = settings(max_examples=2, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)
kinds = pytest.mark.parametrize("kind", ["contract", "shop"])


def written(result, folder, name):
    """Write the table of a segmentation through the door of every command; return its bytes."""
    rows, table = snapshot(result, KEEP)
    with Outputs() as outputs:
        outputs.add(folder / name, rows, table, SinkOptions(as_of=result.horizons.as_of))
    return (folder / name).read_bytes()


def same(here, there):
    assert_frame_equal(here.customers, there.customers, check_exact=True)
    assert here.figures == there.figures
    assert here.tier_rows == there.tier_rows
    assert here.plan == there.plan
    assert here.rfm == there.rfm


@kinds
@few
@given(seed=seeds, by=st.sampled_from(["plan", "region", "none"]))
def test_any_number_of_shards_gives_the_same_bytes(
    kind, seed, by, book_of, company, value, as_of, tmp_path_factory
):
    tables, chosen = company(kind, seed), Settings(as_of=as_of, by=by, keep=KEEP)
    folder = tmp_path_factory.mktemp("out")
    whole = value(book_of(tables, 1), chosen)
    bytes_of_whole = written(whole, folder, "1.parquet")
    for n in (2, 3, 7):
        cut = value(book_of(tables, n), chosen)
        same(whole, cut)
        assert written(cut, folder, f"{n}.parquet") == bytes_of_whole


@kinds
@few
@given(seed=seeds)
def test_the_order_of_rows_and_columns_changes_nothing(kind, seed, book_of, company, value):
    order = Random(seed)
    tables = company(kind, seed)
    mixed = {
        name: [
            dict(order.sample(list(row.items()), len(row))) for row in order.sample(rows, len(rows))
        ]
        for name, rows in tables.items()
    }
    columns = order.sample(sorted(mixed["customers"][0]), 2)
    mixed["customers"] = [{name: row[name] for name in columns} for row in mixed["customers"]]
    same(value(book_of(tables)), value(book_of(mixed)))
