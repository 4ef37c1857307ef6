"""Laws of a time that runs on: their hazards, slopes and fits to counts with late entry."""

import numpy as np
import pytest
from scipy.special import ndtr

from csk.stats import tails
from csk.stats.continuous import CONTINUOUS

POINTS = {
    "pareto": [(1.2, 8.0), (0.3, 0.5), (50.0, 900.0)],
    "log_normal": [(14.0, 1.1), (2.0, 0.4), (300.0, 2.5)],
    "log_logistic": [(14.0, 1.3), (2.0, 3.0), (300.0, 0.6)],
}
SURVIVAL = {
    "pareto": lambda t, shape, scale: (1.0 + t / scale) ** -shape,
    "log_normal": lambda t, middle, sigma: 1.0 - ndtr(np.log(t / middle) / sigma),
    "log_logistic": lambda t, middle, shape: 1.0 / (1.0 + (t / middle) ** shape),
}
EVERY = [(family, point) for family, points in POINTS.items() for point in points]
T = np.arange(1.0, 41.0)


@pytest.mark.parametrize(("family", "point"), EVERY)
def test_hazards_multiply_to_the_survival_of_the_law(family, point):
    log_params = np.log(np.array(point))
    survival = np.exp(-np.cumsum(CONTINUOUS[family].hazard(log_params, T)))
    assert survival == pytest.approx(SURVIVAL[family](T, *point), rel=1e-9)


@pytest.mark.parametrize(("family", "point"), EVERY)
def test_slopes_are_those_of_the_hazards(family, point):
    model, here, step = CONTINUOUS[family], np.log(np.array(point)), 1e-6
    slopes = model.slopes(here, T)
    for place in range(2):
        move = step * np.eye(2)[place]
        rise = (model.hazard(here + move, T) - model.hazard(here - move, T)) / (2 * step)
        assert slopes[:, place] == pytest.approx(rise, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("family", CONTINUOUS)
def test_hazards_of_many_parameters_are_those_of_each(family):
    many = np.log(np.array(POINTS[family]))
    together = CONTINUOUS[family].hazard(many, T)
    alone = [CONTINUOUS[family].hazard(one, T) for one in many]
    assert together == pytest.approx(np.stack(alone))


@pytest.mark.parametrize("family", CONTINUOUS)
def test_parameters_are_found_again_though_nobody_was_watched_from_the_start(family):
    point = POINTS[family][0]
    survival = np.r_[1.0, SURVIVAL[family](T, *point)]
    chance = 1.0 - survival[1:] / survival[:-1]
    exposed = np.where(T < 6, 0.0, 100_000.0 * survival[:-1])
    found = tails.fit(family, exposed, exposed * chance)
    assert found.params == pytest.approx(point, rel=0.02)
    assert found.gradient_norm < 1e-6
    named = tails.candidates(exposed, exposed * chance, tails.EVERY_FAMILY)
    assert named[0].family == family or found.aic - named[0].aic < 2.0


@pytest.mark.parametrize("family", CONTINUOUS)
def test_counts_at_the_edge_have_finite_fits(family):
    for exposed, left in (([5, 1, 1], [5, 0, 1]), ([1e6, 1, 1], [1, 0, 0]), ([3, 3], [1, 2])):
        found = tails.fit(family, exposed, left)
        assert np.isfinite([*found.params, found.log_likelihood, found.gradient_norm]).all()
        assert np.isfinite(found.covariance).all()
        assert np.isfinite(tails.hazards(found, 600)).all()
