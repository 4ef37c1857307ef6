import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats import gammagamma
from csk.stats.gammagamma import CredibilityFit, GammaGammaFit, expected_value


def spenders(n, seed=0):
    """Simulate Gamma-Gamma (p 6, q 4, gamma 15)."""
    rng = np.random.default_rng(seed)
    x = rng.geometric(0.4, n)
    return x, rng.gamma(6.0 * x) / rng.gamma(4.0, 1 / 15, n) / x


def test_derivatives_agree_with_differences():
    x, mean = spenders(200)
    objective = gammagamma._Objective(x.astype(float), mean, np.ones(200))
    theta, h = np.log([5.0, 3.0, 12.0]), 1e-5
    _, gradient, hessian = objective(theta)
    steps = h * np.eye(3)
    slopes = [(objective(theta + e)[0] - objective(theta - e)[0]) / (2 * h) for e in steps]
    curves = [(objective(theta + e)[1] - objective(theta - e)[1]) / (2 * h) for e in steps]
    assert gradient == pytest.approx(slopes, rel=1e-6, abs=1e-5)
    assert hessian == pytest.approx(np.array(curves), rel=1e-6, abs=1e-4)


def test_a_fit_recovers_what_was_simulated():
    found = gammagamma.fit(*spenders(20_000))
    away = np.log([found.p, found.q, found.gamma]) - np.log([6.0, 4.0, 15.0])
    assert found.is_converged
    assert away @ np.linalg.solve(found.covariance, away) < 16.3  # chi-square, 3 df, 1 in 1000


def test_a_large_table_is_thinned_in_an_order_of_its_own():
    x, mean = spenders(450_000)
    found = gammagamma.fit(x, mean)
    shuffled = gammagamma.fit(x[::-1], mean[::-1])
    assert found.thinning == 3
    assert found.n == 150_000
    assert (found.p, found.q, found.gamma) == (shuffled.p, shuffled.q, shuffled.gamma)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.0, 4.0, 15.0), rel=0.05)


def test_weights_equal_repeated_rows():
    x, mean = spenders(300)
    weight = np.arange(300) % 3 + 1
    merged = gammagamma.fit(x, mean, weight)
    repeated = gammagamma.fit(np.repeat(x, weight), np.repeat(mean, weight))
    assert merged.log_likelihood == pytest.approx(repeated.log_likelihood, abs=1e-7)
    assert (merged.p, merged.q) == pytest.approx((repeated.p, repeated.q), rel=1e-5)


def test_scaling_money_scales_gamma_and_nothing_else():
    x, mean = spenders(500)
    one, thousand = gammagamma.fit(x, mean), gammagamma.fit(x, mean * 1000)
    assert thousand.gamma == pytest.approx(one.gamma * 1000, rel=1e-9)
    assert (thousand.p, thousand.q) == pytest.approx((one.p, one.q), rel=1e-9)


def test_averages_that_are_not_positive_are_left_out_and_counted():
    x, mean = spenders(100)
    found = gammagamma.fit(np.append(x, [3, 2, 0]), np.append(mean, [0.0, -5.0, np.nan]))
    assert found.n_excluded == 3
    assert found.n == 100
    assert found.p == pytest.approx(gammagamma.fit(x, mean).p)


FIT = GammaGammaFit(6.0, 4.0, 15.0, np.eye(3), 0.0, 1.0, 0.0, 1, is_converged=True)


def test_an_expected_value_lies_between_the_own_and_the_common_mean():
    assert FIT.population_mean == 30.0
    found = expected_value(FIT, [1, 5, 50, 1], [60.0, 60.0, 60.0, 10.0])
    assert np.all(np.diff(found[:3]) > 0)
    assert np.all((found[:3] > 30) & (found[:3] < 60))
    assert 10 < found[3] < 30


NO_PURCHASE = [FIT, CredibilityFit(30.0, 2.0, 1.0, 0.0), CredibilityFit(30.0, np.inf, 1.0, 0.0)]


@pytest.mark.parametrize("fitted", NO_PURCHASE)
def test_nobody_known_is_worth_the_common_mean(fitted):
    assert expected_value(fitted, [0, 0], [np.nan, 99.0]).tolist() == [30.0, 30.0]


def test_refunds_only_count_as_nothing_spent():
    assert expected_value(FIT, 2, -7.0) == expected_value(FIT, 2, 0.0) < 30


def test_an_infinite_mean_is_told_not_hidden():
    heavy = GammaGammaFit(6.0, 0.9, 15.0, np.eye(3), 0.0, 1.0, 0.0, 1, is_converged=True)
    assert heavy.population_mean == np.inf
    assert expected_value(heavy, 0, 0.0) == np.inf
    assert np.isfinite(expected_value(heavy, 1, 20.0))


@pytest.mark.parametrize(("x", "mean"), [([], []), ([0], [5.0]), ([2], [-1.0])])
def test_nobody_with_positive_spend_is_refused(x, mean):
    for model in (gammagamma.fit, gammagamma.credibility, gammagamma.spend_fit):
        with pytest.raises(ModelError, match="positive average"):
            model(x, mean)


def test_one_price_for_all_is_refused_by_the_model_and_served_by_credibility():
    for n in (1, 3):
        with pytest.raises(ModelError, match="same"):
            gammagamma.fit([1, 2, 3][:n], [5.0, 5.0, 5.0][:n])
    found = gammagamma.spend_fit([1, 2, 3], [5.0, 5.0, 5.0])
    assert isinstance(found, CredibilityFit)
    assert expected_value(found, [0, 1, 9], [0.0, 5.0, 5.0]).tolist() == [5.0, 5.0, 5.0]
    # Nobody strayed from the price, so somebody who does is believed.
    assert expected_value(found, 1, 7.0) == 7.0


def test_few_customers_get_credibility_and_many_the_model():
    x, mean = spenders(200)
    assert isinstance(gammagamma.spend_fit(x[:20], mean[:20]), CredibilityFit)
    assert isinstance(gammagamma.spend_fit(x, mean), GammaGammaFit)


def test_credibility_recovers_variances_within_and_between():
    rng = np.random.default_rng(2)
    x = rng.integers(1, 20, 50_000)
    own = rng.normal(100.0, 5.0, 50_000)
    found = gammagamma.credibility(x, own + rng.normal(0, 10.0, 50_000) / np.sqrt(x))
    assert found.population_mean == pytest.approx(100.0, abs=0.2)
    assert found.k == pytest.approx(4.0, rel=0.1)


def test_credibility_gives_no_weight_to_chance():
    found = gammagamma.credibility([1, 1, 4, 4], [80.0, 120.0, 100.0, 100.0])
    assert found.k == np.inf


def test_credibility_is_that_of_moments_done_by_hand():
    # Means 90 and 110 of 1 purchase, 98 and 104 of 4: m = (90 + 110 + 392 + 416) / 10 = 100.8.
    # Chance alone, at the slope of squares in 1 / x, would spread the latter more than is seen.
    found = gammagamma.credibility([1, 1, 4, 4], [90.0, 110.0, 98.0, 104.0])
    squared = np.array([10.8, 9.2, 2.8, 3.2]) ** 2
    slope = (squared[:2].mean() - squared[2:].mean()) / (1 - 1 / 4)
    assert squared[2:].mean() < slope / 4
    assert (found.population_mean, found.k) == (pytest.approx(100.8), np.inf)
    assert (found.n, found.n_excluded) == (4.0, 0.0)
    wider = gammagamma.credibility([1, 1, 4, 4], [60.0, 140.0, 70.0, 130.0])
    assert wider.population_mean == 100.0
    assert wider.k == pytest.approx((1600 - 900) / 0.75 / (900 - 700 / 0.75 / 4))


def test_credibility_counts_weights_as_rows():
    x, mean, weight = [1, 2, 5, 0], [80.0, 120.0, 100.0, 9.0], [2, 3, 1, 4]
    one = gammagamma.credibility(x, mean, weight)
    other = gammagamma.credibility(np.repeat(x, weight), np.repeat(mean, weight))
    assert (one.n, one.n_excluded) == (other.n, other.n_excluded) == (6.0, 4.0)
    assert (one.population_mean, one.k) == pytest.approx((other.population_mean, other.k))
    assert gammagamma.spend_fit(x, mean, weight) == one


def test_equally_many_purchases_share_the_spread_between_chance_and_customers():
    found = gammagamma.credibility([3, 3], [80.0, 120.0])
    assert found.k == 1.0
    assert expected_value(found, 3, 120.0) == pytest.approx(100 + 20 * 3 / 4)


def test_an_own_average_counts_for_more_with_every_purchase():
    found = CredibilityFit(30.0, 2.0, 9.0, 0.0)
    assert expected_value(found, [1, 2, 6], [60.0] * 3).tolist() == [40.0, 45.0, 52.5]
    assert expected_value(found, 2, -8.0) == 15.0


def test_the_expected_value_is_equation_5():
    # (gamma + x mean) p / (p x + q - 1)
    assert expected_value(FIT, 2, 40.0) == pytest.approx(6 * (15 + 80) / (12 + 3))


def test_standard_errors_are_those_of_the_parameters_themselves():
    spread = np.diag([0.01, 0.04, 0.09])
    fitted = GammaGammaFit(6.0, 4.0, 15.0, spread, 0.0, 1.0, 0.0, 1, is_converged=True)
    assert fitted.standard_errors == pytest.approx([0.6, 0.8, 4.5])


def test_a_mean_of_all_exists_above_one_only():
    means = [
        GammaGammaFit(6.0, q, 15.0, np.eye(3), 0.0, 1.0, 0.0, 1, is_converged=True).population_mean
        for q in (0.5, 1.0, 1.5)
    ]
    assert means == [np.inf, np.inf, 180.0]


def test_thirty_customers_are_enough_for_the_model():
    x, mean = spenders(30, seed=5)
    assert isinstance(gammagamma.spend_fit(x, mean), GammaGammaFit)
    assert isinstance(gammagamma.spend_fit(x[1:], mean[1:]), CredibilityFit)
    assert isinstance(gammagamma.spend_fit(x[1:], mean[1:], [2] + [1] * 28), GammaGammaFit)


def test_refusals_say_what_to_do():
    with pytest.raises(ModelError) as nobody:
        gammagamma.fit([0], [1.0])
    assert str(nobody.value) == (
        "No customer has a positive average spend: spend cannot be fitted."
    )
    with pytest.raises(ModelError) as alike:
        gammagamma.fit([1, 2], [5.0, 5.0])
    assert str(alike.value) == (
        "Every customer spends the same per purchase: there is no spread to fit."
    )
    assert alike.value.hint == "Use the plain average."


def test_the_likelihood_is_equation_1a():
    from scipy.special import gammaln

    x, mean = np.array([1.0, 2.0, 2.0]), np.array([20.0, 35.0, 8.0])
    p, q, gamma = 6.0, 4.0, 15.0
    terms = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
    terms += (p * x - 1) * np.log(mean) + p * x * np.log(x)
    terms -= (p * x + q) * np.log(gamma + x * mean)
    weight = np.array([1.0, 3.0, 2.0])
    value = gammagamma._Objective(x, mean, weight)(np.log([p, q, gamma]))[0]
    assert value == pytest.approx(float(weight @ terms), abs=1e-10)


def test_the_likelihood_of_a_fit_is_that_of_the_money_it_was_given():
    x, mean = spenders(400)
    found = gammagamma.fit(x, mean)
    theta = np.log([found.p, found.q, found.gamma])
    value, gradient, hessian = gammagamma._Objective(x.astype(float), mean, np.ones(400))(theta)
    assert found.log_likelihood == pytest.approx(value, abs=1e-6)
    assert np.abs(gradient).max() < 1e-3
    assert found.covariance == pytest.approx(np.linalg.inv(-hessian), rel=1e-4)
    assert (found.n, found.n_excluded, found.thinning) == (400.0, 0.0, 1)
