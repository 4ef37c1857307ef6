"""How fast LTV is computed, beside lifetimes and lifelines, on the same files.

    python tests/bench/ltv.py --peers .venv-peers/bin/python [--runs 3] [--write docs/benchmarks.md]

Every program is a process of its own, and the two of a row run in turn: a busy machine slows
both. A program tells its CPU seconds from the opened file to the answer, which is what a ratio
is of; its whole process, imports and all, stands beside it. Both answers must agree.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from run import CSK, PEERS, measured

MARKS = "<!-- measured: ltv -->", "<!-- end: ltv -->"
VERSIONS = """
import platform
from importlib.metadata import version
names = ("lifetimes", "numpy", "scipy", "pandas", "pyarrow")
print(f"Python {platform.python_version()}, " + ", ".join(f"{n} {version(n)}" for n in names))
"""


@dataclass(frozen=True)
class Told:
    """What one process cost, and what it found."""

    cpu: float
    """From the opened file to the answer."""
    whole: float
    """From the start of the process to its end."""
    memory_mb: float
    answer: tuple[float, ...] = ()


@dataclass(frozen=True)
class Bounds:
    """What a row has to hold; a bound that is not named is not asked for."""

    times_faster: float | None = None
    cpu: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Row:
    """A job of csk, with the peer that does the same where there is one."""

    job: str
    bounds: Bounds
    mine: list[Told]
    peer: list[Told] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """How many times the CPU of csk the peer needs, medians of both."""
        return middle(self.peer, "cpu") / middle(self.mine, "cpu") if self.peer else None

    @property
    def target(self) -> str:
        """What is asked for, and whether it is missed."""
        wanted = self.bounds
        held = [
            (wanted.times_faster, "≥ {:g} x", -(self.ratio or 0.0), -1),
            (wanted.cpu, "< {:g} s", middle(self.mine, "cpu"), 1),
            (wanted.memory_mb, "< {:,.0f} MB", max(run.memory_mb for run in self.mine), 1),
        ]
        asked = [
            (text.format(bound), found > sign * bound)
            for bound, text, found, sign in held
            if bound is not None
        ]
        words = ", ".join(text for text, _ in asked) or "shown"
        return f"{words}, **missed**" if any(missed for _, missed in asked) else words


def middle(runs: Sequence[Told], name: str) -> float:
    """Return the median of one figure."""
    return float(statistics.median(getattr(run, name) for run in runs))


def told(command: Sequence[object]) -> Told:
    """Run a program that tells its own CPU seconds and its answer on its last line."""
    with tempfile.TemporaryFile() as said:
        run = measured([str(part) for part in command], output=said)
        said.seek(0)
        last = json.loads(said.read().splitlines()[-1])
    return Told(last["cpu"], run.cpu, run.memory_mb, tuple(last["answer"]))


def whole(command: Sequence[object]) -> Told:
    """Run a program that tells nothing."""
    run = measured([str(part) for part in command])
    return Told(run.cpu, run.cpu, run.memory_mb)


def turns(
    job: str,
    bounds: Bounds,
    mine: Sequence[object],
    peer: Sequence[object],
    runs: tuple[int, int],
    tolerance: float = 1e-3,
) -> Row:
    """Run two programs in turn, each so often, and stop where their answers differ."""
    found: tuple[list[Told], list[Told]] = [], []
    for turn in range(max(runs)):
        for side, (program, times) in zip(found, zip((mine, peer), runs, strict=True), strict=True):
            if turn < times:
                side.append(told(program))
    one, other = (side[0].answer for side in found)
    if not np.allclose(one, other, rtol=tolerance):
        raise SystemExit(f"{job}: csk finds {one}, its peer {other}")
    return Row(job, bounds, *found)


@dataclass(frozen=True)
class Bench:
    """Where and how often things are measured."""

    work: Path
    peers: Path
    runs: tuple[int, int]
    """Of csk, and of its peers, which take minutes."""
    scale: float
    """Share of the sizes that targets are set for."""

    def n(self, millions: float) -> int:
        """Return a number of rows or customers."""
        return int(millions * 1e6 * self.scale)

    def made(self, script: str, name: str, n: int, *more: object) -> Path:
        """Make a file of `n` rows by a script beside the peers."""
        path = self.work / name
        command = [sys.executable, PEERS / script, n, path, *more]
        subprocess.run([str(part) for part in command], check=True)
        return path

    def csk(self, script: str, *arguments: object) -> list[object]:
        """Name a program that runs in csk's environment."""
        return [sys.executable, PEERS / script, *arguments]

    def peer(self, script: str, *arguments: object) -> list[object]:
        """Name a program that runs in the peers' environment."""
        return [self.peers, PEERS / script, *arguments]


def fits(on: Bench, n_pareto: float) -> Iterator[Row]:
    """Measure fits of whole weeks, and of days where csk is alone."""
    weeks = on.made("generate_histories.py", "weeks.npz", on.n(1), "bg_nbd", 7)
    left = on.made("generate_histories.py", "pareto.npz", on.n(n_pareto), "pareto_nbd", 7)
    few = on.made("generate_histories.py", "few.npz", on.n(0.3), "bg_nbd", 7)
    jobs = (
        ("BG/NBD", "bg_nbd", weeks, Bounds(15), 1e-3),
        ("Pareto/NBD", "pareto_nbd", left, Bounds(40), 2e-2),
        ("gamma-gamma", "gamma_gamma", weeks, Bounds(10), 2e-2),
        ("gamma-gamma, none left out", "gamma_gamma", few, Bounds(), 1e-2),
    )
    for name, model, path, bounds, tolerance in jobs:
        x = np.load(path)["x"]
        job = f"{name}, {len(x):,} customers, weeks \\| lifetimes"
        sides = (on.csk("fit_csk.py", model, path), on.peer("fit_lifetimes.py", model, path))
        yield turns(job, bounds, *sides, on.runs, tolerance)
    refits = on.csk("refit_csk.py", weeks, 200)
    yield Row(f"BG/NBD, {on.n(1):,} customers, 200 refits", Bounds(cpu=120), [told(refits)])
    many = on.made("generate_histories.py", "days.parquet", on.n(10), "bg_nbd", 1)
    bounds, found = Bounds(cpu=15, memory_mb=2_000), [told(on.csk("fit_many.py", many))]
    yield Row(f"BG/NBD, {on.n(10):,} customers, days", bounds, found)


def histories(on: Bench) -> Iterator[Row]:
    """Measure order lines to (x, t_x, T), with csk's sorting and without."""
    lines = on.made("generate_purchases.py", "lines.parquet", on.n(10))
    peer = on.peer("histories_lifetimes.py", lines)
    job = f"{on.n(10):,} order lines to (x, t_x, T)"
    mine = on.csk("histories_csk.py", lines, "unsorted")
    row = turns(f"{job} \\| lifetimes", Bounds(4), mine, peer, (1, 1))
    yield row
    stored = lines.with_name(f"sorted-{lines.name}")
    runs = [told(on.csk("histories_csk.py", stored, "sorted")) for _ in range(on.runs[0])]
    yield Row(f"{job}, from the store", Bounds(), runs)


def curves(on: Bench) -> Iterator[Row]:
    """Measure Kaplan-Meier."""
    spells = on.made("generate_spells.py", "spells.parquet", on.n(10))
    for entry, words, bounds in (
        ("none", "all from age 0", Bounds(3)),
        ("late", "a quarter entered late", Bounds()),
    ):
        job = f"Kaplan-Meier, {on.n(10):,} spells, {words} \\| lifelines"
        mine = on.csk("survival_csk.py", spells, entry)
        peer = on.csk("survival_lifelines.py", spells, entry)
        yield turns(job, bounds, mine, peer, on.runs)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| job \\| peer | target | times faster | CPU s | peer | whole | peer | peak MB | peer |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"**{row.ratio:.1f}**"
        cells = [row.job, row.target, ratio]
        for name, form in (("cpu", ".2f"), ("whole", ".2f"), ("memory_mb", ",.0f")):
            sides = (row.mine, row.peer)
            cells += [format(middle(side, name), form) if side else "" for side in sides]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def footer(on: Bench) -> str:
    """Say what was measured on, and with what."""
    from importlib.metadata import version

    names = ("polars", "numpy", "scipy", "pyarrow", "lifelines", "pandas")
    mine = ", ".join(f"{name} {version(name)}" for name in names)
    asked = [str(on.peers), "-c", VERSIONS]
    peers = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    return (
        f"Measured on {os.cpu_count()} cores. csk and lifelines: Python"
        f" {platform.python_version()}, {mine}. lifetimes: {peers}. csk ran {on.runs[0]} times and"
        f" its peers {on.runs[1]} (medians); the sorting of order lines, the refits and the fit of"
        " the most customers once."
    )


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--peers", type=Path, required=True, help="Python that has lifetimes")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-runs", type=int, default=1, help="of peers: most take a minute")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the sizes")
    parser.add_argument("--pareto", type=float, default=0.01, help="millions for Pareto/NBD")
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    rows, runs = [], (asked.runs, asked.peer_runs)
    with tempfile.TemporaryDirectory(prefix="csk-bench-") as work:
        on = Bench(Path(work), asked.peers.absolute(), runs, asked.scale)
        for part in (histories(on), curves(on), fits(on, asked.pareto)):
            for row in part:
                print(f"{row.job}: {middle(row.mine, 'cpu'):.2f} s", file=sys.stderr)
                rows.append(row)
        selftest = [whole([*CSK, "selftest"]) for _ in range(on.runs[0])]
        rows.append(Row("`csk selftest`", Bounds(), selftest))
        text = f"{table(rows)}\n\n{footer(on)}\n"
    print(text)
    if asked.write:
        head, _, rest = asked.write.read_text(encoding="utf-8").partition(f"{MARKS[0]}\n")
        _, _, tail = rest.partition(MARKS[1])
        page = f"{head}{MARKS[0]}\n\n{text}\n{MARKS[1]}{tail}"
        asked.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
