"""The glass box: a penalised logistic hazard for each cause, with splines and effects that fade.

One rule: causes are odds against staying, `lambda_k = e_k / (1 + sum_l e_l)`, so hazards of all
causes together never reach 1. Each is fitted against those who stayed, which estimates the same
coefficients as all at once (Begg and Gray 1984).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import ModelError, UsageError
from csk.models.risk import design
from csk.models.risk.adding import additions, blocks, spread, summed
from csk.models.risk.calibrating import IDENTITY, Calibration
from csk.models.risk.curve import shares_of_bins
from csk.models.risk.design import Recipe
from csk.models.risk.leads import base, fading, has_term, leads, precisions
from csk.models.risk.logits import Horizon, logits, slopes
from csk.models.risk.penalties import Chosen, chosen, priors
from csk.models.risk.stacked import Floats, Ints, Stacked, edges_of, known_edges, renewals, weights
from csk.stats import logistic
from csk.stats.cox import NORMAL_95

BLOCK: Final = 16_384
_DUST: Final = 0.01
"""Share of the variance of effects that bounds spread evenly: it has most of the directions."""


@dataclass(frozen=True, slots=True)
class GlassBox:
    """A fitted hazard by lead and cause."""

    recipe: Recipe
    edges: tuple[int, ...]
    causes: tuple[int, ...]
    coefficients: Floats
    """(causes, base + p + faded)."""
    covariance: Floats
    """(all coefficients, all coefficients) by customer, cause by cause."""
    penalties: tuple[float, ...]
    """Geometric mean of the strengths chosen for each cause; 1 where there is no column."""
    n_left: tuple[int, ...]
    """Stacked rows in which somebody left, by cause."""
    ahead: Floats
    """(causes, bins) what bins and the renewals in them add, of average odds."""
    n_bins: tuple[int, ...]
    """Stacked rows by bin; where 0, the hazard is carried over from the others."""

    @property
    def dropped(self) -> tuple[design.Dropped, ...]:
        """Return columns of the panel that are not used, and why."""
        return self.recipe.dropped


def fit(panel: pl.DataFrame, rows: Stacked, recipe: Recipe | None = None) -> GlassBox:
    """Fit a hazard for each cause that was seen; the penalty is chosen by information criterion.

    `rows` are the panel's (`stacked`). ModelError where nobody left or nobody stayed.
    """
    edges = edges_of(panel)
    causes = tuple(int(cause) for cause in np.unique(rows.cause[rows.weight > 0.0]) if cause)
    if not causes:
        raise ModelError("Nobody has left, so nothing can be said of who will.")
    left = np.zeros(panel.height, np.bool_)
    left[rows.at[rows.cause > 0]] = True
    found = recipe or design.recipe(panel, left)
    used = panel[np.unique(rows.at)]
    term = has_term(used, renewals(used, edges))
    table, offset = leads(design.matrix(found, used), faded(found), rows, term, edges)
    customer = used["customer_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    cluster, n = customer[table.at], int(customer.max()) + 1
    prior = priors(found, faded(found), len(edges))
    parts = []
    for cause in causes:
        weight = np.where((rows.cause == 0) | (rows.cause == cause), rows.weight, 0.0)
        of = logistic.outcomes((rows.cause == cause).astype(np.float64), weight, offset)
        parts.append(chosen(table, of, (cluster, n), prior))
    influence = np.concatenate([logistic.influence(one.fit, one.scores) for one in parts], axis=1)
    box = GlassBox(
        recipe=found,
        edges=edges,
        causes=causes,
        coefficients=np.stack([one.fit.coefficients for one in parts]),
        covariance=logistic.robust_covariance(influence) + _pulled(parts, prior),
        penalties=tuple(one.strength for one in parts),
        n_left=tuple(int((rows.cause == cause).sum()) for cause in causes),
        ahead=np.zeros((len(causes), len(edges))),
        n_bins=tuple(int(x) for x in np.bincount(rows.lead, minlength=len(edges))),
    )
    odds = np.exp(ahead(box, used)) @ weights(used)
    return replace(box, ahead=np.log(odds / weights(used).sum()))


def _pulled(parts: Sequence[Chosen], prior: logistic.Penalty) -> Floats:
    """Return what the penalties add to the covariance: how far they may have drawn effects.

    With it, bounds hold the truth as often as they say, averaged over customers (Nychka 1988).
    """
    size = len(prior.fixed)
    found = np.zeros((len(parts) * size, len(parts) * size))
    for number, one in enumerate(parts):
        at = slice(number * size, (number + 1) * size)
        found[at, at] = logistic.pulled(one.fit)
    return found


def faded(of: Recipe) -> Ints:
    """Return the columns whose effect may fade: lines and plans."""
    return np.array(
        [i for i, column in enumerate(of.columns) if column.kind in {"line", "level"}], np.int64
    )


def ahead(of: GlassBox, panel: pl.DataFrame) -> Floats:
    """Return (causes, bins, n) what bins and the renewals in them add to linear predictors."""
    due = renewals(panel, of.edges)
    return ahead_by(of, due.T, has_term(panel, due).astype(np.int64))


def ahead_by(of: GlassBox, due: Ints, term: Ints) -> Floats:
    """Return `ahead` of (n,) whether there is a term and (bins, n) renewals in the first bins."""
    q = len(precisions(len(of.edges)))
    found = np.empty((len(of.causes), *due.shape))
    for j, (columns, offset, at) in enumerate(_kinds(of.edges, due, term)):
        known = of.coefficients[:, :q] @ columns + offset
        for row, by_kind in zip(found[:, j], known, strict=True):
            np.take(by_kind, at, out=row, mode="clip")
    return found


def _kinds(edges: Sequence[int], due: Ints, term: Ints) -> Iterator[tuple[Floats, Floats, Ints]]:
    """Yield for each bin the columns and offsets of its kinds, and (n,) the kind of each row.

    Kinds are few, by renewals that fall into the bin and whether there is a term at all.
    """
    kinds = np.arange(2 * (int(due.max(initial=0)) + 1))
    for j in range(len(due)):
        lead = np.full(len(kinds), j, np.int64)
        columns, offset = base(lead, kinds // 2, (kinds % 2).astype(np.float64), edges)
        yield columns, offset, due[j] * 2 + term


def effects(of: GlassBox) -> tuple[Floats, Floats]:
    """Return (causes, p) coefficients of levels and of fading, 0 where an effect does not fade."""
    q, columns = len(precisions(len(of.edges))), faded(of.recipe)
    p = of.coefficients.shape[1] - q - len(columns)
    fade = np.zeros((len(of.causes), p))
    fade[:, columns] = of.coefficients[:, q + p :]
    return of.coefficients[:, q : q + p], fade


def hazards(of: GlassBox, panel: pl.DataFrame) -> Floats:
    """Return (n, bins, causes): the chance to leave in a bin, given there at its start.

    UsageError where the panel knows renewals of other days than the model's.
    """
    check_edges(of.edges, panel)
    u, known = fading(of.edges), additions(of.recipe, folded(of))
    found = np.empty((len(of.causes), len(of.edges), panel.height))
    for rows in blocks(of.recipe, of.edges, panel):
        own = summed(known, rows, spread(known, rows))
        odds = predictors(own, u, ahead_by(of, rows.due, rows.term))
        np.minimum(odds, 500.0, out=odds)
        np.exp(odds, out=odds)
        odds /= 1.0 + odds.sum(axis=0)
        found[:, :, rows.place] = odds
    return found.transpose(2, 1, 0)


def folded(of: GlassBox) -> Floats:
    """Return (2 causes, p) coefficients of levels, cause by cause, and below them of fading."""
    return np.concatenate(effects(of))


def predictors(own: Floats, u: Floats, into: Floats) -> Floats:
    """Add to (causes, bins, n) of `ahead` what features add, (2 causes, n), and return it."""
    level, fade = np.split(own, 2)
    for eta, flat, sloped in zip(into, level, fade, strict=True):
        for number, slope in enumerate(u):
            eta[number] += flat
            eta[number] += slope * sloped
    return into


def check_edges(edges: Sequence[int], panel: pl.DataFrame) -> None:
    """Refuse a panel whose renewals are counted up to other days than a model's bins."""
    known = known_edges(panel)
    if known and not set(edges) <= set(known):
        raise UsageError(
            "The model foretells other days ahead than these rows know renewals of.",
            hint="Ask for the horizons that the model was fitted for, or fit it again.",
        )


def interval(
    of: GlassBox, panel: pl.DataFrame, days: int, by: Calibration = IDENTITY
) -> tuple[Floats, Floats]:
    """Return (n,) lower and upper bounds of the chance to leave within `days`, of 95 %.

    By the delta method on its logit, with the covariance by customer: of the coefficients, not of
    the calibration. UsageError beyond the last bin.
    """
    horizon = Horizon(shares_of_bins(of.edges, days), by)
    root = _root(of)
    low, high = np.empty(panel.height), np.empty(panel.height)
    for first in range(0, panel.height, BLOCK):
        part = panel.slice(first, BLOCK)
        logit, error = _errors(of, part, horizon, root)
        rows = slice(first, first + part.height)
        low[rows] = logistic.chance(logit - NORMAL_95 * error)
        high[rows] = logistic.chance(logit + NORMAL_95 * error)
    return low, high


def _root(of: GlassBox) -> NDArray[np.float32]:
    """Return (r, all coefficients) whose product with itself is the covariance, but for its dust.

    In units of a customer's usual columns, the least directions that together make `_DUST` of
    what is not known of effects are left out, and the others stretched: widths stay within 3 %.
    """
    flags = {"missing": 0.3, "level": 0.3}
    usual = np.array([flags.get(column.kind, 1.0) for column in of.recipe.columns])
    q = len(precisions(len(of.edges)))
    own = np.concatenate([np.ones(q), usual, usual[faded(of.recipe)]])
    size = np.tile(own, len(of.causes))
    scaled = of.covariance * np.outer(size, size)
    values, vectors = np.linalg.eigh(scaled)
    is_effect = np.tile(np.arange(len(own)) >= q, len(of.causes))
    kept = np.cumsum(values) > _DUST * float(np.diag(scaled)[is_effect].sum())
    stretched = np.sqrt(values[kept] / (1.0 - _DUST))
    return np.asarray((vectors[:, kept] * stretched).T / size, np.float32)


def _errors(
    of: GlassBox, part: pl.DataFrame, horizon: Horizon, root: NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """Return (n,) logits of leaving within the horizon and their standard errors."""
    x = design.matrix(of.recipe, part)
    level, fade = effects(of)
    u, due = fading(of.edges), renewals(part, of.edges).T
    term = has_term(part, due.T).astype(np.int64)
    eta = ahead_by(of, due, term) + (level @ x)[:, None, :] + u[:, None] * (fade @ x)[:, None, :]
    slope = slopes(eta, horizon)
    kinds = list(_kinds(of.edges, due, term))
    small, may_fade = x.astype(np.float32), faded(of.recipe)
    parts = []
    for one in slope:
        own = sum(columns[:, at] * one[j] for j, (columns, _, at) in enumerate(kinds))
        parts.append(np.asarray(own, np.float32))
        parts.append(small * one.sum(axis=0).astype(np.float32))
        parts.append(small[may_fade] * (u @ one).astype(np.float32))
    moved = root @ np.concatenate(parts)
    return logits(eta, horizon), np.sqrt(np.einsum("rn,rn->n", moved, moved).astype(np.float64))
