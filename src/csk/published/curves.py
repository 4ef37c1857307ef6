"""Survival curves of published groups, from counts by age.

One rule: every curve is Kaplan and Meier's from age 0, with log-log intervals.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from csk.published import Computed, numbers
from csk.stats.logrank import log_rank
from csk.stats.survival import (
    Counts,
    Ints,
    SurvivalCurve,
    counts,
    kaplan_meier,
    median,
    merged,
    survival_at,
)

_MONTHS: Final = (12, 24, 48, 72)
_WEEKS: Final = (6, 7, 10, 13, 16, 22, 23)


def _group(name: str) -> Counts:
    """Return the counts of rows (age, left, stayed)."""
    age, left, stayed = np.array(numbers("curves")[name]).T
    return _counts(age, left, stayed)


def _telco(name: str) -> Counts:
    of = numbers("curves")
    left, stayed = np.array(of[f"telco_{name}_left"]), np.array(of[f"telco_{name}_stay"])
    return _counts(np.arange(len(left)), left, stayed)


def _counts(age: Ints, left: Ints, stayed: Ints) -> Counts:
    gone = np.repeat([1, 0], len(age))
    weight = np.r_[left, stayed]
    some = weight > 0
    ages = np.r_[age, age][some]
    return counts(np.zeros(len(ages)), ages, gone[some], weight[some], n_causes=1)


def _middle(curve: SurvivalCurve) -> Mapping[str, float]:
    of = median(curve)
    return {"median": of.value, "low(median)": of.low, "high(median)": of.high}


def _survivors(curve: SurvivalCurve, ages: tuple[int, ...]) -> Mapping[str, float]:
    found = survival_at(curve, ages)
    return {f"S({age})": float(value) for age, value in zip(ages, found, strict=True)}


def _waltons() -> Mapping[str, float]:
    groups = [_group("waltons_control"), _group("waltons_mir137")]
    flies = merged(*groups)
    return {
        "n": float(flies.entered.sum()),
        "events": float(flies.left.sum()),
        **_middle(kaplan_meier(flies)),
        "logrank": log_rank(groups).statistic,
    }


def _remission() -> Mapping[str, float]:
    groups = [_group("remission_6mp"), _group("remission_placebo")]
    curve = kaplan_meier(groups[0])
    errors = dict(zip(curve.age.tolist(), curve.std_error.tolist(), strict=True))
    return {
        **_survivors(curve, _WEEKS),
        **{f"se(S({week}))": errors[week] for week in (_WEEKS[0], _WEEKS[-1])},
        "logrank": log_rank(groups).statistic,
    }


def _telco_all() -> Mapping[str, float]:
    return _survivors(kaplan_meier(merged(_telco("monthly"), _telco("longer"))), _MONTHS)


def _telco_monthly() -> Mapping[str, float]:
    curve = kaplan_meier(_telco("monthly"))
    return {**_middle(curve), **_survivors(curve, _MONTHS[:1])}


COMPUTED: Final[Computed] = {
    "waltons": _waltons,
    "waltons_control": lambda: _middle(kaplan_meier(_group("waltons_control"))),
    "waltons_mir137": lambda: _middle(kaplan_meier(_group("waltons_mir137"))),
    "remission": _remission,
    "telco": _telco_all,
    "telco_monthly": _telco_monthly,
}
