"""Money leaves csk to the last of its four decimals, whatever the format."""

import io
import json
from decimal import Decimal

import polars as pl
import pyarrow.parquet as pq
from hypothesis import example, given
from hypothesis import strategies as st

from csk.schema import Column, Table
from csk.sinks.protocol import SinkOptions, sink_named

TABLE = Table("money", "Made up.", (Column("amount", "amount", "How much."),))
UNITS = st.integers(-(10**18) + 1, 10**18 - 1)


@given(st.lists(UNITS | st.none(), max_size=20))
@example([900_000_000_000_000, -900_000_000_000_000, 1, -1, 0, 10**18 - 1, 1 - 10**18])
def test_writing_and_reading_money_is_identity(units):
    rows = pl.DataFrame({"amount": units}, schema={"amount": pl.Int64})
    expected = [None if unit is None else Decimal(unit).scaleb(-4) for unit in units]
    written = {}
    for name in ("parquet", "csv", "jsonl"):
        stream = io.BytesIO()
        sink_named(name).write_stream(rows, stream, TABLE, SinkOptions())
        written[name] = stream.getvalue()
    assert pq.read_table(io.BytesIO(written["parquet"]))["amount"].to_pylist() == expected
    fields = written["csv"].decode().split("\n")[1:-1]
    assert [Decimal(field) if field else None for field in fields] == expected
    lines = written["jsonl"].decode().splitlines()
    assert [json.loads(line, parse_float=Decimal)["amount"] for line in lines] == expected
