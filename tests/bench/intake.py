"""How well and how fast files are read: Pollock's score, damaged files, speed and memory.

    python tests/bench/intake.py [--mutants 10000] [--mb 1024] [--runs 3]

Real files are found as tests/real finds them: in CSK_REAL_DATA, or in `shared/data` beside the
checkout; what is not there is named, not measured. Everything is printed as Markdown.
"""

import argparse
import os
import resource
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import pollock
from measuring import PEERS, Run, measured

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10
TARGET = 9.95
PUBLISHED = "sqlite 9.955; DuckDB 9.962 with the dialect given and 9.08 without; pandas 9.90"
RIVALS_RATIO = 2.5
BLOCK_ROWS = 100_000


def real() -> Path:
    """Return the folder of real data, which may not be there."""
    return Path(os.environ.get("CSK_REAL_DATA") or ROOT.parent / "shared" / "data")


def score_lines(archive: Path) -> Iterator[str]:
    """Score the reader on every polluted file, and say where it loses."""
    found = pollock.scores(archive)
    halves = [[score for score in found if score.half == half] for half in (1, 2)]
    yield "| files | n | simple | weighted | target | refused |"
    yield "|---|---|---|---|---|---|"
    for name, part in (("first half", halves[0]), ("second half", halves[1]), ("all", found)):
        refused = sum(bool(score.refusal) for score in part)
        yield (
            f"| {name} | {len(part):,} | {pollock.simple(part):.4f}"
            f" | {pollock.weighted(part):.4f} | {TARGET} | {refused} |"
        )
    yield f"\nPublished: {PUBLISHED}. The kinds of pollution were known when detection was made;"
    yield "only the scores of the first half were looked at.\n"
    yield "| what was done to the file | n | points lost of all | of 10 | rows rejected |"
    yield "|---|---|---|---|---|"
    kinds = defaultdict(list)
    for score in found:
        kinds[score.kind].append(score)
    for kind, part in sorted(kinds.items(), key=lambda pair: -_lost(pair[1])):
        if _lost(part) > 0.0005:
            yield (
                f"| {kind} | {len(part)} | {_lost(part) / len(found):.5f}"
                f" | {pollock.simple(part):.3f} | {sum(score.rejected for score in part)} |"
            )


def _lost(scores: Sequence[pollock.Score]) -> float:
    return sum(pollock.MEASURES - score.points for score in scores)


class _TooLong(BaseException):
    """A file took longer than is allowed."""


def mutant_lines(n: int) -> Iterator[str]:
    """Read files that were damaged on purpose; every failure is a line of its own."""
    sys.path.insert(0, str(ROOT / "tests" / "unit" / "intake"))
    from mutants import mutant, outcome

    signal.signal(signal.SIGALRM, _stop)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(n):
            began = time.perf_counter()
            signal.alarm(SECONDS)
            try:
                outcomes[outcome(mutant(number)[1], Path(folder))] += 1
            except (Exception, _TooLong) as error:  # noqa: BLE001 - whatever it is, it is a failure
                outcomes["failed"] += 1
                yield f"Mutant {number} ({mutant(number)[0]}): {type(error).__name__} {error}\n"
            signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield "| mutants | read | refused | failed | slowest | memory |"
    yield "|---|---|---|---|---|---|"
    yield (
        f"| {n:,} | {outcomes['read']:,} | {outcomes['refused']:,} | {outcomes['failed']}"
        f" | {slowest:.1f} s | {memory:.0f} MB |"
    )


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _TooLong


def speed_lines(mb: int, runs: int) -> Iterator[str]:
    """Measure reading against Polars, and transcoding against iconv; CPU of whole processes."""
    yield "| job | csk | beside it | ratio | target | memory |"
    yield "|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        n_rows = written(path, mb, "utf-8")
        mine, peer = turns(
            [sys.executable, PEERS / "read_source.py", path, n_rows],
            [sys.executable, PEERS / "bare_text.py", path, n_rows],
            runs,
        )
        yield _line(f"read {mb:,} MB of UTF-8", mine, "Polars", peer, f"≤ {RIVALS_RATIO}")
        n_rows = written(path, mb, "cp932")
        size = path.stat().st_size / 1e6
        if shutil.which("iconv"):
            mine, peer = turns(
                [sys.executable, PEERS / "transcode.py", path],
                ["iconv", "-f", "CP932", "-t", "UTF-8", path],
                runs,
            )
            speeds = [size / statistics.median(run.cpu for run in part) for part in (mine, peer)]
            yield (
                f"| CP932 to UTF-8, {mb:,} MB | {speeds[0]:.0f} MB/s | iconv {speeds[1]:.0f} MB/s"
                f" | {speeds[1] / speeds[0]:.2f} | ≥ 100 MB/s | {mine[0].memory_mb:.0f} MB |"
            )
        run = measured([sys.executable, PEERS / "read_source.py", path, str(n_rows)])
        yield (
            f"| read {mb:,} MB of CP932 | {run.cpu:.1f} s | | | < 1 GB of memory"
            f" | {run.memory_mb:.0f} MB |"
        )


def turns(mine: Sequence[object], peer: Sequence[object], runs: int) -> tuple[list[Run], list[Run]]:
    """Run two programs in turn, so that a busy machine slows both."""
    pairs = [
        (measured([str(part) for part in mine]), measured([str(part) for part in peer]))
        for _ in range(runs)
    ]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _line(job: str, mine: list[Run], name: str, peer: list[Run], target: str) -> str:
    ratio = statistics.median(a.cpu / b.cpu for a, b in zip(mine, peer, strict=True))
    costs = [statistics.median(run.cpu for run in part) for part in (mine, peer)]
    return (
        f"| {job} | {costs[0]:.1f} s | {name} {costs[1]:.1f} s | {ratio:.2f} | {target}"
        f" | {max(run.memory_mb for run in mine):.0f} MB |"
    )


def written(path: Path, mb: int, encoding: str) -> int:
    """Write a table of payments with a quoted and a Japanese column; returns its rows."""
    rows = (
        f"C{n * 7 % 99_991:06},2024-{n % 12 + 1:02}-{n % 28 + 1:02},{n * 37 % 90_000},"
        f'"定期便, コース",髙橋 花子\n'
        for n in range(BLOCK_ROWS)
    )
    block, blocks = "".join(rows).encode(encoding), 0
    with path.open("wb") as file:
        file.write("顧客ID,支払日,金額,プラン,氏名\n".encode(encoding))
        while file.tell() < mb << 20:
            file.write(block)
            blocks += 1
    return blocks * BLOCK_ROWS


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--mb", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    # First, because a process begins with the memory of the one that has started it.
    print("## Speed\n", flush=True)
    print("\n".join(speed_lines(asked.mb, asked.runs)))
    archive = real() / pollock.ARCHIVE
    print("\n## Polluted files (Pollock)\n", flush=True)
    if archive.exists():
        print("\n".join(score_lines(archive)))
    else:
        print(f"Not measured: {archive} is absent (CSK_REAL_DATA names another folder).")
    print("\n## Damaged files\n", flush=True)
    print("\n".join(mutant_lines(asked.mutants)))


if __name__ == "__main__":
    main()
