"""Speed and memory beside the programs that do the same; what `make bench` runs.

    python tests/bench/run.py [--only payments,usage] [--rows 1000000,10000000] [--events 5000000]
        [--runs 3] [--keep FOLDER] [--no-write]

Jobs: payments, shards, usage, features, movements, start; fits, many, histories, survival (all
four: ltv). Programs of one job run in turn, A B C A B C ..., and a ratio is the median of those of
one turn: a busy machine slows all. Every program is a process of its own, from its start to its
end; those of models tell the seconds from the opened file to the answer. Where two find something
else, the run stops. What was measured is kept as JSON, and docs/benchmarks.md is made of that.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import jobs_models
import jobs_tables
import records
from machine import load, machine, versions
from measuring import ROOT, Case, in_turn

from bench import Bench

JOBS = jobs_tables.JOBS | jobs_models.JOBS
PAGE, KEPT = ROOT / "docs" / "benchmarks.md", ROOT / "tests" / "bench" / "measured.json"
FEW_RUNS_FROM = 30_000_000
"""Rows from which a program runs once, without a turn that is not counted."""
PACKAGES = {
    "csk": ("polars", "pyarrow", "duckdb", "numpy", "scipy", "typer", "lifelines"),
    "lifetimes": ("lifetimes", "numpy", "scipy", "pandas"),
    "today": ("pandas", "pymc-marketing", "pymc", "clvkit", "scikit-survival", "numpy"),
}


def numbers(text: str) -> tuple[int, ...]:
    """Return whole numbers from `1000000,10_000_000`."""
    return tuple(int(part.replace("_", "")) for part in text.split(","))


def chosen_jobs(only: str | None) -> list[str]:
    """Return the names of the jobs that were asked for."""
    names = list(JOBS) if only is None else only.split(",")
    names = [job for name in names for job in (jobs_models.JOBS if name == "ltv" else [name])]
    unknown = [name for name in names if name not in JOBS]
    if unknown:
        message = f"There is no job {', '.join(unknown)}; there are {', '.join(JOBS)}, ltv."
        raise SystemExit(message)
    return names


def asked() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", help="jobs, by comma")
    parser.add_argument("--rows", type=numbers, default=(1_000_000, 10_000_000), help="of payments")
    parser.add_argument("--customers", type=int, help="who pay (rows / 10, a million at most)")
    parser.add_argument("--events", type=numbers, default=(5_000_000,), help="of usage")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the sizes of models")
    parser.add_argument("--pareto", type=float, default=0.01, help="millions for Pareto/NBD")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--lifetimes", type=Path, default=ROOT / ".venv-peers/bin/python")
    parser.add_argument("--today", type=Path, default=ROOT / ".venv-peers-today/bin/python")
    parser.add_argument("--keep", type=Path, help="make the files here and leave them")
    parser.add_argument("--json", type=Path, default=KEPT)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--no-write", action="store_true", help="print, and keep nothing")
    return parser.parse_args()


def ran(case: Case, runs: int) -> records.Record:
    """Run a case as often as its size allows, and return what is kept of it."""
    is_large = max(case.n_rows, case.n_customers) >= FEW_RUNS_FROM
    before = load()
    found = in_turn(case, 1 if is_large else runs, is_warmed=not is_large)
    return records.record(case, found, (before, load()))


def page(text: str, whole: records.Record) -> str:
    """Return the page with the table of every section that was measured."""
    sections: dict[str, list[records.Record]] = {}
    for of in sorted(whole["records"], key=lambda of: (of["rows"], of["customers"])):
        sections.setdefault(of["section"], []).append(of)
    for name, found in sections.items():
        table = f"{records.table(found)}\n\n{records.footer(whole, found)}"
        text = records.marked(text, name, table)
    sized = [of for of in sections.get("payments", ()) if of["key"] == "segment"]
    return records.marked(text, "growth", records.growth(sized)) if len(sized) > 1 else text


def main() -> None:
    """Measure, print, and write."""
    of = asked()
    names = chosen_jobs(of.only)
    environments = {"csk": Path(sys.executable), "lifetimes": of.lifetimes, "today": of.today}
    for name, python in environments.items():
        if not python.exists():
            print(f"There is no {python}: peers of `{name}` are left out.", file=sys.stderr)
    whole = records.kept(of.json, machine())
    with tempfile.TemporaryDirectory(prefix="csk-bench-") as scratch:
        work = (of.keep or Path(scratch)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        on = Bench(
            *(work, of.lifetimes.absolute(), of.today.absolute(), of.rows, of.customers),
            *(of.events, of.scale, of.pareto),
        )
        for name in names:
            for case in JOBS[name](on):
                new = ran(case, of.runs)
                records.put(whole, new)
                print(records.table([new]), flush=True)
                whole["versions"] = {
                    name: versions(python, PACKAGES[name]) for name, python in environments.items()
                }
                if not of.no_write:
                    records.write(of.json, whole)
                    text = page(of.page.read_text(encoding="utf-8"), whole)
                    of.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
