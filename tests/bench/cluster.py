"""What csk costs beyond the cluster that it asks: the days of usage there, and here.

    python tests/bench/cluster.py [--events 2000000] [--customers 2000] [--runs 3]

One rule: the cluster is Sail with two workers, a process of its own. A bare client has it add up
the same days, written apart, and count them; csk has them brought here, up to their last row.
Every time is of a whole process, from its start; CPU is that of the process and of the cluster.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import polars as pl
from measuring import CSK, PEERS, Run, measured

sys.path.append(str(Path(__file__).parents[1] / "cluster"))
from two_workers import two_workers  # it lies beside the tests that share it

MOST_SECONDS = 5.0
PARTS = 8
BARE = """
import sys
from pyspark.sql.connect.session import SparkSession
session = SparkSession.builder.remote(sys.argv[1]).create()
session.read.parquet(sys.argv[2]).createOrReplaceTempView("rows")
print(session.sql('''
    SELECT count(*), sum(quantity), sum(n_events) FROM (
        SELECT customer_id, feature, date_trunc('DAY', used_at), quantity < 0,
               sum(CAST(floor(CAST(quantity AS DOUBLE) * 1000 + 0.5) AS BIGINT)) AS quantity,
               count(*) AS n_events
        FROM rows GROUP BY 1, 2, 3, 4)
''').toArrow().to_pylist())
"""
BROUGHT = """
import sys
from pathlib import Path
from csk.intake.origins.cluster import brought, wide_tables
from csk.settings import settings
chosen = settings({"engine": sys.argv[1]}, Path(sys.argv[2]))
here = Path(sys.argv[3]) / "days.arrow"
print(len(list(brought(wide_tables(chosen), chosen, lambda _: here))))
"""


class Cost(NamedTuple):
    """What a job cost: its own process, and CPU seconds of the cluster."""

    run: Run
    there: float


def made(events: int, customers: int, folder: Path) -> int:
    """Make contracts and usage in parts, and return how many events there are."""
    command = [sys.executable, PEERS / "generate_usage.py", events, customers, folder]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    rows = pl.concat([pl.read_parquet(path) for path in sorted(folder.glob("usage-*"))])
    (folder / "usage").mkdir()
    for number, part in enumerate(rows.iter_slices(-(-rows.height // PARTS))):
        part.write_parquet(folder / "usage" / f"{number}.parquet")
    return rows.height


def spent(pid: int) -> float:
    """Return the CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(job: str, runs: list[Cost]) -> str:
    """Return a line of the table: medians of the runs."""
    medians = (
        statistics.median(each)
        for each in zip(*((c.run.wall, c.run.cpu, c.there) for c in runs), strict=True)
    )
    memory = max(cost.run.memory_mb for cost in runs)
    return f"| {job} | {' | '.join(f'{x:.1f}' for x in medians)} | {memory:,.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    wanted = parser.parse_args()
    os.environ.setdefault("SPARK_HOME", str(Path(__file__).parent))  # the client looks for one
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "wide"
        n_events = made(wanted.events, wanted.customers, folder)
        config = Path(work) / "there.toml"
        config.write_text(f'[cluster]\nusage = "{folder}/usage"\n')
        with two_workers(Path(work) / "sail.log") as (server, there):
            program = [*CSK, "usage", f"subscriptions={folder}/contracts.parquet", "-q"]
            jobs = {
                "a bare client: added up and counted": ["-c", BARE, there, folder / "usage"],
                "csk: added up and brought here": ["-c", BROUGHT, there, config, work],
                "csk usage, whole": [*program[1:], "--engine", there, "--config", config],
            }
            runs: dict[str, list[Cost]] = {job: [] for job in jobs}
            for turn in range(wanted.runs + 1):
                for job, arguments in jobs.items():
                    before = spent(server.pid)
                    run = measured([sys.executable, *arguments])
                    if turn:  # the first warms up what is read
                        runs[job].append(Cost(run, spent(server.pid) - before))
        n_days = pl.scan_ipc(Path(work) / "days.arrow").select(pl.len()).collect().item()
    print(f"{n_events:,} events in {PARTS} parts, {n_days:,} days of customer and feature\n")
    print("| job | wall s | CPU s | CPU s of the cluster | peak MB |\n|---|---:|---:|---:|---:|")
    for job, of_job in runs.items():
        print(row(job, of_job))
    bare, brought, _ = runs.values()
    pairs = list(zip(bare, brought, strict=True))
    wall = statistics.median(b.run.wall - a.run.wall for a, b in pairs)
    cpu = statistics.median(b.run.cpu + b.there - a.run.cpu - a.there for a, b in pairs)
    held = "held" if wall <= MOST_SECONDS else "missed"
    print(
        f"\nbeyond the engine: {wall:.1f} s ({cpu:.1f} CPU s), target {MOST_SECONDS:.0f} s {held}"
    )


if __name__ == "__main__":
    main()
