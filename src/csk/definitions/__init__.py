"""What every number means: one TOML file a metric, one a preset, one glossary of terms.

One rule: a formula stands here once, as lists of signed terms; code only adds terms up and
divides, so what is printed and what is explained cannot differ.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from csk.errors import UsageError

UNITS: Final = ("share", "money", "count", "ratio", "months")
"""What the value of a metric is; money in counts of 1/10,000 of the major unit."""

LANGUAGES: Final = ("en", "ja")


class Term(NamedTuple):
    """A sum that a numerator or denominator adds (sign 1) or takes away (sign -1)."""

    name: str
    sign: int = 1

    def __str__(self) -> str:
        """Return it as it is written in the files."""
        return self.name if self.sign > 0 else f"-{self.name}"


@dataclass(frozen=True, slots=True)
class Wording:
    """A metric in the words of one language."""

    label: str
    definition: str
    formula: str
    """In words."""
    empty: str = ""
    """Why there is no value where the denominator is nothing."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to reckon a metric."""

    numerator: tuple[Term, ...]
    denominator: tuple[Term, ...]
    """Empty where the value is the numerator itself."""
    says: str = ""
    """What is different about it, in a sentence."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the names of all its terms, each once."""
        return tuple(dict.fromkeys(term.name for term in (*self.numerator, *self.denominator)))


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a definition comes from: who says it, under which title, and what it says."""

    by: str
    title: str
    says: str


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric; `presets` has only those that reckon it otherwise."""

    metric_id: str
    unit: str
    """One of `UNITS`."""
    grain: str
    variant: Variant
    words: Mapping[str, Wording]
    """By language, all of `LANGUAGES`."""
    options: tuple[str, ...] = ()
    """Flags that change the value."""
    presets: Mapping[str, Variant] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    is_estimate: bool = False
    """Whether a model stands between the terms and the value, which is then no plain quotient."""

    def under(self, preset: str = "") -> Variant:
        """Return how a preset reckons it: the default where it says nothing else."""
        return self.presets.get(preset, self.variant)

    def definition_id(self, preset: str = "") -> str:
        """Return the label of a value in files: `grr`, or `grr:chargebee` where it differs."""
        return f"{self.metric_id}:{preset}" if preset in self.presets else self.metric_id


@dataclass(frozen=True, slots=True)
class Decision:
    """What a vendor's documentation says of one question."""

    about: str
    says: str
    source: str
    """Title of the page."""
    is_applied: bool
    """Whether the preset does so; otherwise it is only recorded."""


@dataclass(frozen=True, slots=True)
class Preset:
    """How a vendor counts: options for movements, and its documentation decision by decision."""

    name: str
    title: str
    options: Mapping[str, str | int]
    """Of movements: `grain`, `grace_days`, `pause`, `week`, `day`, `rounding`; those it names."""
    decisions: tuple[Decision, ...]


def definition(metric_id: str) -> Definition:
    """Return the definition of a metric; UsageError names the nearest for one that is unknown."""
    known = _definitions()
    if metric_id not in known:
        raise _unknown(metric_id, "metric", known)
    return known[metric_id]


def definitions() -> tuple[Definition, ...]:
    """Return all definitions, by id."""
    return tuple(_definitions().values())


def preset(name: str) -> Preset:
    """Return a preset; UsageError names the nearest for one that is unknown."""
    known = _presets()
    if name not in known:
        raise _unknown(name, "preset", known)
    return known[name]


def presets() -> tuple[Preset, ...]:
    """Return all presets, by name."""
    return tuple(_presets().values())


@cache
def glossary() -> Mapping[str, Mapping[str, str]]:
    """Return what every term is, by name and language."""
    text = files(__package__).joinpath("terms.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            f"{subject}.{word}": entry
            for subject, words in tomllib.loads(text).items()
            for word, entry in words.items()
        }
    )


@cache
def _definitions() -> Mapping[str, Definition]:
    return MappingProxyType({name: _definition(entry) for name, entry in _read("metrics")})


@cache
def _presets() -> Mapping[str, Preset]:
    return MappingProxyType({name: _preset(name, entry) for name, entry in _read("presets")})


def _read(folder: str) -> list[tuple[str, dict[str, Any]]]:
    found: list[Traversable] = sorted(
        (path for path in files(__package__).joinpath(folder).iterdir() if _is_toml(path)),
        key=lambda path: path.name,
    )
    return [
        (path.name.removesuffix(".toml"), tomllib.loads(path.read_text(encoding="utf-8")))
        for path in found
    ]


def _is_toml(path: Traversable) -> bool:
    return path.name.endswith(".toml")


def _definition(entry: Mapping[str, Any]) -> Definition:
    default = Variant(_terms(entry["numerator"]), _terms(entry.get("denominator", [])))
    return Definition(
        metric_id=entry["metric_id"],
        unit=entry["unit"],
        grain=entry["grain"],
        variant=default,
        words=MappingProxyType({code: Wording(**entry[code]) for code in LANGUAGES}),
        options=tuple(entry.get("options", ())),
        presets=MappingProxyType(
            {name: _variant(other, default) for name, other in entry.get("preset", {}).items()}
        ),
        references=tuple(Reference(**one) for one in entry.get("reference", ())),
        is_estimate=entry.get("is_estimate", False),
    )


def _variant(entry: Mapping[str, Any], default: Variant) -> Variant:
    """Return a variant; what it does not say is as in the default."""
    return Variant(
        numerator=_terms(entry["numerator"]) if "numerator" in entry else default.numerator,
        denominator=_terms(entry["denominator"]) if "denominator" in entry else default.denominator,
        says=entry["says"],
    )


def _terms(written: list[str]) -> tuple[Term, ...]:
    return tuple(Term(text.removeprefix("-"), -1 if text[0] == "-" else 1) for text in written)


def _preset(name: str, entry: Mapping[str, Any]) -> Preset:
    return Preset(
        name=name,
        title=entry["title"],
        options=MappingProxyType(entry.get("options", {})),
        decisions=tuple(Decision(**one) for one in entry["decision"]),
    )


def _unknown(name: str, kind: str, known: Mapping[str, object]) -> UsageError:
    nearest = get_close_matches(name, known, n=1, cutoff=0.5)
    return UsageError(
        f"There is no {kind} {name!r}; known are: {', '.join(known)}.",
        hint=f"Did you mean {nearest[0]!r}?" if nearest else "",
    )
