"""What no file can tell and numbers hang on: the few things that a person must be asked.

One rule: nothing is asked that the files answer, and what weighs most is asked first.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from glob import escape
from itertools import combinations
from typing import Final

import polars as pl

from csk.intake.plans.looking import Looked
from csk.intake.plans.opening import Opened

MOST_ASKED: Final = 3
_JAPANESE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_TAX: Final = {
    "included": re.compile(r"税込|incl\w*[ ._]?(?:of[ ._])?(?:tax|vat)|(?:tax|vat)[ ._]?incl"),
    "excluded": re.compile(r"税抜|税別|excl\w*[ ._]?(?:of[ ._])?(?:tax|vat)|(?:tax|vat)[ ._]?excl"),
}
_MONEY_SIGNS: Final = {
    "JPY": re.compile(r"円|¥|^\\|(?<![a-z])(?:jpy|yen)(?![a-z])"),
    "EUR": re.compile(r"€|(?<![a-z])eur(?![a-z])"),
    "GBP": re.compile(r"£|(?<![a-z])gbp(?![a-z])"),
    "USD": re.compile(r"(?<![a-z])usd(?![a-z])|us\$"),
}
_OVERLAP: Final = 0.5
_LOOKED_AT: Final = 200
_JAPAN: Final = ("JPY", "Asia/Tokyo")


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that is not known: what it would set, and what may be said of it."""

    key: str
    """Names the words of the question."""
    setting: str
    places: dict[str, str] = field(default_factory=dict)
    """What fills the words of the question."""
    choices: tuple[tuple[str, object], ...] = ()
    """(What fills the words of the choice, value of the setting); empty = it is typed."""
    proposal: object = None
    """What is taken where nobody answers; null = the setting stays off."""


def doubts(looked: Looked) -> tuple[Doubt, ...]:
    """Return what the files leave open, what weighs most first; ask `MOST_ASKED` of it."""
    known = told(looked)
    in_japan = any(
        _JAPANESE.search(column) for one in looked.opened for column in one.source.columns
    )
    found = [*_date_orders(looked), *_rivals(looked)]
    if not named_currencies(looked):
        proposal = _signed_currency(looked) or (_JAPAN[0] if in_japan else None)
        found.append(Doubt("currency", "currency", proposal=proposal))
    if not looked.margins_known:
        found.append(Doubt("margin", "margin_share"))
    if in_japan and (where := _in_doubt_of_zone(looked)):
        found.append(Doubt("tz", "tz", {"where": where}, proposal=_JAPAN[1]))
    if "tax" not in known and any(_money(one) for one in looked.opened):
        found.append(
            Doubt("tax", "tax", choices=(("included", "included"), ("excluded", "excluded")))
        )
    return tuple(found)


def told(looked: Looked) -> dict[str, object]:
    """Return settings that names of columns tell: whether amounts hold tax."""
    names = [_plain(name) for one in looked.opened for name in _money(one)]
    said = {tax for tax, sign in _TAX.items() if any(sign.search(name) for name in names)}
    return {"tax": said.pop()} if len(said) == 1 else {}


def named_currencies(looked: Looked) -> tuple[str, ...]:
    """Return the currencies that the first rows name, in their order as text."""
    codes: set[str] = set()
    for one in looked.opened:
        export = one.recognition.known.export if one.recognition.known else None
        if export and "currency" in export.settings:
            codes.add(export.settings["currency"])
        for reading in one.readings:
            if reading.column.name == "currency":
                values = looked.samples[one.name][reading.name].cast(pl.String).drop_nulls()
                codes.update(code.strip().upper() for code in values.unique() if code.strip())
    return tuple(sorted(codes))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _money(one: Opened) -> list[str]:
    """Return the columns of a file that hold money."""
    return [reading.name for reading in one.readings if reading.column.kind == "amount"]


def _date_orders(looked: Looked) -> list[Doubt]:
    """Ask once for all columns whose days and months cannot be told apart."""
    if not looked.ambiguous:
        return []
    file, refusal = next(iter(looked.ambiguous.items()))
    first, second = (*refusal.details, "", "")[:2]
    choices = ((first, "dmy"), (second, "mdy")) if second else (("", "dmy"), ("", "mdy"))
    return [Doubt("date_order", "date_order", {"file": file, "why": refusal.sentence}, choices)]


def _rivals(looked: Looked) -> list[Doubt]:
    """Ask which of two kinds of files to read that may tell the same money twice."""
    for role in ("payments", "subscriptions"):
        files = [one for one in looked.opened if one.role == role]
        for one, other in combinations(files, 2):
            if set(one.source.columns) != set(other.source.columns) and _share(looked, one, other):
                names = {"first": one.name, "second": other.name, "role": role}
                choices: tuple[tuple[str, object], ...] = (
                    (one.name, (escape(other.name),)),
                    (other.name, (escape(one.name),)),
                )
                return [Doubt("rivals", "skip", names, choices)]
    return []


def _share(looked: Looked, one: Opened, other: Opened) -> bool:
    """Tell whether most customers of the smaller file stand in the other as well."""
    known = []
    for file in (one, other):
        column = file.recognition.mapping.get("customer_id")
        if column is None:
            return False
        values = looked.samples[file.name][column].cast(pl.String).drop_nulls()
        known.append(set(values.unique()))
    smaller = min(map(len, known))
    return smaller > 0 and len(known[0] & known[1]) > _OVERLAP * smaller


def _signed_currency(looked: Looked) -> str | None:
    """Return the one currency that names of columns or written amounts point to."""
    found = set()
    for one in looked.opened:
        for name in _money(one):
            values = looked.samples[one.name][name].cast(pl.String).drop_nulls().head(_LOOKED_AT)
            texts = [_plain(name), *(_plain(value) for value in values)]
            found |= {code for code, sign in _MONEY_SIGNS.items() if any(map(sign.search, texts))}
    return found.pop() if len(found) == 1 else None


def _in_doubt_of_zone(looked: Looked) -> str:
    """Return a column whose times are in UTC or in no named zone; empty where there is none."""
    for one in looked.opened:
        for reading in one.readings:
            date = reading.date
            if date is None or date.epoch == "excel":
                continue
            has_zone = date.pattern.endswith(("Z", "UTC", "%z")) or date.epoch or date.zone
            if has_zone or (reading.column.kind == "instant" and "%H" in date.pattern):
                return f"{reading.name} ({one.name})"
    return ""
