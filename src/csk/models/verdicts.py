"""What models foretold beside what came: the verdict on each, at an origin and over all.

One rule: a verdict knows no tables and no files; whoever foretells is judged alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isfinite
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csk.models.foretelling import Foretold, Known
from csk.models.tracking import Tracking, tracking
from csk.stats import holdout

DEFAULT: Final = "default"
DECISIVE: Final = ("money_rmse", "purchases_rmse")
"""Errors by which models are ranked: squared ones, because what is foretold is a mean."""
MEASURES: Final = (
    *("money_mae", "money_rmse", "money_bias"),
    *("purchases_mae", "purchases_rmse", "purchases_bias"),
    *("gini", "top_share"),
)
TOP: Final = 0.1


Floats = NDArray[np.float64]


class Bounds(NamedTuple):
    """Bounds of a sum of all customers, and whether what came lay within."""

    low: float
    high: float
    is_inside: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One model at one origin; money in counts of 1/10,000."""

    model: str
    money: holdout.Errors
    purchases: holdout.Errors
    gini: float
    top_share: float
    """Share of the money brought by the tenth of customers of whom most was foretold."""
    deciles: tuple[holdout.Slice, ...]
    zero: holdout.ZeroClass | None
    covered: holdout.Coverage | None
    """Of each customer's purchases, by its 95 % predictive interval."""
    total: Bounds | None
    """Of all revenue, for what is not known of the parameters."""
    total_with_chance: Bounds | None
    revenue: Tracking
    number: Tracking

    def measure(self, name: str) -> float:
        """Return one of `MEASURES`."""
        return measure(self, name)


@dataclass(frozen=True, slots=True)
class Origin:
    """A day in the past from which the models looked ahead."""

    on: date
    end: date
    n: int
    """Customers known on that day."""
    best_top_share: float
    """The share that the tenth who then brought most did bring."""
    models: tuple[Judged, ...]

    def judged(self, name: str) -> Judged:
        """Return how a model did; the default spoke at every origin."""
        return next(one for one in self.models if one.model == name)


@dataclass(frozen=True, slots=True)
class Standing:
    """One model over all origins, every customer of each counting once."""

    model: str
    money: holdout.Errors
    purchases: holdout.Errors
    gini: float
    top_share: float
    deciles: tuple[holdout.Slice, ...]
    zero: holdout.ZeroClass | None
    covered: holdout.Coverage | None
    excess: float
    """Mean over `DECISIVE` of the error above that of the best; 0 = best in all."""

    def measure(self, name: str) -> float:
        """Return one of `MEASURES`."""
        return measure(self, name)


class Came(NamedTuple):
    """What came in a hold-out, by customer and by step."""

    money: Floats
    purchases: Floats
    is_none: NDArray[np.bool_]
    revenue_steps: tuple[float, ...]
    number_steps: tuple[float, ...]


def measure(of: Judged | Standing, name: str) -> float:
    """Return a measure by name: errors and bias as they are, order as a share."""
    if name in ("gini", "top_share"):
        return of.gini if name == "gini" else of.top_share
    what, _, error = name.partition("_")
    errors = of.money if what == "money" else of.purchases
    return {"mae": errors.mae, "rmse": errors.rmse, "bias": errors.bias}[error]


def judged(name: str, of: Foretold, known: Known, came: Came, margin: Floats) -> Judged:
    """Hold what a model foretold against what came; `margin` is the share of each customer."""
    predicted, whole = of.revenue * margin, sum(came.revenue_steps)
    covered = None
    if of.low is not None and of.high is not None:
        covered = holdout.coverage(of.low, of.high, came.purchases)
    return Judged(
        model=name,
        money=holdout.errors(predicted, came.money),
        purchases=holdout.errors(of.purchases, came.purchases),
        gini=holdout.gini(predicted, came.money),
        top_share=float(holdout.gains(predicted, came.money, [TOP])[0]),
        deciles=holdout.slices(predicted, came.money),
        zero=None if of.p_none is None else holdout.zero_class(of.p_none, came.is_none),
        covered=covered,
        total=_bounds(of.total, whole),
        total_with_chance=_bounds(of.total_with_chance, whole),
        revenue=tracking(known.ends, of.revenue_by_step.tolist(), came.revenue_steps),
        number=tracking(known.ends, of.purchases_by_step.tolist(), came.number_steps),
    )


def _bounds(of: tuple[float, float] | None, came: float) -> Bounds | None:
    return None if of is None else Bounds(*of, of[0] <= came <= of[1])


def standings(origins: Sequence[Origin]) -> tuple[Standing, ...]:
    """Return the models that spoke at every origin, by their errors."""
    names = [one.model for one in origins[0].models]
    told = {
        name: [one for origin in origins for one in origin.models if one.model == name]
        for name in names
    }
    found = [_standing(name, parts) for name, parts in told.items() if len(parts) == len(origins)]
    least = {name: min(one.measure(name) for one in found) for name in DECISIVE}

    def excess(one: Standing) -> float:
        above = [one.measure(name) / value - 1 for name, value in least.items() if value > 0]
        return sum(above) / len(above) if above else 0.0

    ranked = [replace(one, excess=excess(one)) for one in found]
    return tuple(sorted(ranked, key=lambda one: one.excess))


def _standing(name: str, parts: Sequence[Judged]) -> Standing:
    zeros = [one.zero for one in parts if one.zero is not None]
    slices = [one.deciles for one in parts if one.deciles]
    return Standing(
        model=name,
        money=holdout.merged(tuple(one.money for one in parts)),
        purchases=holdout.merged(tuple(one.purchases for one in parts)),
        gini=float(np.mean([one.gini for one in parts])),
        top_share=float(np.mean([one.top_share for one in parts])),
        deciles=tuple(
            holdout.Slice(*np.mean(tenth, axis=0).tolist()) for tenth in zip(*slices, strict=True)
        ),
        zero=holdout.ZeroClass(*(sum(v) for v in zip(*zeros, strict=True))) if zeros else None,
        covered=holdout.covered_together([one.covered for one in parts if one.covered is not None]),
        excess=0.0,
    )


def winner(of: Sequence[Standing], name: str) -> str:
    """Return the best model by a measure; of equals the one with the smaller errors."""
    sign = -1.0 if name in ("gini", "top_share") else 1.0

    def worse(one: Standing) -> float:
        value = one.measure(name)
        distance = abs(value) if name.endswith("bias") else sign * value
        return distance if isfinite(distance) else float("inf")

    return min(of, key=worse).model
