"""Verbraken, Verbeke and Baesens (2013), with their customary campaign."""

import numpy as np
import pytest

from csk.stats.profit import Campaign, expected_most_profit, most_profit

CAMPAIGN = Campaign(value=200, offer=10, contact=1)
ACCEPTANCE = (6, 14)


def test_profit_of_a_score_that_is_right_in_squares():
    i = np.arange(1000)
    score = (i + 0.5) / 1000
    event = (7919 * i % 1000) < 600 * score**2
    most = most_profit(score, event, CAMPAIGN, accepts=0.3)
    assert (round(most.amount, 4), round(most.share, 4)) == (6.2850, 0.4580)
    expected = expected_most_profit(score, event, CAMPAIGN, ACCEPTANCE)
    assert expected.amount == pytest.approx(6.4434254, abs=5e-8)
    assert expected.share == pytest.approx(0.451447, abs=5e-7)
