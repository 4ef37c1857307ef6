import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import beta as beta_function

from csk.errors import ModelError, UsageError
from csk.stats import profit

CAMPAIGN = profit.Campaign(200, 10, 1)


@pytest.mark.parametrize("terms", [(200, 10, 1, 0.3), (50, 0, 2, 0.9), (1000, 30, 0, 0.05)])
def test_the_chance_that_pays_is_the_root_of_the_benefit(terms):
    at = profit.paying_chance(*terms)
    assert profit.net_benefit(at, *terms) == pytest.approx(0, abs=1e-9)
    assert profit.net_benefit(at + 0.01, *terms) > 0 > profit.net_benefit(at - 0.01, *terms)


def test_benefit_is_what_each_of_three_ends_brings():
    # Leaves and accepts; leaves and does not; stays, and takes the offer.
    p, gamma = 0.4, 0.25
    by_hand = p * gamma * (200 - 10 - 1) + p * (1 - gamma) * -1 + (1 - p) * (-10 - 1)
    assert profit.net_benefit(p, 200, 10, 1, gamma) == pytest.approx(by_hand)


def test_whom_nothing_keeps_is_never_worth_it():
    assert profit.paying_chance([5, 200], 10, 1, [2, 0]) == pytest.approx([np.inf, 1.1])


def test_what_is_not_known_stays_so():
    assert np.isnan(profit.paying_chance(np.nan, 10, 1, 0.3))
    assert np.isnan(profit.net_benefit(0.3, [np.nan], 10, 1, 0.3)).all()


def test_contacting_nobody_earns_nothing():
    score, event = [1, 2, 3, 4], [0, 0, 0, 1]
    assert profit.most_profit(score, event, profit.Campaign(11, 10, 1), 0.3) == (0, 0)


def test_the_best_cut_takes_ties_together():
    found = profit.most_profit([3, 3, 1, 1], [1, 0, 1, 0], profit.Campaign(100, 10, 1), 0.5)
    # All four: 2 x (45 - 1) - 2 x 11 of 4 customers.
    assert found == (pytest.approx((88 - 22) / 4), 1)


@pytest.mark.parametrize("seed", range(3))
def test_expected_profit_is_the_integral_of_the_most(seed):
    rng = np.random.default_rng(seed)
    event = rng.random(200) < 0.2
    score = np.round(rng.normal(size=200) + event, 1)
    law = (6, 14)

    def at(accepts):
        density = accepts ** (law[0] - 1) * (1 - accepts) ** (law[1] - 1) / beta_function(*law)
        most = profit.most_profit(score, event, CAMPAIGN, accepts)
        return np.array(most) * density

    found = profit.expected_most_profit(score, event, CAMPAIGN, law)
    amount = quad(lambda g: at(g)[0], 0, 1, limit=200, epsabs=1e-6)[0]
    assert found.amount == pytest.approx(amount, abs=1e-4)


def test_expected_profit_of_noise_is_that_of_one_cut():
    score, event = np.ones(50), np.arange(50) < 10
    found = profit.expected_most_profit(score, event, CAMPAIGN, (6, 14))
    # All or nobody: all where .2 (190 g - 1) - .8 x 11 > 0, that is g > 9 / 38.
    law = beta_function(6, 14)
    amount = quad(lambda g: (38 * g - 9) * g**5 * (1 - g) ** 13 / law, 9 / 38, 1)[0]
    assert found.amount == pytest.approx(amount, rel=1e-9)


@pytest.mark.parametrize(
    ("campaign", "law", "says"),
    [
        (profit.Campaign(10, 10, 1), (6, 14), "below the value"),
        (profit.Campaign(200, 0, 0), (6, 14), "below the value"),
        (CAMPAIGN, (0, 14), "Beta law"),
    ],
)
def test_campaigns_that_make_no_sense_are_refused(campaign, law, says):
    with pytest.raises(UsageError, match=says):
        profit.expected_most_profit([1, 2], [0, 1], campaign, law)


def test_one_class_earns_no_figure():
    with pytest.raises(ModelError, match="nobody"):
        profit.most_profit([1, 2], [0, 0], CAMPAIGN, 0.3)
