from datetime import date
from random import Random

import polars as pl
import pytest

from csk.intake.canonical.orders import OrderLines
from csk.intake.origins.finding import found
from csk.intake.storage.store import stored
from csk.settings import settings


@pytest.mark.parametrize(
    ("batches", "again"),
    [
        ([["a", "a", "b"]], [[False, True, False]]),
        ([["a"], ["a", "b"], ["b", "a"]], [[False], [True, False], [True, True]]),
        ([[None, None]], [[False, False]]),
    ],
)
def test_a_line_is_further_where_its_order_was_seen(batches, again):
    lines = OrderLines("order")
    marked = [
        lines.again(pl.DataFrame({"order": batch}, {"order": pl.String})) for batch in batches
    ]
    assert [mark.to_list() for mark in marked] == again


def test_orders_are_remembered_as_sets_do():
    draw, lines, seen = Random(1), OrderLines("order"), set()
    for _ in range(30):
        batch = [draw.choice([None, *map(str, range(60))]) for _ in range(draw.randrange(9))]
        expected = []
        for order in batch:
            expected.append(order is not None and order in seen)
            seen.add(order)
        marked = lines.again(pl.DataFrame({"order": batch}, {"order": pl.String}))
        assert marked.to_list() == expected


def test_an_order_total_repeated_on_its_lines_counts_once(tmp_path):
    export = tmp_path / "受注.csv"
    export.write_text(
        "注文ID,会員ID,支払合計,対応状況(名称),受注日,注文詳細ID,商品名,個数\n"
        "1,7,3000,発送済み,2025/01/05 10:00,11,茶,1\n"
        "1,7,3000,発送済み,2025/01/05 10:00,12,菓子,2\n"
        "2,,500,発送済み,2025/01/06 10:00,13,茶,1\n"
        "2,,500,発送済み,2025/01/06 10:00,14,菓子,1\n"
        "3,8,800,発送済み,2025/01/07 10:00,15,茶,1\n",
        encoding="cp932",
    )
    work = tmp_path / "store"
    work.mkdir()
    book = stored(found([str(export)]), settings({}, None), date(2026, 1, 1), work)
    assert (book.tables["payments"].rows, book.tables["payments"].amount) == (2, 38_000_000)
    rules = {e.rule: (e.rows, e.amount) for e in book.excluded}
    assert rules == {"same_order": (2, 0), "no_customer_id": (1, 5_000_000)}
