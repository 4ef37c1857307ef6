"""Words made safe and made to fit.

One rule: names come from other people's files, so control characters never reach a terminal.
"""

import re
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console
from rich.text import Text

from csk.reports.blocks import Align, Tone
from csk.text import UNSEEN

ACCENT: Final = "color(37)"
DEEP: Final = "color(23)"
FAINT: Final = "dim"
TONES: Final[dict[Tone, str]] = {
    "plain": "",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "muted": FAINT,
}
_BLANKS: Final = re.compile(r"[\s\u2028\u2029]+")
_WIDE: Final = r"\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60\uffe0-\uffe6"
_OPENS: Final = "（「『【〈《"
_STAYS: Final = "、。，．）」』】〉》：；？！々〜・％ぁぃぅぇぉっゃゅょ"
_PIECES: Final = re.compile(rf"[{_OPENS}]*(?:[^\s{_WIDE}]+|[ァ-ヺー]+|[{_WIDE}])[{_STAYS}]*\s*")
"""What a line of Japanese is broken between: letters, but words of katakana or Latin whole, no
line opening with a mark that closes, none ending with one that opens."""


def clean(text: str) -> str:
    """Return `text` on one line, without control characters or marks that turn its direction."""
    return UNSEEN.sub("", _BLANKS.sub(" ", text)).strip()


def fitted(text: str, width: int, unicode: bool) -> str:  # noqa: FBT001 # as on the page
    """Return `text` in at most `width` cells, its end replaced by an ellipsis if it is longer."""
    if cell_len(text) <= width:
        return text
    mark = "…" if unicode else ".."
    if width <= len(mark):
        return set_cell_size(text, max(width, 0)).rstrip()
    return set_cell_size(text, width - len(mark)).rstrip() + mark


def padded(text: str, width: int, align: Align = "left") -> str:
    """Return `text` filled with blanks to `width` cells; longer text is left as it is."""
    blanks = " " * max(width - cell_len(text), 0)
    return blanks + text if align == "right" else text + blanks


def wrapped(text: str, width: int, style: str = "", first: str = "", rest: str = "") -> list[Text]:
    """Break `text` into lines of at most `width` cells; `first` and `rest` open the lines."""
    room = max(width - max(cell_len(first), cell_len(rest)), 8)
    text = clean(text)
    if re.search(f"[{_WIDE}]", text):
        lines = _broken(text, room)
    else:
        console = Console(width=room, color_system=None)
        lines = [line.plain.rstrip() for line in Text(text).wrap(console, room)]
    return [Text((rest if number else first) + line, style) for number, line in enumerate(lines)]


def _broken(text: str, room: int) -> list[str]:
    """Break text that has wide letters, which stand without blanks between words."""
    lines = [""]
    for piece in _PIECES.findall(text):
        whole = cell_len(piece.rstrip()) <= room
        for part in [piece] if whole else chop_cells(piece, room):
            if lines[-1] and cell_len(lines[-1] + part.rstrip()) > room:
                lines.append(part)
            else:
                lines[-1] += part
    return [line.rstrip() for line in lines]


def packed(items: Iterable[str], width: int, style: str, lead: str) -> list[Text]:
    """Set `items` in lines of at most `width` cells, broken only between items."""
    lines: list[str] = []
    for item in items:
        longer = f"{lines[-1]}   {item}" if lines else ""
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(lead + item)
    return [Text(line, style) for line in lines]
