"""Which law of staying holds beyond the data: candidates by AIC, and by what came after.

One rule: a law is judged on counts it has not seen; of those that fit nearly as well as the best,
the one that foretold best is chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from csk.calendar import TICKS_PER_MONTH
from csk.stats import lifetable, residual, smoothing, survival, tails

Floats = NDArray[np.float64]

FAMILIES: Final = tuple(tails.EVERY_FAMILY)
WITHIN: Final = 10.0
"""AIC above the best's beyond which nothing speaks for a law (Burnham and Anderson 2002)."""
FEWEST_KNOWN, FEWEST_FOLLOWED = 20, 5
"""Ends that an origin needs before it, and after it."""
TOLD: Final = (12, 24, 36, 48, 60)
"""Months of age at which what is foretold is told."""
MEAN_TO: Final = 120
"""Months to which the mean is taken: of many laws it is infinite."""
LONGEST: Final = 600
"""Months to which a median is looked for."""
N_DRAWS: Final = 400
_SEED: Final = 20_180


@dataclass(frozen=True, slots=True)
class Since:
    """What was known at a day in the past, and what followed."""

    origin: date
    known: survival.Counts
    followed: survival.Counts
    alive: tuple[tuple[int, int, int], ...]
    """Of those there at the origin: age in ticks, how many, how many of them are there still."""
    months: int
    """From the origin to `as_of`."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One law at one origin."""

    origin: date
    n: int
    """Contracts there at the origin."""
    foretold: float
    """Share still there at `as_of`, as foretold."""
    came: float
    """Share still there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One law with what speaks for it."""

    fit: tails.TailFit
    held_out: float | None
    """Log-likelihood of what followed each origin; null where no origin could be tried."""
    tried: tuple[Tried, ...]

    @property
    def miss(self) -> float | None:
        """Share still there as foretold less what came, regardless of sign, averaged."""
        if not self.tried:
            return None
        return float(np.mean([abs(one.foretold - one.came) for one in self.tried]))


@dataclass(frozen=True, slots=True)
class Foretold:
    """Survival to an age as a law has it, and as it was seen where it was."""

    months: int
    share: float
    low: float
    high: float
    seen: float | None


@dataclass(frozen=True, slots=True)
class Tail:
    """The laws of one kind of contract, and what the chosen one foretells."""

    group: str
    term_months: int
    n_ended: int
    seen_months: int
    """Longest age seen."""
    from_months: int
    """Age from which survival is told; before it too few were watched."""
    candidates: tuple[Candidate, ...]
    """Best AIC first."""
    chosen: Candidate
    ahead: tuple[Foretold, ...]
    median_months: float
    """Infinite beyond `LONGEST`."""
    mean_months: float
    """Within `MEAN_TO`."""
    grid: Floats
    """Survival by tick from the age from which it is told, as the chosen law has it."""
    observed: survival.SurvivalCurve


def tail(
    name: tuple[str, int], seen: survival.Counts, since: Sequence[Since], from_months: int = 0
) -> Tail:
    """Fit every law to counts by age, try each at the origins, and choose.

    `name` is group and term. Periods are as long as the term. Intervals are of the parameters
    only (95 %). ModelError where nobody was at risk.
    """
    group, term = name
    length = TICKS_PER_MONTH * max(term, 1)
    table = lifetable.life_table(seen, length)
    fits = tails.candidates(table.exposed, table.left, FAMILIES)
    origins = [one for one in since if _is_enough(one)]
    found = tuple(_tried(fit, origins, length) for fit in fits)
    chosen = _chosen(found)
    n_periods = -(-LONGEST // max(term, 1))
    start = from_months * TICKS_PER_MONTH
    whole = residual.survival_grid(tails.hazards(chosen.fit, n_periods), table.profile)
    drawn = residual.survival_grid(_draws(chosen.fit, table, n_periods), table.profile)
    grid = whole[start:] / max(float(whole[start]), 1e-300)
    observed = survival.kaplan_meier(seen, from_age=start)
    below = np.flatnonzero(grid <= 0.5)  # noqa: PLR2004 - half
    end = min(MEAN_TO * TICKS_PER_MONTH, len(grid) - 1)
    return Tail(
        group=group,
        term_months=max(term, 1),
        n_ended=int(seen.left.sum()),
        seen_months=int(seen.age[-1]) // TICKS_PER_MONTH,
        from_months=from_months,
        candidates=found,
        chosen=chosen,
        ahead=_ahead(whole, drawn, observed, start),
        median_months=from_months + below[0] / TICKS_PER_MONTH if len(below) else float("inf"),
        mean_months=from_months + float(grid[:end].sum()) / TICKS_PER_MONTH,
        grid=grid,
        observed=observed,
    )


def _is_enough(one: Since) -> bool:
    known, followed = int(one.known.left.sum()), int(one.followed.left.sum())
    return known >= FEWEST_KNOWN and followed >= FEWEST_FOLLOWED and bool(one.alive)


def _tried(fit: tails.TailFit, origins: Sequence[Since], length: int) -> Candidate:
    """Fit a law again to what was known at each origin, and hold it against what followed."""
    if not origins:
        return Candidate(fit, None, ())
    held_out, tried = 0.0, []
    for one in origins:
        known = lifetable.life_table(one.known, length)
        then = tails.fit(fit.family, known.exposed, known.left)
        after = lifetable.life_table(one.followed, length)
        left = after.left.sum(axis=1).astype(np.float64)
        hazard = tails.hazards(then, len(after.exposed))
        held_out += float(tails.log_likelihood(hazard, after.exposed, left))
        age, n, there = (np.array(column, np.int64) for column in zip(*one.alive, strict=True))
        today = age + one.months * TICKS_PER_MONTH
        n_periods = int(today.max()) // length + 1
        grid = residual.survival_grid(tails.hazards(then, n_periods), known.profile)
        stays = residual.conditional_survival(grid, age, today)
        foretold = float((n * stays).sum()) / int(n.sum())
        tried.append(Tried(one.origin, int(n.sum()), foretold, int(there.sum()) / int(n.sum())))
    return Candidate(fit, held_out, tuple(tried))


def _chosen(found: Sequence[Candidate]) -> Candidate:
    near = [one for one in found if one.fit.aic <= found[0].fit.aic + WITHIN]
    return max(near, key=lambda one: one.held_out if one.held_out is not None else -one.fit.aic)


def _draws(fit: tails.TailFit, table: lifetable.LifeTable, n_periods: int) -> Floats:
    """Draw hazards from what is not known of the parameters."""
    rng = np.random.Generator(np.random.PCG64(_SEED))
    left = table.left.sum(axis=1).astype(np.float64)
    drawn = smoothing.parameter_draws(fit, table.exposed, left, N_DRAWS, rng)
    return tails.family_hazards(fit.family, drawn, n_periods)


def _ahead(
    whole: Floats, drawn: Floats, observed: survival.SurvivalCurve, start: int
) -> tuple[Foretold, ...]:
    """Return what is foretold at the ages told, of those who reached the first of them."""
    found = []
    for months in TOLD:
        age = months * TICKS_PER_MONTH
        if age <= start:
            continue
        share = float(whole[age]) / max(float(whole[start]), 1e-300)
        moved = drawn[:, age] / np.maximum(drawn[:, start], 1e-300)
        low, high = (float(bound) for bound in np.quantile(moved, [0.025, 0.975], method="weibull"))
        seen = float(survival.survival_at(observed, [age])[0])
        known = seen if np.isfinite(seen) else None
        # A fit on a bound lies at the edge of what is drawn around it.
        found.append(Foretold(months, share, min(low, share), max(high, share), known))
    return tuple(found)
