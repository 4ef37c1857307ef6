"""`csk segment data/sample` as it is shown and written; `make golden` writes the goldens anew."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from csk.analyses.segment import segmentation
from csk.cli.session import opened_book
from csk.registry import loaded
from csk.render.protocol import Page
from csk.reports.segment import report
from csk.settings import Settings
from csk.text import words

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
KEPT = ("company_name", "owner")
ROWS = 12


class PlainText(SingleFileSnapshotExtension):
    """Goldens that can be read with `cat`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot):
    return snapshot.use_extension(PlainText)


@pytest.fixture(scope="module")
def said():
    settings = Settings(keep=KEPT)
    with opened_book([str(SAMPLE)], settings, quiet=True) as session:
        found = segmentation(session.book, session.engine, settings)
    return report(found, settings, words())


@pytest.fixture(scope="module")
def commanded(tmp_path_factory):
    """Run the command at 80 columns with a Parquet file beside the report."""
    written = tmp_path_factory.mktemp("segment") / "customers.parquet"
    call = [sys.executable, "-m", "csk", "segment", str(SAMPLE), "--keep", ",".join(KEPT)]
    ran = subprocess.run(
        [*call, "-o", str(written)],
        env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return ran.stdout, written


def shown(said, form, page=None):
    return loaded("csk.render", form, "RENDERER").render(said, page or Page())


def steady(value):
    """Round numbers to six digits, which every machine agrees on."""
    if isinstance(value, float) and value:
        return round(value, 5 - math.floor(math.log10(abs(value))))
    if isinstance(value, dict):
        return {key: steady(inner) for key, inner in value.items()}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def test_the_report_at_80_columns(commanded, golden):
    assert commanded[0] == golden


def test_the_report_at_100_columns(said, golden):
    assert shown(said, "text", Page(100)) == golden


def test_the_report_as_markdown(said, golden):
    assert shown(said, "markdown") == golden


def test_the_report_as_json(said, golden):
    plain = steady(json.loads(shown(said, "json")))
    assert json.dumps(plain, ensure_ascii=False, indent=2) + "\n" == golden


def test_the_command_and_its_floors_say_the_same(commanded, said):
    assert commanded[0] == shown(said, "text", Page(80))


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_the_page_and_no_number_is_cut(said, width):
    lines = shown(said, "text", Page(width, unicode=False)).splitlines()
    assert max(map(len, lines)) <= width
    assert not [
        line for line in lines if any(part[0].isdigit() and ".." in part for part in line.split())
    ]


def test_the_table_has_its_schema(commanded, golden):
    fields = pq.read_schema(commanded[1])
    lines = [f"{field.name}: {field.type}" for field in fields]
    assert "\n".join(lines) + "\n" == golden


def test_the_table_has_its_rows(commanded, golden):
    rows = pq.read_table(commanded[1])
    assert rows.num_rows == 600
    some = rows.slice(0, ROWS).to_pylist()
    lines = [json.dumps(steady(row), ensure_ascii=False, default=str) for row in some]
    assert "\n".join(lines) + "\n" == golden


def test_the_table_is_sorted_by_its_key(commanded):
    ids = pq.read_table(commanded[1], columns=["customer_id"])["customer_id"].to_pylist()
    assert ids == sorted(set(ids))


# The types of the files for machines, as three readers see them.

COLUMNS = {
    "customer_id": (pa.string(), "VARCHAR", "str"),
    "as_of": (pa.date32(), "DATE", "date"),
    "churned_on": (pa.date32(), "DATE", "date"),
    "is_alive": (pa.bool_(), "BOOLEAN", "bool"),
    "n_purchases": (pa.int64(), "BIGINT", "int"),
    "ltv_amount": (pa.decimal128(18, 4), "DECIMAL(18,4)", "Decimal"),
    "realised_amount": (pa.decimal128(18, 4), "DECIMAL(18,4)", "Decimal"),
    "duration_months": (pa.float64(), "DOUBLE", "float"),
    "p_churn_90d": (pa.float64(), "DOUBLE", "float"),
    "company_name": (pa.string(), "VARCHAR", "str"),
}


def test_pyarrow_reads_the_types_of_the_contract(commanded):
    schema = pq.read_schema(commanded[1])
    plain = {pa.string(), pa.large_string(), pa.date32(), pa.bool_(), pa.int64(), pa.float64()}
    assert {name: schema.field(name).type for name in COLUMNS} == {
        name: types[0] for name, types in COLUMNS.items()
    }
    assert set(schema.types) <= plain | {pa.decimal128(18, 4)}
    assert all(name.isascii() and name == name.lower() for name in schema.names)


def test_duckdb_reads_the_types_of_the_contract(commanded):
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.read_parquet(str(commanded[1]))
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    assert {name: types[name] for name in COLUMNS} == {n: t[1] for n, t in COLUMNS.items()}
    ltv = pq.read_table(commanded[1], columns=["ltv_amount"])["ltv_amount"].to_pylist()
    assert rows.aggregate("sum(ltv_amount), count(*)").fetchall() == [(sum(ltv), 600)]


def test_pandas_reads_the_types_of_the_contract(commanded):
    pandas = pytest.importorskip("pandas")
    rows = pandas.read_parquet(commanded[1])
    gone = rows[~rows["is_alive"]].iloc[0]
    alive = rows[rows["is_alive"]].iloc[0]
    found = {
        name: type(gone[name] if name == "churned_on" else alive[name]).__name__.rstrip("_")
        for name in COLUMNS
    }
    wanted = {name: types[2] for name, types in COLUMNS.items()}
    assert {n: t.removesuffix("64") for n, t in found.items()} == wanted
    product = rows["unit_price_amount"] * rows["margin_share"] * rows["frequency"]
    ltv = product * rows["duration_months"] * rows["discount_factor"]
    away = (ltv - rows["ltv_amount"].astype(float)).abs().max()
    assert away < 1
