"""What a validation of churn risk found: figures by origin, reliability, findings.

One rule: frozen figures and keys of words; whoever shows them reckons nothing.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["sound", "no_better_than_chance", "not_validated"]

GLASS, TREES, CURVES = "glass", "trees", "curves"
"""Kinds of models that are held against each other; curves know plan and age alone."""


@dataclass(frozen=True, slots=True)
class OriginScore:
    """How a model foretold who would leave within `days` of an origin; NaN where it cannot tell."""

    model: str
    origin_on: date
    days: int
    n: int
    n_events: int
    base_rate: float
    auc: float
    auc_se: float
    average_precision: float
    log_loss: float
    brier: float
    brier_skill: float
    """Share of the base rate's Brier score that it takes away."""
    lift_1: float
    lift_5: float
    lift_10: float
    intercept: float
    """Of the calibration: 0 where the level is right."""
    slope: float
    """Of the calibration: 1 where the spread is right."""
    ece: float
    integrated_brier: float
    """Mean of the Brier scores over the days up to `days`, by inverse probability of censoring."""
    uno_c: float
    """How often who left earlier, within `days`, had the higher chance (Uno's C)."""
    age_days: int
    """From the last label that the model was fitted on to the origin."""


@dataclass(frozen=True, slots=True)
class AgeScore:
    """How models foretold at an age, of all origins together; NaN where it cannot be told."""

    days: int
    """The horizon."""
    since_fit_days: int
    """From the day before which the model was fitted to the one it foretold from."""
    n_landmarks: int
    n: int
    """Customers, those among them who were not watched for the whole horizon."""
    n_events: int
    auc: float
    """As the log-loss and the slope, of those who were watched for the whole horizon."""
    auc_se: float
    log_loss: float
    slope: float
    ipcw_brier: float
    """At the horizon, by inverse probability of censoring."""
    uno_c: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Customers of like chances, and how many of them left."""

    n: int
    n_events: int
    mean_p: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found of a column: the check is a key of words."""

    check: str
    column: str
    value: float
    is_fatal: bool


@dataclass(frozen=True, slots=True)
class Validation:
    """What is known of how good the chances are."""

    main_days: int
    """The horizon that models are chosen by."""
    chosen: str
    rows: tuple[OriginScore, ...]
    """By origin, model and horizon."""
    reliability: tuple[ReliabilityBin, ...]
    """Of the chosen model at the main horizon, all origins together."""
    ages: tuple[AgeScore, ...]
    """Of the chosen model, by horizon and how long ago it was fitted."""
    findings: tuple[Finding, ...]
    n_origins_wanted: int
    is_overlapping: bool
    """Whether the outcomes of two origins share days."""
    verdict: Verdict
    best_share: float
    """Share of customers whom to contact earns most, the riskiest first; NaN where not known."""
    profit: float
    """What that earns of each customer, contacted or not (MPC), major units; NaN likewise."""

    @property
    def origins(self) -> tuple[date, ...]:
        """Return the days from which was foretold, in order."""
        return tuple(sorted({row.origin_on for row in self.rows}))

    def pooled(self, model: str, days: int) -> OriginScore | None:
        """Return the figures of a model of all origins together; null where it has none."""
        found = [row for row in self.rows if row.model == model and row.days == days]
        return found[0] if len(found) == 1 else _pooled(found)


def _pooled(rows: list[OriginScore]) -> OriginScore | None:
    """Return means over origins, weighted by their events; null where there is none."""
    weight = sum(row.n_events for row in rows)
    if not rows or not weight:
        return None

    def mean(name: str) -> float:
        return float(sum(getattr(row, name) * row.n_events for row in rows) / weight)

    means = {name: mean(name) for name in _MEANS}
    return OriginScore(
        model=rows[0].model,
        origin_on=max(row.origin_on for row in rows),
        days=rows[0].days,
        n=sum(row.n for row in rows),
        n_events=weight,
        base_rate=weight / sum(row.n for row in rows),
        auc_se=sum((row.auc_se * row.n_events / weight) ** 2 for row in rows) ** 0.5,
        age_days=round(mean("age_days")),
        **means,
    )


_MEANS = (
    "auc",
    "average_precision",
    "log_loss",
    "brier",
    "brier_skill",
    "lift_1",
    "lift_5",
    "lift_10",
    "intercept",
    "slope",
    "ece",
    "integrated_brier",
    "uno_c",
)
