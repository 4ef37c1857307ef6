"""What a role would still need of a file, and which of its columns may be meant by it.

One rule: a guess is only ever offered in a sentence; nothing is read by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from csk.intake.recognition.profiles import normal
from csk.schema import Table

_MEANT: Final = 0.7
_SURELY_MEANT: Final = 0.8


@dataclass(frozen=True)
class Missing:
    """A column that a role needs and the file has not: any one of `names` would do."""

    names: tuple[str, ...]
    free: tuple[str, ...] = ()
    """Columns of the file that are not mapped,"""
    synonyms: tuple[str, ...] = ()
    """and what else the missing column is called, for a guess at which of them is meant."""

    @property
    def nearest(self) -> tuple[str, ...]:
        """Return columns of the file with similar names; sought only when somebody is told."""
        return _close(self.names, self.free) or _close(self.synonyms, self.free, _SURELY_MEANT)[:1]

    def __str__(self) -> str:
        """Say what is missing and what may be meant."""
        wanted, nearest = " or ".join(self.names), self.nearest
        if not nearest:
            return wanted
        return f"{wanted} (is it {' or '.join(repr(name) for name in nearest)}?)"


def missing_columns(
    table: Table,
    mapping: Mapping[str, str],
    free: Sequence[str],
    synonyms: Mapping[str, Sequence[str]],
) -> tuple[Missing, ...]:
    """Return what of a table is not mapped; a free column of the file may be meant by it."""
    wanted: list[tuple[str, ...]] = [
        (c.name,) for c in table.columns if c.required and c.name not in mapping
    ]
    wanted += [group for group in table.one_of if not any(name in mapping for name in group)]
    return tuple(
        Missing(names, tuple(free), tuple(s for name in names for s in synonyms[name]))
        for names in wanted
    )


def meant(column: str, columns: Sequence[str]) -> str:
    """Ask in brackets whether a column with a similar name is meant; empty where none is."""
    close = _close((column,), columns)
    return f" (is it {close[0]!r}?)" if close else ""


def listed(parts: Iterable[str]) -> str:
    """Return `a, b and c`."""
    every = list(parts)
    return " and ".join(filter(None, (", ".join(every[:-1]), every[-1])))


def _close(names: Sequence[str], free: Sequence[str], cutoff: float = _MEANT) -> tuple[str, ...]:
    spoken = {normal(column): column for column in free}
    found = [
        m for name in names for m in get_close_matches(normal(name), spoken, n=2, cutoff=cutoff)
    ]
    return tuple(dict.fromkeys(spoken[match] for match in found))
