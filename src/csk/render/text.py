"""A report for the terminal: readable at 80 columns, with or without colour.

One rule: colour and shape only repeat what the words say; without them nothing is lost.
"""

from collections.abc import Sequence
from io import StringIO
from itertools import groupby
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from csk.render.drawing.curves import curve_lines
from csk.render.drawing.grids import INDENT, grid_lines
from csk.render.drawing.heat import heat_lines
from csk.render.drawing.words import ACCENT, FAINT, TONES, clean, padded, wrapped
from csk.render.protocol import Page, Renderer
from csk.reports.blocks import Block, Curve, Figures, Grid, Heading, HeatMap, Note, Report

_PROSE_CELLS: Final = 100
_GAP: Final = 4
_REMARK_CELLS: Final = 24


class Terminal:
    """`--report text`."""

    name: Final = "text"

    def render(self, report: Report, page: Page) -> str:
        """Draw `report` in at most `page.width` cells a line; ANSI codes only with `page.color`."""
        lines = [Text(clean(report.title), "bold")]
        if report.first_line:
            lines += wrapped(report.first_line, _prose(page), FAINT)
        before: Block | None = None
        for group in _grouped(report.blocks):
            if not _is_close(group[0], before):
                lines.append(Text())
            lines += _lines(group, page)
            before = group[0]
        return _printed(lines, page)


def _prose(page: Page) -> int:
    return min(page.width, _PROSE_CELLS)


def _grouped(blocks: Sequence[Block]) -> list[list[Block]]:
    """Put neighbouring curves of one title together; every other block stands alone."""
    keyed = groupby(
        enumerate(blocks),
        key=lambda pair: pair[1].title if isinstance(pair[1], Curve) else pair[0],
    )
    return [[block for _, block in group] for _, group in keyed]


def _is_close(block: Block, before: Block | None) -> bool:
    """Whether no blank line parts two blocks: a heading and its text, two notes."""
    if isinstance(before, Heading):
        return True
    return isinstance(block, Note) and isinstance(before, Note)


def _lines(group: Sequence[Block], page: Page) -> list[Text]:
    match group[0]:
        case Curve():
            return curve_lines([block for block in group if isinstance(block, Curve)], page)
        case Heading() as heading:
            return [Text(clean(heading.text), f"bold {ACCENT}" if page.color else "bold")]
        case Figures() as figures:
            return _figures(figures, page)
        case Grid() as grid:
            return grid_lines(grid, page)
        case HeatMap() as heat:
            return heat_lines(heat, page)
        case Note() as note:
            return _note(note, page)


def _note(note: Note, page: Page) -> list[Text]:
    is_warning = note.tone in {"warn", "bad"}
    sign = "!" if is_warning else "·" if page.unicode else "-"
    return wrapped(note.text, _prose(page), TONES[note.tone], f"{sign} ", "  ")


def _figures(block: Figures, page: Page) -> list[Text]:
    labels = [clean(figure.label) for figure in block.figures]
    values = [clean(figure.value) for figure in block.figures]
    left = max(map(cell_len, labels), default=0)
    right = max(map(cell_len, values), default=0)
    pairs = []
    for figure, label, value in zip(block.figures, labels, values, strict=True):
        pair = Text(padded(label, left), FAINT).append("  ")
        pair = Text().append_text(pair).append(padded(value, right, "right"), "bold")
        pair.stylize(TONES[figure.tone], left + 2)
        pairs.append(pair)
    if any(figure.remark for figure in block.figures):
        return _remarked(block, pairs, left + 2 + right, page)
    across = max((page.width - INDENT + _GAP) // (left + 2 + right + _GAP), 1)
    rows = -(-len(pairs) // min(across, 3))
    lines = []
    for row in range(rows):
        line = Text(" " * INDENT)
        for place, pair in enumerate(pairs[row::rows]):
            line.append(" " * _GAP if place else "").append_text(pair)
        lines.append(line)
    return lines


def _remarked(block: Figures, pairs: list[Text], width: int, page: Page) -> list[Text]:
    """Put the remarks beside the figures, wrapped under themselves, or below on a narrow page."""
    lines = []
    has_room = page.width - INDENT - width - 2 >= _REMARK_CELLS
    margin = INDENT + (width + 2 if has_room else 4)
    for figure, pair in zip(block.figures, pairs, strict=True):
        line = Text(" " * INDENT).append_text(pair)
        remarks = wrapped(figure.remark, page.width, FAINT, " " * margin, " " * margin)
        if figure.remark and has_room:
            line.append("  ").append(remarks.pop(0).plain.strip(), FAINT)
        lines += [line, *(remarks if figure.remark else [])]
    return lines


def _printed(lines: Sequence[Text], page: Page) -> str:
    """Write lines with Rich, whose look at the environment is answered by the page."""
    screen = StringIO()
    console = Console(
        file=screen,
        width=max(page.width, 1),
        color_system="256" if page.color else None,
        force_terminal=page.color,
        force_jupyter=False,
        no_color=not page.color,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for line in lines:
        console.print(line, soft_wrap=True)
    return screen.getvalue()


RENDERER: Final[Renderer] = Terminal()
