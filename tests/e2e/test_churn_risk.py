"""A nightly run with a kept model: codes, locks, kills, full disks, and the same bytes again."""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import time
from pathlib import Path

import polars as pl
import pytest

from csk.errors import ExitCode

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
FITTED, NIGHT, NEXT = "2025-11-01", "2025-11-02", "2025-11-03"
KILLS = int(os.environ.get("CSK_TEST_KILLS", "3"))
"""Each costs two runs; whoever touches what is written asks for a hundred."""


@pytest.fixture
def night(fitted):
    """Give the arguments of a run as of a day, read from the store."""

    def arguments(day: str, *more: str) -> list[str]:
        store = ["--store", str(fitted / "store"), "--as-of", day]
        return ["churn-risk", str(SAMPLE), *store, "--model", "risk", *more]

    return arguments


def contents(*places: Path) -> dict[str, str]:
    """Return every file with its hash, but for the lock."""
    files = [file for place in places for file in sorted([place, *place.rglob("*")])]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file() and file.name != ".lock"
    }


def test_a_run_is_silent_and_the_same_again(quick, night, risk, tmp_path):
    asked = night(NIGHT, "-o", "out.parquet", "--metrics-file", "risk.prom", "-q")
    places = (risk, tmp_path / "out.parquet", tmp_path / "risk.prom")
    left = []
    for _ in range(2):
        ran = quick(*asked)
        assert (ran.code, ran.out, ran.err) == (0, b"", "")
        left.append(contents(*places))
    assert left[0] == left[1]
    runs = pl.read_parquet(risk / "runs.parquet")
    assert [str(day) for day in runs["as_of"]] == [FITTED, NIGHT]
    out = pl.read_parquet(tmp_path / "out.parquet")
    scores = pl.read_parquet(risk / "scores" / f"as_of={NIGHT}.parquet", hive_partitioning=False)
    assert out["customer_id"].to_list() == sorted(out["customer_id"].to_list())
    assert scores["p_churn_90d"].equals(out["p_churn_90d"])
    assert out["p_churn_change"].null_count() < out.height
    assert out["is_control"].sum() == runs["n_control"][1] > 0
    assert 'csk_churn_risk_alert{condition="drift"}' in (tmp_path / "risk.prom").read_text()


def test_a_past_night_again_takes_its_own_place(quick, night, risk):
    for day in (NIGHT, NEXT):
        assert quick(*night(day, "-q")).code == 0
    before = contents(risk)
    assert quick(*night(NIGHT, "-q")).code == 0
    assert contents(risk) == before


REFUSED = [
    (["--model", "none"], "There is no model: the folder 'none' does not exist"),
    (["--model", "empty"], "There is no model in 'empty'"),
    (["--model", "file"], "'file' is no folder"),
    (["--refit"], "--refit needs a kept model"),
    (["--refit-after", "30d", "--fail-on", "drift"], "--refit-after and --fail-on need a kept"),
    (["--model", "empty", "--fail-on", "drift,rain"], "--fail-on knows no rain"),
    (["--model", "empty", "--refit-after", "soon"], "soon"),
    (["--metrics-file", "nowhere/x.prom"], "mkdir -p 'nowhere'"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[" ".join(one[0]) for one in REFUSED])
def test_what_cannot_be_asked_is_refused(quick, tmp_path, options, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    ran = quick("churn-risk", SAMPLE, *options, "-q")
    assert (ran.code, said in ran.err) == (ExitCode.USAGE, True), ran.err
    assert not (tmp_path / "none").exists()


def test_a_day_before_the_models_own_is_refused(quick, night, risk):
    before = contents(risk)
    ran = quick(*night("2025-10-31", "-q"))
    assert (ran.code, "was fitted as of 2025-11-01" in ran.err) == (ExitCode.USAGE, True), ran.err
    assert contents(risk) == before


@pytest.mark.usefixtures("risk")
def test_an_alert_comes_after_the_outputs(quick, night, tmp_path):
    ran = quick(*night("2026-02-01", "-q", "-o", "out.csv", "--fail-on", "volume,freshness"))
    assert ran.code == ExitCode.ALERT
    assert "Freshness: the last day of" in ran.err
    assert "31 days late" in ran.err
    assert (tmp_path / "out.csv").stat().st_size > 0
    runs = pl.read_parquet(tmp_path / "risk" / "runs.parquet")
    assert "freshness" in runs["alerts"][-1]
    assert quick(*night("2026-02-01", "-q", "--fail-on", "volume")).code == 0


@pytest.mark.usefixtures("risk")
def test_a_log_of_json_is_json_whatever_happens(quick, night):
    for day, options, code, event in (
        (NIGHT, (), 0, "finished"),
        ("2025-10-31", (), ExitCode.USAGE, "refused"),
        ("2026-02-01", ("--fail-on", "freshness"), ExitCode.ALERT, "alert"),
    ):
        ran = quick(*night(day, "-q", "--log-format", "json", *options))
        lines = [json.loads(line) for line in ran.err.splitlines()]
        assert ran.code == code
        assert (lines[0]["event"], lines[-1]["event"]) == ("started", event)
        assert lines[-1]["exit_code"] == code


@pytest.mark.usefixtures("risk")
def test_a_run_is_said_in_one_line(quick, night):
    ran = quick(*night(NIGHT))
    assert ran.code == 0
    assert len(ran.err.splitlines()) == 1
    assert f"customers scored as of {NIGHT}" in ran.err


def test_two_runs_at_once(quick, started, night, risk, tmp_path):
    before = contents(risk)
    os.mkfifo(tmp_path / "pipe")
    first = started("churn-risk", f"payments={tmp_path / 'pipe'}", "--model", "risk", "-q")
    try:
        until = time.monotonic() + 60
        while not (risk / ".lock").exists() or not (risk / ".lock").read_text():
            assert time.monotonic() < until
            time.sleep(0.02)
        second = started(*night(NIGHT, "-q"))
        _, told = second.communicate()
        assert second.returncode == ExitCode.TRY_AGAIN
        assert f"Another run works in 'risk' (process {first.pid} on " in told.decode()
        assert contents(risk) == before
    finally:
        first.kill()
        first.communicate()
    for left in (tmp_path / "temporary").iterdir():
        shutil.rmtree(left)  # of the run that was killed
    assert quick(*night(NIGHT, "-q")).code == 0


def test_a_full_disk_leaves_what_was(csk, quick, night, risk, tmp_path):
    assert quick(*night(NIGHT, "-q", "-o", "out.csv")).code == 0
    before = contents(risk, tmp_path / "out.csv")

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))

    # Python would cut off the bytecode of what it imports, and later runs would read that.
    no_bytecode = {"PYTHONDONTWRITEBYTECODE": "1"}
    asked = night(NEXT, "-q", "-o", "out.csv")
    ran = csk(*asked, preexec_fn=small, variables=no_bytecode)
    assert (ran.code, "size allowed" in ran.err) == (ExitCode.STORAGE, True), ran.err
    assert contents(risk, tmp_path / "out.csv") == before


def test_a_broken_ledger_is_refused_and_kept(quick, night, risk):
    (risk / "runs.parquet").write_bytes(b"PAR1 broken")
    before = contents(risk)
    ran = quick(*night(NIGHT, "-q"))
    assert (ran.code, "runs.parquet' cannot be read" in ran.err) == (ExitCode.DATA, True), ran.err
    assert contents(risk) == before


def test_killed_at_any_moment_each_file_is_old_or_new(
    quick, started, night, risk, tmp_path, temporary
):
    """Half of the kills at any time of the run, half while it writes."""
    out = tmp_path / "out.parquet"
    assert quick(*night(NIGHT, "-q", "-o", "out.parquet")).code == 0
    shutil.copytree(risk, tmp_path / "old")
    old, old_out = contents(risk, out), out.read_bytes()
    asked = night(NEXT, "-q", "-o", "out.parquet")
    since = time.monotonic()
    process = started(*asked)
    assert process.communicate() == (b"", b"")
    took, new = time.monotonic() - since, contents(risk, out)
    draw = random.Random(6)
    seen = set()
    for number in range(KILLS):
        shutil.rmtree(risk)
        shutil.copytree(tmp_path / "old", risk)
        out.write_bytes(old_out)
        process = started(*asked)
        if number % 2:
            until = time.monotonic() + 60
            while process.poll() is None and not list(risk.rglob(".csk-*.part")):
                assert time.monotonic() < until
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.05))
        else:
            time.sleep(draw.uniform(0, took))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = contents(risk, out)
        whole = {name: mark for name, mark in found.items() if not Path(name).name.startswith(".")}
        assert all(mark in (old.get(name), new[name]) for name, mark in whole.items()), number
        seen.add(sum(mark == new[name] != old.get(name) for name, mark in whole.items()))
        for left in temporary.iterdir():
            shutil.rmtree(left)
        assert quick(*asked).code == 0
        assert contents(risk, out) == new, number
    assert 0 in seen
