"""Published figures, and what csk makes of the numbers that they were reckoned from.

One rule: a figure that cannot be reckoned is as wrong as one that is missed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from csk.errors import CskError
from csk.published import Figure, PublishedTable, tables

_ROUNDING: Final = 1e-9
"""Half a unit is itself no binary number: what lies on the edge holds."""


@dataclass(frozen=True, slots=True)
class Check:
    """One figure, published and computed."""

    table: PublishedTable
    figure: Figure
    computed: float
    """NaN where it could not be reckoned."""
    why_not: str = ""

    @property
    def deviation(self) -> float:
        """Distance from what is published, as a share of the tolerance; infinite without one."""
        away = abs(self.computed - self.figure.published)
        return math.inf if math.isnan(away) else away / self.figure.tolerance

    @property
    def is_held(self) -> bool:
        """Whether the figure is reproduced."""
        return self.deviation <= 1.0 + _ROUNDING


@dataclass(frozen=True, slots=True)
class SelfTest:
    """All figures, in the order of their tables."""

    checks: tuple[Check, ...]

    @property
    def n_held(self) -> int:
        """How many figures are reproduced."""
        return sum(check.is_held for check in self.checks)

    @property
    def missed(self) -> tuple[Check, ...]:
        """Figures that are not."""
        return tuple(check for check in self.checks if not check.is_held)

    @property
    def by_source(self) -> Mapping[str, tuple[Check, ...]]:
        """Checks by the publication, in the order in which each is first named."""
        found: dict[str, tuple[Check, ...]] = {}
        for check in self.checks:
            found[check.table.source] = (*found.get(check.table.source, ()), check)
        return found


def selftest(of: Sequence[PublishedTable] | None = None) -> SelfTest:
    """Reckon every figure of the published tables, of all that ship where none are given."""
    published = tables() if of is None else of
    return SelfTest(tuple(check for table in published for check in _checks(table)))


def _checks(table: PublishedTable) -> list[Check]:
    why_not, computed = "", {}
    try:
        computed = dict(table.computed())
    except (CskError, ArithmeticError, LookupError, ValueError) as error:
        why_not = f"{type(error).__name__}: {error}"
    return [
        Check(table, figure, float(computed.get(figure.name, math.nan)), why_not)
        for figure in table.figures
    ]


def table(result: SelfTest) -> pl.DataFrame:
    """Return the figures for machines, in the columns of `schema.SELFTEST`."""
    checks = result.checks
    found = [None if math.isnan(check.computed) else check.computed for check in checks]
    return pl.DataFrame(
        {
            "source": [check.table.source for check in checks],
            "title": [check.table.title for check in checks],
            "table_name": [f"{check.table.subject}.{check.table.name}" for check in checks],
            "figure": [check.figure.name for check in checks],
            "published": [check.figure.published for check in checks],
            "computed": pl.Series(found, dtype=pl.Float64),
            "tolerance": [check.figure.tolerance for check in checks],
            "is_held": [check.is_held for check in checks],
        }
    )
