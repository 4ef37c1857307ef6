"""Reading a file of benchmarks: what a metric is elsewhere, and who says so.

One rule: a benchmark without a source is hearsay, and is refused.
"""

import csv
from collections.abc import Mapping
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Final

from csk.analyses.kpi import Benchmark, refuse_unknown
from csk.errors import DataError, UsageError

COLUMNS: Final = ("metric_id", "value", "low", "high", "source", "as_of")
_NEEDED: Final = ("metric_id", "value", "source", "as_of")


def benchmarks(path: Path) -> tuple[Benchmark, ...]:
    """Return the benchmarks of a CSV file with the columns `COLUMNS`; `low` and `high` may lack.

    UsageError where there is no such file or metric, DataError where a line makes no sense.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path} of benchmarks.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path} has no column {', '.join(missing)}.",
                    hint=f"Benchmarks have the columns {', '.join(COLUMNS)}.",
                )
            found = [_benchmark(row, f"{path}, line {rows.line_num}") for row in rows]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not written in UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{path} is no CSV file: {error}.") from error
    refuse_unknown(one.metric_id for one in found)
    twice = {one.metric_id for one in found if sum(one.metric_id == o.metric_id for o in found) > 1}
    if twice:
        raise DataError(f"{path} has several benchmarks of {', '.join(sorted(twice))}.")
    return tuple(found)


def _benchmark(row: Mapping[str, str | None], where: str) -> Benchmark:
    words = {name: (row.get(name) or "").strip() for name in COLUMNS}
    value = _number(words["value"], where, "value")
    if value is None or not words["metric_id"] or not words["source"]:
        raise DataError(f"{where}: a benchmark has a metric_id, a value and a source.")
    return Benchmark(
        metric_id=words["metric_id"],
        value=value,
        low=_number(words["low"], where, "low"),
        high=_number(words["high"], where, "high"),
        source=words["source"],
        as_of=_day(words["as_of"], where),
    )


def _number(text: str, where: str, column: str) -> float | None:
    if not text:
        return None
    is_share = text.endswith("%")
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise DataError(f"{where}: {column} {text!r} is not a number.", hint="Write 0.9 or 90%.")
    return value / 100 if is_share else value


def _day(text: str, where: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DataError(
            f"{where}: as_of {text!r} is not a day.", hint="Write it like 2026-01-31."
        ) from None
