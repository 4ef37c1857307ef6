"""Speed and memory as ratios to bare programs measured in the same run.

    python tests/bench/run.py [--rows 10000000] [--runs 3] [--write docs/benchmarks.md]

Every figure is of a whole process, from its start to its end: CPU seconds (user and system) and
peak memory as the operating system counts them. Programs of one row run in turn, A B A B ...,
and the median of their ratios is printed: a busy machine slows both.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent
CSK = [sys.executable, "-m", "csk"]
PEERS = HERE / "peers"


@dataclass(frozen=True)
class Run:
    """What one process cost."""

    cpu: float
    wall: float
    memory_mb: float


@dataclass(frozen=True)
class Row:
    """A program against its peer."""

    job: str
    target: str
    mine: list[Run]
    peer: list[Run]

    @property
    def ratio(self) -> float:
        """Median of the paired ratios of CPU."""
        pairs = zip(self.mine, self.peer, strict=True)
        return statistics.median(a.cpu / b.cpu for a, b in pairs)


def measured(
    command: Sequence[str | Path],
    environment: dict[str, str] | None = None,
    output: int | IO[bytes] = subprocess.DEVNULL,
) -> Run:
    """Run a program to its end and return what it cost; its failure is ours."""
    before = os.times()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=output,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    _, errors = b"", process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    after = os.times()
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{command} failed: {errors.decode()[-500:]}")
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    wall = after.elapsed - before.elapsed
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / scale)


def paired(
    job: str, target: str, mine: Sequence[str | Path], peer: Sequence[str | Path], runs: int
) -> Row:
    """Run two programs in turn, after a turn of each that is not counted."""
    measured(mine)
    measured(peer)
    pairs = [(measured(mine), measured(peer)) for _ in range(runs)]
    return Row(job, target, [a for a, _ in pairs], [b for _, b in pairs])


def rows_of(n_rows: int, runs: int, work: Path) -> list[Row]:
    """Measure every job."""
    payments = work / "payments.csv"
    python = sys.executable
    subprocess.run([python, PEERS / "generate.py", str(n_rows), payments], check=True)
    output, store = work / "out.parquet", work / "store"
    segment = [*CSK, "segment", payments, "-o", output, "--quiet"]
    kept = [*segment, "--store", store]
    label = f"{n_rows / 1e6:g} M payments, {payments.stat().st_size / 1e6:.0f} MB of CSV"
    polars = [python, PEERS / "bare_polars.py", payments]
    return [
        paired(f"segment: {label} | bare Polars group-by", "<= 2.0", segment, polars, runs),
        paired(
            f"segment: {label} | DuckDB group-by",
            "shown",
            segment,
            [python, PEERS / "bare_duckdb.py", payments],
            runs,
        ),
        paired("the same from a kept store | from the CSV", "<= 0.5", kept, segment, runs),
        *movements(n_rows // 10, runs, work),
        paired(
            "csk --help | bare Typer and Rich",
            "<= 1.5",
            [*CSK, "--help"],
            [python, PEERS / "hello.py", "--help"],
            max(runs, 5),
        ),
        paired(
            "segment of the sample | its imports",
            "<= 1.5",
            [*CSK, "segment", HERE.parent.parent / "data" / "sample"],
            [python, PEERS / "imports.py"],
            max(runs, 5),
        ),
    ]


def movements(n_customers: int, runs: int, work: Path) -> list[Row]:
    """Measure movements of contracts, three rows a customer, beside the sums of their days."""
    contracts, python = work / "contracts.csv", sys.executable
    made = [python, PEERS / "generate_contracts.py", str(n_customers), contracts]
    subprocess.run(made, check=True)
    mrr = [*CSK, "mrr", contracts, "-o", work / "movements.parquet", "--quiet"]
    bare = [python, PEERS / "bare_deltas.py", contracts]
    label = (
        f"mrr: {n_customers / 1e6:g} M customers, {contracts.stat().st_size / 1e6:.0f} MB of CSV"
    )
    kept = [*mrr, "--store", work / "contracts"]
    return [
        paired(f"{label} | bare Polars sums of days", "<= 2.0", mrr, bare, runs),
        paired("the same from a kept store | bare Polars from CSV", "<= 2.0", kept, bare, runs),
    ]


def markdown(table: Sequence[Row]) -> str:
    """Return the table."""
    lines = [
        "| job \\| peer | target | CPU ratio | CPU s | peer CPU s | wall s | peak MB | peer MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table:
        middle = statistics.median
        lines.append(
            f"| {row.job.replace('|', chr(92) + '|')} | {row.target} | **{row.ratio:.2f}** "
            f"| {middle(r.cpu for r in row.mine):.2f} | {middle(r.cpu for r in row.peer):.2f} "
            f"| {middle(r.wall for r in row.mine):.1f} "
            f"| {middle(r.memory_mb for r in row.mine):.0f} "
            f"| {middle(r.memory_mb for r in row.peer):.0f} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """Say what was measured on."""
    from importlib.metadata import version

    names = ("polars", "pyarrow", "duckdb", "numpy", "scipy", "typer")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csk-bench-") as work:
        table = rows_of(chosen.rows, chosen.runs, Path(work))
    text = f"{markdown(table)}\n\nMeasured on {machine()}; medians of {chosen.runs} paired runs.\n"
    print(text)
    if chosen.write:
        page = chosen.write.read_text(encoding="utf-8")
        head, mark, _ = page.partition("<!-- measured -->\n")
        chosen.write.write_text(f"{head}{mark}\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
