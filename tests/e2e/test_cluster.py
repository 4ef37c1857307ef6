"""Wide tables on a cluster: the same commands, the same bytes, and a sentence where it fails."""

import json
import os
import socket
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

TOKEN = "hunter2"  # noqa: S105 # to be looked for in what is shown
COLUMNS = """
[columns.payments]
customer_id = "cust"
paid_on = "day"
amount = "amt"
status = "state"
"""


def some_payments(n=2500):
    rng = np.random.default_rng(3)
    rows = pl.DataFrame(
        {
            "cust": [f"C{i:04d}" for i in rng.integers(0, 150, n)],
            "day": [date(2022, 1, 3) + timedelta(days=int(i)) for i in rng.integers(0, 700, n)],
            "amt": [Decimal(int(i)) / 100 for i in rng.integers(-500, 9_000, n)],
            "state": rng.choice(["paid", "paid", "paid", "failed", "refunded"], n).tolist(),
            "sku": rng.choice(list("abcdef"), n).tolist(),
            "shop": rng.choice(["web", "test"], n, p=[0.9, 0.1]).tolist(),
        },
        schema_overrides={"amt": pl.Decimal(12, 2)},
    )
    gaps = pl.Series(rng.integers(0, 500, n))
    return rows.with_columns(
        cust=pl.when(gaps != 1).then("cust"),
        day=pl.when(gaps != 2).then("day"),
        amt=pl.when(gaps != 3).then("amt"),
    )


@pytest.fixture
def payments(tmp_path):
    """Payments as Parquet, and settings for it as a file and as a table of a cluster."""
    path = tmp_path / "payments.parquet"
    some_payments().write_parquet(path)
    rule = '[exclude.trials]\ncolumn = "shop"\nvalues = ["test"]\n'
    (tmp_path / "here.toml").write_text(COLUMNS + rule)
    (tmp_path / "csk.toml").write_text(f'{COLUMNS}{rule}[cluster]\npayments = "{path}"\n')
    return path


def named(tmp_path, place, columns=COLUMNS):
    """Write settings that name a table, and return them."""
    path = tmp_path / "other.toml"
    path.write_text(f"{columns}[cluster]\npayments = {place}\n")
    return path


def test_payments_of_a_cluster_give_the_bytes_of_a_local_run(quick, cluster, payments, tmp_path):
    here, far = tmp_path / "here.parquet", tmp_path / "far.parquet"
    near = quick("segment", f"payments={payments}", "--config", "here.toml", "-o", here)
    away = quick("segment", "--engine", cluster, "-o", far)
    assert (near.code, away.code) == (0, 0), away.err
    assert far.read_bytes() == here.read_bytes()
    # The report too: rows read, left out by rule, rejected and kept are those of the table.
    assert away.out == near.out
    assert b"2,500" in near.out
    assert b"trials" in near.out


def test_a_kept_store_knows_a_table_again(quick, cluster, payments, tmp_path):
    del payments
    for _ in range(2):
        assert quick("check", "--engine", cluster, "--store", "kept").code == 0
    assert len(list((tmp_path / "kept").glob("_book-*"))) == 1


def test_usage_of_a_cluster_gives_the_bytes_of_a_local_run(quick, cluster, tmp_path):
    rng, n = np.random.default_rng(5), 4_000
    begun = datetime(2024, 1, 1, tzinfo=UTC)
    pl.DataFrame(
        {
            "customer_id": [f"C{i:03d}" for i in rng.integers(0, 40, n)],
            "user_id": rng.choice(["x", "y", "z"], n).tolist(),
            "used_at": [begun + timedelta(minutes=int(i)) for i in rng.integers(0, 150_000, n)],
            "feature": rng.choice(["login", "report"], n).tolist(),
            "quantity": rng.integers(-20, 90, n) / 8,
        }
    ).write_parquet(tmp_path / "usage.parquet")
    contracts = [f"C{i:03d},2023-01-0{1 + i % 9},,50" for i in range(40)]
    (tmp_path / "subs.csv").write_text(
        "\n".join(["customer_id,started_on,ended_on,mrr_amount", *contracts, ""])
    )
    (tmp_path / "there.toml").write_text(f'[cluster]\nusage = "{tmp_path}/usage.parquet"\n')
    common = ("usage", "subscriptions=subs.csv", "--as-of", "2024-04-10", "-o")
    near = quick(*common, "here.parquet", f"usage={tmp_path}/usage.parquet")
    away = quick(*common, "far.parquet", "--config", "there.toml", "--engine", cluster)
    assert (near.code, away.code) == (0, 0), near.err + away.err
    assert (tmp_path / "far.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    assert away.out == near.out


@pytest.mark.parametrize("tz", ["UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("kind", ["double", "naive", "instant"])
def test_amounts_and_days_of_other_types_are_read_alike(quick, cluster, tmp_path, kind, tz):
    rows, late = some_payments(400).drop_nulls(), timedelta(hours=20)
    moment = pl.col("day").cast(pl.Datetime("us")) + late
    changed = {
        "double": pl.col("amt").cast(pl.Float64),
        "naive": moment,
        "instant": moment.dt.replace_time_zone("UTC"),
    }
    path = tmp_path / "rows.parquet"
    rows.with_columns(changed[kind]).write_parquet(path)
    (tmp_path / "here.toml").write_text(f'tz = "{tz}"\n{COLUMNS}')
    there = named(tmp_path, f'"{path}"', f'tz = "{tz}"\n{COLUMNS}')
    common = ("segment", "--as-of", "2023-12-20", "-q", "-o")
    near = quick(*common, "here.csv", f"payments={path}", "--config", "here.toml")
    away = quick(*common, "far.csv", "--engine", cluster, "--config", there)
    assert (near.code, away.code) == (0, 0), near.err + away.err
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.parametrize(
    ("place", "code", "said"),
    [
        ('"sales.nope"', 2, "has no sales.nope"),
        ('"/nope/payments.parquet"', 2, "has no /nope/payments.parquet"),
        ('"two words; DROP TABLE x"', 3, "cannot read two words"),
    ],
)
def test_what_a_cluster_does_not_have_is_a_sentence(
    quick, cluster, payments, tmp_path, place, code, said
):
    del payments
    ran = quick("segment", "--engine", cluster, "--config", named(tmp_path, place))
    assert ran.code == code
    assert said in ran.err
    assert "at org.apache" not in ran.err
    assert ran.err.count("\n") < 6


def test_a_delta_table_is_read_by_its_path(quick, cluster, payments, tmp_path):
    if "CSK_TEST_SPARK" in os.environ:
        pytest.skip("a plain Spark has no Delta")
    session_of = pytest.importorskip("pyspark.sql.connect.session").SparkSession
    session = session_of.builder.remote(cluster).create()
    place = tmp_path / "delta"
    session.read.parquet(str(payments)).write.format("delta").save(str(place))
    session.stop()
    rule = (tmp_path / "here.toml").read_text()
    settings = named(tmp_path, f'{{ table = "{place}", format = "delta" }}', rule)
    near = quick("segment", f"payments={payments}", "--config", "here.toml", "-o", "here.csv", "-q")
    away = quick("segment", "--engine", cluster, "--config", settings, "-o", "far.csv", "-q")
    assert (near.code, away.code) == (0, 0), away.err
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    missing = named(tmp_path, '{ table = "/nope", format = "delta" }')
    ran = quick("segment", "--engine", cluster, "--config", missing)
    assert (ran.code, "has no /nope" in ran.err) == (2, True)


def test_a_table_is_read_by_its_name(quick, cluster, payments, tmp_path):
    if "CSK_TEST_SPARK" not in os.environ:
        pytest.skip("Sail keeps names for one session alone")
    session_of = pytest.importorskip("pyspark.sql.connect.session").SparkSession
    session = session_of.builder.remote(cluster).create()
    session.sql("DROP TABLE IF EXISTS default.csk_payments").collect()
    session.read.parquet(str(payments)).write.saveAsTable("default.csk_payments")
    rule = (tmp_path / "here.toml").read_text()
    settings = named(tmp_path, '"default.csk_payments"', rule)
    near = quick("segment", f"payments={payments}", "--config", "here.toml", "-o", "here.csv", "-q")
    away = quick("segment", "--engine", cluster, "--config", settings, "-o", "far.csv", "-q")
    session.sql("DROP TABLE default.csk_payments").collect()
    session.stop()
    assert (near.code, away.code) == (0, 0), away.err
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.parametrize(
    ("change", "columns", "said"),
    [
        # All columns that are missing, and all types that cannot be read, are told at once.
        (lambda p: p.select("sku", "shop"), "", ["customer_id", "paid_on", "amount"]),
        (
            lambda p: p.cast({"day": pl.String, "amt": pl.String}),
            COLUMNS,
            ["day is string", "amt is string", "view"],
        ),
        (lambda p: p.clear(), COLUMNS, ["no rows"]),
        (lambda p: p.drop("cust"), COLUMNS, ["customer_id = 'cust'", "no such column"]),
    ],
)
def test_a_table_that_cannot_be_read_says_why(quick, cluster, tmp_path, change, columns, said):
    path = tmp_path / "rows.parquet"
    change(some_payments(50)).write_parquet(path)
    settings = named(tmp_path, f'"{path}"', columns)
    ran = quick("segment", "--engine", cluster, "--config", settings)
    assert ran.code == 3
    assert [one for one in said if one not in ran.err] == [], ran.err


def test_columns_may_be_named_beside_the_table(quick, cluster, tmp_path):
    path = tmp_path / "rows.parquet"
    some_payments(300).write_parquet(path)
    place = '{ table = "%s", columns = { customer_id = "cust", paid_on = "day", amount = "amt" } }'
    ran = quick("check", "--engine", cluster, "--config", named(tmp_path, place % path, columns=""))
    assert ran.code in (0, 3)
    assert b"300" in ran.out


def test_a_cluster_out_of_reach_is_told_soon_and_without_its_token(quick, payments):
    del payments
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for listener in (silent, closed):
            port, began = listener.getsockname()[1], time.monotonic()
            ran = quick(
                "segment", "--engine", f"sc://127.0.0.1:{port}/;user_id={TOKEN}", "-o", "x.csv"
            )
            assert ran.code == 75
            assert f"sc://127.0.0.1:{port}" in ran.err
            assert TOKEN not in ran.err
            assert time.monotonic() - began < 30
            assert not Path("x.csv").exists()


@pytest.mark.parametrize(
    "address",
    [
        f"spark://127.0.0.1/;token={TOKEN}",
        f"sc://127.0.0.1;token={TOKEN}",
        f"sc://127.0.0.1:x/;token={TOKEN}",
        f"sc://127.0.0.1:1/;token={TOKEN};more",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_token(quick, payments, address):
    del payments
    ran = quick("segment", "--engine", address)
    assert (ran.code, TOKEN in ran.err) == (2, False)


def test_a_cluster_that_breaks_off_leaves_nothing(quick, cluster, wire, payments, tmp_path):
    del payments
    whole = wire(cluster)
    try:
        assert quick("check", "--engine", whole.address, "--store", "kept").code == 0
    finally:
        whole.cut()
    for share in (0.2, 0.9):
        broken = wire(cluster, whole.said * share)
        ran = quick("segment", "--engine", broken.address, "--store", "other", "-o", "out.parquet")
        broken.cut()
        assert ran.code == 75, ran.err
        assert "went away" in ran.err
        assert not (tmp_path / "out.parquet").exists()
        assert not list((tmp_path / "other").glob("_book-*"))


@pytest.mark.parametrize(
    ("settings", "arguments", "said"),
    [
        ('[cluster]\npayments = "a.b"\n', [], "nothing says on which"),
        ("", ["--engine", "sc://h"], "no settings name a table"),
        ("", [], "Nothing to read was named"),
        ('[cluster]\nsurveys = "a.b"\n', [], "only mrr_events, payments, tickets, usage are read"),
        ('[cluster]\nengine = "sc://h"\n', [], "outside [cluster]"),
        (
            '[cluster]\npayments = { table = "a", columns = { custmer_id = "x" } }\n',
            [],
            "customer_id?",
        ),
    ],
)
def test_settings_that_do_not_fit_are_told(quick, tmp_path, settings, arguments, said):
    (tmp_path / "csk.toml").write_text(settings)
    ran = quick("segment", *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_tables_named_by_settings_that_came_with_the_data_are_not_asked_for(quick, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "csk.toml").write_text('[cluster]\npayments = "hr.salaries"\n')
    (folder / "payments.csv").write_text("customer_id,date,amount\na,2024-01-01,1\n")
    ran = quick("segment", folder, "--engine", "sc://127.0.0.1:9")
    assert ran.code == 2
    assert "beside the data" in ran.err


def test_the_doctor_tries_a_cluster(quick, cluster):
    ran = quick("doctor", "--engine", cluster, "--report", "json")
    found = json.loads(ran.out)
    assert ran.code == 0, ran.err
    assert found["cluster"]["is_alike"] is True
    assert set(found["cluster"]["gaps"]) <= {"paths"}
    assert int(found["cluster"]["version"].split(".")[0]) >= 4
    assert 0 < found["cluster"]["seconds"] < 60


def test_the_doctor_tells_what_csk_runs_on_and_of_a_cluster_out_of_reach(quick):
    plain = quick("doctor")
    assert plain.code == 0
    assert [
        one for one in (b"polars", b"narwhals", b"Memory", b"utf") if one not in plain.out
    ] == []
    away = quick("--lang", "ja", "doctor", "--engine", f"sc://127.0.0.1:9/;token={TOKEN}")
    assert away.code == 75
    assert "polars" in away.out.decode()
    assert TOKEN not in away.out.decode() + away.err


def test_without_its_client_the_way_to_it_is_told(quick, payments, monkeypatch):
    del payments
    monkeypatch.setitem(sys.modules, "pyspark.sql.connect.session", None)
    ran = quick("segment", "--engine", "sc://127.0.0.1:9")
    assert ran.code == 2
    assert "customer-success-kit[spark]" in ran.err
