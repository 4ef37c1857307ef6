"""Chances that were too high or too low, put right on what happened later.

One rule: calibration moves the hazards of leaving by any cause, and not the chances within a
horizon: so there is still one curve, and causes keep their shares. `logit' = m + a + b (logit - m)`
with m the level of the bin: what the near bins, which alone have matured, tell of the spread
between customers must not lift or lower those further ahead.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from csk.models.risk.stacked import Floats, Stacked
from csk.stats import logistic

FEWEST_EVENTS: Final = 50
"""Ends in the slice below which chances stay as they are."""
_LEAST, _MOST = 1e-12, 1.0 - 1e-12
_PRIOR: Final = 0.15
"""Standard deviation, expected before the slice is seen, of the intercept and of the slope around
1: a fit on a long log seldom is off by more, and few ends of one slice tell little of it."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is added to the linear predictor of hazards, and what stretches it around a level."""

    intercept: float
    slope: float
    n_events: int
    """Stacked rows of the slice in which somebody left."""
    std_errors: tuple[float, float] = (0.0, 0.0)
    centres: tuple[float, ...] = ()
    """Level of each bin: where the slope turns the line; 0 for all where there is none."""

    @property
    def is_identity(self) -> bool:
        """Return whether hazards stay as they are."""
        return self.intercept == 0.0 and self.slope == 1.0

    @property
    def intercepts(self) -> Floats:
        """Return what is added after the slope has stretched: (bins,), or (1,) for all alike."""
        return np.asarray(self.intercept + (1.0 - self.slope) * np.array(self.centres or (0.0,)))


IDENTITY: Final = Calibration(0.0, 1.0, 0)


def log_odds(hazards: Floats) -> Floats:
    """Return logits of leaving by any cause, of (..., causes) hazards."""
    total = np.clip(hazards.sum(axis=-1), _LEAST, _MOST)
    return np.asarray(np.log(total) - np.log1p(-total))


def calibration(hazards: Floats, rows: Stacked) -> Calibration:
    """Fit intercept and slope to what came of the stacked rows of a later slice.

    `hazards` are (n, bins, causes) of the panel that `rows` are of. The identity below
    `FEWEST_EVENTS` ends, where all left, or where higher hazards did not go with leaving.
    """
    gone = rows.cause > 0
    n_events = int(gone.sum())
    if n_events < FEWEST_EVENTS or gone.all():
        return Calibration(0.0, 1.0, n_events)
    centres = _levels(hazards)
    eta = log_odds(hazards)[rows.at, rows.lead]
    of = logistic.outcomes(gone.astype(np.float64), rows.weight, eta)
    table = logistic.Dense(np.stack([np.ones(len(eta)), eta - centres[rows.lead]], axis=1))
    found = logistic.fit(table, of, np.full(2, _PRIOR**-2))
    moved, steeper = (float(x) for x in found.coefficients)
    if steeper <= -1.0:
        return Calibration(0.0, 1.0, n_events)
    scores = logistic.scores(table, of, found, rows.at, int(rows.at.max()) + 1)
    covariance = logistic.robust_covariance(logistic.influence(found, scores))
    spread = np.sqrt(np.diag(covariance))
    return Calibration(
        intercept=moved,
        slope=1.0 + steeper,
        n_events=n_events,
        std_errors=(float(spread[0]), float(spread[1])),
        centres=tuple(float(x) for x in centres),
    )


def _levels(hazards: Floats) -> Floats:
    """Return (bins,) the mean linear predictor of who is foretold to leave in each bin."""
    total = np.clip(hazards.sum(axis=-1), _LEAST, _MOST)
    return np.asarray((total * log_odds(hazards)).sum(axis=0) / total.sum(axis=0))


def calibrated(hazards: Floats, by: Calibration) -> Floats:
    """Return hazards with their odds calibrated; causes keep their shares."""
    if by.is_identity:
        return hazards
    total = np.clip(hazards.sum(axis=-1), _LEAST, _MOST)
    moved = logistic.chance(by.intercepts + by.slope * (np.log(total) - np.log1p(-total)))
    return np.asarray(hazards * (moved / total)[..., None])
