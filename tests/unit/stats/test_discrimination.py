import numpy as np
import pytest

from csk.errors import ModelError, UsageError
from csk.stats import discrimination as order


@pytest.mark.parametrize(
    ("score", "event", "expected"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1),
        ([1, 2, 3, 4], [1, 1, 0, 0], 0),
        ([5, 5, 5, 5], [0, 1, 0, 1], 0.5),
        ([1, 2, 2, 3], [0, 1, 0, 1], 0.875),
        ([-np.inf, 0, np.inf], [0, 0, 1], 1),
    ],
)
def test_auc_is_the_part_of_pairs_in_order_ties_half(score, event, expected):
    assert order.auc(score, event) == expected


def delong(score, event):
    """DeLong's variance by its definition, pair by pair."""
    x, y = score[event], score[~event]
    wins = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    return np.var(wins.mean(1), ddof=1) / len(x) + np.var(wins.mean(0), ddof=1) / len(y)


@pytest.mark.parametrize("seed", range(3))
def test_the_error_of_the_auc_is_that_of_its_definition(seed):
    rng = np.random.default_rng(seed)
    score, event = rng.integers(0, 12, 90), rng.random(90) < 0.3
    found = order.estimated_auc(score, event)
    assert found.std_error == pytest.approx(np.sqrt(delong(score, event)), rel=1e-12)
    assert found.low < found.value < found.high
    alone = order.estimated_auc(score, event, None, np.arange(90))
    assert alone.std_error == pytest.approx(found.std_error, rel=1e-12)


def test_the_interval_of_the_auc_holds_the_truth_as_often_as_it_says():
    rng, held = np.random.default_rng(3), 0
    for _ in range(400):
        event = np.arange(120) < 40
        found = order.estimated_auc(rng.normal(size=120) + event, event)
        held += found.low <= 0.760250 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_rows_of_the_same_customer_tell_less_than_strangers():
    rng = np.random.default_rng(5)
    score, event = rng.normal(size=60), rng.random(60) < 0.4
    rows = [np.repeat(v, 9) for v in (score, event, np.ones(60), np.arange(60))]
    many = order.estimated_auc(*rows)
    assert many.std_error == pytest.approx(order.estimated_auc(score, event).std_error, rel=1e-9)


def test_a_score_without_a_mistake_is_not_certain():
    found = order.estimated_auc([1, 2, 3, 4, 5], [0, 0, 0, 1, 1])
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.3424, abs=1e-4)


def test_a_constant_score_has_no_order_for_certain():
    assert order.estimated_auc([3, 3, 3], [0, 1, 0]) == (0.5, 0, 0.5, 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_the_paired_difference_is_that_of_the_covariance(seed):
    rng = np.random.default_rng(seed)
    event = rng.random(150) < 0.3
    first, second = rng.normal(size=(2, 150)) + event + rng.normal(size=150)
    x = np.stack([first[event], second[event]])
    y = np.stack([first[~event], second[~event]])
    wins = (x[:, :, None] > y[:, None, :]).astype(float)
    v10, v01 = np.cov(wins.mean(2)), np.cov(wins.mean(1))
    cov = v10 / event.sum() + v01 / (~event).sum()
    found = order.paired_auc_difference(first, second, event)
    expected = np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    assert found.std_error == pytest.approx(expected, rel=1e-9)
    drawn = order.bootstrap_auc_difference(first, second, event)
    assert drawn.value == pytest.approx(found.value, abs=1e-12)
    assert drawn.std_error == pytest.approx(found.std_error, rel=0.15)


def test_scores_of_one_order_differ_by_nothing():
    score, event = np.arange(1.0, 40), np.arange(1, 40) % 3 == 0
    assert order.paired_auc_difference(score, np.log(score), event)[:2] == (0, 0)


def test_a_bootstrap_draws_whole_customers():
    rng = np.random.default_rng(7)
    event = rng.random(80) < 0.4
    first, second = rng.normal(size=(2, 80)) + event
    one = order.bootstrap_auc_difference(first, second, event, np.arange(80), 300)
    several = [np.repeat(v, 5) for v in (first, second, event, np.arange(80))]
    assert order.bootstrap_auc_difference(*several, 300) == pytest.approx(one)


def test_one_draw_is_no_bootstrap():
    with pytest.raises(UsageError, match="two draws"):
        order.bootstrap_auc_difference([1, 2], [1, 2], [0, 1], None, 0)


def test_average_precision_counts_ties_as_one_block():
    # 3: 1 of 1; 2: two tied with one event -> 2 of 3; 1: 3 of 4.
    found = order.average_precision([3, 2, 2, 1], [1, 1, 0, 1])
    assert found == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert order.average_precision([1, 1, 1, 1], [1, 0, 0, 0]) == 0.25


@pytest.mark.parametrize(
    ("score", "share", "expected"),
    [
        ([4, 3, 2, 1], 0.25, 2),
        ([4, 3, 2, 1], [0.5, 1], [2, 1]),
        # Two tied hold one event: half of it above the border.
        ([3, 2, 3, 1], 0.25, 1),
    ],
)
def test_lift_shares_ties_out(score, share, expected):
    assert order.lift(score, [1, 1, 0, 0], share) == pytest.approx(expected)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 1 / 3, 0.7, 1.0])
@pytest.mark.parametrize("n", [3, 7, 1000, 99_991])
def test_a_constant_score_lifts_by_exactly_one(n, share):
    assert order.lift(np.full(n, 0.3), np.arange(n) % 3 == 0, share) == 1.0


@pytest.mark.parametrize("share", [0, -1, 1.1, np.nan])
def test_a_share_lies_above_nobody_and_up_to_all(share):
    with pytest.raises(UsageError, match="share of customers"):
        order.lift([1, 2], [0, 1], share)


@pytest.mark.parametrize("measure", [order.auc, order.average_precision, order.estimated_auc])
def test_one_class_has_no_order(measure):
    with pytest.raises(ModelError, match="nobody"):
        measure([1, 2], [0, 0])
