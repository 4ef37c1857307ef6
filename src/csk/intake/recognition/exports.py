"""Exports that are known by name: what each of their columns means, from `profiles/*.toml`.

Rule: a known export is data, one TOML file each; it is recognised by its header alone, with its
columns in any order and under any of the names that the file lists for them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from csk.intake.canonical.orders import LESS, PLUS
from csk.intake.canonical.rules import Exclusion
from csk.intake.recognition.profiles import normal, profile, unqualified

GENERIC: Final = "generic"
_SETTINGS: Final = frozenset(
    {"amount_unit", "zone", "currency", "date_order", "late_window", "tax", "shipping"}
)


@dataclass(frozen=True, slots=True)
class Join:
    """Columns that another export adds, row by row: a plan its price, an order its customer."""

    export: str
    """Name of the other export."""
    on: tuple[str, str]
    """Header key here, header key there."""
    take: Mapping[str, str]
    """Name that a column gets here -> header key there."""
    where: Mapping[str, tuple[str, ...]]
    """Header key there -> values; only such rows add anything. None = all rows do."""


@dataclass(frozen=True, slots=True)
class Export:
    """One known export. Its columns are called by key here, and `headers` has their names."""

    name: str
    title: str
    """What people call it: `Shopify orders`."""
    role: str
    """The table it becomes; empty where it only adds columns to others."""
    why: str
    """Why it has no role."""
    headers: Mapping[str, tuple[str, ...]]
    """Key -> normalised names, the real one first."""
    detect: tuple[str, ...]
    """Keys that a file must have to be this export,"""
    absent: tuple[str, ...]
    """and keys that it must not have."""
    columns: Mapping[str, tuple[str, ...]]
    """Canonical column -> keys; the first with a value in a row is taken."""
    settings: Mapping[str, str]
    """How its values are to be read: `amount_unit`, `zone`, `currency`, `date_order`, ..."""
    once_per: str
    """Key whose rows repeat one whole (an order's total, an event sent twice); or empty."""
    plus: tuple[str, ...]
    """Keys of amounts of a whole order (postage), where the amount is that of each of its lines:
    they stand on all of them and are added to the first."""
    less: tuple[str, ...]
    """Keys of amounts that are taken off the amount of the same row (a coupon of the shop)."""
    person: str
    """Key of the e-mail address that stands for a customer without an id; or empty."""
    personal: frozenset[str]
    """Keys of further columns that identify persons."""
    statuses: Mapping[str, str]
    """Status as `rules.spoken` gives it -> rule."""
    words: Mapping[str, str]
    """Key -> text that any value of the column stands for (a time at which a payment failed)."""
    exclude: tuple[Mapping[str, Any], ...]
    footers: tuple[str, ...]
    """How lines below the rows begin, as `rules.spoken` gives them."""
    joins: tuple[Join, ...]
    yields_to: tuple[str, ...]
    """Exports that hold the same money: beside one of them this one is not read."""
    notes: tuple[str, ...]
    """What whoever reads such a file should know: whole sentences."""


@dataclass(frozen=True, slots=True)
class Known:
    """A file that was recognised as a known export."""

    export: Export
    found: Mapping[str, str]
    """Key -> column of the file."""

    @property
    def mapping(self) -> dict[str, str]:
        """Return canonical column -> column of the file."""
        taken = {c: self._found(keys) for c, keys in self.export.columns.items()}
        return {column: names[0] for column, names in taken.items() if names}

    @property
    def otherwise(self) -> dict[str, tuple[str, ...]]:
        """Return canonical column -> columns that fill it where the first has no value."""
        taken = {c: self._found(keys) for c, keys in self.export.columns.items()}
        return {column: names[1:] for column, names in taken.items() if names[1:]}

    @property
    def extras(self) -> dict[str, str]:
        """Return column of the file -> what it is to the amount of its row: `plus` or `less`."""
        plus, less = self._found(self.export.plus), self._found(self.export.less)
        return {**dict.fromkeys(plus, PLUS), **dict.fromkeys(less, LESS)}

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Return the rules of this export for which the file has the column."""
        return tuple(
            Exclusion(
                rule["rule"],
                self.found[rule["column"]],
                frozenset(rule.get("values", ())),
                frozenset(rule.get("unless", ())),
                missing=rule.get("missing", False),
                also=self._found(rule.get("also", ())),
                starting=tuple(rule.get("starting", ())),
                before=self.found.get(rule.get("before", ""), ""),
            )
            for rule in self.export.exclude
            if rule["column"] in self.found
            and ("before" not in rule or rule["before"] in self.found)
        )

    @property
    def words(self) -> dict[str, str]:
        """Return column of the file -> text that any of its values stands for."""
        words = self.export.words
        return {self.found[key]: word for key, word in words.items() if key in self.found}

    @property
    def personal(self) -> frozenset[str]:
        """Return the columns of the file that this export says identify persons."""
        return frozenset(self.found[key] for key in self.export.personal if key in self.found)

    def _found(self, keys: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.found[key] for key in keys if key in self.found)


def known(columns: Sequence[str]) -> Known | None:
    """Tell which known export has these columns; None where none has.

    Where several fit, the one of which most columns are there.
    """
    names = {normal(column): column for column in reversed(columns)}
    qualifiers = profile().qualifiers
    for column in reversed(columns):
        names.setdefault(unqualified(column, qualifiers), column)
    fitting = [Known(export, found) for export in exports() if (found := _fits(export, names))]
    return max(fitting, key=_weight, default=None)


@cache
def exports() -> tuple[Export, ...]:
    """Return every known export, in the order of their names."""
    folder = files("csk.intake") / "profiles"
    names = sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml") and entry.name != f"{GENERIC}.toml"
    )
    return tuple(
        _export(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))
        for name in names
    )


def _fits(export: Export, names: Mapping[str, str]) -> dict[str, str]:
    """Return key -> column of the file; empty where it is another export."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for key, wanted in export.headers.items():
        column = next((names[n] for n in wanted if n in names and names[n] not in taken), None)
        if column is not None:
            found[key] = column
            taken.add(column)
    fits = all(key in found for key in export.detect)
    return found if fits and not any(key in found for key in export.absent) else {}


def _weight(one: Known) -> tuple[int, float]:
    """Weigh how much of an export a file has: columns found, then their share of all."""
    return len(one.found), len(one.found) / len(one.export.headers)


def _export(raw: Mapping[str, Any]) -> Export:
    return Export(
        name=raw["profile"],
        title=raw["title"],
        role=raw.get("role", ""),
        why=raw.get("why", "they only add to other files"),
        headers={
            key: tuple(dict.fromkeys(normal(name) for name in names))
            for key, names in raw["headers"].items()
        },
        detect=tuple(raw["detect"]),
        absent=tuple(raw.get("absent", ())),
        columns={
            column: (keys,) if isinstance(keys, str) else tuple(keys)
            for column, keys in raw.get("columns", {}).items()
        },
        settings={name: str(raw[name]) for name in _SETTINGS if name in raw},
        once_per=raw.get("once_per", ""),
        plus=tuple(raw.get("plus", ())),
        less=tuple(raw.get("less", ())),
        person=raw.get("person", ""),
        personal=frozenset(raw.get("personal", ())),
        statuses={
            value: rule for rule, values in raw.get("status", {}).items() for value in values
        },
        words=raw.get("words", {}),
        exclude=tuple(raw.get("exclude", ())),
        footers=tuple(raw.get("footers", ())),
        joins=tuple(
            Join(
                join["export"],
                (join["on"][0], join["on"][1]),
                join["take"],
                {key: tuple(values) for key, values in join.get("where", {}).items()},
            )
            for join in raw.get("join", ())
        ),
        yields_to=tuple(raw.get("yields_to", ())),
        notes=tuple(raw.get("notes", ())),
    )
