import numpy as np
import pytest

from csk.errors import ModelError, UsageError
from csk.stats import scoring_rules as rules

P, Y = np.array([0.1, 0.4, 0.8, 0.3]), np.array([0, 1, 1, 0])


def test_losses_are_those_of_the_definition():
    assert rules.log_loss(P, Y) == pytest.approx(-np.mean(np.log([0.9, 0.4, 0.8, 0.7])))
    assert rules.brier(P, Y) == pytest.approx((0.01 + 0.36 + 0.04 + 0.09) / 4)


def test_skill_is_against_the_base_rate():
    assert rules.brier_skill(P, Y) == pytest.approx(1 - 0.125 / 0.25)
    assert rules.brier_skill(P, Y, base_rate=0.2) == pytest.approx(1 - 0.125 / 0.34)
    assert rules.brier_skill(np.full(4, 0.5), Y) == 0


def test_being_certain_and_wrong_costs_much_but_not_everything():
    assert rules.log_loss([0.0], [1]) == pytest.approx(52 * np.log(2))
    assert rules.log_loss([1.0], [0]) == pytest.approx(52 * np.log(2))
    assert rules.log_loss([0.0, 1.0], [0, 1]) < 1e-15


def test_one_class_has_losses_but_no_skill():
    assert rules.brier([0.1, 0.3], [0, 0]) == pytest.approx(0.05)
    with pytest.raises(ModelError, match="nobody"):
        rules.brier_skill([0.1, 0.3], [0, 0])


@pytest.mark.parametrize("rule", ["log_loss", "brier"])
def test_the_difference_of_losses_is_that_of_their_means(rule):
    other = np.array([0.2, 0.6, 0.6, 0.1])
    found = rules.loss_difference(P, other, Y, rule=rule)
    mean = getattr(rules, rule)
    assert found.value == pytest.approx(mean(P, Y) - mean(other, Y))
    assert found.low < found.value < found.high


def test_the_error_of_a_difference_is_that_of_pairs():
    other = np.array([0.2, 0.6, 0.6, 0.1])
    off = (P - Y) ** 2 - (other - Y) ** 2
    found = rules.loss_difference(P, other, Y, rule="brier")
    assert found.std_error == pytest.approx(np.std(off, ddof=1) / 2)
    assert rules.loss_difference(P, P, Y)[:2] == (0, 0)


def test_rows_of_one_customer_are_not_independent():
    other = np.array([0.2, 0.6, 0.6, 0.1])
    one = rules.loss_difference(P, other, Y)
    rows = [np.repeat(v, 6) for v in (P, other, Y)]
    found = rules.loss_difference(*rows, None, np.repeat(list("abcd"), 6))
    assert found.std_error == pytest.approx(one.std_error)


def test_what_is_no_chance_has_no_loss():
    with pytest.raises(UsageError, match="between 0 and 1"):
        rules.loss_difference([0.5, 2], [0.5, 0.5], [0, 1])
