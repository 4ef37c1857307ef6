"""Questions on a terminal.

One rule: nothing is asked where nobody can answer, and Enter is always an answer.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from shutil import get_terminal_size
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from csk.intake.plans.doubts import Doubt
from csk.money import CURRENCIES
from csk.render.drawing.words import wrapped
from csk.text import Words

_WIDEST: Final = 100
_LEAD: Final = " " * len("1 of 3  ")


def can_ask() -> bool:
    """Tell whether somebody sits at a terminal to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def answers(doubts: Sequence[Doubt], say: Words) -> dict[str, object]:
    """Ask one after the other and return values by setting; what is left open is not in it.

    typer.Abort where the person breaks it off.
    """
    # Polars takes Ctrl-C so that reads go on; a question must end with it.
    signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003 # the call's only form
    given: dict[str, object] = {}
    for number, doubt in enumerate(doubts, 1):
        counted = say("ask.count", n=str(number), all=str(len(doubts)))
        typer.echo(err=True)
        _show(say(f"ask.{doubt.key}", **doubt.places), f"{counted}  ")
        value = _chosen(doubt, say) if doubt.choices else _typed(doubt, say)
        if value is not None:
            given[doubt.setting] = value
    return given


def _chosen(doubt: Doubt, say: Words) -> object:
    for number, (words, _) in enumerate(doubt.choices, 1):
        _show(say(f"ask.{doubt.key}_choice", words=words), f"{_LEAD}{number}  ")
    _show(say("ask.skip"))

    def value(text: str) -> object:
        place = int(text) - 1
        if place < 0:
            raise ValueError(text)
        return doubt.choices[place][1]

    return _asked(say("ask.number"), value, say("ask.again"))


def _typed(doubt: Doubt, say: Words) -> object:
    proposal = doubt.proposal
    enter = say("ask.enter", proposal=str(proposal)) if proposal else say("ask.skip")
    _show(enter)
    given = _asked(doubt.setting, _MEANINGS[doubt.key], say(f"ask.{doubt.key}_again"))
    return proposal if given is None else given


def _asked(label: str, meaning: Callable[[str], object], otherwise: str) -> object:
    """Ask until it is understood; null where nothing is typed."""
    while True:
        text = typer.prompt(f"{_LEAD}{label}", default="", show_default=False, err=True).strip()
        if not text:
            return None
        try:
            return meaning(text)
        except (ValueError, IndexError):
            _show(otherwise)


def _show(text: str, first: str = _LEAD) -> None:
    width = min(get_terminal_size((80, 24)).columns, _WIDEST)
    lines = wrapped(text, width, "", first, " " * len(first))
    typer.echo("\n".join(line.plain for line in lines), err=True)


def _margin(text: str) -> float:
    """Understand `0.7`, `70%` and `70` alike."""
    figure = float(text.replace("%", "").replace(",", ".").strip())
    share = figure / 100 if "%" in text or figure > 1 else figure
    if not 0 < share <= 1:
        raise ValueError(text)
    return round(share, 6)


def _currency(text: str) -> str:
    code = text.upper()
    if code not in CURRENCIES:
        raise ValueError(text)
    return code


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error


_MEANINGS: Final[dict[str, Callable[[str], object]]] = {
    "margin": _margin,
    "currency": _currency,
    "tz": _zone,
}
