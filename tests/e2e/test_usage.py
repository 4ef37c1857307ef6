"""`csk usage` as a user starts it."""

import json
from pathlib import Path

import polars as pl

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def test_a_folder_without_usage_is_refused_with_what_is_needed(quick):
    run = quick("usage", str(SAMPLE / "subscriptions.csv"))
    assert run.code == 3
    assert "No file tells what customers do" in run.err
    assert "customer_id, used_at and feature" in run.err


def test_an_empty_log_is_refused(quick, tmp_path):
    log = tmp_path / "usage.csv"
    log.write_text("customer_id,used_at,feature\n", encoding="utf-8")
    assert quick("usage", log).code == 3


def test_a_log_beside_payments_gives_trends(quick):
    files = (str(SAMPLE / "usage.csv"), str(SAMPLE / "payments.csv"))
    run = quick("usage", *files, "--report", "json")
    assert run.code == 0, run.err
    told = json.loads(run.out)
    log = pl.read_csv(files[0])
    known = log.filter(pl.col("used_at") < told["as_of"])
    assert told["book"]["n"] == known["customer_id"].n_unique()
    assert told["hazards"] == []
    assert told["falling"][0]["mrr_amount"] is None


def test_the_table_is_written_in_every_format(csk, tmp_path):
    targets = [tmp_path / f"usage.{suffix}" for suffix in ("parquet", "csv", "jsonl", "xlsx")]
    wanted = [word for target in targets for word in ("-o", str(target))]
    run = csk("usage", str(SAMPLE), "--keep", "owner", "-q", *wanted)
    assert (run.code, run.out) == (0, b""), run.err
    rows = pl.read_parquet(targets[0])
    assert rows.columns[-1] == "owner"
    assert rows["customer_id"].is_sorted()
    assert all(target.stat().st_size > 1000 for target in targets)


def test_groups_and_names_are_of_the_question(quick, sample_store):
    asked = ("--by", "region", "--top", "3", "--report", "json", "--store", sample_store)
    run = quick("usage", SAMPLE, *asked)
    told = json.loads(run.out)
    assert told["dimension"] == "region"
    assert len(told["falling"]) == 3
    assert sum(one["n"] for one in told["groups"]) == told["book"]["n"]
