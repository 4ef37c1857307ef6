"""Cumulative hazards from counts: what has piled up of leaving by each age.

One rule: like the survival curves, only those watched just before an age are at risk at it, so
late entry needs nothing more.
"""

from typing import NamedTuple

import numpy as np

from csk.stats.survival import Counts, Floats, Ints, at_risk


class CumulativeHazard(NamedTuple):
    """A right-continuous step function from 0; the first row is where it starts."""

    age: Ints
    at_risk: Ints
    events: Ints
    hazard: Floats
    std_error: Floats
    low: Floats
    high: Floats


def nelson_aalen(of: Counts, level: float = 0.95, from_age: int = 0) -> CumulativeHazard:
    """Estimate the cumulative hazard past `from_age`, over all causes: the sum of d / n.

    Nelson (1969), Aalen (1978, variance: the sum of d / n^2); intervals on the log scale, both
    ends 0 where nobody has left yet.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - reports that draw none stay cheap

    later = of.age > from_age
    n, d = at_risk(of)[later], of.left.sum(axis=1)[later]
    safe = np.maximum(n, 1).astype(np.float64)
    hazard = np.r_[0.0, np.cumsum(d / safe)]
    error = np.r_[0.0, np.sqrt(np.cumsum(d / safe**2))]
    piled = hazard > 0.0
    reach = float(ndtri(0.5 + level / 2.0)) * error / np.where(piled, hazard, 1.0)
    started = of.entered[~later].sum() - of.left[~later].sum() - of.censored[~later].sum()
    return CumulativeHazard(
        np.concatenate([np.array([from_age], np.int64), of.age[later]]),
        np.r_[np.int64(started), n],
        np.r_[np.int64(0), d],
        hazard,
        error,
        hazard * np.exp(-reach),
        hazard * np.exp(reach),
    )
