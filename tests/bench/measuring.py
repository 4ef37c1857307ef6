"""Programs, run in turn, and what they cost.

One rule: whatever is measured is a process of its own, and this one stays small: a process begins
with the memory of the one that has started it, so nothing here imports NumPy or Polars.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import IO, Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = HERE / "peers"
CSK = [sys.executable, "-m", "csk"]
_SCALE = 1024 if sys.platform != "darwin" else 1024 * 1024


@dataclass(frozen=True)
class Run:
    """What one process cost, from its start to its end."""

    cpu: float
    wall: float
    memory_mb: float


@dataclass(frozen=True)
class Told:
    """What one run of a program cost, and what it found."""

    cpu: float
    """Seconds that a ratio is of: those that the program tells, else those of the process."""
    whole: float
    wall: float
    memory_mb: float
    answer: tuple[float | str, ...] = ()


@dataclass(frozen=True)
class Program:
    """A program and how its answer is read."""

    name: str
    command: Sequence[object]
    answers: Sequence[object] = ()
    """What prints the answer that the program has left in a file."""
    checks: Sequence[object] = ()
    """What fails where the file that the program has left is wrong."""
    fresh: tuple[Path, ...] = ()
    """Removed before every run: an output that is there would be compared with."""
    leaves: dict[str, Path] = field(default_factory=dict)
    """Files and folders whose bytes are told, and what they are called."""
    most_runs: int = 99
    is_primed: bool = False
    """Whether a run that is not counted has to go before, to leave what this one finds."""
    reads: Callable[[str], float] | None = None
    """What takes the CPU seconds that count from the lines of stderr."""


@dataclass(frozen=True)
class Pair:
    """A program against another, by name, and the most that the ratio of their CPU may be."""

    mine: str
    peer: str
    most: float | None = None
    tolerance: float = 1e-9
    """Relative, of their answers, where both have one."""
    is_same: bool = True
    """Whether they answer the same question."""


@dataclass(frozen=True)
class Bounds:
    """What a program has to hold by itself; what is not named is not asked for."""

    cpu: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Case:
    """Programs that run in turn on the same files."""

    section: str
    key: str
    job: str
    """What is done, of which size; a row is called so."""
    programs: Sequence[Program]
    pairs: Sequence[Pair]
    n_rows: int = 0
    n_customers: int = 0
    words: dict[str, str] = field(default_factory=dict)
    """What a row of a program is called, where `job` does not say it."""
    bounds: dict[str, Bounds] = field(default_factory=dict)
    limits: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By program: those that do no more than what cannot be left out, and what that is."""


def measured(
    command: Sequence[object],
    environment: dict[str, str] | None = None,
    output: int | IO[bytes] = subprocess.DEVNULL,
    errors: IO[bytes] | None = None,
) -> Run:
    """Run a program to its end and return what it cost; its failure is ours."""
    with tempfile.TemporaryFile() as kept:
        said = errors or kept
        before = os.times()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=said,
            env={**os.environ, **(environment or {})},
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = os.times().elapsed - before.elapsed
        if process.returncode != 0:
            said.seek(0)
            last = said.read().decode(errors="replace")[-1500:]
            raise SystemExit(f"{' '.join(map(str, command))} failed: {last}")
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / _SCALE)


def logged(command: Sequence[object]) -> tuple[list[dict[str, Any]], Run]:
    """Run a program that logs JSON; return the lines of its log, and what it cost."""
    with tempfile.TemporaryFile() as said:
        run = measured(command, errors=said)
        said.seek(0)
        return [json.loads(line) for line in said.read().decode().splitlines()], run


def told(program: Program) -> Told:
    """Run a program once; its last line may be JSON of its own `cpu` and of its `answer`."""
    for path in program.fresh:
        if path.is_dir():
            rmtree(path)
        path.unlink(missing_ok=True)
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
        run = measured(program.command, output=said, errors=errors)
        last = _last_line(said)
        errors.seek(0)
        log = errors.read().decode(errors="replace") if program.reads else ""
    if program.answers:
        last |= asked(program.answers)
    cpu = program.reads(log) if program.reads else last.get("cpu", run.cpu)
    return Told(cpu, run.cpu, run.wall, run.memory_mb, tuple(last.get("answer", ())))


def asked(command: Sequence[object]) -> dict[str, Any]:
    """Run a program that is not measured; return what its last line tells."""
    with tempfile.TemporaryFile() as said:
        measured(command, output=said)
        return _last_line(said)


def _last_line(said: IO[bytes]) -> dict[str, Any]:
    said.seek(0)
    lines = said.read().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def in_turn(case: Case, runs: int, *, is_warmed: bool) -> dict[str, list[Told]]:
    """Run all programs of a case A B C, A B C, ...; stop where two answers differ.

    A program that is warmed has run once before, uncounted; one that runs but once is not.
    """
    found: dict[str, list[Told]] = {program.name: [] for program in case.programs}
    for program in case.programs:
        if program.is_primed or (is_warmed and program.most_runs > 1):
            told(program)
    for turn in range(runs):
        for program in case.programs:
            if turn >= program.most_runs:
                continue
            run = told(program)
            found[program.name].append(run)
            line = f"{case.job}: {program.name} {run.cpu:.2f} s, {run.memory_mb:,.0f} MB"
            print(line, file=sys.stderr, flush=True)
            if turn == 0 and program.checks:
                print(f"  checked: {asked(program.checks)}", file=sys.stderr)
        if turn == 0:
            agree(case, found)
    return found


def agree(case: Case, found: dict[str, list[Told]]) -> None:
    """Stop where two programs that do the same find something else, and show what they found."""
    for pair in case.pairs:
        one, other = (found[name][0].answer for name in (pair.mine, pair.peer))
        if not one or not other or not pair.is_same:
            continue
        if len(one) != len(other) or not all(
            _is_close(a, b, pair.tolerance) for a, b in zip(one, other, strict=True)
        ):
            message = f"{case.job}: {pair.mine} finds {one}, {pair.peer} {other}"
            raise SystemExit(message)
        print(f"  {pair.mine} and {pair.peer} agree: {_short(one)}", file=sys.stderr)


def _is_close(one: float | str, other: float | str, tolerance: float) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return math.isclose(one, other, rel_tol=tolerance)


def _short(answer: tuple[float | str, ...]) -> str:
    return ", ".join(x[:12] if isinstance(x, str) else f"{x:,.6g}" for x in answer)


def n_bytes(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    return path.stat().st_size if path.exists() else 0


def middle(runs: Sequence[Told], name: str) -> float:
    """Return the median of one figure."""
    return float(statistics.median(getattr(run, name) for run in runs))


def ratio(mine: Sequence[Told], peer: Sequence[Told]) -> float:
    """Return the median of the paired ratios of CPU; that of the medians where runs differ."""
    if len(mine) != len(peer):
        return middle(mine, "cpu") / middle(peer, "cpu")
    return statistics.median(a.cpu / b.cpu for a, b in zip(mine, peer, strict=True))
