"""The first rows of a file as `csk check --rows` shows them: what was read, and from what.

One rule: the text of the file stands below a value only where the eye would see a difference.
"""

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from csk import money
from csk.analyses.check import FirstRow, FirstRows, Value
from csk.reports.blocks import Block, Grid, GridColumn, Note, Tone
from csk.reports.figures import NOTHING
from csk.reports.reconciliation import exact
from csk.schema import Column
from csk.text import Words

_PAGE_CELLS: Final = 76
_GAP: Final = 2
_MOST_CELLS: Final = 28
_WIDE: Final = frozenset("WF")


class _Cell(NamedTuple):
    """A value in words and, where it looks different, the text that it was read from."""

    value: str
    text: str = ""


def blocks(one: FirstRows, currency: str, say: Words) -> list[Block]:
    """Show the rows of a file below each other, or side by side where they are too wide for that.

    `currency` is that of rows which name none.
    """
    if not one.rows:
        return [Note(say("check.first_rows_none", file=one.file))]
    title = say("check.first_rows", file=one.file, role=one.role)
    heads, lines = _matrix(one, currency, say)
    labels = [say("check.row_n", n=str(row.row)) for row in one.rows]
    notes: list[Block] = [
        Note(say("check.malformed", n=str(row.row), reason=row.reason), "warn")
        for row in one.rows
        if row.reason
    ]
    if one.hidden:
        notes.append(Note(say("check.hidden", file=one.file, columns=", ".join(one.hidden))))
    if _span(labels, heads, lines) <= _PAGE_CELLS:
        return [_grid(title, labels, heads, lines), *notes]
    columns = [[line[place] for line in lines] for place in range(len(heads))]
    grids: list[Block] = []
    start = 0
    while start < len(labels):
        end = len(labels)
        while end > start + 1 and _span(heads, labels[start:end], _cut(columns, start, end)) > (
            _PAGE_CELLS
        ):
            end -= 1
        part = _cut(columns, start, end)
        grids.append(_grid(title if start == 0 else "", heads, labels[start:end], part))
        start = end
    return [*grids, *notes]


def plain(one: FirstRows) -> dict[str, object]:
    """Return the same for machines: days as ISO text, money as exact text."""
    return {
        "file": one.file,
        "role": one.role,
        "columns": dict(one.names),
        "hidden": list(one.hidden),
        "rows": [
            {
                "row": row.row,
                "rule": row.rule or None,
                "reason": row.reason or None,
                "values": {
                    c.name: {
                        "value": _machine(row.values[c.name].value, c.kind),
                        "text": row.values[c.name].text,
                    }
                    for c in one.columns
                    if c.name in row.values
                },
            }
            for row in one.rows
        ],
    }


def _machine(value: object, kind: str) -> object:
    if isinstance(value, int) and kind == "amount":
        return exact(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value.isoformat() if isinstance(value, date) else value


def _matrix(one: FirstRows, currency: str, say: Words) -> tuple[list[str], list[list[_Cell]]]:
    """Return the heads of the columns, and the cells row by row."""
    heads = [column.name for column in one.columns]
    lines = [
        [_cell(row.values.get(c.name), c, _currency(row, currency), say) for c in one.columns]
        for row in one.rows
    ]
    if any(row.rule or row.reason for row in one.rows):
        heads.append(say("check.counts"))
        for row, line in zip(one.rows, lines, strict=True):
            line.append(_Cell(_became(row, say)))
    return heads, lines


def _became(row: FirstRow, say: Words) -> str:
    if row.reason:
        return say("check.counts_malformed")
    return (
        say("check.counts_not", rule=row.rule.replace("_", " ")) if row.rule else say("check.yes")
    )


def _currency(row: FirstRow, otherwise: str) -> str:
    named = row.values.get("currency")
    code = str(named.value).strip().upper() if named and named.value else otherwise
    return code if code in money.CURRENCIES else ""


def _cell(value: Value | None, column: Column, currency: str, say: Words) -> _Cell:
    if value is None:
        return _Cell(NOTHING)
    words = _words(value.value, column, currency, say)
    text = value.text.strip()
    return _Cell(
        _short(words),
        _short(text) if _looks_different(text, words, value.value, column.kind) else "",
    )


def _words(value: object, column: Column, currency: str, say: Words) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return say("check.yes") if value else say("check.no")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    if column.kind == "amount" and isinstance(value, int):
        return money.displayed(value, currency or None)
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _looks_different(text: str, words: str, value: object, kind: str) -> bool:
    if not text or text == words:
        return False
    if isinstance(value, datetime):
        return text.replace(" ", "T").removesuffix("Z") != words.removesuffix("Z")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    try:
        figure = Decimal(text)
    except InvalidOperation:
        return True
    return figure != (
        Decimal(value) / money.COUNTS_PER_UNIT if kind == "amount" else Decimal(words)
    )


def _grid(
    title: str, labels: Sequence[str], heads: Sequence[str], lines: Sequence[Sequence[_Cell]]
) -> Grid:
    rows: list[tuple[str, ...]] = []
    tones: list[Tone] = []
    for label, line in zip(labels, lines, strict=True):
        rows.append((label, *(cell.value for cell in line)))
        tones.append("plain")
        if any(cell.text for cell in line):
            rows.append(("", *(cell.text for cell in line)))
            tones.append("muted")
    columns = (GridColumn(""), *(GridColumn(head) for head in heads))
    return Grid(title, columns, tuple(rows), tones=tuple(tones))


def _span(labels: Sequence[str], heads: Sequence[str], lines: Sequence[Sequence[_Cell]]) -> int:
    """Return the cells that a grid takes on a page."""
    widths = [max(map(_cells, labels))]
    for place, head in enumerate(heads):
        words = [word for line in lines for word in line[place]]
        widths.append(max(map(_cells, [head, *words])))
    return sum(widths) + _GAP * len(widths)


def _cut(columns: Sequence[Sequence[_Cell]], start: int, end: int) -> list[Sequence[_Cell]]:
    return [cells[start:end] for cells in columns]


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in _WIDE else 1 for letter in text)


def _short(text: str) -> str:
    """Return text in at most as many cells as leave room for others."""
    if _cells(text) <= _MOST_CELLS:
        return text
    kept = text
    while _cells(kept) >= _MOST_CELLS:
        kept = kept[:-1]
    return f"{kept}…"
