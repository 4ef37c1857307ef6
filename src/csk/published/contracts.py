"""Contracts that are kept or left once a period: tails, and what the payments to come are worth.

One rule: curves are counted in 1,000 customers, as the papers do.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np

from csk.published import Computed, Floats, numbers
from csk.stats.tails import (
    TailFit,
    discounted_lifetime,
    discounted_residual_lifetime,
    fit,
    hazards,
)

_YEARS: Final = 12
_DISCOUNT: Final = 0.1
_ROUNDED: Final = (0.764, 1.296)
"""The two parameters on four renewals, as the paper of 2010 rounds them."""


def _tail(family: str, case: str, periods: int = 7) -> Mapping[str, float]:
    fitted = _fitted(family, case, periods)
    return {
        **dict(zip("abc", fitted.params, strict=False)),
        "log_likelihood": fitted.log_likelihood,
        "gradient": fitted.gradient_norm,
        "S(12)": _survival(fitted),
    }


@cache
def _fitted(family: str, case: str, periods: int) -> TailFit:
    alive = _alive(case)[: periods + 1]
    return fit(family, alive[:-1], -np.diff(alive))


def _alive(case: str) -> Floats:
    return np.round(10.0 * np.array(numbers("contracts")[case], np.float64))


def _survival(fitted: TailFit) -> float:
    return float(np.prod(1.0 - hazards(fitted, _YEARS)))


def _constant_rate() -> Mapping[str, float]:
    """Return how far a constant churn rate misses those who are there after twelve years."""
    actual = float(_alive("regular")[_YEARS]) / 1000.0
    return {"missed_at_12": _survival(_fitted("geometric", "regular", 7)) / actual - 1.0}


def _cohorts() -> Mapping[str, float]:
    alive = np.array(numbers("contracts")["cohorts"], np.float64)
    n_cohorts = np.arange(len(alive) - 1, 0, -1)
    fitted = fit("sbg", alive[:-1] * n_cohorts, -np.diff(alive) * n_cohorts)
    return dict(zip("ab", fitted.params, strict=True))


def _payments() -> Mapping[str, float]:
    """Return what payments of 100 to come are worth, after so many that were made."""
    after = {n: 100.0 * discounted_residual_lifetime(*_ROUNDED, _DISCOUNT, n) for n in (1, 2, 5)}
    return {
        **{f"after_{n}": value for n, value in after.items()},
        "new_customer": discounted_lifetime(*_ROUNDED, _DISCOUNT),
    }


def _lifetimes() -> Mapping[str, float]:
    cases = ("regular", "high_end")
    params = {case: _fitted("sbg", case, 7).params[:2] for case in cases}
    return {case: discounted_lifetime(a, b, _DISCOUNT) for case, (a, b) in params.items()}


COMPUTED: Final[Computed] = {
    "regular_sbg": lambda: _tail("sbg", "regular"),
    "high_end_sbg": lambda: _tail("sbg", "high_end"),
    "regular_geometric": _constant_rate,
    "multi_cohort": _cohorts,
    "regular_sbg_4": lambda: _tail("sbg", "regular", 4),
    "value_of_payments": _payments,
    "discounted_lifetime": _lifetimes,
    "regular_bdw": lambda: _tail("bdw", "regular"),
    "high_end_bdw": lambda: _tail("bdw", "high_end"),
    "high_end_bdw_4": lambda: _tail("bdw", "high_end", 4),
}
