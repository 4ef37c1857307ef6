"""`csk explain` and `csk mrr --preset` as they are typed."""

import json

import polars as pl
import pytest

from csk.definitions import definitions, presets
from csk.errors import ExitCode

CONTRACTS = """customer_id,plan,started_on,ended_on,mrr_amount,cancel_reason
p,A,2024-01-05,2024-05-20,100,price
q,A,2024-01-05,,50,
r,B,2024-05-03,,30,
s,B,2024-05-03,2024-05-28,20,card
t,B,2024-02-03,,20,
t,A,2024-05-10,,15,
"""


@pytest.fixture
def contracts(tmp_path):
    path = tmp_path / "subscriptions.csv"
    path.write_text(CONTRACTS, encoding="utf-8")
    return path


def test_without_arguments_every_metric_is_named(quick):
    ran = quick("explain")
    assert ran.code == ExitCode.OK
    assert all(metric.metric_id in ran.out.decode() for metric in definitions())
    told = json.loads(quick("explain", "--report", "json").out)
    assert len(told["metrics"]) == len(definitions())
    assert [one["name"] for one in told["presets"]] == [one.name for one in presets()]


def test_a_metric_is_explained_without_files(quick):
    told = json.loads(quick("explain", "grr", "--preset", "chargebee", "--report", "json").out)
    assert told["definition_id"] == "grr:chargebee"
    assert told["numerator"] == ["money.lower_total"]
    assert told["words"]["ja"]["label"] == "総収益維持率（GRR）"
    assert told["preset"]["decisions"]


def test_the_rows_behind_a_number_are_written(csk, contracts, tmp_path):
    ran = csk(
        *("explain", "customer_churn_rate", contracts, "--as-of", "2024-07-01"),
        *("--period", "2024-05", "--report", "json", "-o", "rows.csv"),
    )
    told = json.loads(ran.out)
    assert told["result"]["numerator"] == 1
    assert told["result"]["denominator"] == 3
    rows = pl.read_csv(tmp_path / "rows.csv")
    assert rows.select("customer_id", "kind", "change_amount").rows() == [("p", "churn", -100.0)]


def test_a_preset_changes_what_moved_and_what_is_divided(quick, contracts):
    def churn(*preset):
        ran = quick("mrr", contracts, "--as-of", "2024-07-01", "--report", "json", *preset)
        told = json.loads(ran.out)
        (may,) = [one for one in told["periods"] if one["starts_on"] == "2024-05-01"]
        rate = may["rates"]["customer_churn_rate"]
        assert may["end_amount"] == "115.0000"
        return told["preset"], rate["definition_id"], rate["numerator"], rate["denominator"]

    assert churn() == (None, "customer_churn_rate", 1, 3)
    stripe = ("stripe", "customer_churn_rate:stripe", 2, 5)
    assert churn("--preset", "stripe") == stripe


def test_quarters_and_years_are_periods_too(quick, contracts):
    def start(period):
        ran = quick(
            *("explain", "mrr", contracts, "--as-of", "2024-07-01", "--period", period),
            *("--report", "json"),
        )
        return [json.loads(ran.out)["period"][name] for name in ("starts_on", "ends_on")]

    assert start("2024-05") == ["2024-05-01", "2024-06-01"]
    assert start("2024-Q2") == ["2024-04-01", "2024-07-01"]
    assert start("2024") == ["2024-01-01", "2025-01-01"]


def test_the_dictionary_is_a_table(csk, quick, tmp_path):
    ran = quick("explain", "--dictionary", "-o", "dictionary.parquet", "-q")
    assert (ran.code, ran.out) == (ExitCode.OK, b"")
    rows = pl.read_parquet(tmp_path / "dictionary.parquet")
    assert set(rows["entry"]) == {"table", "column", "metric", "term"}
    listed = csk("explain", "--dictionary", "-o", "-", "--as", "jsonl")
    assert len(listed.out.splitlines()) == rows.height


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["grrr"], "Did you mean 'grr'?"),
        (["grr", "--preset", "stripes"], "Did you mean 'stripe'?"),
        (["grr", "-o", "x.csv"], "Without files there are no rows to write"),
        (["--dictionary", "-o", "folder/"], "is a folder"),
        (["grr", "subscriptions.csv", "--period", "May"], "'May' is not a period"),
        (["grr", "subscriptions.csv", "--period", "2024-13"], "is not a period"),
        (["grr", "subscriptions.csv", "--period", "2031-01"], "No period holds 2031-01-01"),
        (["nps", "subscriptions.csv"], "not made of movements"),
    ],
)
@pytest.mark.usefixtures("contracts")
def test_what_cannot_be_explained_is_refused(quick, words, told):
    ran = quick("explain", *words)
    assert ran.code == ExitCode.USAGE
    assert told in ran.err
    assert ran.out == b""


def test_a_preset_that_is_none_is_refused_before_files_are_read(quick):
    ran = quick("mrr", "nowhere.csv", "--preset", "chartmogull")
    assert ran.code == ExitCode.USAGE
    assert "Did you mean 'chartmogul'?" in ran.err
