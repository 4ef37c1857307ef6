"""A report as GitHub-flavoured Markdown, for pull requests, wikis and mails.

One rule: every word of a cell is escaped, so that no company name can become markup.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from csk.render.drawing.bars import bar
from csk.render.drawing.curves import percent, points
from csk.render.drawing.words import clean
from csk.render.protocol import Page, Renderer
from csk.reports.blocks import (
    Align,
    Block,
    Curve,
    Figures,
    Grid,
    Heading,
    HeatMap,
    Note,
    Report,
)

_BAR_CELLS: Final = 10
_CURVE_ROWS: Final = 13
_MARKUP: Final = re.compile(r"[\\`*\[\]<>|&~$]|(?<!\w)_|_(?!\w)|^[#+-](?=[#\s]|$)|^\d+(?=[.)]\s)")


class Markdown:
    """`--report markdown`."""

    name: Final = "markdown"

    def render(self, report: Report, page: Page) -> str:
        """Write `report` as Markdown; only `page.unicode` matters."""
        parts = [f"# {escaped(report.title)}", escaped(report.first_line)]
        parts += [_block(block, page) for block in report.blocks]
        return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Return `text` on one line, its Markdown and HTML signs made literal."""
    return _MARKUP.sub(_literal, clean(text))


def _literal(match: re.Match[str]) -> str:
    sign = match[0]
    if sign.isdecimal():
        return sign + "\\"
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(sign, "\\" + sign)


def _block(block: Block, page: Page) -> str:
    match block:
        case Heading():
            return f"{'#' * (block.level + 1)} {escaped(block.text)}"
        case Figures():
            return _figures(block)
        case Grid():
            return _grid(block, page)
        case HeatMap():
            return _heat(block)
        case Curve():
            return _curve(block)
        case Note():
            alert = "WARNING" if block.tone in {"warn", "bad"} else "NOTE"
            return f"> [!{alert}]\n> {escaped(block.text)}"


def _figures(block: Figures) -> str:
    return "\n".join(
        f"- {escaped(figure.label)}: **{escaped(figure.value)}**"
        + (f" ({escaped(figure.remark)})" if figure.remark else "")
        if figure.value
        else f"- {escaped(figure.label)}: {escaped(figure.remark)}"
        for figure in block.figures
    )


def _table(
    titles: Sequence[str], aligns: Sequence[Align], rows: Iterable[Sequence[str]]
) -> list[str]:
    return [
        f"| {' | '.join(escaped(title) for title in titles)} |",
        f"| {' | '.join('---:' if align == 'right' else '---' for align in aligns)} |",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _framed(title: str, table: list[str], caption: str = "") -> str:
    parts = [f"**{escaped(title)}**" if title else "", "\n".join(table), escaped(caption)]
    return "\n\n".join(part for part in parts if part)


def _grid(block: Grid, page: Page) -> str:
    rows = []
    for number, words in enumerate(block.rows):
        cells = [escaped(word) for word in words]
        for place, column in enumerate(block.columns):
            if column.bar and number < len(block.bars) and not cells[place]:
                cells[place] = bar(block.bars[number], _BAR_CELLS, page.unicode)
        if block.total and number == len(block.rows) - 1:
            cells = [f"**{cell}**" if cell else cell for cell in cells]
        rows.append(cells)
    titles = [column.title for column in block.columns]
    table = _table(titles, [column.align for column in block.columns], rows)
    return _framed(block.title, table, block.caption)


def _heat(block: HeatMap) -> str:
    corner = " / ".join(part for part in (block.row_title, block.column_title) if part)
    rows = [
        [escaped(label), *(escaped(cell) for cell in cells)]
        for label, cells in zip(block.row_labels, block.cells, strict=True)
    ]
    aligns: list[Align] = ["left"]
    aligns += ["right"] * len(block.column_labels)
    table = _table([corner, *block.column_labels], aligns, rows)
    return _framed(block.title, table, block.caption)


def _curve(block: Curve) -> str:
    has_interval = bool(block.low and block.high)
    titles = [block.x_title or "x", "share", *(["low", "high"] if has_interval else [])]
    rows = []
    for index in points(block, _CURVE_ROWS):
        values = [block.y[index]]
        if has_interval:
            values += [block.low[index], block.high[index]]
        rows.append([f"{block.x[index]:g}", *(percent(value) for value in values)])
    title = f"{block.title}: {block.group}" if block.group else block.title
    return _framed(title, _table(titles, ["right"] * len(titles), rows))


RENDERER: Final[Renderer] = Markdown()
