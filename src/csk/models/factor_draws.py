"""The factors of LTV, drawn again and again: who happened to be a customer, what curves are.

One rule: a customer, and a curve of one fit, is drawn once for all groups that are compared, so
that what they share cancels in their difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import TICKS_PER_MONTH, plus_months
from csk.models import contract
from csk.models.contract import N_DRAWS, ContractFit, Horizons
from csk.models.repeat import INTERVAL_DAYS, RepeatFit
from csk.stats import bgnbd, residual

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEED: Final = 20_050
MOST_BLOCKS: Final = 2_000
"""Customers above this number are drawn in so many blocks: ratios vary as if one by one."""
_FARTHEST: Final = 5.0
"""Move of a log-parameter beyond which the log says nothing of it."""
_WIDEST: Final = 3.0
"""Log of the farthest that a draw of expected purchases may lie from their estimate."""


@dataclass(frozen=True, slots=True)
class Members:
    """Customers alive of one of the groups compared, and the fit that they were valued by."""

    alive: pl.DataFrame
    """What `score` and `valued` returned of them."""
    fit: ContractFit | RepeatFit
    horizons: Horizons
    fit_no: int = 0
    """Groups valued by one fit have one number."""


class _Ratios(NamedTuple):
    """What a draw says of each cell of customers alike, as shares of the estimate."""

    cell: Ints
    """(customers,)."""
    number: Floats
    """(draws, cells)."""
    months: Floats
    present: Floats


def factor_draws(groups: Sequence[Members]) -> list[Floats]:
    """Draw the factors of each group `N_DRAWS` times, with a seed that never changes.

    (draws, 5): unit price (major units), margin, frequency, months, discount; 0 of nobody.
    Customers are drawn by the Poisson bootstrap (Hanley and MacGibbon 2006); with them the
    survival curves of contracts, or the logarithms of the parameters of repeat buying.
    """
    ids = pl.concat([group.alive["customer_id"] for group in groups]).unique().sort()
    block_of = pl.DataFrame({"customer_id": ids}).with_row_index("row")
    n_blocks = max(min(ids.len(), MOST_BLOCKS), 1)
    chance = np.random.default_rng(SEED)
    weights = chance.poisson(1.0, (N_DRAWS, n_blocks)).astype(np.float64)
    # Numbers of customers may tell of them (every second one of a kind), so blocks are shuffled.
    block_at = chance.permutation(ids.len()) % n_blocks
    found = []
    for unordered in groups:
        # One of customers alike stands for them: the same one whatever the order of rows.
        group = replace(unordered, alive=unordered.alive.sort("customer_id"))
        known = group.alive.select("customer_id").join(
            block_of, on="customer_id", how="left", maintain_order="left"
        )
        blocks = block_at[known["row"].cast(pl.Int64).to_numpy()]
        found.append(_drawn(group, blocks, weights))
    return found


def _drawn(group: Members, blocks: Ints, weights: Floats) -> Floats:
    ratios = _ratios(group)
    n_cells = ratios.number.shape[1]
    units, at = np.unique(blocks * max(n_cells, 1) + ratios.cell, return_inverse=True)
    block, cell = units // max(n_cells, 1), units % max(n_cells, 1)
    sums = [np.bincount(at, of, len(units)) for of in _sums(group.alive)]
    drawn = np.zeros((len(weights), 6))
    for i, weight in enumerate(weights):
        w = weight[block]
        number, months = ratios.number[i, cell], ratios.months[i, cell]
        moved = (np.ones_like(w), number, months, number, number, ratios.present[i, cell])
        drawn[i] = [float((w * by) @ total) for by, total in zip(moved, sums, strict=True)]
    n, payments, stay, revenue, margin, present = drawn.T
    over = ((revenue, payments), (margin, revenue), (payments, stay), (stay, n), (present, margin))
    return np.stack([_ratio(*pair) for pair in over], axis=1)


def _sums(alive: pl.DataFrame) -> list[Floats]:
    """Return per customer: 1, payments, months, revenue, margin and present value (counts)."""
    names = ("n_expected", "duration_months", "n_present", "unit_price_amount", "margin_share")
    number, months, present, price, margin = (
        alive[name].fill_null(0.0).to_numpy().astype(np.float64) for name in names
    )
    worth = price * margin
    return [np.ones_like(number), number, months, number * price, number * worth, present * worth]


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _ratios(group: Members) -> _Ratios:
    if isinstance(group.fit, ContractFit):
        return _of_curves(group.alive, group.fit, group)
    return _of_purchases(group.alive, group.fit, group)


def _of_curves(alive: pl.DataFrame, fit: ContractFit, group: Members) -> _Ratios:
    """Read customers of one curve and one month of age off each draw of their curve."""
    horizons = group.horizons
    key = ["group", "term_months", "spell_started_on", "term_started_on"]
    situations = contract.cells(alive, fit, horizons).select(
        *key, "curve", "here", "due", "to_ltv", "term_ticks"
    )
    ages = alive.select(key).join(
        situations, on=key, how="left", nulls_equal=True, maintain_order="left"
    )
    here, due, end, term, curve = (
        ages[name].cast(pl.Int64).to_numpy()
        for name in ("here", "due", "to_ltv", "term_ticks", "curve")
    )
    longest = int(here.max(initial=0)) // TICKS_PER_MONTH + 2
    _, first, cell = np.unique(
        curve * longest + here // TICKS_PER_MONTH, return_index=True, return_inverse=True
    )
    number, months, present = (np.ones((N_DRAWS, len(first))) for _ in range(3))
    monthly = (1.0 + horizons.discount_rate) ** (1 / 12) - 1.0
    for one in fit.curves:
        some = np.flatnonzero(curve[first] == one.curve)
        rows = first[some]
        if not len(rows):
            continue
        # Draws of different curves, and of different fits, must not move together.
        order = np.random.default_rng([SEED, group.fit_no, one.curve]).permutation(N_DRAWS)
        arrays = here[rows], end[rows]
        paid, worth = (
            residual.expected_payments(
                grid, *arrays, due[rows], term[rows], discount_per_month=monthly
            )
            for grid in (one.draws[order], one.grid)
        )
        stay = [residual.expected_months(grid, *arrays) for grid in (one.draws[order], one.grid)]
        number[:, some] = _share(paid[0], worth[0])
        present[:, some] = _share(paid[1], worth[1])
        months[:, some] = _share(stay[0], stay[1])
    return _Ratios(cell, number, months, present)


def _share(drawn: Floats, point: Floats) -> Floats:
    return np.divide(
        drawn, point, out=np.ones_like(drawn), where=np.broadcast_to(point > 0, drawn.shape)
    )


def _of_purchases(alive: pl.DataFrame, fit: RepeatFit, group: Members) -> _Ratios:
    """Move the parameters along the axes of their covariance (delta method in logarithms)."""
    horizons = group.horizons
    names = ("n_purchases", "recency_days", "age_days")
    x, t_x, T = (alive[name].fill_null(0).cast(pl.Int64).to_numpy() for name in names)
    again = np.maximum(x, 1) - 1
    coarse, steps = T // INTERVAL_DAYS, int(np.max(T, initial=0)) // INTERVAL_DAYS + 1
    packed = (again * steps + t_x // INTERVAL_DAYS) * steps + coarse
    _, first, cell = np.unique(packed, return_index=True, return_inverse=True)
    ones = np.ones((N_DRAWS, len(first)))
    covariance = fit.purchases.covariance
    if fit.purchases.is_at_bound or not np.isfinite(covariance).all():
        return _Ratios(cell, ones, ones, ones)
    end = (plus_months(horizons.as_of, horizons.ltv_months) - horizons.as_of).days
    values, axes = np.linalg.eigh(covariance)
    slopes = []
    for value, axis in zip(values, axes.T, strict=True):
        step = np.sqrt(max(value, 0.0)) * axis
        up, down = (
            bgnbd.expected_purchases(
                _moved(fit.purchases, sign * step), again[first], t_x[first], T[first], end
            )
            for sign in (1.0, -1.0)
        )
        slopes.append(np.log(np.maximum(up, 1e-300) / np.maximum(down, 1e-300)) / 2)
    z = np.random.default_rng([SEED, group.fit_no]).standard_normal((N_DRAWS, len(slopes)))
    ratio = np.exp(np.clip(z @ np.stack(slopes), -_WIDEST, _WIDEST))
    return _Ratios(cell, ratio, ones, ratio)


def _moved(fitted: bgnbd.BgNbdFit, step: Floats) -> bgnbd.BgNbdFit:
    now = np.log([fitted.r, fitted.alpha, fitted.a, fitted.b])
    r, alpha, a, b = np.exp(now + np.clip(step, -_FARTHEST, _FARTHEST))
    return replace(fitted, r=float(r), alpha=float(alpha), a=float(a), b=float(b))
