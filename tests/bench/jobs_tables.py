"""Jobs on wide tables: payments, usage, movements; the whole command beside a bare program.

One rule: a job is a few lines, as all that is done to measure it stands in `measuring.py`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from measuring import CSK, ROOT, Bounds, Case, Pair, Program, n_bytes

from bench import Bench, csk_runs, limit

MOST_BY_HAND = 10_000_000
"""Rows that pandas is given: it holds them all."""
MOST_MEMORY_MB = 3_000
MANY_SHARDS = 16
EVENTS_A_CUSTOMER = 100
TEXT = "all columns as text by Polars"
BYTES = "reading the bytes"
COLUMNS = "reading all columns of the Parquet"


def _size(path: Path, n: int, what: str) -> str:
    return f"{n / 1e6:g} M {what}, {n_bytes(path) / 1e6:,.0f} MB of {path.suffix[1:].upper()}"


def _payments(on: Bench, n_rows: int) -> tuple[Path, int]:
    n_customers = on.customers or max(1, min(n_rows // 10, 1_000_000))
    name = f"payments-{n_rows}-{n_customers}.csv"
    return on.made("generate.py", name, n_customers, first=(n_rows,)), n_customers


def _segment(name: str, payments: Path, output: Path, *more: object) -> Program:
    command = [*CSK, "segment", payments, "-o", output, "--quiet", *more]
    answers = csk_runs("answer_segment.py", output)
    return Program(name, command, answers, leaves={"output": output}, fresh=(output,))


def payments(on: Bench) -> Iterator[Case]:
    """Payments to segments, from the CSV and from a kept store, at every size."""
    for n_rows in on.rows:
        rows, n_customers = _payments(on, n_rows)
        packed = rows.with_suffix(".parquet")
        if not packed.exists():
            on.made("as_parquet.py", packed.name, first=(rows,))
        output, store = on.work / "segments.parquet", on.work / f"store-{n_rows}"
        stored = _segment("csk, kept", rows, on.work / "again.parquet", "--store", store)
        programs = [
            _segment("csk", rows, output),
            replace(stored, leaves={"store": store}, is_primed=True),
            Program("bare Polars", csk_runs("bare_polars.py", rows)),
            Program("bare Polars on its Parquet", csk_runs("bare_polars.py", packed)),
            Program("DuckDB", csk_runs("bare_duckdb.py", rows)),
            *(limit("text", rows), limit("bytes", rows)),
            replace(limit("columns", packed), leaves={"parquet": packed, "csv": rows}),
        ]
        pairs = [Pair("csk", "bare Polars", 2.0), Pair("csk", "DuckDB", 1.5)]
        if n_rows <= MOST_BY_HAND and on.today.exists():
            by_hand = [on.today, *csk_runs("bare_pandas.py", rows)[1:]]
            programs.insert(5, Program("pandas", by_hand, most_runs=1))
            pairs.append(Pair("csk", "pandas"))
        pairs += [Pair("csk, kept", "bare Polars on its Parquet", 1.0), Pair("csk, kept", "csk")]
        job = f"segment: {_size(rows, n_rows, 'payments')}"
        kept = "the same from a kept store"
        yield Case(
            *("payments", "segment", job, programs, pairs, n_rows, n_customers),
            words={"csk, kept": kept},
            bounds={"csk": Bounds(memory_mb=MOST_MEMORY_MB)},
            limits={
                "csk": [("limit: text", TEXT), ("limit: bytes", BYTES)],
                "csk, kept": [("limit: columns", COLUMNS)],
            },
        )


def shards(on: Bench) -> Iterator[Case]:
    """One plan against many shards: the same bytes, and what cutting costs."""
    n_rows = max((n for n in on.rows if n <= MOST_BY_HAND), default=MOST_BY_HAND)
    rows, n_customers = _payments(on, n_rows)
    programs = []
    for name, n_shards in (("many shards", MANY_SHARDS), ("one shard", 1)):
        output = on.work / f"shards-{n_shards}.parquet"
        one = _segment(name, rows, output, "--shards", n_shards)
        programs.append(replace(one, answers=[*one.answers, "hash"]))
    job = f"segment in {MANY_SHARDS} shards, {_size(rows, n_rows, 'payments')}, identical bytes"
    pairs = [Pair("many shards", "one shard", 1.1)]
    yield Case("payments", "shards", job, programs, pairs, n_rows, n_customers)


def usage(on: Bench) -> Iterator[Case]:
    """Events to facts of customer, day and feature; the whole of `csk usage`; a second run."""
    for n_events in on.events:
        n_customers = max(100, n_events // EVENTS_A_CUSTOMER)
        folder = on.work / f"events-{n_events}"
        on.made("generate_usage.py", folder.name, 20_260_105, "csv", first=(n_events, n_customers))
        rows, store = folder / "usage.csv", on.work / f"facts-store-{n_events}"
        facts, table = on.work / "facts", on.work / "usage.parquet"
        again = csk_runs("facts_csk.py", folder, facts, store)
        checks = csk_runs("answer_usage.py", table, rows)
        command = [*CSK, "usage", folder, "-o", table, "--quiet"]
        programs = [
            Program("csk", csk_runs("facts_csk.py", folder, facts), fresh=(facts,)),
            Program("csk, into a store", again, fresh=(facts, store)),
            Program(
                "csk, second run", again, fresh=(facts,), leaves={"store": store, "facts": facts}
            ),
            Program("csk, days", csk_runs("days_csk.py", store)),
            Program("csk usage", command, checks=checks, fresh=(table,)),
            Program("DuckDB", csk_runs("events_duckdb.py", rows)),
            Program("bare Polars", csk_runs("bare_events.py", rows)),
            Program("days by Polars", csk_runs("days_polars.py", rows), most_runs=1),
            *(limit("text", rows), limit("bytes", rows)),
        ]
        pairs = [
            *(Pair("csk", "DuckDB", 1.0), Pair("csk", "bare Polars")),
            *(Pair("csk usage", "DuckDB", 1.0), Pair("csk usage", "bare Polars")),
            Pair("csk, second run", "csk, into a store", 0.3),
            Pair("csk, days", "csk, into a store", 0.1, is_same=False),
            Pair("csk, days", "days by Polars"),
        ]
        size = _size(rows, n_events, "events")
        scan = [("limit: text", TEXT), ("limit: bytes", BYTES)]
        yield Case(
            *("usage", "facts", f"facts of customer, day and feature: {size}"),
            programs=programs,
            pairs=pairs,
            n_rows=n_events,
            n_customers=n_customers,
            words={
                "csk usage": f"`csk usage -o`, whole: {size}",
                "csk, second run": "the facts again, from the store of the first run",
                "csk, days": "days of each customer, from that store",
            },
            limits={"csk": scan, "csk usage": scan},
        )


def features(on: Bench) -> Iterator[Case]:
    """Usage to the features of `csk churn-risk`, by the stage of its log that makes them."""
    for n_events in on.events:
        n_customers = max(100, n_events // EVENTS_A_CUSTOMER)
        folder = on.work / f"wide-{n_events}"
        on.made("generate_usage.py", folder.name, first=(n_events, n_customers))
        parts = sorted(folder.glob("usage-*.parquet"))
        output = on.work / "risks.parquet"
        command = [*CSK, "churn-risk", folder, "-o", output, "--quiet", "--log-format", "json"]
        programs = [
            Program("csk", command, most_runs=1, reads=_of_features, fresh=(output,)),
            Program("bare Polars", csk_runs("bare_usage.py", folder), most_runs=1),
            replace(limit("columns", *parts), most_runs=1),
        ]
        job = f"features at 12 landmarks, of `csk churn-risk`: {n_events / 1e6:g} M events"
        yield Case(
            *("usage", "features", job, programs, [Pair("csk", "bare Polars", 1.5)]),
            *(n_events, n_customers),
            limits={"csk": [("limit: columns", COLUMNS)]},
        )


def _of_features(log: str) -> float:
    """Return the CPU seconds of the stage that makes features at all landmarks."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    (spent,) = (
        now["cpu_seconds"] - before["cpu_seconds"]
        for before, now in pairwise(lines)
        if now["event"] == "features"
    )
    return float(spent)


def movements(on: Bench) -> Iterator[Case]:
    """Contracts to movements of MRR, beside the sums of their days."""
    n_customers = min(max(on.rows), MOST_BY_HAND) // 10
    rows = on.made("generate_contracts.py", f"contracts-{n_customers}.csv", first=(n_customers,))
    output, store = on.work / "movements.parquet", on.work / "contracts-store"
    command = [*CSK, "mrr", rows, "-o", output, "--quiet"]
    answers = csk_runs("answer_mrr.py", output)
    programs = [
        Program("csk", command, answers, fresh=(output,)),
        Program(
            "csk, kept", [*command, "--store", store], answers, fresh=(output,), is_primed=True
        ),
        Program("bare Polars", csk_runs("bare_deltas.py", rows)),
        *(limit("text", rows), limit("bytes", rows)),
    ]
    yield Case(
        *("movements", "mrr", f"`csk mrr`: {_size(rows, n_customers, 'customers')}", programs),
        [Pair("csk", "bare Polars", 2.0), Pair("csk, kept", "bare Polars", 2.0)],
        n_customers=n_customers,
        words={"csk, kept": "the same from a kept store"},
        limits={"csk": [("limit: text", TEXT), ("limit: bytes", BYTES)]},
    )


def start(_on: Bench) -> Iterator[Case]:
    """What csk costs before it does anything."""
    for job, command, peer, script in (
        ("csk --help", ["--help"], "bare Typer and Rich", ["hello.py", "--help"]),
        (
            "segment of the sample",
            ["segment", ROOT / "data" / "sample"],
            "its imports",
            ["imports.py"],
        ),
    ):
        programs = [Program("csk", [*CSK, *command]), Program(peer, csk_runs(*script))]
        yield Case("start", job.split()[0], job, programs, [Pair("csk", peer, 1.5)])


JOBS: dict[str, Callable[[Bench], Iterator[Case]]] = {
    job.__name__: job for job in (payments, shards, usage, features, movements, start)
}
