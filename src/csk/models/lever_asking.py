"""What is asked of the levers of LTV: which two things to compare, what to move and how far.

One rule: whatever cannot be meant is refused with how to write it.
"""

import re
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Final, Literal, NoReturn
from unicodedata import normalize

from csk.calendar import plus_months
from csk.errors import UsageError
from csk.models.levers import Moves

LEVERS: Final = ("churn", "price", "margin", "frequency")
MOST_PERCENT: Final = 1_000
"""Largest change in per cent that is taken for meant; also of further purchases a year."""
_EXAMPLES: Final = (
    "2025-01-01:2026-01-01 (days), 2024-01:2025-01 (cohorts), plan=Starter:Premium (groups)"
)
_MOVES: Final = 'Write it like "churn=-10%,price=+5%,frequency=+1,margin=+2pt".'
_UNITS: Final = {
    "churn": ("%",),
    "price": ("%",),
    "margin": ("pt", "%"),
    "frequency": ("", "%"),
}
_CHANGE: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(%|pt|)")
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_YEAR: Final = re.compile(r"\d{4}")
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """Two things whose LTV is compared: the change from the first to the second is explained."""

    kind: Literal["days", "cohorts", "groups"]
    first: str
    second: str
    column: str = ""
    """Of groups: the column that they are groups by."""

    @property
    def days(self) -> tuple[date, date]:
        """Return the two days; only of the kind `days`."""
        return date.fromisoformat(self.first), date.fromisoformat(self.second)


@dataclass(frozen=True, slots=True)
class Change:
    """How far one lever is moved."""

    lever: str
    value: float
    unit: str
    """`%` of what it is, `pt` points of the margin, or nothing: purchases a year."""

    @property
    def text(self) -> str:
        """Return the change as it may be written: `+5%`, `-10%`, `+2pt`, `+1`."""
        return f"{self.value:+g}{self.unit}"


def asked_of(text: str) -> Asked:
    """Return what two things are asked for; UsageError where that cannot be told.

    `2025-01-01:2026-01-01` are two days, `2024-01:2025-01` or `2024:2025` two cohorts by the
    month or year in which customers came, `plan=Starter:Premium` two groups.
    """
    column, sign, rest = text.strip().rpartition("=")
    sides = [side.strip() for side in rest.split(":")]
    if len(sides) != 2 or not all(sides) or (sign and not column.strip()):  # noqa: PLR2004 # a pair
        raise UsageError(
            f"{text!r} does not name two things to compare.", hint=f"Write {_EXAMPLES}."
        )
    first, second = sides
    if first == second:
        raise UsageError(f"{first!r} is compared with itself.", hint=f"Write {_EXAMPLES}.")
    if sign:
        return Asked("groups", first, second, column.strip())
    kinds = {_kind(side, text) for side in sides}
    if len(kinds) > 1:
        raise UsageError(
            f"{text!r} compares a day with a cohort.", hint=f"Write two of one kind: {_EXAMPLES}."
        )
    return Asked("days" if kinds == {"day"} else "cohorts", first, second)


def _kind(side: str, text: str) -> str:
    if _MONTH.fullmatch(side) or _YEAR.fullmatch(side):
        cohort_span(side)
        return "cohort"
    try:
        date.fromisoformat(side)
    except ValueError:
        raise UsageError(
            f"{side!r} in {text!r} is neither a day nor a month.",
            hint=f"Write {_EXAMPLES}; groups need the name of their column.",
        ) from None
    return "day"


def cohort_span(side: str) -> tuple[date, date]:
    """Return the first day of a month (`2024-01`) or year (`2024`), and that of the next one."""
    month = _MONTH.fullmatch(side)
    try:
        start = date(int(month[1]), int(month[2]), 1) if month else date(int(side), 1, 1)
        return start, plus_months(start, 1 if month else _MONTHS)
    except ValueError:
        raise UsageError(f"There is no month {side!r}.", hint="Write it like 2024-01.") from None


def changes_of(text: str) -> tuple[Change, ...]:
    """Return how far each lever is moved, in the order of the text; UsageError lists all errors.

    `churn` and `price` take per cent, `margin` points or per cent, `frequency` further purchases
    a year or per cent.
    """
    # Signs and digits as a Japanese keyboard writes them, and the minus of a word processor.
    plain = normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").replace("、", ",")
    found, wrong = [], []
    for part in (part.strip() for part in plain.split(",")):
        try:
            found.append(_change(part))
        except UsageError as error:
            wrong.append(error.sentence)
    names = [change.lever for change in found]
    wrong += [f"{name} is moved twice." for name in LEVERS if names.count(name) > 1]
    if wrong:
        raise UsageError("What to change cannot be understood.", details=wrong, hint=_MOVES)
    return tuple(found)


def _change(part: str) -> Change:
    name, sign, how = (piece.strip() for piece in part.partition("="))
    lever = name.lower()
    if lever not in LEVERS:
        close = get_close_matches(lever, LEVERS, n=1)
        _refuse(f"{name or part!r} is no lever" + (f"; is it {close[0]}?" if close else "."))
    change = _CHANGE.fullmatch(how)
    if not sign or change is None or change[2] not in _UNITS[lever]:
        units = " or ".join(_example(unit) for unit in _UNITS[lever])
        _refuse(f"{part!r}: {lever} is changed by {units}.")
    value = float(change[1])
    if change[2] == "%" and not -100 <= value <= MOST_PERCENT:  # noqa: PLR2004 # per cent
        _refuse(f"{part!r}: per cent go from -100 to +{MOST_PERCENT}.")
    if lever == "price" and value == -100:  # noqa: PLR2004 # per cent
        _refuse(f"{part!r}: at no price there is no LTV.")
    if change[2] == "pt" and not -100 < value < 100:  # noqa: PLR2004 # points of a share
        _refuse(f"{part!r}: a margin has 100 points at most.")
    if change[2] == "" and not 0 <= value <= MOST_PERCENT:
        _refuse(f"{part!r}: further purchases a year go from 0 to {MOST_PERCENT}; fewer in %.")
    return Change(lever, value, change[2])


def _example(unit: str) -> str:
    return {"%": "per cent (+5%)", "pt": "points (+2pt)", "": "purchases a year (+1)"}[unit]


def _refuse(sentence: str) -> NoReturn:
    raise UsageError(sentence)


def moves(changes: tuple[Change, ...]) -> Moves:
    """Return changes as the factors that models take."""
    by = {(change.lever, change.unit): change.value for change in changes}
    factor = {lever: 1 + by.get((lever, "%"), 0.0) / 100 for lever in LEVERS}
    return Moves(
        churn=factor["churn"],
        price=factor["price"],
        margin=factor["margin"],
        margin_points=by.get(("margin", "pt"), 0.0) / 100,
        frequency=factor["frequency"],
        purchases=by.get(("frequency", ""), 0.0),
    )
