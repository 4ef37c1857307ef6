"""Examples and the README's own commands do what they say."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from shutil import which

import duckdb
import pytest

TOP = Path(__file__).parents[2]
CSK = f"{shlex.quote(sys.executable)} -m csk"


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(TOP / "data" / "sample")
    (tmp_path / "examples").symlink_to(TOP / "examples")
    program = tmp_path / "bin" / "csk"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {CSK} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("PYTHONPATH", str(TOP / "src"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def done(command: str) -> subprocess.CompletedProcess:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("place")
def test_the_nightly_job_is_silent_and_its_tables_answer_the_query():
    job = done("bash examples/nightly.sh data/sample out")
    assert (job.returncode, job.stdout, job.stderr) == (0, "", "")
    rows = duckdb.sql((TOP / "examples" / "at_risk.sql").read_text()).fetchall()
    assert len(rows) == 10
    at_risk = [row[-1] for row in rows]
    assert at_risk == sorted(at_risk, reverse=True)


@pytest.mark.usefixtures("place")
def test_the_example_tiers_spend_no_more_than_their_budget(quick, sample_store):
    asked = ("--config", "examples/tiers.toml", "--report", "json", "--store", sample_store)
    ran = quick("segment", "data/sample", *asked)
    assert ran.code == 0, ran.err
    spend = float(re.search(rb'"spend_amount": "([\d.]+)"', ran.out)[1])
    assert 0 < spend <= 6_000_000


NIGHT = "2025-11-02"
"""Stands for today: the day after that of the model, which is not fitted again."""


def scheduled(name: str) -> str:
    """Return the command of a schedule, to be run by a shell on the sample as of a night."""
    text = (TOP / "examples" / name).read_text(encoding="utf-8").replace("--as-of today", "")
    found = re.search(r"^(?:15 3 \* \* \*|ExecStart=)\s*(.*)$", text, flags=re.MULTILINE)[1]
    return f"EXPORTS=data/sample; RISK=risk; {found} --as-of {NIGHT}"


def test_a_night_of_cron_and_one_of_systemd_leave_the_same(place, fitted):
    model = place / "risk" / "model"
    shutil.copytree(fitted / "risk", model, ignore=shutil.ignore_patterns(".lock"))
    left = []
    for name in ("risk.crontab", "csk-risk.service"):
        job = done(scheduled(name))
        assert (job.returncode, job.stdout) == (0, ""), job.stderr
        lines = [json.loads(line)["event"] for line in job.stderr.splitlines()]
        assert lines[-1:] == (["finished"] if name.endswith("service") else [])
        left.append((place / "risk" / "risk.parquet").read_bytes())
    assert left[0] == left[1]
    assert "csk_churn_risk_customers " in (place / "risk" / "churn_risk.prom").read_text()


@pytest.mark.skipif(not which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_understands_the_units(tmp_path):
    for name in ("csk-risk.service", "csk-risk.timer"):
        (tmp_path / name).write_bytes((TOP / "examples" / name).read_bytes())
    job = done(f"systemd-analyze verify {tmp_path}/csk-risk.timer {tmp_path}/csk-risk.service")
    assert job.returncode == 0, job.stderr


@pytest.mark.parametrize("name", ["risk_airflow.py", "risk_dagster.py"])
def test_the_examples_for_orchestrators_compile(name):
    path = TOP / "examples" / name
    compile(path.read_text(encoding="utf-8"), str(path), "exec")


def commands() -> list[str]:
    text = (TOP / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if re.search(r"(^|\| |&& )csk ", line)]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme_succeeds(command):
    job = done(f"set -o pipefail; {command.split('  #')[0]}")
    assert job.returncode in (0, 141), job.stderr


def test_the_readme_has_commands():
    assert len(commands()) > 10


@pytest.mark.usefixtures("place")
def test_the_readme_shows_what_is_printed(quick, monkeypatch):
    shown = re.search(r"```text\n(.*?)```", (TOP / "README.md").read_text("utf-8"), re.DOTALL)[1]
    monkeypatch.setenv("COLUMNS", "80")
    assert quick("segment", "data/sample").out.decode().startswith(shown)
