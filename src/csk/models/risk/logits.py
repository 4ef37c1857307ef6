"""The logit of leaving within a horizon as a function of linear predictors, and its slopes.

One rule: what moves the chance within a horizon is read off its derivative, so intervals and
reasons are of the very number that is shown, calibrated and over all causes.
"""

from typing import NamedTuple

import numpy as np

from csk.models.risk.calibrating import Calibration
from csk.models.risk.stacked import Floats

_LEAST = 1e-30


class Horizon(NamedTuple):
    """Which bins count, and how linear predictors are calibrated."""

    within: Floats
    """(bins,) share of each bin that lies within the horizon."""
    calibration: Calibration


def logits(eta: Floats, of: Horizon) -> Floats:
    """Return (n,) logits of the chance to leave, of (causes, bins, n) linear predictors."""
    return _logits(_calibrated(eta, of.calibration)[0], of)


def slopes(eta: Floats, of: Horizon) -> Floats:
    """Return (causes, bins, n) derivatives of `logits`; in the precision of `eta`."""
    whole, share = _calibrated(eta, of.calibration)
    small = np.exp(-np.abs(whole))
    chance = np.where(whole >= 0.0, 1.0, small) / (1.0 + small)
    stay = np.maximum(whole, 0.0) + np.log1p(small)
    within = of.within.astype(eta.dtype)
    leaves = -np.expm1(-np.tensordot(within, stay, 1))
    factor = chance * (within * of.calibration.slope)[:, None]
    factor /= np.maximum(leaves, _LEAST)
    return np.asarray(share * factor)


def _calibrated(eta: Floats, by: Calibration) -> tuple[Floats, Floats]:
    """Return (bins, n) calibrated logits of all causes, and each cause's share of the odds."""
    # Of the first bins alone where those beyond a horizon were left out.
    added = by.intercepts.astype(eta.dtype)[: eta.shape[1], None]
    if len(eta) == 1:
        return added + by.slope * eta[0], np.ones_like(eta)
    most = eta.max(axis=0)
    odds = np.exp(eta - most)
    total = odds.sum(axis=0)
    odds /= total
    return added + by.slope * (most + np.log(total)), odds


def _logits(whole: Floats, of: Horizon) -> Floats:
    stay = np.maximum(whole, 0.0) + np.log1p(np.exp(-np.abs(whole)))
    hazard = np.maximum(np.tensordot(of.within, stay, 1), _LEAST)
    # log(expm1(h)), which overflows where staying is out of the question.
    return np.asarray(hazard + np.log(-np.expm1(-hazard)))
