"""Which process customers without a contract buy by: every candidate, side by side.

One rule: a process is chosen by what it foretold of days that it had not seen, and only where
there are none by AIC.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError
from csk.stats import bgnbd, mbgnbd, nbd, paretonbd
from csk.stats.bgnbd import Cells
from csk.stats.holdout import Errors, errors
from csk.stats.likelihood import akaike

Floats = NDArray[np.float64]


class Fit(Protocol):
    """What every fitted process tells of itself; its parameters are its own business."""

    @property
    def log_likelihood(self) -> float:
        """Of the purchase times, in the unit of the cells."""
        ...

    @property
    def is_converged(self) -> bool:
        """Whether the maximum was reached inside the bounds."""
        ...

    @property
    def is_at_bound(self) -> bool:
        """Whether the customers do not tell a parameter: predictions hold, intervals do not."""
        ...


@dataclass(frozen=True, slots=True)
class Process:
    """A purchase process: how it is fitted to cells, and what it then expects.

    `fit(cells, log_gaps)`; `p_alive(fit, x, t_x, T)` the chance of still being a buyer;
    `expected_purchases(fit, x, t_x, T, t)` the purchase days in (T, T + t].
    """

    name: str
    n_parameters: int
    fit: Callable[[Cells, float], Fit]
    p_alive: Callable[[Any, Floats, Floats, Floats], Floats]
    expected_purchases: Callable[[Any, Floats, Floats, Floats, float], Floats]
    needs_gaps: bool = False
    """Whether its fit needs the logarithms of the gaps between purchases."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A process with its fit: all that is needed to score customers."""

    process: Process
    fit: Fit

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
        """Return P(still a buyer at T) of each customer."""
        return self.process.p_alive(self.fit, *_floats(x, t_x, T))

    def expected_purchases(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, t: float) -> Floats:
        """Return the expected purchase days of each customer in (T, T + t]."""
        return self.process.expected_purchases(self.fit, *_floats(x, t_x, T), t)


@dataclass(frozen=True, slots=True)
class Holdout:
    """Customers as they stood when the cells were counted, and what they bought in t after."""

    x: Floats
    t_x: Floats
    T: Floats
    purchases: Floats
    t: float
    """In the unit of the cells."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One process that was tried: a row of the table of candidates."""

    name: str
    fitted: Fitted
    log_likelihood: float
    n_parameters: int
    aic: float
    holdout: Errors | None
    """Purchases foretold for each customer against those made; null without a hold-out."""
    is_converged: bool
    is_at_bound: bool

    @property
    def is_sound(self) -> bool:
        """Whether it may be chosen: the search for its parameters ended, inside or on a bound."""
        return (self.is_converged or self.is_at_bound) and bool(np.isfinite(self._rank).all())

    @property
    def _rank(self) -> tuple[float, float]:
        """Return the root mean squared error, or AIC; among equals fewer parameters are better."""
        error = self.aic if self.holdout is None else self.holdout.rmse
        return error, self.n_parameters


def candidates(
    unique: Cells, holdout: Holdout | None = None, log_gaps: float | None = None
) -> tuple[Candidate, ...]:
    """Return every process fitted to the cells, in the order of `PROCESSES`.

    `log_gaps` (see `log_gaps_of`) is the sum of the logarithms of the gaps of the customers in
    the cells, in their unit; without it no regular gaps are tried. ModelError where the cells
    carry no repeat buying.
    """
    tried = [one for one in PROCESSES if not one.needs_gaps or log_gaps is not None]
    return tuple(_candidate(one, unique, holdout, log_gaps or 0.0) for one in tried)


def best(tried: Sequence[Candidate]) -> Candidate:
    """Return the candidate with the least squared error in the hold-out, else the least AIC.

    The mean squared error, because what is foretold is a mean. ModelError where the search for
    parameters ended for none.
    """
    sound = [one for one in tried if one.is_sound]
    if not sound:
        raise ModelError(
            "No model of repeat buying could be fitted to these purchases.",
            hint="Give a longer log, or more customers.",
        )
    return min(sound, key=lambda one: one._rank)  # noqa: SLF001 - the rank is our own


def log_gaps_of(gaps: pl.DataFrame) -> float:
    """Return the sum of the logarithms of all gaps in days that ended in a purchase.

    `gaps` is `tables.purchases.gap_counts`: one row per state and days, with `n_bought`.
    """
    ended = gaps.filter(pl.col("n_bought") > 0).group_by("days").agg(pl.col("n_bought").sum())
    ended = ended.sort("days")
    return float(ended["n_bought"].to_numpy() @ np.log(ended["days"].to_numpy()))


def _candidate(
    process: Process, unique: Cells, holdout: Holdout | None, log_gaps: float
) -> Candidate:
    fitted = Fitted(process, process.fit(unique, log_gaps))
    likelihood = fitted.fit.log_likelihood
    missed = None
    if holdout is not None:
        of = (holdout.x, holdout.t_x, holdout.T)
        missed = errors(fitted.expected_purchases(*of, holdout.t), holdout.purchases)
    return Candidate(
        name=process.name,
        fitted=fitted,
        log_likelihood=likelihood,
        n_parameters=process.n_parameters,
        aic=akaike(likelihood, process.n_parameters),
        holdout=missed,
        is_converged=fitted.fit.is_converged,
        is_at_bound=fitted.fit.is_at_bound,
    )


def _floats(*columns: ArrayLike) -> tuple[Floats, Floats, Floats]:
    x, t_x, T = (np.asarray(column, np.float64) for column in columns)
    return x, t_x, T


def _nbd(unique: Cells, _: float) -> Fit:
    return nbd.fit(unique.x, unique.T, unique.weight)


def _never_gone(_: nbd.NbdFit, x: Floats, t_x: Floats, T: Floats) -> Floats:
    return np.ones(np.broadcast_shapes(x.shape, t_x.shape, T.shape))


def _as_often(fitted: nbd.NbdFit, x: Floats, t_x: Floats, T: Floats, t: float) -> Floats:
    x, _, T = np.broadcast_arrays(x, t_x, T)
    return nbd.expected_purchases(fitted, x, T, t)


def _bg_nbd(unique: Cells, _: float) -> Fit:
    return bgnbd.fit(*unique[:4])


def _mbg_nbd(unique: Cells, _: float) -> Fit:
    return mbgnbd.fit(*unique[:4])


def _mbg_cnbd_k(unique: Cells, log_gaps: float) -> Fit:
    return mbgnbd.fit_regular(*unique[:4], log_gaps=log_gaps)


def _pareto_nbd(unique: Cells, _: float) -> Fit:
    return paretonbd.fit(*unique[:4])


PROCESSES: Final = (
    Process("nbd", 2, _nbd, _never_gone, _as_often),
    Process("bg_nbd", 4, _bg_nbd, bgnbd.p_alive, bgnbd.expected_purchases),
    Process("mbg_nbd", 4, _mbg_nbd, mbgnbd.p_alive, mbgnbd.expected_purchases),
    Process(
        "mbg_cnbd_k",
        5,
        _mbg_cnbd_k,
        mbgnbd.p_alive,
        mbgnbd.expected_purchases,
        needs_gaps=True,
    ),
    Process("pareto_nbd", 4, _pareto_nbd, paretonbd.p_alive, paretonbd.expected_purchases),
)
"""All that are tried, the simplest first."""
