"""`csk kpi` and `csk surveys` as they are called."""

import json

import polars as pl
import pytest

from csk.errors import ExitCode
from csk.schema import KPI

ANSWERS = "customer_id,answered_on,kind,score\n" + "".join(
    f"C{i:04d},2023-{1 + i % 11:02d}-0{1 + i % 8},{'nps' if i % 2 else 'csat'},{i % 6}\n"
    for i in range(60)
)


@pytest.fixture
def answered(tmp_path, export):
    (tmp_path / "surveys.csv").write_text(ANSWERS, "utf-8")
    (tmp_path / "csk.toml").write_text("csat_scale = 6\n[targets]\nrevenue = 100\n", "utf-8")
    (tmp_path / "peers.csv").write_text(
        "metric_id,value,source,as_of\norder_value,50,Us,2023-01-01\n", "utf-8"
    )
    return export, tmp_path / "surveys.csv"


def test_the_page_and_the_table_say_the_same(csk, tmp_path, answered):
    call = ("kpi", *answered, "--benchmark", "peers.csv", "-o", "kpi.parquet", "--report", "json")
    ran = csk(*call)
    assert (ran.code, ran.err) == (0, "")
    page = json.loads(ran.out)
    rows = pl.read_parquet(tmp_path / "kpi.parquet")
    assert rows.columns == list(KPI.names)
    told = {one["metric_id"]: one for one in page["metrics"]}
    assert {"revenue", "active_customers", "order_value", "nps", "csat"} <= set(told)
    assert told["revenue"]["target"] == "100.0000"
    assert told["order_value"]["benchmark"]["source"] == "Us"
    revenue = rows.filter(
        pl.col("metric_id") == "revenue", pl.col("period_on").cast(str) == page["period_on"]
    )
    assert float(told["revenue"]["value"]) == revenue["value"].item()


def test_the_bytes_of_the_table_are_the_same_however_the_book_is_cut(quick, tmp_path, answered):
    for shards in (1, 5):
        ran = quick("kpi", *answered, "-q", "--shards", shards, "-o", f"{shards}.parquet")
        assert (ran.code, ran.err) == (0, "")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "5.parquet").read_bytes()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("kpi", "--by", "region"), "There are no groups by 'region'."),
        (("kpi", "--benchmark", "none.csv"), "There is no file none.csv of benchmarks."),
        (("surveys", "--by", "plan"), "There are no groups by 'plan'."),
        (("surveys", "--csat-scale", "2"), "greater than or equal to 3"),
        (("kpi", "--from", "2031-01-01"), "There is no period of known data"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(quick, answered, call, says):
    ran = quick(call[0], *answered, *call[1:])
    assert ran.code == ExitCode.USAGE
    assert says in ran.err


def test_without_answers_surveys_says_what_it_needs(quick, export):
    ran = quick("surveys", export)
    assert ran.code == ExitCode.USAGE
    assert "There are no survey answers." in ran.err
