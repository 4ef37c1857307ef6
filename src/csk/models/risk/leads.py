"""What a bin of days ahead adds to a customer's columns, and the sums over both.

One rule: a customer's columns are held once, however many bins follow from them. The linear
predictor of a bin is `b.base + x.level + u (x.fade)`: `u` grows with the logarithm of the days
ahead, so effects may fade.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from csk.models.risk.stacked import Floats, Ints, Stacked, starts

BASE: Final = ("level", "renewals", "days", "none_due", "no_term")
"""Columns of every bin; one for each bin follows."""
_PRECISION: Final = (0.0, 4.0, 4.0, 0.04, 0.1)
_BIN_PRECISION: Final = 1.0
_BLOCK: Final = 4096
"""Rows of the panel taken at a time."""
_MONTH: Final = 30.0
_FADE: Final = 1.5
"""Logarithms of days, either side of a month, that change an effect by its fading."""


def fading(edges: Sequence[int]) -> Floats:
    """Return (bins,) u: 0 about a month ahead, below for sooner, above for later."""
    low, high = np.array(starts(edges), np.float64), np.array(edges, np.float64)
    return np.asarray(np.log((low + high) / 2.0 / _MONTH) / _FADE)


def lengths(edges: Sequence[int]) -> Floats:
    """Return (bins,) logarithms of their days, 0 for a month."""
    return np.asarray(np.log(np.diff(np.array((0, *edges), np.float64)) / _MONTH))


def precisions(n_bins: int) -> Floats:
    """Return (base,) precisions of the priors of what every bin has."""
    return np.asarray((*_PRECISION, *([_BIN_PRECISION] * n_bins)), np.float64)


def has_term(panel: pl.DataFrame, n_renewals: Ints) -> Floats:
    """Return (n,) 1 for a customer whose contract has a term, as known of it or of its renewals."""
    found = n_renewals.sum(axis=1) > 0
    if "term_months" in panel.columns:
        found = found | (panel["term_months"].fill_null(0) > 0).to_numpy()
    return np.asarray(found, np.float64)


def base(lead: Ints, n_renewals: Ints, term: Floats, edges: Sequence[int]) -> tuple[Floats, Floats]:
    """Return (base, N) the columns of bins, and (N,) offsets.

    The offset is what equal hazards a renewal, or a day where none is due, would give.
    """
    due = np.log(np.maximum(n_renewals, 1).astype(np.float64))
    is_due = n_renewals > 0
    days = np.where(is_due, 0.0, lengths(edges)[lead])
    columns = np.zeros((len(BASE) + len(edges), len(lead)))
    columns[0] = 1.0
    columns[1] = due
    columns[2] = days
    columns[3] = ~is_due & (term > 0.0)
    columns[4] = ~is_due & (term == 0.0)
    columns[len(BASE) + lead, np.arange(len(lead))] = 1.0
    return columns, due + days


class _Part(NamedTuple):
    """A block of the panel's rows, with their bins."""

    rows: slice
    bins: slice
    first: Ints
    """Where each row begins among the bins of the block."""
    place: Ints
    """Row of each bin within the block."""


class Leads(NamedTuple):
    """The design of stacked rows; satisfies `csk.stats.logistic.Design`.

    Coefficients are those of `base`, then of the levels, then of the fading columns. All is done
    by blocks of the panel's rows: what is made on the way stays small.
    """

    base: Floats
    """(base, N)."""
    levels: Floats
    """(p, n) columns of the panel's rows, each of which has bins."""
    faded: Ints
    """Those of the p whose effect may fade."""
    at: Ints
    """(N,) row of the panel, ascending."""
    first: Ints
    """(n,) where each row begins."""
    u: Floats
    """(N,)."""

    @property
    def n_columns(self) -> int:
        """Return how many coefficients there are."""
        return len(self.base) + len(self.levels) + len(self.faded)

    def split(self, coefficients: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the coefficients of the base, the levels and the fading columns."""
        q, p = len(self.base), len(self.levels)
        return coefficients[:q], coefficients[q : q + p], coefficients[q + p :]

    def _parts(self) -> Iterator[_Part]:
        n = self.levels.shape[1]
        for start in range(0, n, _BLOCK):
            stop = min(start + _BLOCK, n)
            low = int(self.first[start])
            high = int(self.first[stop]) if stop < n else len(self.at)
            place = self.at[low:high] - start
            yield _Part(slice(start, stop), slice(low, high), self.first[start:stop] - low, place)

    def times(self, coefficients: Floats) -> Floats:
        """Return (N,) linear predictors."""
        own, level, fade = self.split(coefficients)
        whole = np.zeros(len(self.levels))
        whole[self.faded] = fade
        both, found = np.stack([level, whole]), np.empty(len(self.at))
        for part in self._parts():
            flat, sloped = both @ self.levels[:, part.rows]
            eta = own @ self.base[:, part.bins]
            eta += flat[part.place]
            eta += self.u[part.bins] * sloped[part.place]
            found[part.bins] = eta
        return found

    def summed(self, values: Floats) -> Floats:
        """Return (p,) sums over rows of the columns times (N,) values."""
        q, p = len(self.base), len(self.levels)
        found = np.zeros(self.n_columns)
        for part in self._parts():
            v, x = values[part.bins], self.levels[:, part.rows]
            found[:q] += self.base[:, part.bins] @ v
            found[q : q + p] += x @ np.add.reduceat(v, part.first)
            sloped = np.add.reduceat(v * self.u[part.bins], part.first)
            found[q + p :] += (x @ sloped)[self.faded]
        return found

    def gram(self, weights: Floats) -> Floats:
        """Return (p, p) sums over rows of products of two columns times (N,) weights."""
        q, p = len(self.base), len(self.levels)
        total = np.zeros((self.n_columns, self.n_columns))
        for part in self._parts():
            w, u, b = weights[part.bins], self.u[part.bins], self.base[:, part.bins]
            x = self.levels[:, part.rows]
            f = x[self.faded]
            flat, sloped, squared = (
                np.add.reduceat(values, part.first) for values in (w, w * u, w * u * u)
            )
            weighted = b * w
            total[:q, :q] += weighted @ b.T
            total[:q, q : q + p] += np.add.reduceat(weighted, part.first, axis=1) @ x.T
            weighted *= u
            total[:q, q + p :] += np.add.reduceat(weighted, part.first, axis=1) @ f.T
            total[q : q + p, q : q + p] += (x * flat) @ x.T
            total[q : q + p, q + p :] += (x * sloped) @ f.T
            total[q + p :, q + p :] += (f * squared) @ f.T
        low = np.tril_indices(self.n_columns, -1)
        total[low] = total.T[low]
        return total

    def summed_by(self, values: Floats, cluster: Ints, n: int) -> Floats:
        """Return (n, p): `summed` by (N,) clusters 0 to n - 1; a row of the panel is in one."""
        found = np.zeros((n, self.n_columns))
        q, p = len(self.base), len(self.levels)
        for part in self._parts():
            v, x = values[part.bins], self.levels[:, part.rows]
            rows = np.empty((len(part.first), self.n_columns))
            rows[:, :q] = np.add.reduceat(self.base[:, part.bins] * v, part.first, axis=1).T
            rows[:, q : q + p] = (x * np.add.reduceat(v, part.first)).T
            sloped = np.add.reduceat(v * self.u[part.bins], part.first)
            rows[:, q + p :] = (x[self.faded] * sloped).T
            home = cluster[part.bins][part.first]
            order = np.argsort(home, kind="stable")
            begins = np.flatnonzero(np.diff(home[order], prepend=-1))
            found[home[order][begins]] += np.add.reduceat(rows[order], begins, axis=0)
        return found


def leads(
    levels: Floats, faded: Ints, rows: Stacked, term: Floats, edges: Sequence[int]
) -> tuple[Leads, Floats]:
    """Return the design of stacked rows and their offsets.

    `rows` are in the order of the panel, of whose rows `levels` and `term` hold those with bins.
    """
    first = np.flatnonzero(np.diff(rows.at, prepend=-1))
    at = np.repeat(np.arange(len(first)), np.diff(first, append=len(rows.at)))
    columns, offset = base(rows.lead, rows.n_renewals, term[at], edges)
    return Leads(columns, levels, faded, at, first, fading(edges)[rows.lead]), offset
