"""Heat maps as lines: numbers on shades of one hue, or beside a shaded character.

One rule: the number is always there; the shade only helps the eye.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import isfinite
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from csk.render.drawing.grids import INDENT
from csk.render.drawing.words import FAINT, clean, padded, wrapped
from csk.render.protocol import Page
from csk.reports.blocks import HeatMap

_RAMP: Final = (
    "color(252) on color(236)",
    "color(255) on color(23)",
    "color(255) on color(30)",
    "color(16) on color(37)",
    "color(16) on color(44)",
)
_SHADES: Final = " ░▒▓█"
_MARKS: Final = " .:+#"


def heat_lines(heat: HeatMap, page: Page) -> list[Text]:
    """Draw `heat`; columns that do not fit the page are left out from the end, and said to be."""
    cells = [[clean(cell) for cell in row] for row in heat.cells]
    labels = [clean(label) for label in heat.row_labels]
    titles = [clean(label) for label in heat.column_labels]
    margin = max(cell_len(word) for word in [*labels, clean(heat.row_title)])
    widths = _widths(cells, titles, 2 if page.color else 3)
    room = page.width - INDENT - margin - 2
    shown = max(sum(total <= room for total in accumulate(widths)), min(1, len(titles)))
    levels = _levels(heat.values)
    lead = " " * INDENT
    lines = [Text(clean(heat.title), "bold")] if heat.title else []
    if heat.column_title:
        lines.append(Text(lead + " " * (margin + 3) + clean(heat.column_title), FAINT))
    head = padded(clean(heat.row_title), margin) + "  "
    tail = " " if page.color else "  "
    named = zip(titles[:shown], widths[:shown], strict=True)
    head += "".join(padded(title + tail, width, "right") for title, width in named)
    lines.append(Text(lead + head.rstrip(), FAINT))
    for label, words, row_levels in zip(labels, cells, levels, strict=True):
        line = Text(lead)
        line.append(padded(label, margin) + "  ")
        for word, level, width in zip(
            words[:shown], row_levels[:shown], widths[:shown], strict=True
        ):
            line.append(*_cell(word, level, width, page))
        if not page.color:
            line.rstrip()
        lines.append(line)
    if shown < len(titles):
        hidden = heat.hidden.format(n=len(titles) - shown, first=titles[shown])
        lines += wrapped(hidden, page.width, FAINT, lead, lead)
    if heat.caption:
        lines += wrapped(heat.caption, min(page.width, 100), FAINT, lead, lead)
    return lines


def _widths(cells: Sequence[Sequence[str]], titles: Sequence[str], more: int) -> list[int]:
    """Return the width of each column: its longest word, and room for the shade."""
    columns = zip(titles, *cells, strict=True)
    return [max(cell_len(word) for word in column) + more for column in columns]


def _cell(word: str, level: float | None, width: int, page: Page) -> tuple[str, str]:
    """Return a cell's text and style; `level` is its place in [0, 1], None for an empty cell."""
    if page.color:
        text = padded(word + " ", width, "right")
        return text, "" if level is None else _RAMP[round(level * (len(_RAMP) - 1))]
    shades = _SHADES if page.unicode else _MARKS
    shade = " " if level is None else shades[round(level * (len(shades) - 1))]
    return padded(f"{word} {shade}", width, "right"), ""


def _levels(values: Iterable[Iterable[float | None]]) -> list[list[float | None]]:
    """Spread the distinct values evenly over [0, 1] by rank, so that one giant hides nobody."""
    rows = [[_finite(value) for value in row] for row in values]
    ranked = sorted({value for row in rows for value in row if value is not None})
    last = len(ranked) - 1
    place = {value: rank / last if last else 0.5 for rank, value in enumerate(ranked)}
    return [[None if value is None else place[value] for value in row] for row in rows]


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
