"""What columns of exports are called, read from the TOML files of `profiles/`.

Rule: a profile is data; names are compared normalised, in order of preference, never by position.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from csk.schema import INPUTS

_CAMEL = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
    r"|(?<=[^\x00-\x7f])(?=[A-Za-z])|(?<=[A-Za-z])(?=[^\x00-\x7f])"
)
_SEPARATORS = re.compile(r"[\W_]+")
_POLITE = re.compile(r"^[おご御](?=..)")
_BRACKETS = re.compile(r"[(\[【（［][^)\]】）］]*[)\]】）］]\s*$")


@dataclass(frozen=True)
class Weak:
    """Names that are believed only where another column stands beside them."""

    beside: tuple[str, ...]
    """Canonical columns of the role, one of which must be mapped,"""

    beside_named: frozenset[str]
    """or normalised names, one of which the file must have."""

    names: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Profile:
    """Synonyms per role and column, personal columns, and what values of a status mean."""

    name: str
    names: Mapping[str, Mapping[str, tuple[str, ...]]]
    """role -> canonical column -> normalised names, the preferred one first."""

    weak: Mapping[str, Weak]
    qualifiers: frozenset[str]
    statuses: Mapping[str, Mapping[str, str]]
    """role -> value in lower case -> why a row with it is excluded (`failed`, `refunded`, ...)."""

    order_totals: frozenset[str]
    """Normalised names of the amount of a whole order."""

    line_ids: frozenset[str]
    """Normalised names of columns that only a file with one row a line has."""

    updates: frozenset[str]
    """Normalised names of columns that tell when a row was last changed."""

    _results: re.Pattern[str]
    _personal: re.Pattern[str]
    _personal_customers: frozenset[str]
    _impersonal: re.Pattern[str]

    def is_result(self, column: str) -> bool:
        """Tell whether only a result of ours has such a column."""
        return bool(self._results.search(words(column)))

    def is_personal(self, column: str, role: str | None = None) -> bool:
        """Tell whether a column holds what identifies a person, by its name alone."""
        spoken = words(column)
        if self._impersonal.search(spoken) or self._impersonal.search(normal(column)):
            return False
        if role == "customers" and normal(column) in self._personal_customers:
            return True
        return bool(self._personal.search(spoken) or self._personal.search(normal(column)))

    def excluded(self, role: str, status: str | None) -> str | None:
        """Return why rows with this status do not count; null where they do."""
        if status is None:
            return None
        value = unicodedata.normalize("NFKC", status).strip().casefold()
        return self.statuses.get(role, {}).get(value)


@lru_cache(maxsize=8192)
def words(name: str) -> str:
    """Return a column name as lower-case words: `CustomerID` and `customer-id` -> `customer id`."""
    split = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    return _SEPARATORS.sub(" ", split).strip().casefold()


@lru_cache(maxsize=8192)
def normal(name: str) -> str:
    """Return a column name as it is compared: without case, blanks, brackets and punctuation."""
    return words(name).replace(" ", "")


@lru_cache(maxsize=8192)
def unqualified(name: str, qualifiers: frozenset[str]) -> str:
    """Return the normal form without what says nothing: in brackets, at the end, a polite ご."""
    bare = unicodedata.normalize("NFKC", name)
    bracket = _BRACKETS.search(bare)
    if bracket and normal(bracket.group()) in qualifiers:
        bare = bare[: bracket.start()]
    parts = words(bare).split()
    while len(parts) > 1 and parts[-1] in qualifiers:
        parts.pop()
    return _POLITE.sub("", "".join(parts))


@cache
def profile(name: str = "generic") -> Profile:
    """Load one profile of the package; FileNotFoundError where there is none of that name."""
    text = (files("csk.intake") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    return _profile(tomllib.loads(text))


def _profile(raw: Mapping[str, Any]) -> Profile:
    personal = raw["personal"]
    return Profile(
        name=raw["profile"],
        names={role: _names(raw, role) for role in INPUTS},
        weak={role: _weak(rules) for role, rules in raw.get("weak", {}).items()},
        qualifiers=frozenset(map(normal, raw["qualifiers"])),
        statuses={
            role: {_lower(value): why for why, values in rules.items() for value in values}
            for role, rules in raw.get("status", {}).items()
        },
        order_totals=frozenset(_normals(raw["order_totals"])),
        line_ids=frozenset(_normals(raw["line_ids"])),
        updates=frozenset(_normals(raw["updates"])),
        _results=re.compile("|".join(raw["results"])),
        _personal=_pattern(personal),
        _personal_customers=frozenset(map(normal, personal["of_customers"])),
        _impersonal=_pattern({"within": personal["except"]}),
    )


def _names(raw: Mapping[str, Any], role: str) -> dict[str, tuple[str, ...]]:
    own, common = raw["role"].get(role, {}), raw["common"]
    return {
        column: _normals([column, *own.get(column, common.get(column, []))])
        for column in INPUTS[role].names
    }


def _weak(rules: Mapping[str, Any]) -> Weak:
    names = {
        column: _normals(listed)
        for column, listed in rules.items()
        if column not in ("beside", "beside_named")
    }
    named = frozenset(_normals(rules.get("beside_named", [])))
    return Weak(tuple(rules["beside"]), named, names)


def _normals(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(normal(name) for name in names))


def _lower(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip().casefold()


def _pattern(rules: Mapping[str, Any]) -> re.Pattern[str]:
    """Join patterns of English words, and of Japanese text, which has no word boundaries."""
    ending = r"( (no|number|num|code|hash))?( ?\d+)?$"
    parts = [rf"\b({pattern}){ending}" for pattern in rules.get("ending", [])]
    parts += [rf"\b({pattern})\b" for pattern in rules.get("within", [])]
    parts += [re.escape(normal(part)) for part in rules.get("anywhere", [])]
    parts += [f"^{re.escape(normal(part))}$" for part in rules.get("whole", [])]
    return re.compile("|".join(parts))
