"""Logistic regression against what can be reckoned by hand, and its refusals."""

import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats import logistic
from csk.stats.logistic import Dense, Penalty, outcomes


def drawn(seed=0, n=3000, p=4):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, p))])
    left = rng.random(n) < logistic.chance(x @ np.r_[-1.5, 0.8, -0.5, np.zeros(p - 2)])
    return Dense(x), left.astype(float)


def table(a, b, c, d):
    """Of those with the trait a leave and b stay, of the others c and d."""
    trait = np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d])
    left = np.repeat([1.0, 0.0, 1.0, 0.0], [a, b, c, d])
    return Dense(np.column_stack([np.ones(len(trait)), trait])), left


def test_a_table_of_four_cells_gives_its_odds_ratio():
    design, left = table(30, 70, 20, 180)
    found = logistic.fit(design, outcomes(left), np.zeros(2))
    assert found.coefficients == pytest.approx([np.log(20 / 180), np.log(30 * 180 / (70 * 20))])
    variance = np.linalg.inv(found.information)[1, 1]
    assert variance == pytest.approx(1 / 30 + 1 / 70 + 1 / 20 + 1 / 180)


def test_at_the_top_slopes_equal_what_the_penalty_takes():
    design, left = drawn()
    penalty = np.array([0.0, 3.0, 50.0, 200.0, 0.5])
    found = logistic.fit(design, outcomes(left), penalty)
    slopes = design.summed(left - logistic.chance(design.times(found.coefficients)))
    assert slopes == pytest.approx(penalty * found.coefficients, abs=1e-4)
    assert found.slack < 1e-9


def test_an_offset_moves_the_intercept_and_nothing_else():
    design, left = drawn()
    plain = logistic.fit(design, outcomes(left), np.zeros(5)).coefficients
    moved = logistic.fit(design, outcomes(left, offset=np.full(len(left), 0.7)), np.zeros(5))
    assert moved.coefficients + np.r_[0.7, 0, 0, 0, 0] == pytest.approx(plain, abs=1e-8)


def test_a_known_effect_as_offset_leaves_nothing_to_be_found():
    design, left = drawn()
    plain = logistic.fit(design, outcomes(left), np.zeros(5)).coefficients
    rest = logistic.fit(design, outcomes(left, offset=design.times(plain)), np.zeros(5))
    assert rest.coefficients == pytest.approx(np.zeros(5), abs=1e-8)


def test_robust_errors_of_a_share_are_those_of_a_share():
    left = np.repeat([1.0, 0.0], [30, 70])
    design = Dense(np.ones((100, 1)))
    found = logistic.fit(design, outcomes(left), np.zeros(1))
    scores = logistic.scores(design, outcomes(left), found, np.arange(100), 100)
    covariance = logistic.robust_covariance(logistic.influence(found, scores))
    assert covariance[0, 0] == pytest.approx(1 / (100 * 0.3 * 0.7))


def test_a_row_told_twice_by_its_cluster_says_no_more():
    design, left = drawn(n=500)
    both = Dense(np.concatenate([design.rows, design.rows]))
    twice = np.r_[left, left]
    found = []
    for one, y, cluster in (
        (design, left, np.arange(500)),
        (both, twice, np.tile(np.arange(500), 2)),
    ):
        fitted = logistic.fit(one, outcomes(y), np.zeros(5))
        scores = logistic.scores(one, outcomes(y), fitted, cluster, 500)
        found.append(logistic.robust_covariance(logistic.influence(fitted, scores)))
    assert found[1] == pytest.approx(found[0], rel=1e-6)


def test_a_fit_flatters_itself_by_about_its_number_of_columns():
    design, left = drawn(n=20_000)
    found = logistic.fit(design, outcomes(left), np.zeros(5))
    scores = logistic.scores(design, outcomes(left), found, np.arange(20_000), 20_000)
    assert logistic.optimism(found, scores) == pytest.approx(5.0, rel=0.1)


def test_what_unseen_rows_cost_is_what_leaving_each_out_costs():
    design, left = drawn(n=250)
    penalty = np.array([0.0, 5.0, 5.0, 5.0, 5.0])
    found = logistic.fit(design, outcomes(left), penalty)
    scores = logistic.scores(design, outcomes(left), found, np.arange(250), 250)
    foretold = logistic.optimism(found, scores) - found.log_likelihood
    cost = 0.0
    for row in range(250):
        weight = np.ones(250)
        weight[row] = 0.0
        rest = logistic.fit(design, outcomes(left, weight), penalty, found.coefficients)
        eta = float(design.rows[row] @ rest.coefficients)
        cost -= left[row] * eta - np.log1p(np.exp(eta))
    assert foretold == pytest.approx(cost, rel=0.005)


def blocks(now):
    design, left = drawn()
    by = Penalty(np.zeros(5), np.r_[0.0, np.ones(4)], np.array([2, 0, 0, 1, 1]), 2)
    found = logistic.fit(design, outcomes(left), by.of(now))
    scores = logistic.scores(design, outcomes(left), found, np.arange(3000) // 3, 1000)
    return by, found, scores


def test_the_foretold_loss_has_the_slopes_it_says_and_is_exact_at_the_fit():
    now, then = np.array([30.0, 50.0]), np.array([300.0, 5.0])
    by, found, scores = blocks(now)
    spread = scores.T @ scores
    here, _ = logistic.foretold_loss(found, spread, by, now, now)
    assert here == pytest.approx(logistic.optimism(found, scores) - found.log_likelihood)
    _, slopes = logistic.foretold_loss(found, spread, by, now, then)
    for block, step in enumerate(1e-5 * np.eye(2)):
        up, down = (
            logistic.foretold_loss(found, spread, by, now, then * np.exp(sign * step))[0]
            for sign in (1.0, -1.0)
        )
        assert slopes[block] == pytest.approx((up - down) / 2e-5, abs=1e-5)


def test_what_says_nothing_is_drawn_to_nothing_and_what_says_much_is_left_alone():
    now = np.array([30.0, 50.0])
    by, found, scores = blocks(now)
    strengths = logistic.best_strengths(found, scores.T @ scores, by, now, (1.0, 1e5))
    assert strengths[0] < 30.0
    assert strengths[1] > 500.0


@pytest.mark.parametrize("left", [np.zeros(10), np.ones(10)])
def test_outcomes_that_are_all_alike_are_refused(left):
    with pytest.raises(ModelError, match="nothing to tell apart"):
        logistic.fit(Dense(np.ones((10, 1))), outcomes(left), np.zeros(1))


def test_rows_of_no_weight_are_not_there():
    with pytest.raises(ModelError, match="nothing to tell apart"):
        logistic.fit(
            Dense(np.ones((4, 1))),
            outcomes(np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.0, 1.0, 1.0, 1.0])),
            np.zeros(1),
        )


def test_a_free_column_that_separates_is_refused_by_its_number_and_a_penalised_one_is_not():
    design, left = table(50, 0, 0, 50)
    with pytest.raises(ModelError, match="separates") as refused:
        logistic.fit(design, outcomes(left), np.zeros(2))
    assert refused.value.details == ("1",)
    found = logistic.fit(design, outcomes(left), np.array([0.0, 1.0]))
    assert np.isfinite(found.coefficients).all()


def test_a_column_told_twice_shares_its_effect():
    design, left = drawn()
    twice = Dense(np.column_stack([design.rows, design.rows[:, 1]]))
    once = logistic.fit(design, outcomes(left), np.r_[0.0, 1.0, 1.0, 1.0, 1.0])
    both = logistic.fit(twice, outcomes(left), np.r_[0.0, 2.0, 1.0, 1.0, 1.0, 2.0])
    assert both.coefficients[[1, 5]] == pytest.approx(np.full(2, once.coefficients[1] / 2))


@pytest.mark.parametrize("eta", [-800.0, -1.0, 0.0, 1.0, 800.0])
def test_chances_of_any_predictor_are_numbers(eta):
    value = np.array([eta])
    assert 0.0 <= logistic.chance(value)[0] <= 1.0
    assert logistic.softplus(value)[0] == pytest.approx(np.logaddexp(0.0, eta))
