"""What stretches or shortens the time to leaving: accelerated failure times, through lifelines.

One rule: lifelines sees the likelihood only, in which it heeds late entry; of what it derives
from a fit nothing is taken.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import TICKS_PER_MONTH
from csk.errors import ModelError
from csk.models.covariates import Design, LeftOut, Term
from csk.models.hazards import Effect, Ready, effects

Floats = NDArray[np.float64]

FAMILIES: Final = {"weibull": "lambda_", "log_normal": "mu_", "log_logistic": "alpha_"}
"""Laws of the time, and lifelines' name of what covariates move."""
TERM: Final = "term"
"""Covariate of the length of a term, which is always in where there are several."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One law of the time, fitted."""

    family: str
    log_likelihood: float
    aic: float


@dataclass(frozen=True, slots=True)
class Accelerated:
    """The best of the laws, by AIC."""

    effects: tuple[Effect, ...]
    """Ratios of times: above 1 they stay longer."""
    references: tuple[Term, ...]
    candidates: tuple[Candidate, ...]
    """Best AIC first; those that could not be fitted are not here."""
    n: int
    n_customers: int
    n_left: int
    left_out: tuple[LeftOut, ...]


def accelerated(rows: pl.DataFrame, covariates: Sequence[str], *, is_asked: bool) -> Accelerated:
    """Fit Weibull, log-normal and log-logistic times to the rows of `tables.drivers.watched`.

    Equal rows count as one with a weight. ModelError where no law can be fitted, or where the
    design cannot be made.
    """
    ready = Ready(rows, covariates, is_asked=is_asked)
    of = _with_terms(ready)
    cells, weight = np.unique(
        np.column_stack([ready.entry, ready.exit, ready.left, of.matrix]),
        axis=0,
        return_counts=True,
    )
    found: list[tuple[Candidate, Floats, Floats]] = []
    for family in FAMILIES:
        fitted = fitted_law(family, cells, weight)
        if fitted is not None:
            found.append(fitted)
    if not found:
        raise ModelError(
            "No law of the time to leaving could be fitted to these covariates.",
            hint="Leave some out with --covariates, or take --model cox.",
        )
    found.sort(key=lambda one: one[0].aic)
    _, logs, errors = found[0]
    return Accelerated(
        effects=effects(of, logs, errors),
        references=of.references,
        candidates=tuple(one for one, _, _ in found),
        n=len(ready.exit),
        n_customers=len(np.unique(ready.customer)),
        n_left=int(ready.left.sum()),
        left_out=of.left_out,
    )


def _with_terms(ready: Ready) -> Design:
    """Return the design with a column for each length of term but the most common."""
    lengths, n = np.unique(ready.stratum, return_counts=True)
    common = int(lengths[n.argmax()])
    others = [number for number in lengths.tolist() if number != common]
    of = ready.design
    if not others:
        return of
    columns = [(ready.stratum == number).astype(np.float64) for number in others]

    def term(number: int) -> Term:
        at = ready.stratum == number
        level, against = str(int(ready.terms[number])), str(int(ready.terms[common]))
        return Term(TERM, level, against, int(at.sum()), int(ready.left[at].sum()))

    return replace(
        of,
        matrix=np.column_stack([of.matrix, *columns]),
        terms=(*of.terms, *(term(number) for number in others)),
        references=(*of.references, term(common)),
    )


def fitted_law(
    family: str, cells: Floats, weight: NDArray[np.int64]
) -> tuple[Candidate, Floats, Floats] | None:
    """Return a law with its coefficients and their errors; null where the search finds no top.

    `cells` are entry and exit in ticks, whether they left, and covariates, each `weight` times.
    """
    import lifelines  # three seconds that only this model needs
    from lifelines.exceptions import ConvergenceError

    laws: dict[str, Any] = {
        "weibull": lifelines.WeibullAFTFitter,
        "log_normal": lifelines.LogNormalAFTFitter,
        "log_logistic": lifelines.LogLogisticAFTFitter,
    }
    names = [f"x{number}" for number in range(cells.shape[1] - 3)]
    columns = dict(zip(("entry", "exit", "left", *names), cells.T, strict=True))
    columns["entry"], columns["exit"] = cells[:, 0] / TICKS_PER_MONTH, cells[:, 1] / TICKS_PER_MONTH
    table = pl.DataFrame({**columns, "weight": weight}).to_pandas()
    try:
        with warnings.catch_warnings():
            # It remarks on small variances and on steps of its search; the end is judged below.
            warnings.simplefilter("ignore")
            law = laws[family]().fit(table, "exit", "left", entry_col="entry", weights_col="weight")
            errors = law.standard_errors_[FAMILIES[family]][names].to_numpy()
    except (ConvergenceError, ValueError, np.linalg.LinAlgError):
        return None
    logs = law.params_[FAMILIES[family]][names].to_numpy()
    score = float(law.log_likelihood_)
    if not (np.isfinite(logs).all() and np.isfinite(errors).all() and isfinite(score)):
        return None
    n_params = len(law.params_)
    return Candidate(family, score, 2.0 * n_params - 2.0 * score), logs, errors
