import numpy as np
import pytest

from csk.stats import bgnbd
from csk.stats.chances import purchases_ahead

WEEKS = bgnbd.BgNbdFit(
    r=0.243,
    alpha=4.414,
    a=0.793,
    b=2.426,
    covariance=np.full((4, 4), np.nan),
    log_likelihood=0.0,
    n=1.0,
    is_at_bound=False,
    is_converged=True,
    gradient_norm=0.0,
)
X, RECENCY, AGE = (
    np.array(v, float) for v in ([0, 1, 3, 26, 2], [0, 4, 30, 30.9, 5], [38, 38, 39, 31, 38])
)


def test_chances_add_up_to_the_expectation():
    ahead = purchases_ahead(WEEKS, X, RECENCY, AGE, 39.0)
    expected = bgnbd.expected_purchases(WEEKS, X, RECENCY, AGE, 39.0)
    assert ahead.expected == pytest.approx(expected, rel=1e-6)


def test_chances_are_those_of_customers_drawn():
    rng = np.random.default_rng(7)
    n, days = 100_000, 39.0
    x, t_x, T = X[2], RECENCY[2], AGE[2]
    alive = rng.random(n) < bgnbd.p_alive(WEEKS, x, t_x, T)
    rate = rng.gamma(WEEKS.r + x, 1 / (WEEKS.alpha + T), n)
    leaves = rng.beta(WEEKS.a, WEEKS.b + x, n)
    came = alive * np.minimum(rng.poisson(rate * days), rng.geometric(leaves))
    ahead = purchases_ahead(WEEKS, [x], [t_x], [T], days)
    assert ahead.none[0] == pytest.approx((came == 0).mean(), abs=0.006)
    assert ahead.expected[0] == pytest.approx(came.mean(), abs=0.02)
    assert ahead.variance[0] == pytest.approx(came.var(), rel=0.03)
    assert ahead.low[0] == np.quantile(came, 0.025)
    assert ahead.high[0] == np.quantile(came, 0.975)


def test_in_no_time_nothing_comes():
    ahead = purchases_ahead(WEEKS, X, RECENCY, AGE, 0.0)
    assert ahead.none == pytest.approx(1)
    assert not ahead.expected.any()
    assert not ahead.high.any()
