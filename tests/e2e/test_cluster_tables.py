"""Each kind of wide table on a cluster gives the bytes of a local run."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
NIGHT = "2025-11-02"
LENIENT = "reject_limit = 0.05\n"


def on_the_cluster(tmp_path, **tables):
    """Write tables, and the settings that name them on a cluster."""
    lines = ["[cluster]"]
    for name, rows in tables.items():
        rows.write_parquet(tmp_path / f"{name}.parquet")
        lines.append(f'{name} = "{tmp_path}/{name}.parquet"')
    (tmp_path / "there.toml").write_text("\n".join([*lines, ""]))


def some_changes(n=900):
    """Return changes of some contracts, several of them on one day."""
    rng = np.random.default_rng(4)
    days = [date(2023, 1, 1) + timedelta(days=int(i)) for i in np.sort(rng.integers(0, 300, n))]
    rows = pl.DataFrame(
        {
            "customer_id": [f"C{i:02d}" for i in rng.integers(0, 60, n)],
            "subscription_id": rng.choice(["one", "two"], n).tolist(),
            "changed_on": days,
            "mrr_change_amount": rng.integers(-40, 80, n) / 4,
            "plan": rng.choice(["basic", "pro", "seat"], n).tolist(),
        }
    )
    twice = pl.concat([rows, rows.slice(0, 300).with_columns(pl.col("mrr_change_amount") * -0.5)])
    gaps = pl.Series(rng.integers(0, 200, twice.height))
    return twice.with_columns(
        customer_id=pl.when(gaps != 1).then("customer_id"),
        mrr_change_amount=pl.when(gaps != 2).then("mrr_change_amount"),
    )


def test_changes_of_a_cluster_give_the_bytes_of_a_local_run(quick, cluster, tmp_path):
    on_the_cluster(tmp_path, mrr_events=some_changes())
    (tmp_path / "here.toml").write_text(LENIENT)
    (tmp_path / "there.toml").write_text(LENIENT + (tmp_path / "there.toml").read_text())
    here = (f"mrr_events={tmp_path}/mrr_events.parquet", "--config", "here.toml")
    far = ("--engine", cluster, "--config", "there.toml")
    near, away = quick("mrr", *here, "-o", "here.csv"), quick("mrr", *far, "-o", "far.csv")
    assert (near.code, away.code) == (0, 0), near.err + away.err
    assert away.out == near.out
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    # Rows read, left out, rejected and kept are those of the table.
    counted = [
        json.loads(quick("check", *one, "--report", "json").out)["reconciliation"]
        for one in (here, far)
    ]
    assert counted[0] == counted[1]
    assert counted[0]["files"][0]["rows_read"] == 1200
    assert counted[0]["files"][0]["rows_excluded"] > 0
    assert counted[0]["files"][0]["rows_rejected"] > 0


def test_tickets_of_a_cluster_give_the_bytes_of_a_local_run(quick, cluster, risk, tmp_path):
    tickets = pl.read_csv(SAMPLE / "tickets.csv", try_parse_dates=True)
    again = tickets.filter(pl.int_range(pl.len()) % 3 == 0).with_columns(
        pl.col("ticket_id") + "x", pl.col("opened_at", "closed_at").dt.offset_by("1m")
    )
    on_the_cluster(tmp_path, tickets=pl.concat([tickets, again]))
    tickets.write_parquet(tmp_path / "fewer.parquet")
    files = [path for path in sorted(SAMPLE.glob("*.csv")) if path.stem != "tickets"]
    scores = {}
    for name, more in {
        "here": [f"tickets={tmp_path}/tickets.parquet"],
        "far": ["--engine", cluster, "--config", tmp_path / "there.toml"],
        "fewer": [f"tickets={tmp_path}/fewer.parquet"],
    }.items():
        output = tmp_path / f"{name}.csv"
        ran = quick(
            *("churn-risk", *files, *more, "--model", risk, "--as-of", NIGHT, "-q", "-o", output)
        )
        assert ran.code == 0, ran.err
        scores[name] = output.read_bytes()
    assert scores["far"] == scores["here"]
    # Or else no ticket would have been looked at.
    assert scores["fewer"] != scores["here"]


def test_orders_of_a_cluster_are_payments(quick, cluster, tmp_path):
    rng = np.random.default_rng(6)
    days = [date(2023, 1, 1) + timedelta(days=int(i)) for i in rng.integers(0, 400, 700)]
    on_the_cluster(
        tmp_path,
        payments=pl.DataFrame(
            {
                "Order ID": [f"#{1000 + i}" for i in range(700)],
                "Customer ID": [f"C{i:02d}" for i in rng.integers(0, 90, 700)],
                "Order Date": days,
                "Total": pl.Series(rng.integers(100, 9_000, 700) / 100),
            }
        ),
    )
    near = quick("segment", f"payments={tmp_path}/payments.parquet", "-o", "here.csv")
    far = ("--engine", cluster, "--config", tmp_path / "there.toml")
    away = quick("segment", *far, "-o", "far.csv")
    assert (near.code, away.code) == (0, 0), near.err + away.err
    assert away.out == near.out
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_lines_of_orders_with_their_totals_are_refused(quick, cluster, tmp_path):
    lines = pl.DataFrame(
        {
            "Order ID": ["#1", "#1", "#2"],
            "Customer ID": ["a", "a", "b"],
            "Order Date": [date(2024, 1, 1)] * 3,
            "Total": [5.0, 5.0, 7.0],
        }
    )
    on_the_cluster(tmp_path, payments=lines)
    ran = quick("segment", "--engine", cluster, "--config", tmp_path / "there.toml")
    assert ran.code == 3
    assert "on each of its lines (Order ID)" in ran.err


def test_rules_look_at_usage_before_it_is_added_up(quick, cluster, tmp_path):
    begun = datetime(2024, 1, 1)  # noqa: DTZ001 # in the zone that settings name
    usage = pl.DataFrame(
        {
            "customer_id": [f"C{i % 5}" for i in range(400)],
            "used_at": [begun + timedelta(days=i * i % 60, hours=i % 24) for i in range(400)],
            "feature": ["login"] * 400,
            "origin": ["robot" if i % 7 == 0 else "person" for i in range(400)],
        }
    )
    on_the_cluster(tmp_path, usage=usage)
    rule = 'tz = "Asia/Tokyo"\n[exclude.robots]\ncolumn = "origin"\nvalues = ["robot"]\n'
    (tmp_path / "here.toml").write_text(rule)
    (tmp_path / "there.toml").write_text(rule + (tmp_path / "there.toml").read_text())
    (tmp_path / "subs.csv").write_text(
        "customer_id,started_on,ended_on,mrr_amount\n"
        + "".join(f"C{i},2023-01-01,,50\n" for i in range(5))
    )
    common = ("usage", "subscriptions=subs.csv", "-o")
    near = quick(*common, "here.csv", f"usage={tmp_path}/usage.parquet", "--config", "here.toml")
    away = quick(*common, "far.csv", "--engine", cluster, "--config", "there.toml")
    assert (near.code, away.code) == (0, 0), near.err + away.err
    assert away.out == near.out
    assert b"robots" in near.out
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
