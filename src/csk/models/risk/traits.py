"""The columns of a cross-section as traits: what each one is, and the design they make.

One rule: a recipe is made of the rows it is given and of no others, so that a fold held apart
teaches it nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.risk.verdict import Finding
from csk.money import COUNTS_PER_UNIT

Floats = NDArray[np.float64]

NOT_TRAITS: Final = ("customer_id", "is_churned")
_MONEY: Final = ("monthly_amount", "total_amount")
_NUMBERS: Final = 0.95
"""Share of the texts of a column that must read as numbers for it to be one."""
_MOST_LEVELS: Final = 30
_LEVEL_ROWS, _LEVEL_SHARE = 20, 0.005
"""A text counts for itself where it stands in so many rows and in such a share of them."""
_MOST_DISTINCT: Final = 0.5
_KNOTS: Final = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Quantiles (Harrell 2015, Regression Modeling Strategies, table 2.3)."""
_FEW: Final = 2


@dataclass(frozen=True, slots=True)
class Trait:
    """One column as it was read: numbers (NaN where there is none), or texts (null)."""

    name: str
    numbers: Floats
    """Empty where the column is one of texts."""
    texts: pl.Series | None = None

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Return where there is no value."""
        return np.isnan(self.numbers) if self.texts is None else self.texts.is_null().to_numpy()

    def picked(self, rows: NDArray[np.int64]) -> "Trait":
        """Return the trait of some rows."""
        if self.texts is not None:
            return Trait(self.name, self.numbers, self.texts.gather(rows))
        return Trait(self.name, self.numbers[rows])


@dataclass(frozen=True, slots=True)
class TraitRecipe:
    """How a trait becomes columns of a design, each centred, and those of numbers scaled."""

    name: str
    knots: tuple[float, ...] = ()
    fill: float = 0.0
    """What stands for no number: the median."""
    has_gaps: bool = False
    levels: tuple[str, ...] = ()
    """Texts with a column of their own, the empty one standing for none; others are pooled."""
    means: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()


def traits(rows: pl.DataFrame) -> tuple[tuple[Trait, ...], tuple[Finding, ...]]:
    """Return the columns that can tell customers apart, and findings on those left out.

    `rows` has one row per customer; texts that are numbers are read as such, amounts are counts.
    """
    kept: list[Trait] = []
    left_out: list[Finding] = []
    for name in rows.columns:
        if name in NOT_TRAITS:
            continue
        trait = _trait(rows[name])
        why = _useless(trait)
        if why:
            left_out.append(Finding(why, name, float(rows[name].n_unique()), is_fatal=False))
        else:
            kept.append(trait)
    return tuple(kept), tuple(left_out)


def _trait(column: pl.Series) -> Trait:
    if column.dtype == pl.String:
        texts = column.replace("", None)
        read = texts.cast(pl.Float64, strict=False)
        known = len(texts) - texts.null_count()
        if not known or len(read) - read.null_count() < _NUMBERS * known:
            return Trait(column.name, np.zeros(0), texts)
        column = read.alias(column.name)
    numbers = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
    if column.name in _MONEY:
        numbers = numbers / COUNTS_PER_UNIT
    return Trait(column.name, np.where(np.isfinite(numbers), numbers, np.nan))


def _useless(trait: Trait) -> str:
    """Return the key of why a column tells nothing; empty where it may."""
    if trait.texts is not None:
        n, distinct = len(trait.texts), trait.texts.n_unique()
        known = n - trait.texts.null_count()
        if distinct <= 1:
            return "constant"
        many = max(_MOST_DISTINCT * known, _MOST_LEVELS)
        return "too_many_values" if distinct > many else ""
    seen = trait.numbers[~np.isnan(trait.numbers)]
    values = np.unique(seen)
    if not len(values) or (len(values) == 1 and len(seen) == len(trait.numbers)):
        return "constant"
    is_counting = len(values) == len(seen) > _MOST_LEVELS and np.all(np.diff(values) == 1.0)
    return "row_number" if is_counting else ""


def recipe(trait: Trait) -> TraitRecipe:
    """Return how to make columns of a trait, learnt from its rows."""
    bare = _bare(trait)
    raw = _raw(trait, bare)
    spread = raw.std(axis=0)
    is_scaled = (trait.texts is None) & (spread > 0)
    means, scales = raw.mean(axis=0), np.where(is_scaled, spread, 1.0)
    return replace(bare, means=tuple(means.tolist()), scales=tuple(scales.tolist()))


def _bare(trait: Trait) -> TraitRecipe:
    """Return the recipe of a trait before its columns are centred."""
    if trait.texts is not None:
        return TraitRecipe(trait.name, levels=_levels(trait.texts))
    gaps = np.isnan(trait.numbers)
    seen = trait.numbers[~gaps]
    if not len(seen):
        return TraitRecipe(trait.name, has_gaps=True)
    knots = np.unique(np.quantile(seen, _KNOTS)).tolist()
    is_bent = len(np.unique(seen)) > _FEW and len(knots) > _FEW
    return TraitRecipe(
        trait.name,
        knots=tuple(knots) if is_bent else (),
        fill=float(np.median(seen)),
        has_gaps=bool(gaps.any()),
    )


def _levels(texts: pl.Series) -> tuple[str, ...]:
    filled = texts.fill_null("")
    counts = filled.value_counts(name="n").sort(["n", filled.name], descending=[True, False])
    enough = max(_LEVEL_ROWS, int(_LEVEL_SHARE * len(filled)))
    found = counts.filter(pl.col("n") >= enough)[filled.name].to_list()[:_MOST_LEVELS]
    return tuple(str(text) for text in found)


def columns(trait: Trait, of: TraitRecipe) -> Floats:
    """Return (n, k) columns of a trait, each of mean 0 on the rows that the recipe was made of."""
    return np.asarray((_raw(trait, of) - np.asarray(of.means)) / np.asarray(of.scales))


def _raw(trait: Trait, of: TraitRecipe) -> Floats:
    if trait.texts is not None:
        filled = trait.texts.fill_null("")
        parts = [(filled == level).to_numpy().astype(np.float64) for level in of.levels]
        return np.stack(parts, axis=1) if parts else np.zeros((len(filled), 0))
    gaps = np.isnan(trait.numbers)
    x = np.where(gaps, of.fill, trait.numbers)
    parts = [x, *_spline(x, of.knots)]
    if of.has_gaps:
        parts.append(gaps.astype(np.float64))
    return np.stack(parts, axis=1)


def _spline(x: Floats, knots: Sequence[float]) -> list[Floats]:
    """Return the bent parts of a restricted cubic spline (Harrell 2015, eq. 2.24 to 2.27)."""
    if len(knots) <= _FEW:
        return []
    first, before, last = knots[0], knots[-2], knots[-1]
    width = (last - first) ** 2

    def cubed(knot: float) -> Floats:
        return np.asarray(np.maximum(x - knot, 0.0) ** 3)

    return [
        (
            cubed(knot)
            - cubed(before) * (last - knot) / (last - before)
            + cubed(last) * (before - knot) / (last - before)
        )
        / width
        for knot in knots[:-2]
    ]


def plain(of: Sequence[Trait], recipes: Sequence[TraitRecipe]) -> Floats:
    """Return the traits as trees take them: numbers as they are, a column for each level."""
    parts = []
    for trait, made in zip(of, recipes, strict=True):
        parts.append(trait.numbers[:, None] if trait.texts is None else _raw(trait, made))
    return np.concatenate(parts, axis=1)
