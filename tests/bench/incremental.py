"""What a day more costs a kept store: CPU by stage of a year, of the day, and of neither.

    python tests/bench/incremental.py [--events 10000000] [--customers 30000] [--runs 3]

One rule: whole processes on files of days that another program made. A year less its last day is
read into an empty store, then that day is added, then nothing is; stages are those of the log.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import polars as pl
from measuring import CSK, PEERS, logged, measured

TARGET = 0.02
READ = "read"
RUNS = ("a year", "and a day", "and nothing")


def cut(weeks: Path, days: Path) -> Path:
    """Write the weeks of a log as files of days, as CSV; return the last one."""
    days.mkdir()
    for name in ("customers.parquet", "contracts.parquet"):
        shutil.copy(weeks / name, days)
    written = days
    for week in sorted(weeks.glob("usage-*.parquet")):
        rows = pl.read_parquet(week).with_columns(
            pl.col("used_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"), day=pl.col("used_at").dt.date()
        )
        for (day,), part in rows.group_by("day", maintain_order=True):
            written = days / f"usage-{day}.csv"
            part.drop("day").write_csv(written)
    return written


def stages(days: Path, store: Path, output: Path) -> dict[str, float]:
    """Run the command; return CPU seconds by stage, of all (`whole`), and before the first."""
    command = [*CSK, "churn-risk", days, "--store", store, "-o", output]
    command += ["--quiet", "--log-format", "json"]
    log, run = logged(command)
    spent = {b["event"]: b["cpu_seconds"] - a["cpu_seconds"] for a, b in pairwise(log)}
    return {**spent, "imports": log[0]["cpu_seconds"], "whole": run.cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--customers", type=int, default=30_000)
    parser.add_argument("--runs", type=int, default=3)
    wanted = parser.parse_args()
    spent: dict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as work:
        weeks, days, store = (Path(work) / name for name in ("weeks", "days", "store"))
        made = [sys.executable, PEERS / "generate_usage.py", wanted.events, wanted.customers, weeks]
        subprocess.run([str(part) for part in made], check=True)
        last = cut(weeks, days)
        hashed = measured(["sha256sum", *sorted(days.iterdir())]).cpu
        for _ in range(wanted.runs):
            held = last.rename(Path(work) / last.name)
            shutil.rmtree(store, ignore_errors=True)
            for name in RUNS:
                if name == RUNS[1]:
                    held.rename(last)
                spent[name].append(stages(days, store, Path(work) / "out.parquet"))
    medians = {
        name: {stage: statistics.median(run[stage] for run in of) for stage in of[0]}
        for name, of in spent.items()
    }
    print(f"| stage, CPU s | {' | '.join(RUNS)} |\n|---|{'---:|' * len(RUNS)}")
    for stage in medians[RUNS[0]]:
        print(f"| {stage} | {' | '.join(f'{medians[name][stage]:.2f}' for name in RUNS)} |")
    year, day = (medians[name] for name in RUNS[:2])
    for full, label in ((year[READ], "reading"), (year["whole"] - year["imports"], "all")):
        share = day[READ] / full
        held_or_not = "held" if share <= TARGET else "missed"
        print(f"\nreading the day: {share:.1%} of {label}, target {TARGET:.0%} {held_or_not}")
    print(f"sha256 of every file, bare: {hashed:.2f} CPU s")


if __name__ == "__main__":
    main()
