"""The first rows of a file as a run understands them, with what stands in the file beside it.

One rule: what identifies a person is never given out, neither as read nor as written.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

import polars as pl

from csk.analyses.check import FirstRow, FirstRows, Value
from csk.intake.canonical.orders import PLUS, OrderLines
from csk.intake.canonical.rows import RowPlan, canonical
from csk.intake.plans.opening import Opened
from csk.intake.recognition.profiles import profile
from csk.intake.values.casts import ColumnReading, cast
from csk.schema import INPUTS

_COMPUTED: Final = ("amount", "mrr_amount", "term_months")


def first_rows(one: Opened, n: int, today: date) -> FirstRows:
    """Read the first `n` rows of an opened file."""
    frame = one.source.sample(n).select(one.needed)
    plan = one.plan(today)
    readings = {reading.column.name: reading for reading in reversed(one.readings)}
    hidden = [name for name, reading in readings.items() if _is_personal(one, reading, frame)]
    shown = {name: reading for name, reading in readings.items() if name not in hidden}
    order = one.recognition.once_per
    again = OrderLines(order).again(frame) if order else None
    rows = tuple(
        _row(frame.slice(at, 1), plan, at, shown, again is not None and bool(again[at]))
        for at in range(frame.height)
    )
    found = {name for row in rows for name in row.values}
    return FirstRows(
        file=one.name,
        role=one.role,
        columns=tuple(c for c in INPUTS[one.role].columns if c.name in found),
        names={name: reading.name for name, reading in shown.items()},
        hidden=tuple(readings[name].name for name in hidden),
        rows=rows,
    )


def _row(
    row: pl.DataFrame,
    plan: RowPlan,
    at: int,
    readings: Mapping[str, ColumnReading],
    again: bool,  # noqa: FBT001 # told by its name
) -> FirstRow:
    became = canonical(row, plan, at, pl.Series([again]))
    # Rows that a rule leaves out are understood too, so they are read as if no rule were.
    free = replace(plan, statuses={}, exclusions=())
    is_line = any(reading.column.name.startswith(PLUS) for reading in plan.readings)
    read = canonical(row, free, at, pl.Series([again]) if is_line else None).rows
    as_read = read.row(0, named=True) if read.height else {}
    values = {}
    for name, reading in readings.items():
        text = row[reading.name].cast(pl.String)[0] or ""
        values[name] = Value(as_read.get(name, cast(row[reading.name], reading).values[0]), text)
    for name in _COMPUTED:
        if name in as_read and name not in values:
            values[name] = Value(as_read[name], "")
    if became.n_rejected:
        first = became.rejects.row(0, named=True)
        return FirstRow(at + 1, values, reason=f"{first['column']} {first['reason']}")
    return FirstRow(at + 1, values, rule=became.excluded[0][0] if became.excluded else "")


def _is_personal(one: Opened, reading: ColumnReading, frame: pl.DataFrame) -> bool:
    """Tell whether a column holds persons, by its name or because mail addresses stand in it."""
    if profile().is_personal(reading.name, one.role):
        return True
    return bool(frame[reading.name].cast(pl.String).str.contains("@", literal=True).any())
