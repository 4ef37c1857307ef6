"""Slopes of the logit of leaving are its derivatives."""

import numpy as np
import pytest

from csk.models.risk import curve
from csk.models.risk.calibrating import IDENTITY, Calibration, calibrated
from csk.models.risk.logits import Horizon, logits, slopes

WITHIN = np.array([1.0, 1.0, 0.4])


@pytest.mark.parametrize("causes", [1, 2, 3])
@pytest.mark.parametrize("by", [IDENTITY, Calibration(0.3, 0.8, 99)])
def test_the_logit_is_that_of_the_calibrated_curve(causes, by):
    eta = np.random.default_rng(1).normal(-2.0, 1.5, (causes, 3, 6))
    odds = np.exp(eta)
    hazards = calibrated((odds / (1.0 + odds.sum(axis=0))).transpose(2, 1, 0), by)
    p = curve.p_churn(hazards, (10, 20, 45), 30)
    assert logits(eta, Horizon(WITHIN, by)) == pytest.approx(np.log(p / (1 - p)), abs=1e-9)


@pytest.mark.parametrize("causes", [1, 2])
def test_slopes_are_derivatives(causes):
    of = Horizon(WITHIN, Calibration(0.3, 0.8, 99))
    eta = np.random.default_rng(2).normal(-2.0, 1.5, (causes, 3, 5))
    found = slopes(eta, of)
    for place in np.ndindex(causes, 3):
        step = np.zeros((causes, 3, 1))
        step[place] = 1e-5
        moved = (logits(eta + step, of) - logits(eta - step, of)) / 2e-5
        assert found[place] == pytest.approx(moved, abs=1e-8)


@pytest.mark.parametrize("level", [-200.0, -60.0, 40.0, 300.0])
def test_what_is_all_but_certain_stays_a_number(level):
    eta = np.full((2, 3, 1), level)
    of = Horizon(WITHIN, IDENTITY)
    assert np.isfinite(logits(eta, of)).all()
    assert np.isfinite(slopes(eta, of)).all()
