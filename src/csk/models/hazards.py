"""What goes with leaving sooner or later: proportional hazards of contracts with covariates.

One rule: ages are compared within a length of term, whose contracts leave when their terms are
over; and everything heeds late entry, which is why nothing here is lifelines' own: its robust
errors, residuals, concordance and baseline forget when a row came under observation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import ModelError
from csk.models.covariates import Design, LeftOut, Term, design
from csk.stats import cox

Floats = NDArray[np.float64]

FEWEST_ENDS: Final = 20
"""Ends below which no covariate is weighed against another."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one column of the design does, as a ratio to what it is compared with."""

    term: Term
    ratio: float
    """Of hazards; of times to leaving in an accelerated model."""
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Steady:
    """Whether a covariate's hazard ratios stay as they are with age."""

    covariate: str
    p_value: float


@dataclass(frozen=True, slots=True)
class Hazards:
    """A fitted model of proportional hazards."""

    effects: tuple[Effect, ...]
    references: tuple[Term, ...]
    steady: tuple[Steady, ...]
    steady_p_value: float
    """Of all covariates together."""
    n: int
    """Stretches of contracts."""
    n_customers: int
    n_left: int
    concordance: float
    likelihood_ratio: float
    """Twice the log-likelihood gained over no covariates."""
    p_value: float
    """Of that, the covariates being nothing."""
    strata: tuple[int, ...]
    """Months of the terms, each with a baseline of its own."""
    left_out: tuple[LeftOut, ...]


class Ready:
    """Rows made ready: what both kinds of models are fitted to."""

    def __init__(self, rows: pl.DataFrame, covariates: Sequence[str], *, is_asked: bool) -> None:
        _refuse_few(int((rows["cause"] > 0).sum()))
        term = rows["term_months"].fill_null(0).to_numpy()
        self.terms, stratum = np.unique(term, return_inverse=True)
        self.design: Design = design(rows, covariates, stratum.ravel(), is_asked=is_asked)
        keep = self.design.keep
        self.stratum = stratum.ravel()[keep]
        self.entry = rows["entry_age"].to_numpy().astype(np.float64)[keep]
        self.exit = rows["exit_age"].to_numpy().astype(np.float64)[keep]
        self.left = (rows["cause"] > 0).to_numpy()[keep]
        self.customer = rows["customer_id"].rank("dense").to_numpy()[keep].astype(np.int64) - 1
        _refuse_few(int(self.left.sum()))


def _refuse_few(n_left: int) -> None:
    if n_left < FEWEST_ENDS:
        raise ModelError(
            f"Only {n_left} contracts have ended among those that can be compared; {FEWEST_ENDS} "
            "are needed to weigh covariates against each other.",
            hint="csk retention --by compares the curves of groups.",
        )


def hazards(rows: pl.DataFrame, covariates: Sequence[str], *, is_asked: bool) -> Hazards:
    """Fit proportional hazards to the rows of `tables.drivers.watched`, ties as by Efron.

    Errors are robust, clustered by customer; each length of term has its own baseline. ModelError
    where the data cannot carry it, naming the covariate that is to blame.
    """
    ready = Ready(rows, covariates, is_asked=is_asked)
    width = float(ready.exit.max()) + 1.0
    spells = cox.Spells(
        cox.stratified(ready.entry, ready.stratum, width),
        cox.stratified(ready.exit, ready.stratum, width),
        ready.left,
        ready.design.matrix,
    )
    found = _fitted(spells, ready.design)
    cluster = np.unique(ready.customer, return_inverse=True)[1].ravel()
    robust = cox.robust_covariance(spells, found, cluster)
    names = ready.design.covariates
    groups = tuple(ready.design.columns(name) for name in names)
    steady = cox.proportionality(spells, found.coefficients, groups, width=width)
    gained = 2.0 * (found.log_likelihood - found.null_log_likelihood)
    return Hazards(
        effects=effects(ready.design, found.coefficients, np.sqrt(np.diag(robust))),
        references=ready.design.references,
        steady=tuple(
            Steady(name, float(p)) for name, p in zip(names, steady.p_values, strict=True)
        ),
        steady_p_value=steady.p_value,
        n=len(ready.exit),
        n_customers=int(cluster.max()) + 1,
        n_left=found.n_events,
        concordance=cox.concordance(spells, spells.design @ found.coefficients),
        likelihood_ratio=gained,
        p_value=cox.upper_tail(gained, len(found.coefficients)),
        strata=tuple(int(term) for term in ready.terms),
        left_out=ready.design.left_out,
    )


def _fitted(spells: cox.Spells, of: Design) -> cox.CoxFit:
    try:
        return cox.fit(spells)
    except ModelError as error:
        blamed = of.terms[int(error.details[0])]
        name = f"{blamed.covariate} = {blamed.level}" if blamed.level else blamed.covariate
        raise ModelError(
            f"{name} tells who left from who stayed without exception, so its ratio has no end.",
            hint="Leave it out: --covariates with the others.",
        ) from error


def effects(of: Design, logs: Floats, errors: Floats) -> tuple[Effect, ...]:
    """Return the ratio of each column of a design, with its 95 % interval."""
    return tuple(
        Effect(
            term,
            exp(log),
            exp(log - cox.NORMAL_95 * error),
            exp(log + cox.NORMAL_95 * error),
            cox.two_sided(log / error) if error > 0.0 else 1.0,
        )
        for term, log, error in zip(of.terms, logs.tolist(), errors.tolist(), strict=True)
    )
