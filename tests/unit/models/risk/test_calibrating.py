"""Intercept and slope of hazards, found on rows that are known to be off by them."""

import numpy as np
import pytest

from csk.models.risk.calibrating import (
    IDENTITY,
    Calibration,
    calibrated,
    calibration,
    log_odds,
)
from csk.models.risk.stacked import Stacked


def slice_of(n=40_000, intercept=0.4, slope=0.7, seed=0):
    rng = np.random.default_rng(seed)
    eta = rng.normal(-3.0, 1.0, (n, 2))
    share = np.array([0.75, 0.25])
    hazards = (1.0 / (1.0 + np.exp(-eta)))[:, :, None] * share
    at, lead = np.repeat(np.arange(n), 2), np.tile([0, 1], n)
    left = rng.random((n, 2)) < 1.0 / (1.0 + np.exp(-(intercept + slope * eta)))
    cause = np.where(left.ravel(), rng.integers(1, 3, 2 * n), 0)
    rows = Stacked(at, lead, cause, np.zeros(2 * n, int), np.ones(2 * n))
    return hazards, rows


def test_what_was_off_is_found_within_its_standard_errors():
    hazards, rows = slice_of()
    found = calibration(hazards, rows)
    for value, error, truth in zip(
        (found.intercepts.mean(), found.slope), found.std_errors, (0.4, 0.7), strict=True
    ):
        assert abs(value - truth) < 4.0 * error < 0.15


def test_few_ends_move_chances_less_than_many():
    few, many = (calibration(*slice_of(n=n)) for n in (250, 40_000))
    assert 50 <= few.n_events < 120
    assert abs(few.intercept) < abs(many.intercept)
    assert few.slope > many.slope


def test_the_spread_of_near_bins_does_not_lift_far_ones():
    hazards, rows = slice_of(intercept=0.86, slope=1.4)
    far = 1.0 / (1.0 + np.exp(-2.5 - log_odds(hazards)[:, :1]))
    hazards = np.concatenate([hazards, far[..., None] * np.array([0.75, 0.25])], axis=1)
    found = calibration(hazards, rows)
    assert found.slope == pytest.approx(1.4, abs=0.05)
    moved = np.average(log_odds(calibrated(hazards, found))[:, 2], weights=hazards[:, 2].sum(1))
    level = np.average(log_odds(hazards)[:, 2], weights=hazards[:, 2].sum(1))
    assert moved - level == pytest.approx(found.intercept, abs=1e-9)
    assert abs(found.intercept) < 0.05


def test_calibrated_hazards_have_the_observed_level_and_each_cause_its_share():
    hazards, rows = slice_of()
    found = calibrated(hazards, calibration(hazards, rows))
    mean = found.sum(axis=2)[rows.at, rows.lead].mean()
    assert mean == pytest.approx((rows.cause > 0).mean(), rel=5e-3)
    assert found[..., 0] == pytest.approx(3.0 * found[..., 1])


def test_few_ends_change_nothing():
    hazards, rows = slice_of(n=150, intercept=0.0)
    found = calibration(hazards, rows)
    assert 0 < found.n_events < 50
    assert found.is_identity
    assert calibrated(hazards, found) is hazards


def test_hazards_that_point_the_other_way_are_not_turned_round():
    hazards, rows = slice_of(slope=-1.0, intercept=-6.0)
    assert calibration(hazards, rows).is_identity


def test_odds_move_by_intercept_and_slope():
    hazards = np.array([[[0.1, 0.1]]])
    found = calibrated(hazards, Calibration(0.5, 2.0, 99))
    assert log_odds(found)[0, 0] == pytest.approx(0.5 + 2.0 * np.log(0.25))
    assert IDENTITY.is_identity
