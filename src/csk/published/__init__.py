"""Published figures with the numbers they were reckoned from: one TOML and one module a subject.

One rule: a figure stands here as it is printed, and half a unit of its last digit is what it may be
missed by, unless a wider tolerance is named beside it.
"""

import csv
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from csk.registry import loaded, names

Floats: TypeAlias = NDArray[np.float64]
Computed: TypeAlias = Mapping[str, Callable[[], Mapping[str, float]]]
"""What a module of a subject ends in, as `COMPUTED`: tables by name, each a function of its
figures."""


class Figure(NamedTuple):
    """A figure as it is printed."""

    name: str
    published: float
    digits: int
    """Decimals printed."""
    tolerance: float


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table of a publication."""

    subject: str
    name: str
    source: str
    """Authors and year."""
    title: str
    """Of the publication."""
    figures: tuple[Figure, ...]

    def computed(self) -> Mapping[str, float]:
        """Return what csk makes of the same numbers, by the names of the figures."""
        functions: Computed = loaded(__name__, self.subject, "COMPUTED")
        return functions[self.name]()


@cache
def tables() -> tuple[PublishedTable, ...]:
    """Return all published tables, in the order in which subjects name themselves."""
    subjects = [(name, _toml(name)) for name in names(__name__)]
    subjects.sort(key=lambda subject: subject[1]["order"])
    return tuple(_table(name, entry) for name, told in subjects for entry in told["table"])


def numbers(subject: str) -> Mapping[str, Any]:
    """Return the small numbers of a subject: the `[numbers]` of its TOML, as they stand there."""
    return MappingProxyType(_toml(subject).get("numbers", {}))


@cache
def columns(name: str) -> Mapping[str, Floats]:
    """Return a CSV of numbers by column; an empty field is 0."""
    text = files(__name__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    found = np.array([[float(field or 0) for field in row] for row in rows])
    found.setflags(write=False)
    return MappingProxyType(dict(zip(header, found.T, strict=True)))


def _table(subject: str, entry: Mapping[str, Any]) -> PublishedTable:
    figures = (_figure(name, told) for name, told in entry["figures"].items())
    return PublishedTable(subject, entry["name"], entry["source"], entry["title"], tuple(figures))


def _figure(name: str, told: Any) -> Figure:  # noqa: ANN401 - a number, or a table with one
    printed, within = (told["is"], told["within"]) if isinstance(told, dict) else (told, None)
    exponent = Decimal(printed).as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return Figure(name, float(printed), digits, float(within or _HALF.scaleb(-digits)))


_HALF: Final = Decimal("0.5")


@cache
def _toml(name: str) -> Mapping[str, Any]:
    """Read a TOML file; decimals keep the digits that are printed."""
    text = files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text, parse_float=Decimal))
