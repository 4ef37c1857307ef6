from math import exp, lgamma

import numpy as np
import pytest

from csk.stats.families import FAMILIES

PERIODS = np.arange(1.0, 31.0)


def log_beta(a, b):
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def bdw(a, b, c, t):
    return exp(log_beta(a, b + t**c) - log_beta(a, b))


def plateau(last, first, speed, t):
    return exp(-sum(last + (first - last) * exp(-speed * (i - 1)) for i in range(1, int(t) + 1)))


SURVIVAL = {
    # family: parameters, and the share still there after t periods as the papers have it
    "geometric": ([0.04], lambda t: exp(-0.04 * t)),
    "discrete_weibull": ([0.3, 0.6], lambda t: exp(-0.3 * t**0.6)),
    "sbg": ([0.9, 3.0], lambda t: bdw(0.9, 3.0, 1.0, t)),
    "bdw": ([0.9, 3.0, 1.7], lambda t: bdw(0.9, 3.0, 1.7, t)),
    "plateau": ([0.02, 0.3, 0.25], lambda t: plateau(0.02, 0.3, 0.25, t)),
    "floored_bdw": (
        [0.9, 3.0, 1.7, 0.02],
        lambda t: exp(-0.02 * t) * bdw(0.9, 3.0, 1.7, t),
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_hazards_are_the_steps_of_the_papers_survival(family):
    params, survival = SURVIVAL[family]
    share = np.array([survival(t) for t in range(31)])
    hazard = FAMILIES[family].hazard(np.log(params), PERIODS)
    assert hazard == pytest.approx(-np.diff(np.log(share)), rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_slopes_are_derivatives_from_the_first_period_on(family):
    model, at = FAMILIES[family], np.log(SURVIVAL[family][0])
    slopes = model.slopes(at, PERIODS)
    assert slopes.shape == (30, model.n_params)
    for i in range(model.n_params):
        step = 1e-4 * (np.arange(model.n_params) == i)
        numeric = (model.hazard(at + step, PERIODS) - model.hazard(at - step, PERIODS)) / 2e-4
        assert slopes[:, i] == pytest.approx(numeric, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_many_parameters_at_once_are_each_alone(family):
    model = FAMILIES[family]
    one = np.log(SURVIVAL[family][0])
    many = one + np.linspace(-0.5, 0.5, 6).reshape(2, 3, 1)
    found, slopes = model.hazard(many, PERIODS), model.slopes(many, PERIODS)
    assert found.shape == (2, 3, 30)
    assert slopes.shape == (2, 3, 30, model.n_params)
    for at in np.ndindex(2, 3):
        assert found[at].tolist() == model.hazard(many[at], PERIODS).tolist()
        assert slopes[at] == pytest.approx(model.slopes(many[at], PERIODS), rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_has_bounds_and_what_is_usual_lies_inside(family):
    model, usual = FAMILIES[family], np.log(SURVIVAL[family][0])
    assert len(model.low) == len(model.high) == model.n_params == len(usual)
    assert (model.low < usual).all()
    assert (usual < model.high).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("end", ["low", "high"])
def test_on_its_bounds_a_family_is_still_a_number(family, end):
    model = FAMILIES[family]
    at = np.array(getattr(model, end))
    assert np.isfinite(model.hazard(at, PERIODS)).all()
    assert np.isfinite(model.slopes(at, PERIODS)).all()
    assert (model.hazard(at, PERIODS) >= 0.0).all()


NEIGHBOURS = [
    # a richer family, with parameters at which it is a simpler one
    ("discrete_weibull", [0.1, 1.0], "geometric", [0.1]),
    ("bdw", [0.9, 3.0, 1.0], "sbg", [0.9, 3.0]),
    ("plateau", [0.1, 0.1, 0.5], "geometric", [0.1]),
    ("floored_bdw", [0.9, 3.0, 1.7, 1e-15], "bdw", [0.9, 3.0, 1.7]),
    ("sbg", [0.1 * 1e6, 1e6], "geometric", [np.log(1.1)]),
]


@pytest.mark.parametrize(("rich", "params", "simple", "fewer"), NEIGHBOURS)
def test_a_richer_family_holds_its_simpler_neighbour(rich, params, simple, fewer):
    one, other = (
        FAMILIES[name].hazard(np.log(at), PERIODS) for name, at in ((rich, params), (simple, fewer))
    )
    assert one == pytest.approx(other, rel=1e-4)


def test_a_plateau_runs_from_the_first_hazard_to_the_last():
    hazard = FAMILIES["plateau"].hazard(np.log([0.02, 0.3, 0.5]), np.array([1.0, 2.0, 200.0]))
    assert hazard == pytest.approx([0.3, 0.02 + 0.28 * exp(-0.5), 0.02])
