"""Which choices turn our figures into those that somebody else tells.

One rule: a choice is named only where it reproduces figures to their last written digit, enough
of them that chance would hardly do so; nearer is not enough.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import combinations
from typing import Any, Final

from csk.models.reconcile import CAUSES, Side, Told
from csk.tables.reconcile import Way

Cell = tuple[str, date]
"""A figure and the first day of its period."""
Figures = Mapping[Cell, Told]
Reckon = Callable[[Side], Mapping[Cell, Fraction | None]]

MOST_CAUSES: Final = 3
PAIRED: Final = 6
"""Choices that are tried two by two where none explains anything alone."""
AGAINST_CHANCE: Final = 2.0
"""Decimal orders by which figures that are met must be less likely than to be met by chance."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice that could be theirs."""

    cause: str
    """One of `CAUSES`."""
    detail: str
    motion: Mapping[str, Any] = field(default_factory=dict)
    way: Mapping[str, Any] = field(default_factory=dict)
    side: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> frozenset[str]:
        """Return what it chooses; two of the same exclude each other."""
        return frozenset({*self.motion, *self.way, *self.side})

    @property
    def recounts(self) -> bool:
        """Whether contracts must be counted again."""
        return bool(self.motion or self.way)

    def applied(self, side: Side) -> Side:
        """Return a side with this choice."""
        way: Way = replace(side.way, motion=replace(side.way.motion, **self.motion), **self.way)
        return replace(side, way=way, **self.side)


@dataclass(frozen=True, slots=True)
class Found:
    """The choices that were found, and what they explain."""

    chosen: tuple[Candidate, ...] = ()
    """In the order of `CAUSES`."""
    differing: frozenset[Cell] = frozenset()
    """Figures that are other than ours."""
    explained: frozenset[Cell] = frozenset()
    """Those of them that the choices reproduce."""
    broken: frozenset[Cell] = frozenset()
    """Figures that were alike and are not under the choices."""
    also: tuple[tuple[Candidate, ...], ...] = ()
    """Other choices that do exactly as much as the last that was found."""
    n_tried: int = 0


@dataclass(slots=True)
class _Search:
    """One search under way: what is told, and how to reckon it."""

    told: Figures
    reckon: Reckon
    n_tried: int = 0

    def met(self, side: Side) -> frozenset[Cell]:
        """Return the figures that a side reproduces."""
        found = self.reckon(side)
        return frozenset(cell for cell, told in self.told.items() if told.holds(found[cell]))

    def misfit(self, side: Side) -> float:
        """Return how far a side is off, each figure counting up to its own size."""
        found = self.reckon(side)
        return sum(_off(told, found[cell]) for cell, told in self.told.items())

    def weight(self, cells: frozenset[Cell], before: Mapping[Cell, Fraction | None]) -> float:
        """Return how unlikely it is to meet these figures by chance, in decimal orders."""
        orders = 0.0
        for cell in cells:
            told, ours = self.told[cell], before[cell]
            apart = abs(told.value - ours) if ours is not None else told.unit
            orders += math.log10(1 + float(apart / told.unit))
        return orders - math.log10(max(1, self.n_tried))


def search(ours: Side, candidates: Sequence[Candidate], told: Figures, reckon: Reckon) -> Found:
    """Return the choices among `candidates` that turn our figures into those told.

    One by one, the one that reproduces most first; two at once where none does anything alone.
    """
    seeking = _Search(told, reckon)
    first = seeking.met(ours)
    differing = frozenset(told) - first
    chosen: tuple[Candidate, ...] = ()
    also: tuple[tuple[Candidate, ...], ...] = ()
    while len(chosen) < MOST_CAUSES and (found := _next(seeking, ours, candidates, chosen)):
        chosen, also = (*chosen, *found[0]), found[1:]
    chosen = tuple(sorted(chosen, key=lambda one: CAUSES.index(one.cause)))
    reached = seeking.met(_under(ours, chosen))
    return Found(
        chosen, differing, reached & differing, first - reached, also, n_tried=seeking.n_tried
    )


def _next(
    seeking: _Search, ours: Side, candidates: Sequence[Candidate], chosen: tuple[Candidate, ...]
) -> tuple[tuple[Candidate, ...], ...]:
    """Return the choice that explains most beside those chosen, then its equals; else nothing."""
    here = _under(ours, chosen)
    now = seeking.met(here)
    if len(now) == len(seeking.told):
        return ()
    taken = {name for one in chosen for name in one.fields}
    free = [one for one in candidates if not one.fields & taken]
    best = _best(seeking, here, now, [(one,) for one in free])
    return best or _best(seeking, here, now, list(_pairs(seeking, here, free)))


def _best(
    seeking: _Search, here: Side, now: frozenset[Cell], sets: Sequence[tuple[Candidate, ...]]
) -> tuple[tuple[Candidate, ...], ...]:
    before = seeking.reckon(here)
    seeking.n_tried += len(sets)
    ranked: list[tuple[frozenset[Cell], tuple[Candidate, ...]]] = []
    for candidates in sets:
        met = seeking.met(_under(here, candidates))
        new, lost = met - now, now - met
        if len(new) > len(lost) and _is_supported(seeking, now, new):
            ranked.append((met, candidates))
    ranked = [
        (met, of) for met, of in ranked if seeking.weight(met - now, before) >= AGAINST_CHANCE
    ]
    if not ranked:
        return ()
    most = max(len(met) for met, _ in ranked)
    winner = next(met for met, _ in ranked if len(met) == most)
    return tuple(of for met, of in ranked if met == winner)


def _is_supported(seeking: _Search, now: frozenset[Cell], new: frozenset[Cell]) -> bool:
    """Whether half of what differs of at least one figure is reproduced."""
    for name in {name for name, _ in new}:
        apart = sum(cell[0] == name for cell in seeking.told if cell not in now)
        if 2 * sum(cell[0] == name for cell in new) >= apart:
            return True
    return False


def _pairs(
    seeking: _Search, here: Side, free: Sequence[Candidate]
) -> Iterator[tuple[Candidate, ...]]:
    """Yield pairs of the choices that come nearest alone, and of those that need no counting."""
    ranked = sorted(free, key=lambda one: seeking.misfit(one.applied(here)))
    cheap = [one for one in free if not one.recounts]
    near = list(dict.fromkeys((*map(id, ranked[:PAIRED]), *map(id, cheap))))
    by_id = {id(one): one for one in free}
    for one, other in combinations([by_id[key] for key in near], 2):
        if not one.fields & other.fields:
            yield one, other


def _under(side: Side, candidates: Sequence[Candidate]) -> Side:
    for one in candidates:
        side = one.applied(side)
    return side


def _off(told: Told, value: Fraction | None) -> float:
    if value is None:
        return 1.0
    return min(1.0, float(abs(told.value - value) / max(abs(told.value), told.unit)))
