import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats import bgnbd, paretonbd
from csk.stats import static_covariates as covariates
from csk.stats.bgnbd import Cells

BUYS, LEAVES = 0.8, {"bg_nbd": (0.6, -0.2), "mbg_nbd": (0.6, -0.2), "pareto_nbd": (0.6,)}
MODELS = list(covariates.FAMILIES)
TRUTH = {"bg_nbd": (0.8, 20.0, 0.9, 2.5), "pareto_nbd": (0.8, 20.0, 1.2, 100.0)}
TRUTH["mbg_nbd"] = TRUTH["bg_nbd"]


def buyers(model, n, seed=0):
    """Simulate half the customers buying more, two fifths leaving sooner: histories, z, w."""
    rng = np.random.default_rng(seed)
    z, w = (rng.random((n, 1)) < 0.5) * 1.0, (rng.random((n, 1)) < 0.4) * 1.0
    T = 50.0 * rng.integers(2, 8, n)
    rate = rng.gamma(0.8, np.exp(BUYS * z[:, 0]) / 20)
    p, lasts = np.zeros(n), np.full(n, np.inf)
    if model == "pareto_nbd":
        lasts = rng.exponential(1 / rng.gamma(1.2, np.exp(0.6 * w[:, 0]) / 100))
    else:
        p = rng.beta(0.9 * np.exp(0.6 * w[:, 0]), 2.5 * np.exp(-0.2 * w[:, 0]))
    x, t_x, now = np.zeros(n), np.zeros(n), np.zeros(n)
    is_alive = rng.random(n) > p * (model == "mbg_nbd")
    while is_alive.any():
        now = now + rng.exponential(1 / rate)
        is_alive &= now <= np.minimum(T, lasts)
        x[is_alive] += 1
        t_x[is_alive] = now[is_alive]
        is_alive &= rng.random(n) > p
    return Cells(x, t_x, T, np.ones(n), 1), z, w


@pytest.mark.parametrize("model", MODELS)
def test_a_fit_recovers_what_was_simulated(model):
    histories, z, w = buyers(model, 4_000)
    found = covariates.fit(model, histories, z, w)
    natural = [getattr(found.base, name) for name in covariates.FAMILIES[model].names]
    unknowns = np.concatenate([np.log(natural), found.purchase, found.leaving.ravel()])
    away = unknowns - np.concatenate([np.log(TRUTH[model]), [BUYS], LEAVES[model]])
    assert found.is_converged
    assert found.gradient_norm < 1e-6
    assert found.n_parameters == len(unknowns)
    assert away @ np.linalg.solve(found.covariance, away) < 24.3  # chi-square, 7 df, 1 in 1000
    plain = covariates.fit(model, histories)
    assert found.aic < plain.aic - 100
    assert found.standard_errors == pytest.approx(np.sqrt(np.diag(found.covariance))[4:])


@pytest.mark.parametrize("model", MODELS)
def test_without_covariates_the_plain_fit_stands(model):
    histories, _, _ = buyers(model, 600, seed=1)
    family = covariates.FAMILIES[model]
    plain, found = family.fit(*histories[:4]), covariates.fit(model, histories)
    for name in (*family.names, "log_likelihood"):
        assert getattr(found.base, name) == pytest.approx(getattr(plain, name), rel=1e-9)
    assert found.covariance == pytest.approx(plain.covariance, rel=1e-6)
    assert (found.n_parameters, found.n) == (4, 600)
    assert found.purchase.size == found.leaving.size == 0
    expected = family.expected_purchases(plain, *histories[:3], 90.0)
    assert covariates.expected_purchases(found, histories, 90.0) == pytest.approx(expected)


@pytest.mark.parametrize("model", MODELS)
def test_derivatives_agree_with_differences(model):
    histories, z, w = buyers(model, 200)
    family, weight = covariates.FAMILIES[model], np.full(200, 1 / 200)
    centred = (covariates._Centred(z, weight), covariates._Centred(w, weight))
    objective = covariates._Grouped(family, histories, 200.0, centred)
    n = 4 + len(family.moved)
    theta, h = np.concatenate([[-0.3, -2.0, 0.1, 0.4], 0.3 * np.ones(n - 4)]), 1e-5
    _, gradient, hessian = objective(theta)
    steps = h * np.eye(n)
    slopes = [(objective(theta + e)[0] - objective(theta - e)[0]) / (2 * h) for e in steps]
    curves = [(objective(theta + e)[1] - objective(theta - e)[1]) / (2 * h) for e in steps]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(np.array(curves), rel=1e-6, abs=1e-4)


def test_a_covariate_for_every_parameter_is_two_fits():
    """BG/NBD's r alone is shared: given r, the two halves of customers are fitted apart."""
    histories, z, _ = buyers("bg_nbd", 2_000, seed=2)
    found = covariates.fit("bg_nbd", histories, z, z)
    apart = 0.0
    for kind in (0.0, 1.0):
        of = z[:, 0] == kind
        half = bgnbd.cells(*(column[of] for column in histories[:4]))
        here = covariates.parameters(found, [kind], [kind])
        theta = np.log([here.r, here.alpha, here.a, here.b])
        value, gradient, _ = bgnbd.objective(half)(theta)
        apart += value
        assert gradient[1:] == pytest.approx(np.zeros(3), abs=1e-4)
    assert found.log_likelihood == pytest.approx(apart, abs=1e-6)


def test_how_a_covariate_is_written_changes_no_prediction():
    histories, z, w = buyers("bg_nbd", 1_000, seed=3)
    number = np.random.default_rng(0).integers(0, 5, (1_000, 1)) * 1.0
    one = np.hstack([z, number])
    other = np.hstack([5.0 - 3.0 * z, 1e3 * (number + 7.0)])
    here, there = (covariates.fit("bg_nbd", histories, both, w) for both in (one, other))
    assert there.log_likelihood == pytest.approx(here.log_likelihood, abs=1e-7)
    assert there.purchase == pytest.approx(here.purchase / [-3.0, 1e3], rel=1e-6)
    assert there.standard_errors[:2] == pytest.approx(here.standard_errors[:2] / [3.0, 1e3])
    expected = covariates.expected_purchases(here, histories, 60.0, one, w)
    again = covariates.expected_purchases(there, histories, 60.0, other, w)
    assert again == pytest.approx(expected, rel=1e-6)


def test_row_order_and_weights_do_not_matter():
    histories, z, w = buyers("bg_nbd", 300, seed=4)
    weight = np.arange(300) % 3 + 1.0
    order = np.repeat(np.arange(300), weight.astype(int))[::-1]
    columns = (column[order] for column in histories[:3])
    weighted = covariates.fit("bg_nbd", histories._replace(weight=weight), z, w)
    rows = Cells(*columns, np.ones(len(order)), 1)
    expanded = covariates.fit("bg_nbd", rows, z[order], w[order])
    assert weighted.log_likelihood == pytest.approx(expanded.log_likelihood, rel=1e-12)
    assert weighted.purchase == pytest.approx(expanded.purchase, rel=1e-8)
    assert weighted.n == expanded.n == weight.sum()


def test_customers_are_scored_by_their_covariates():
    histories, z, w = buyers("pareto_nbd", 500, seed=5)
    found = covariates.fit("pareto_nbd", histories, z, w)
    expected = covariates.expected_purchases(found, histories, 30.0, z, w)
    alive = covariates.p_alive(found, histories, z, w)
    for kind in ((0, 0), (1, 0), (0, 1), (1, 1)):
        of = (z[:, 0] == kind[0]) & (w[:, 0] == kind[1])
        one = covariates.parameters(found, kind[:1], kind[1:])
        assert one.alpha == pytest.approx(found.base.alpha * np.exp(-kind[0] * found.purchase[0]))
        assert one.beta == pytest.approx(found.base.beta * np.exp(-kind[1] * found.leaving[0, 0]))
        rows = [column[of] for column in histories[:3]]
        assert expected[of] == pytest.approx(paretonbd.expected_purchases(one, *rows, 30.0))
        assert alive[of] == pytest.approx(paretonbd.p_alive(one, *rows))


def test_what_covariates_cannot_tell_is_refused():
    histories, z, _ = buyers("bg_nbd", 100)
    both = np.hstack([z, 1.0 - z])
    unknown = np.where(np.arange(100) == 3, np.nan, z[:, 0])
    many = np.arange(100.0)
    refused = [
        (np.ones(100), "same for every customer"),
        (both, "determine each other"),
        (unknown, "must be known of each of the 100 customers"),
        (z[:50], "must be known of each of the 100 customers"),
    ]
    for columns, says in refused:
        with pytest.raises(ModelError, match=says):
            covariates.fit("bg_nbd", histories, columns)
        with pytest.raises(ModelError, match=says):
            covariates.fit("bg_nbd", histories, leaving=columns)
    assert covariates.fit("bg_nbd", histories, many).purchase.shape == (1,)


def test_too_many_kinds_of_customers_are_refused():
    n = covariates.MOST_KINDS + 1
    columns = np.arange(n * 1.0)
    histories = Cells(np.ones(n), np.ones(n), np.full(n, 9.0), np.ones(n), 1)
    with pytest.raises(ModelError, match="differ in 5001 ways"):
        covariates.fit("bg_nbd", histories, columns)


def test_other_covariates_than_those_fitted_are_refused():
    histories, z, _ = buyers("bg_nbd", 300)
    found = covariates.fit("bg_nbd", histories, z)
    with pytest.raises(ModelError, match="fitted on 1 covariates, not 0"):
        covariates.expected_purchases(found, histories, 30.0)
    with pytest.raises(ModelError, match="fitted on 0 covariates, not 1"):
        covariates.expected_purchases(found, histories, 30.0, z, z)
