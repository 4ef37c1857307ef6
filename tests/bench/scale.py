"""What data a hundred and a thousand times as large would cost: fitted, simulated, extrapolated.

    python tests/bench/scale.py [--json tests/bench/measured.json] [--no-write]

One rule: every figure is measured, fitted to what was measured, drawn, or an assumption that
stands in the table it is used in. What `make bench` has kept is read; docs/scale.md is written.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np
from cluster_plan import Log, cells, customers, drawn_rows, partial_rows, skew
from measuring import ROOT
from records import marked
from scipy.optimize import nnls

from csk.intake.storage.store import BYTES_A_SHARD, MOST_SHARDS

Record = dict[str, Any]
PAGE, KEPT = ROOT / "docs" / "scale.md", ROOT / "tests" / "bench" / "measured.json"
LAPTOP_MB: Final = 16_000
ROWS_A_PARTITION: Final = 5_000_000
"""About 128 MB of Parquet."""
ENGINE_FACTOR: Final = {"Sail": 2.0, "Spark": 8.0}
"""CPU of a cluster's engine to that of Polars on the same rows; an assumption, see the page."""
BUSY: Final = 0.6
"""Share of an hour that cores do work: an assumption."""
FACT_BYTES: Final = 40
"""Of a fact on the wire: an id of 12, a day of 4, a feature of 8, two sums of 8; an assumption."""
ROW_BYTES: Final = 120
"""Of a row of a shard in memory while it is sorted, twice 60; an assumption."""
ALIKE: Final = 0.99
"""Correlation of rows and customers from which the two cannot be told apart."""
NETWORK_MB: Final = 1_000
"""MB a second between the cluster and the machine that goes on: an assumption."""
ORDER_LINES: Final = 4.0
"""Rows of one order: an assumption."""
LOGS: Final = (
    Log("10^9 payments of 10^7 customers, 2 years", 1e9, 1e7, 730, 1.4, 1, False, ORDER_LINES),
    Log("10^9 events of 10^7 customers, 1 year", 1e9, 1e7, 365, 1.4, 10),
    Log("10^10 events of 10^7 customers, 1 year", 1e10, 1e7, 365, 1.4, 10),
    Log("10^11 events of 10^8 customers, 1 year", 1e11, 1e8, 365, 1.4, 10),
)
SMALL: Final = (
    Log("in time", 2e6, 20_000, 60, 1.4, 10),
    Log("in no order", 2e6, 20_000, 60, 1.4, 10, is_in_time=False),
)


class Point(NamedTuple):
    """One size that was measured, medians."""

    rows: float
    customers: float
    cpu: float
    memory_mb: float
    n_bytes: dict[str, int]


class Line(NamedTuple):
    """cost = start + by_row * rows + by_customer * customers, none of them below 0."""

    start: float
    by_row: float
    by_customer: float

    def at(self, rows: float, n_customers: float) -> float:
        """Return the cost of a size."""
        return self.start + self.by_row * rows + self.by_customer * n_customers


def _shards(n_bytes: float) -> int:
    return min(MOST_SHARDS, 1 + int(n_bytes) // BYTES_A_SHARD)


def peak_mb(memory: Line, largest: Point, rows: float, n_customers: float) -> float:
    """Return the peak of memory at a size.

    Rows pass through a spool that does not grow, so beyond the largest size that was measured
    they count by the shard alone that is sorted.
    """
    in_shard = rows / _shards(rows * largest.n_bytes["csv"] / largest.rows)
    more = max(0.0, in_shard - largest.rows) * ROW_BYTES / 1e6
    return memory.at(min(rows, largest.rows), n_customers) + more


def points(records: Sequence[Record], key: str, program: str) -> list[Point]:
    """Return the sizes at which a program was measured."""
    found = []
    for of in records:
        if of["key"] == key and program in of["programs"]:
            runs = of["programs"][program]
            cpu, memory = (median(run[name] for run in runs) for name in ("cpu", "memory_mb"))
            found.append(Point(of["rows"], of["customers"], cpu, memory, of["bytes"]))
    return sorted(found)


def fitted(of: Sequence[Point], cost: Callable[[Point], float]) -> Line:
    """Fit the line by least squares of relative errors, so that small sizes count as large ones."""
    costs = np.array([cost(point) for point in of])
    columns = np.array([[1.0, point.rows, point.customers] for point in of])
    scale = columns.max(axis=0)
    found, _ = nnls(columns / scale / costs[:, None], np.ones(len(of)))
    return Line(*(found / scale).tolist())


def fit_table(of: Sequence[Point], cpu: Line, memory: Line) -> str:
    """Return what was measured beside what the lines say."""
    lines = [
        "| rows | customers | CPU s | fitted | off by | peak MB | fitted | off by |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for point in of:
        said = [(point.cpu, cpu), (point.memory_mb, memory)]
        cells_of = []
        for found, line in said:
            at = line.at(point.rows, point.customers)
            cells_of.append(f"{found:,.1f} | {at:,.1f} | {at / found - 1:+.0%}")
        lines.append(f"| {point.rows:,} | {point.customers:,} | {' | '.join(cells_of)} |")
    words = (
        f"CPU = {cpu.start:.2f} s + {cpu.by_row * 1e6:.2f} µs a row"
        f" + {cpu.by_customer * 1e6:.1f} µs a customer;"
        f" peak = {memory.start:.0f} MB + {memory.by_row * 1e6:.1f} bytes a row"
        f" + {memory.by_customer * 1e6:,.0f} bytes a customer."
    )
    free = f"{len(of)} sizes, 3 coefficients each."
    if len(of) < 4:
        free += " **Nothing is left over to judge the fit by: measure more sizes.**"
    if np.corrcoef([point.rows for point in of], [point.customers for point in of])[0, 1] > ALIKE:
        free += (
            " **Customers grew as rows did, so what a row costs and what a customer costs cannot"
            " be told apart, and no table below holds where they grow otherwise.**"
        )
    return "\n".join(lines) + f"\n\n{words} {free}"


def one_machine_table(of: Sequence[Point], cpu: Line, memory: Line) -> str:
    """Return what one machine would need, extrapolated."""
    largest = of[-1]
    store = largest.n_bytes["store"] / largest.rows
    output = largest.n_bytes["output"] / largest.customers
    lines = [
        (
            "| payments | customers | CPU hours | hours on 2 cores | peak GB | store GB | output GB"
            " | rows in a shard | times the largest measured |"
        ),
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for rows, n in ((1e8, 1e6), (1e9, 1e7), (1e10, 1e8), (1e11, 1e8)):
        hours = cpu.at(rows, n) / 3600
        shards = _shards(rows * largest.n_bytes["csv"] / largest.rows)
        lines.append(
            f"| {rows:.0e} | {n:.0e} | {hours:,.2f} | {hours / 2 / BUSY:,.2f}"
            f" | {peak_mb(memory, largest, rows, n) / 1e3:,.1f} | {store * rows / 1e9:,.1f}"
            f" | {output * n / 1e9:,.1f} | {rows / shards:,.0f} | {rows / largest.rows:,.0f} |"
        )
    return (
        "\n".join(lines)
        + f"\n\nStore: {store:.1f} bytes a row; output: {output:.0f} bytes a customer;"
        f" {MOST_SHARDS} shards at most, {ROW_BYTES} bytes a row while one is sorted (assumed)."
        " Rows beyond the largest size measured add to memory by their shard alone."
        f" Hours on 2 cores: CPU over 2, {BUSY:.0%} busy (assumed)."
    )


def drawn_table(rng: np.random.Generator) -> str:
    """Return what was drawn row by row beside what is expected, on a small log."""
    lines = [
        "| small log | rows | partitions added up, drawn | expected | cells, drawn | expected |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for log in SMALL:
        some = customers(log, rng)
        each = int(log.n_rows) // 40
        after, cells_drawn = drawn_rows(log, each, rng)
        expected = float(partial_rows(log, some, each) @ some.weight)
        back = cells(log, some).by_day_and_feature
        lines.append(
            f"| {log.name} | {log.n_rows:,.0f} | {after:,} | {expected:,.0f} | {cells_drawn:,}"
            f" | {back:,.0f} |"
        )
    return "\n".join(lines)


def shuffle_table(rng: np.random.Generator) -> str:
    """Return what is shuffled and what comes back, of large logs."""
    lines = [
        (
            "| log | rows into the shuffle | of all | GB | fullest of 200 partitions, rows | added"
            " up first | largest customer | back by day and feature | by day"
            " | by 28 days and feature | by customer |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for log in LOGS:
        some = customers(log, rng)
        partial = partial_rows(log, some, ROWS_A_PARTITION)
        n_partial = float(partial @ some.weight)
        back = cells(log, some)
        lines.append(
            f"| {log.name} | {n_partial:.2e} | {n_partial / log.n_rows:.0%}"
            f" | {n_partial * FACT_BYTES / 1e9:,.0f}"
            f" | {skew(some, some.share, rng):.2f} x | {skew(some, partial, rng):.2f} x"
            f" | {some.share[0] * log.n_rows:,.0f} rows | {back.by_day_and_feature:.1e}"
            f" | {back.by_day:.1e} | {back.by_period_and_feature:.1e} | {back.by_customer:.1e} |"
        )
    return (
        "\n".join(lines)
        + f"\n\nA partition is {ROWS_A_PARTITION:,} rows; a fact is {FACT_BYTES} bytes"
        " (assumed). Fullest partition: against the mean, by hash of the customer, mean"
        " of 20 draws."
    )


def hour_table(
    rng: np.random.Generator, by_row: float, largest: Point, cpu: Line, memory: Line
) -> str:
    """Return the cluster that an hour takes, and what is left to one machine after it."""
    engines = " | ".join(f"cores, {name}" for name in ENGINE_FACTOR)
    lines = [
        (
            f"| log | {engines} | rows back | GB back | minutes on the wire | CPU hours after it"
            " | peak GB after it | breaks first |"
        ),
        "|---|" + "---:|" * (len(ENGINE_FACTOR) + 5) + "---|",
    ]
    for log in LOGS:
        some = customers(log, rng)
        back = cells(log, some)
        n_back = back.by_day_and_feature
        gigabytes = n_back * FACT_BYTES / 1e9
        cores = [log.n_rows * by_row * k / 3600 / BUSY for k in ENGINE_FACTOR.values()]
        hours = cpu.at(n_back, log.n_customers) / 3600
        peak = peak_mb(memory, largest, n_back, log.n_customers) / 1e3
        wire = gigabytes * 1e3 / NETWORK_MB / 60
        lines.append(
            f"| {log.name} | {' | '.join(f'{max(1, round(n)):,}' for n in cores)} | {n_back:.1e}"
            f" | {gigabytes:,.0f} | {wire:,.1f} | {hours:,.1f} | {peak:,.0f}"
            f" | {_first(peak, hours, wire)} |"
        )
    factors = ", ".join(f"{name} {factor:g}" for name, factor in ENGINE_FACTOR.items())
    return (
        "\n".join(lines)
        + f"\n\nBare Polars takes {by_row * 1e6:.2f} µs a row of Parquet (measured); engines so"
        f" many times that: {factors} (assumed). {BUSY:.0%} busy, {NETWORK_MB:,} MB/s (assumed)."
    )


def _first(peak: float, hours: float, wire: float) -> str:
    if peak * 1e3 > LAPTOP_MB:
        return f"memory here (over {LAPTOP_MB / 1e3:g} GB)"
    if wire > 60:
        return "the wire"
    return "nothing within an hour of 2 cores" if hours <= 2 * BUSY else "hours here"


def main() -> None:
    """Fit, draw, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", type=Path, default=KEPT)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--no-write", action="store_true")
    of = parser.parse_args()
    whole = json.loads(of.json.read_text(encoding="utf-8"))
    records = whole["records"]
    segments = points(records, "segment", "csk")
    cpu = fitted(segments, lambda point: point.cpu)
    memory = fitted(segments, lambda point: point.memory_mb)
    bare = points(records, "segment", "bare Polars on its Parquet")
    by_row = fitted(bare, lambda point: point.cpu).by_row
    rng = np.random.default_rng(20_260_107)
    tables = {
        "fit": fit_table(segments, cpu, memory) + f"\n\nMeasured on {whole['machine']}.",
        "one machine": one_machine_table(segments, cpu, memory),
        "drawn": drawn_table(rng),
        "shuffle": shuffle_table(rng),
        "hour": hour_table(rng, by_row, segments[-1], cpu, memory),
    }
    text = of.page.read_text(encoding="utf-8")
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")
        text = marked(text, name, table)
    if not of.no_write:
        of.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
