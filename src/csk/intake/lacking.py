"""What a role would still need of a file, and which of its columns may be meant by it.

One rule: a guess is only ever offered in a sentence; nothing is read by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from csk.intake.profiles import normal
from csk.schema import Table

_MEANT: Final = 0.7
_SURELY_MEANT: Final = 0.8


@dataclass(frozen=True)
class Missing:
    """A column that a role needs and the file has not: any one of `names` would do."""

    names: tuple[str, ...]
    nearest: tuple[str, ...] = ()
    """Columns of the file with similar names."""

    def __str__(self) -> str:
        """Say what is missing and what may be meant."""
        wanted = " or ".join(self.names)
        if not self.nearest:
            return wanted
        return f"{wanted} (is it {' or '.join(repr(name) for name in self.nearest)}?)"


def missing_columns(
    table: Table,
    mapping: Mapping[str, str],
    free: Sequence[str],
    synonyms: Mapping[str, Sequence[str]],
) -> tuple[Missing, ...]:
    """Return what of a table is not mapped, with the free columns of the file that are close."""
    wanted: list[tuple[str, ...]] = [
        (c.name,) for c in table.columns if c.required and c.name not in mapping
    ]
    wanted += [group for group in table.one_of if not any(name in mapping for name in group)]
    return tuple(
        Missing(
            names,
            _close(names, free)
            or _close([s for name in names for s in synonyms[name]], free, _SURELY_MEANT)[:1],
        )
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
