"""Rows of a panel times bins of days ahead: what a hazard by lead is fitted on.

One rule: a bin counts when all of its days lie before `until`, whatever happened in it. One that
was only begun would be known of those who left in it and of nobody else.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EDGES: Final = (7, 14, 30, 60, 90, 180, 365)
"""Days ahead at which bins end."""
_RENEWALS: Final = re.compile(r"renewals_(\d+)d")


class Stacked(NamedTuple):
    """(N,) arrays, in the order of the panel's rows and of their bins."""

    at: Ints
    """Row of the panel."""
    lead: Ints
    """Bin, from 0."""
    cause: Ints
    """0 where the customer is still there when the bin ends."""
    n_renewals: Ints
    """Ends of terms that fall into the bin."""
    weight: Floats


def edges_with(horizons: Iterable[int]) -> tuple[int, ...]:
    """Return the days at which bins end, those that are asked for among them.

    UsageError below one day.
    """
    asked = tuple(horizons)
    if any(days < 1 for days in asked):
        raise UsageError("A horizon of churn risk is at least one day.")
    return tuple(sorted({*EDGES, *asked}))


def starts(edges: Sequence[int]) -> tuple[int, ...]:
    """Return the days at which bins begin."""
    return (0, *edges[:-1])


def renewals(panel: pl.DataFrame, edges: Sequence[int]) -> Ints:
    """Return (n, bins) ends of terms by bin; none where the panel has no column for an edge.

    Read from the columns `renewals_{e}d`, each the count of all days before its edge.
    """
    found = np.zeros((len(edges), panel.height), np.int64)
    before: Ints | int = 0
    for row, edge in zip(found, edges, strict=True):
        name = f"renewals_{edge}d"
        if name in panel.columns:
            known = panel[name].fill_null(0) if panel[name].has_nulls() else panel[name]
            upto = known.to_numpy()
            np.subtract(upto, before, out=row, dtype=np.int64)
            before = upto
    # By bin in memory, as columns come and as bins are reckoned.
    return found.T


def stacked(panel: pl.DataFrame, edges: Sequence[int], until: date) -> Stacked:
    """Return the bins that are known before `until`, up to the one in which a customer leaves.

    The panel has `landmark_on`, `end_in_days` (null: no end seen) and `cause`; `weight` (1 over
    the chance with which a row was drawn) and `renewals_{e}d` where it has them.
    """
    known = panel.select((pl.lit(until) - pl.col("landmark_on")).dt.total_days())
    days = known.to_series().to_numpy().astype(np.int64)
    ends = panel["end_in_days"].cast(pl.Int64).fill_null(np.iinfo(np.int64).max).to_numpy()
    upper, lower = np.array(edges, np.int64), np.array(starts(edges), np.int64)
    there = (upper[None, :] <= days[:, None]) & (ends[:, None] >= lower[None, :])
    at, lead = np.nonzero(there)
    left = ends[at] < upper[lead]
    cause = panel["cause"].cast(pl.Int64).to_numpy()
    return Stacked(
        at=at,
        lead=lead,
        cause=np.where(left, cause[at], 0),
        n_renewals=renewals(panel, edges)[at, lead],
        weight=weights(panel)[at],
    )


def weights(panel: pl.DataFrame) -> Floats:
    """Return the weights of a panel's rows; 1 where it has none."""
    if "weight" not in panel.columns:
        return np.ones(panel.height)
    return panel["weight"].cast(pl.Float64).to_numpy()


def edges_of(panel: pl.DataFrame) -> tuple[int, ...]:
    """Return the days at which bins end, from the panel's columns `renewals_{e}d`.

    `EDGES` where it has none.
    """
    return known_edges(panel) or EDGES


def known_edges(panel: pl.DataFrame) -> tuple[int, ...]:
    """Return the days up to which a panel counts renewals."""
    found = (_RENEWALS.fullmatch(name) for name in panel.columns)
    return tuple(sorted(int(match[1]) for match in found if match))
