"""What each feature of a row adds to linear predictors, read off its value.

One rule: the matrix of a recipe is never spelt out here: coefficients are folded into one small
table, so that a row costs its values, their hinges and sums, and a block of rows stays in cache.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.risk import design
from csk.models.risk.design import Measure, Recipe
from csk.models.risk.leads import has_term
from csk.models.risk.stacked import Floats, Ints, renewals

Shorts = NDArray[np.float32]

BLOCK: Final = 8192
"""Rows reckoned at a time: their bends and sums stay near the processor."""
_READ: Final = 65_536
"""Rows read out of a frame at a time."""


class Rows(NamedTuple):
    """A block of a panel's rows as arrays."""

    place: slice
    """Where the rows lie in the panel."""
    values: Floats
    """(measures, n), NaN where a value is not known."""
    plan: Ints
    """(n,) number of the plan among the levels; their count where it is none of them."""
    due: Ints
    """(bins, n) ends of terms in each bin."""
    term: Ints
    """(n,) 1 where the contract has a term."""


class _Bent(NamedTuple):
    """One feature, and where its line, hinges and flag lie among the columns of all."""

    of: Measure
    low: float
    high: float
    typical: float
    columns: slice


class Additions(NamedTuple):
    """Coefficients of r linear predictors, folded for plain lines, hinges and flags."""

    measures: tuple[_Bent, ...]
    weights: Floats
    """(r, columns)."""
    constants: Floats
    """(r, measures) what is added whatever the value."""
    plans: Floats
    """(r, levels + 1) by number of the plan."""


def additions(of: Recipe, coefficients: Floats) -> Additions:
    """Fold (r, p) coefficients of a recipe's columns.

    Means, slopes and sizes of bends go into the coefficient of the line and a constant.
    """
    measures, at = [], 0
    constants = np.zeros((len(coefficients), len(of.measures)))
    weights = coefficients.copy()
    for number, one in enumerate(of.measures):
        first, bends = at, slice(at + one.has_line, at + one.has_line + len(one.knots))
        at = bends.stop + (one.missing > 0.0)
        if one.knots:
            weights[:, bends] /= np.array(one.sizes)
            weights[:, first] -= weights[:, bends] @ np.array(one.slopes)
            constants[:, number] -= weights[:, bends] @ np.array(one.means)
        if one.missing > 0.0:
            constants[:, number] -= weights[:, at - 1] * one.missing
        least = 0.0 if one.scale == "log" else -np.inf
        low, high, typical = (max(x, least) for x in (one.low, one.high, one.typical))
        measures.append(_Bent(one, low, high, typical, slice(first, at)))
    levels = weights[:, at:]
    others = -(levels @ np.array(of.shares, np.float64))[:, None]
    plans = np.concatenate([levels + others, others], axis=1)
    return Additions(tuple(measures), np.ascontiguousarray(weights[:, :at]), constants, plans)


def blocks(
    of: Recipe, edges: Sequence[int], panel: pl.DataFrame, most: int = BLOCK
) -> Iterator[Rows]:
    """Yield the rows of a panel, at most so many at a time, in order.

    DataError where a feature of the recipe is no column of the panel.
    """
    design.refuse_absent(of, panel)
    for first in range(0, panel.height, _READ):
        part = panel.slice(first, _READ)
        values = np.empty((len(of.measures), part.height))
        for row, one in zip(values, of.measures, strict=True):
            row[:] = part[one.name].cast(pl.Float64).to_numpy()
        plan = design.codes(of, part)
        plan = np.where(plan < 0, len(of.levels), plan)
        known = renewals(part, edges)
        due, term = known.T, has_term(part, known).astype(np.int64)
        for start in range(0, part.height, most):
            at = slice(start, min(start + most, part.height))
            place = slice(first + at.start, first + at.stop)
            yield Rows(place, values[:, at], plan[at], due[:, at], term[at])


def spread(of: Additions, rows: Rows) -> Floats:
    """Return (columns, n) lines, hinges and flags of a block's rows."""
    found = np.empty((of.weights.shape[1], len(rows.plan)))
    for one, values in zip(of.measures, rows.values, strict=True):
        _fill(one, values, found[one.columns])
    return found


def _fill(one: _Bent, values: Floats, into: Floats) -> None:
    of, is_missing = one.of, np.isnan(values)
    if of.missing > 0.0:
        into[-1] = is_missing
    if not of.has_line:
        return
    z = into[0]
    np.clip(values, one.low, one.high, out=z)
    if is_missing.any():
        np.copyto(z, one.typical, where=is_missing)
    if of.scale == "log":
        np.log1p(z, out=z)
    z -= of.centre
    z /= of.size
    for hinge, knot in zip(into[1:], of.knots, strict=False):
        np.subtract(z, knot, out=hinge)
        np.maximum(hinge, 0.0, out=hinge)


def summed(of: Additions, rows: Rows, columns: Floats) -> Floats:
    """Return (r, n) what all features add; `columns` is what `spread` gave."""
    found = of.weights @ columns
    found += of.constants.sum(axis=1, keepdims=True)
    found += of.plans.take(rows.plan, axis=1)
    return found


def shared(of: Additions, rows: Rows, columns: Floats, slopes: Floats) -> Shorts:
    """Return (features, n) what each feature adds, times (r, n) slopes and summed over r.

    The plan is the last feature where it has levels. `columns` is what `spread` gave. In short
    numbers, whose sums are known to a millionth.
    """
    short, weights = slopes.astype(np.float32), of.weights.T.astype(np.float32)
    found = [of.constants.T.astype(np.float32) @ short]
    for number, one in enumerate(of.measures):
        part = weights[one.columns] @ short
        part *= columns[one.columns]
        found[0][number] += part.sum(axis=0)
    if of.plans.shape[1] > 1:
        by_plan = of.plans.astype(np.float32).take(rows.plan, axis=1)
        found.append(np.einsum("rn,rn->n", by_plan, short)[None, :])
    return np.concatenate(found)
