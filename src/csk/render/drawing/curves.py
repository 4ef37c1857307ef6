"""Curves as small plots of block characters, several groups as one line each.

One rule: the vertical axis is always the whole of [0, 1]; a plot never flatters by zooming.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import isfinite
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from csk.render.drawing.words import ACCENT, DEEP, FAINT, clean, packed, padded
from csk.render.protocol import Page
from csk.reports.blocks import Curve

_ROWS: Final = 8
_PLOT_CELLS: Final = 72
_MARGIN: Final = 7
_READINGS: Final = 5
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_MARKS: Final = "_.-=+*%#"


def percent(share: float) -> str:
    """Write a share in [0, 1] as a percentage with one decimal; '-' where it is no number."""
    return f"{share * 100:.1f}%" if isfinite(share) else "-"


def points(curve: Curve, most: int) -> list[int]:
    """Choose at most `most` indices spread evenly over the curve, both ends among them."""
    last = len(curve.x) - 1
    if last < most:
        return list(range(last + 1))
    return sorted({round(step * last / (most - 1)) for step in range(most)})


def curve_lines(curves: Sequence[Curve], page: Page) -> list[Text]:
    """Draw curves of one title: a single one as a plot, several as one line for each group."""
    title = clean(curves[0].title)
    lines = [Text(title, "bold")] if title else []
    if not any(curve.x for curve in curves):
        return [*lines, Text("  no points", FAINT)]
    if len(curves) == 1:
        return lines + _plot(curves[0], page)
    return lines + _sparks(curves, page)


def _sampled(curve: Curve, values: Sequence[float], count: int, end: float) -> list[float]:
    """Read a step curve at `count` places from its first x to `end`; beyond its last x is NaN."""
    first = curve.x[0] if curve.x else 0.0
    read = []
    for place in range(count):
        x = first + (end - first) * place / max(count - 1, 1)
        index = bisect_right(curve.x, x + 1e-9 * max(abs(end), 1.0)) - 1
        is_known = bool(curve.x) and x <= curve.x[-1] + 1e-9 * max(abs(end), 1.0)
        read.append(values[index] if is_known else float("nan"))
    return read


def _plot(curve: Curve, page: Page) -> list[Text]:
    width = max(min(page.width - _MARGIN - 2, _PLOT_CELLS), 8)
    signs = _LEVELS if page.unicode else "#"
    heights = _sampled(curve, curve.y, width, curve.x[-1])
    lines = []
    for row in range(_ROWS):
        label = {0: "100%", _ROWS // 2: "50%"}.get(row, "")
        axis = ("┤" if label else "│") if page.unicode else "|"
        line = Text(padded(label, _MARGIN - 1, "right") + " " + axis, FAINT)
        floor = (_ROWS - 1 - row) / _ROWS
        for height in heights:
            share = (height - floor) * _ROWS
            line.append(_filled(share, signs), DEEP if share > 1.0 else ACCENT)
        line.rstrip()
        lines.append(line)
    return lines + _axis(curve, width, page) + _readings(curve, page)


def _filled(share: float, signs: str) -> str:
    """Return the sign for a cell that is filled from below to `share` of its height."""
    if not isfinite(share):
        return " "
    level = round(min(max(share, 0.0), 1.0) * len(signs))
    return signs[level - 1] if level else " "


def _readings(curve: Curve, page: Page) -> list[Text]:
    """State the curve in numbers, with its interval, at up to five places."""
    readings = []
    for index in points(curve, _READINGS)[1:]:
        reading = f"{curve.x[index]:.3g}: {percent(curve.y[index])}"
        if curve.low and curve.high:
            low, high = percent(curve.low[index]), percent(curve.high[index])
            reading += f" ({curve.between.format(low=low, high=high)})"
        readings.append(reading)
    return packed(readings, page.width, FAINT, " " * (_MARGIN + 1))


def _axis(curve: Curve, width: int, page: Page) -> list[Text]:
    corner, rule = ("└", "─") if page.unicode else ("+", "-")
    first, middle, last = curve.x[0], (curve.x[0] + curve.x[-1]) / 2, curve.x[-1]
    left, centre, right = f"{first:.3g}", f"{middle:.3g}", f"{last:.3g}"
    ends = left + " " * (width // 2 - len(left) - len(centre) // 2) + centre
    ends = padded(ends, width - len(right)) + right
    margin = " " * _MARGIN
    lines = [Text(margin + corner + rule * width, FAINT), Text(f"{margin} {ends}", FAINT)]
    if curve.x_title:
        name = clean(curve.x_title)
        lines.append(Text(margin + " " * (1 + (width - cell_len(name)) // 2) + name, FAINT))
    return lines


def _sparks(curves: Sequence[Curve], page: Page) -> list[Text]:
    names = [clean(curve.group) for curve in curves]
    margin = max(cell_len(name) for name in names)
    width = max(min(page.width - margin - 14, _PLOT_CELLS), 8)
    end = max(curve.x[-1] for curve in curves if curve.x)
    signs = _LEVELS if page.unicode else _MARKS
    lines = []
    for name, curve in zip(names, curves, strict=True):
        line = Text("  " + padded(name, margin) + "  ")
        heights = _sampled(curve, curve.y, width, end)
        line.append("".join(_sign(height, signs) for height in heights), ACCENT)
        line.append("  " + padded(percent(curve.y[-1]) if curve.y else "-", 6, "right"))
        lines.append(line)
    ends = (
        padded(f"{curves[0].x[0] if curves[0].x else 0:.3g}", width - len(f"{end:.3g}"))
        + f"{end:.3g}"
    )
    lines.append(Text(" " * (margin + 4) + ends + f"  {clean(curves[0].x_title)}".rstrip(), FAINT))
    return lines


def _sign(height: float, signs: str) -> str:
    if not isfinite(height):
        return " "
    return signs[min(int(min(max(height, 0.0), 1.0) * len(signs)), len(signs) - 1)]
