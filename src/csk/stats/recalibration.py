"""Chances put right by what came: a sigmoid, or a rising step curve where events are many.

One rule: the order of customers is kept; what is put right is how large their chances are.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from csk.errors import ModelError, UsageError
from csk.stats.blocks import Floats, both_classes, chances
from csk.stats.calibration import fitted, logits

ENOUGH_EVENTS: Final = 1_000
"""Above so many events a free curve is taken; below, it would follow noise."""


class Sigmoid(NamedTuple):
    """logit of the chance put right = intercept + slope * logit of the chance."""

    intercept: float
    slope: float


class Isotonic(NamedTuple):
    """A curve that never falls, straight between its knots and level outside them."""

    p: Floats
    """(k,) chances, ascending."""
    value: Floats
    """(k,) chances put right."""


def sigmoid(p: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> Sigmoid:
    """Return the logistic recalibration of chances. Platt (1999), on the logit; Cox (1958).

    Refused: what `calibration` refuses, and a slope that would turn the order around.
    """
    (intercept, slope), _ = fitted(chances(p, event, weight))
    if slope <= 0:
        raise ModelError(
            f"Higher chances went with fewer events (slope {slope:.2f}): there is nothing to "
            "calibrate."
        )
    return Sigmoid(float(intercept), float(slope))


def isotonic(p: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> Isotonic:
    """Return the rising curve nearest to what came: pool adjacent violators, weighted.

    Zadrozny and Elkan (2002). Knots are both ends of each pooled block. Needs both classes.
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - slow, and seldom asked for

    of = both_classes(chances(p, event, weight))
    n = of.events + of.others
    found = isotonic_regression(of.events / n, weights=n)
    value = np.asarray(found.x, np.float64)
    first = np.asarray(found.blocks[:-1])
    knots = np.unique(np.r_[first, np.asarray(found.blocks[1:]) - 1])
    return Isotonic(of.score[knots], np.clip(value[knots], 0.0, 1.0))


def recalibration(
    p: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    enough: float = ENOUGH_EVENTS,
) -> Sigmoid | Isotonic:
    """Return the isotonic curve above `enough` events, otherwise the sigmoid."""
    if chances(p, event, weight).n_events > enough:
        return isotonic(p, event, weight)
    return sigmoid(p, event, weight)


def recalibrated(by: Sigmoid | Isotonic, p: ArrayLike) -> Floats:
    """Return chances put right, of the shape of `p`."""
    of = np.asarray(p, np.float64)
    if not ((of >= 0.0) & (of <= 1.0)).all():
        raise UsageError("Chances must lie between 0 and 1.")
    if isinstance(by, Sigmoid):
        return np.asarray(expit(by.intercept + by.slope * logits(of)))
    return np.asarray(np.interp(of, by.p, by.value))
