"""The words of reports, by key, one TOML file a language.

One rule: every language has the same keys and the same {places} in each.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

DEFAULT: Final = "en"
UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that steer a terminal, or turn the direction of what it shows."""


def visible(text: str) -> str:
    """Return text on one line, what steers a terminal spelt out."""
    line = re.sub(r"[\r\n\t]+", " ", text)
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), line)


class Words:
    """The words of one language: `words("segment.title", n="3")`."""

    def __init__(self, entries: dict[str, str], language: str = DEFAULT) -> None:
        self._entries = entries
        self.language = language

    def __call__(self, key: str, **places: str) -> str:
        """Return the text of a key with its places filled; KeyError for an unknown key."""
        return self._entries[key].format(**places) if places else self._entries[key]

    @property
    def keys(self) -> frozenset[str]:
        """All keys of the language."""
        return frozenset(self._entries)


@cache
def languages() -> tuple[str, ...]:
    """Return the languages there are, in order of their names."""
    places = (place.name for place in files("csk.text").iterdir())
    return tuple(sorted(name[: -len(".toml")] for name in places if name.endswith(".toml")))


@cache
def words(language: str = DEFAULT) -> Words:
    """Return the words of a language; FileNotFoundError where there is none."""
    text = files("csk.text").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return Words(dict(_flat("", tomllib.loads(text))), language)


def _flat(prefix: str, tree: dict[str, object]) -> list[tuple[str, str]]:
    entries: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            entries += _flat(f"{key}.", value)
        else:
            entries.append((key, str(value)))
    return entries
