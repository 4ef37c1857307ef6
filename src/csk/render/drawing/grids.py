"""Grids as lines: aligned columns under one thin rule, bars in their own column.

One rule: a number is shown whole or not at all. On a narrow page names are cut first, then
columns leave by priority.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from csk.render.drawing.bars import bar
from csk.render.drawing.words import ACCENT, FAINT, TONES, clean, fitted, padded, wrapped
from csk.render.protocol import Page
from csk.reports.blocks import Grid, GridColumn

INDENT: Final = 2
_GAP: Final = 2
_NAME_CELLS: Final = 14
_TINY_CELLS: Final = 6
_BAR_CELLS: Final = (6, 24)


@dataclass(slots=True)
class _Column:
    """A column with its words and the cells it may and does take."""

    place: int
    look: GridColumn
    words: tuple[str, ...]
    least: int
    most: int
    width: int = 0
    bar: int = 0

    @property
    def is_name(self) -> bool:
        return self.look.align == "left" and not self.look.bar


def grid_lines(grid: Grid, page: Page) -> list[Text]:
    """Draw `grid` with title and caption in at most `page.width` cells, if its numbers allow."""
    room = page.width - INDENT
    columns = _fitting([_column(grid, place) for place in range(len(grid.columns))], room)
    span = sum(column.width for column in columns) + _GAP * (len(columns) - 1)
    rule = Text(" " * INDENT + ("─" if page.unicode else "-") * span, FAINT)
    lines = [Text(clean(grid.title), "bold")] if grid.title else []
    lines += [_header(columns, page), rule] if any(c.look.title for c in columns) else []
    for number in range(len(grid.rows)):
        is_total = grid.total and number == len(grid.rows) - 1
        lines += [rule] if is_total and number else []
        lines.append(_row(grid, columns, number, page))
    if grid.caption:
        lead = " " * INDENT
        lines += wrapped(grid.caption, min(page.width, 100), FAINT, lead, lead)
    return lines


def _column(grid: Grid, place: int) -> _Column:
    look = grid.columns[place]
    title = cell_len(clean(look.title))
    words = tuple(clean(row[place]) for row in grid.rows)
    longest = max((cell_len(word) for word in words), default=0)
    if look.bar and grid.bars:
        beside = longest + 1 if longest else 0
        least, most = (max(title, beside + cells) for cells in _BAR_CELLS)
    else:
        least = most = max(title, longest)
        if look.align == "left" and not look.is_whole:
            least = min(most, max(title, _NAME_CELLS))
    return _Column(place, look, words, least, most)


def _fitting(columns: list[_Column], room: int) -> list[_Column]:
    """Choose columns and widths: drop the highest priority first, then cut names, then grow."""
    kept = list(columns)
    while _span(kept) > room:
        last = max(kept, key=lambda column: (column.look.priority, column.place))
        if last.look.priority == 0:
            break
        kept.remove(last)
    for column in kept:
        short = _span(kept) - room
        if short > 0 and column.is_name:
            column.least = max(column.least - short, min(column.least, _TINY_CELLS))
    spare = max(room - _span(kept), 0)
    for column in sorted(kept, key=lambda column: (column.look.bar, column.place)):
        column.width = min(column.least + spare, column.most)
        spare -= column.width - column.least
        if column.look.bar:
            beside = max((cell_len(word) for word in column.words), default=0)
            column.bar = column.width - (beside + 1 if beside else 0)
    return kept


def _span(columns: Sequence[_Column]) -> int:
    return sum(column.least for column in columns) + _GAP * (len(columns) - 1)


def _header(columns: Sequence[_Column], page: Page) -> Text:
    titles = (
        padded(
            fitted(clean(column.look.title), column.width, page.unicode),
            column.width,
            column.look.align,
        )
        for column in columns
    )
    return Text(" " * INDENT + (" " * _GAP).join(titles).rstrip(), FAINT)


def _row(grid: Grid, columns: Sequence[_Column], number: int, page: Page) -> Text:
    tone = grid.tones[number] if number < len(grid.tones) else "plain"
    style = TONES[tone]
    is_total = grid.total and number == len(grid.rows) - 1
    line = Text(" " * INDENT, "bold" if is_total else "")
    for place, column in enumerate(columns):
        line.append(" " * _GAP if place else "")
        word = column.words[number]
        if column.look.bar and grid.bars:
            share = grid.bars[number] if number < len(grid.bars) else 0.0
            beside = column.width - column.bar - 1
            line.append(padded(word, beside, "right") + " " if beside > 0 else "")
            drawn = bar(share, column.bar, page.unicode)
            line.append(padded(drawn, column.bar), style or ACCENT)
            continue
        if column.is_name:
            word = fitted(word, column.width, page.unicode)
        is_toned = place == 0 or tone == "muted"
        line.append(padded(word, column.width, column.look.align), style if is_toned else "")
    line.rstrip()
    return line
