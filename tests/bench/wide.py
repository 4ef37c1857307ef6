"""What `csk churn-risk` costs where usage is wide: time by stage, and the peak of memory.

    python tests/bench/wide.py [--events 100000000] [--customers 1000000] [--keep FOLDER]

One rule: the whole command is one process on files that another program made; its stages are
those of its own log. Bare Polars reads the same files and adds up the same sums of usage.
"""

import argparse
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from measuring import CSK, PEERS, logged, measured

MOST_MB = 6_000


def stages(folder: Path, output: Path) -> tuple[list[dict[str, Any]], float]:
    """Run the command on a folder; return the lines of its log and its peak of memory in MB."""
    command = [*CSK, "churn-risk", folder, "-o", output, "--quiet", "--log-format", "json"]
    log, run = logged(command)
    return log, run.memory_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="make the files here and leave them")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = wanted.keep or Path(work) / "wide"
        if not (folder / "contracts.parquet").exists():
            made = [sys.executable, PEERS / "generate_usage.py"]
            made += [wanted.events, wanted.customers, folder]
            subprocess.run([str(part) for part in made], check=True)
        log, memory_mb = stages(folder, Path(work) / "risks.parquet")
        bare = measured([sys.executable, PEERS / "bare_usage.py", folder])
    print("| stage | CPU s | wall s |\n|---|---:|---:|")
    for before, now in pairwise(log):
        spent = (now[name] - before[name] for name in ("cpu_seconds", "seconds"))
        print(f"| {now['event']} | {' | '.join(f'{x:.1f}' for x in spent)} |")
    whole = log[-1]
    held = "held" if memory_mb <= MOST_MB else "missed"
    print(f"| all | {whole['cpu_seconds']:.1f} | {whole['seconds']:.1f} |")
    print(f"\npeak of memory: {memory_mb:,.0f} MB, target {MOST_MB:,} MB {held}")
    print(f"bare Polars, sums of usage alone: {bare.cpu:.1f} CPU s, {bare.memory_mb:,.0f} MB")


if __name__ == "__main__":
    main()
