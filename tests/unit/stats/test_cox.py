"""Proportional hazards on rows small enough to reckon by hand, and their refusals."""

import numpy as np
import pytest

from csk.errors import ModelError, UsageError
from csk.stats import cox


def spells(rows):
    entry, last, left, *design = np.array(rows, float).T
    return cox.Spells(entry, last, left == 1, np.stack(design, axis=1))


FIVE = spells([(0, 1, 1, 1), (0, 2, 1, 0), (0, 3, 1, 1), (0, 4, 0, 0), (1, 5, 1, 0)])


def test_the_likelihood_counts_only_who_was_watched_just_before():
    found = cox.fit(FIVE)
    ratio = float(np.exp(found.coefficients[0]))
    # At 1 the last row is not yet watched: two of each kind. At 2 one and three, at 3 one and two,
    # at 5 the last alone.
    by_hand = (
        np.log(ratio / (2 * ratio + 2))
        + np.log(1 / (ratio + 3))
        + np.log(ratio / (ratio + 2))
        + np.log(1.0)
    )
    assert found.log_likelihood == pytest.approx(by_hand, abs=1e-12)
    assert found.null_log_likelihood == pytest.approx(-np.log(4 * 4 * 3), abs=1e-12)
    assert found.n_events == 4


def test_the_baseline_is_ends_over_what_was_at_risk():
    ages, hazard = cox.baseline(FIVE, np.zeros(1))
    assert ages.tolist() == [1, 2, 3, 5]
    assert hazard == pytest.approx(np.cumsum([1 / 4, 1 / 4, 1 / 3, 1]))


@pytest.mark.parametrize(
    ("predictor", "expected"),
    # Pairs: at 1 with three others, at 2 with three, at 3 with two, at 5 with nobody.
    [([1, 0, 1, 0, 0], (2.5 + 1.0 + 2.0) / 8), ([5, 4, 3, 2, 1], 1.0), ([0, 0, 0, 0, 0], 0.5)],
)
def test_concordance_is_the_share_of_pairs_in_order(predictor, expected):
    assert cox.concordance(FIVE, np.array(predictor, float)) == pytest.approx(expected)


def test_concordance_by_quantiles_is_close_to_that_by_values():
    rng = np.random.default_rng(3)
    x = rng.normal(size=600)
    last = rng.exponential(np.exp(-x))
    of = cox.Spells(0 * last, last, rng.random(600) < 0.7, x[:, None])
    exact, coarse = cox.concordance(of, x), cox.concordance(of, x, most_levels=100)
    assert coarse == pytest.approx(exact, abs=0.01)


def drawn(seed, n=300):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.integers(0, 2, n), rng.normal(size=n)]).astype(float)
    entry = rng.integers(0, 10, n).astype(float)
    lasts = np.ceil(rng.exponential(12.0 * np.exp(-0.6 * x[:, 0] - 0.3 * x[:, 1])))
    seen = rng.integers(5, 30, n)
    return cox.Spells(entry, entry + np.minimum(lasts, seen), lasts <= seen, x)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_residuals_add_up_to_nothing_and_foretell_what_leaving_a_row_out_does(ties):
    of = drawn(1)
    found = cox.fit(of, ties)
    residuals = cox.score_residuals(of, found.coefficients, ties)
    assert residuals.sum(axis=0) == pytest.approx(np.zeros(2), abs=1e-8)
    moved = residuals @ found.covariance
    shown = np.flatnonzero(np.abs(moved).max(axis=1) > np.quantile(np.abs(moved).max(axis=1), 0.9))
    for row in shown[:10]:
        rest = np.arange(len(of.exit)) != row
        without = cox.fit(cox.Spells(*(part[rest] for part in of)), ties)
        gone = found.coefficients - without.coefficients
        assert moved[row] == pytest.approx(gone, rel=0.3, abs=0.004)


def test_rows_that_come_twice_have_the_robust_errors_of_one_each():
    of = drawn(2)
    twice = cox.Spells(*(np.concatenate([part, part]) for part in of))
    cluster = np.arange(len(of.exit))
    one = cox.robust_covariance(of, cox.fit(of, "breslow"), cluster, "breslow")
    both = cox.robust_covariance(
        twice, cox.fit(twice, "breslow"), np.concatenate([cluster, cluster]), "breslow"
    )
    assert both == pytest.approx(one, rel=1e-8)


def test_what_separates_is_refused_by_its_number():
    of = drawn(3)
    silent = of._replace(design=np.column_stack([of.design, of.left.astype(float)]))
    with pytest.raises(ModelError, match="separates") as refused:
        cox.fit(silent)
    assert refused.value.details == ("2",)


def test_without_an_end_or_a_covariate_nothing_is_fitted():
    with pytest.raises(ModelError, match="Nobody has left"):
        cox.fit(FIVE._replace(left=np.zeros(5, bool)))
    with pytest.raises(UsageError, match="at least one covariate"):
        cox.fit(FIVE._replace(design=np.zeros((5, 0))))


def test_a_ratio_that_reverses_is_not_steady_and_one_that_holds_is():
    rng = np.random.default_rng(5)
    n = 1500
    x = rng.integers(0, 2, n).astype(float)
    early, late = rng.exponential(np.where(x == 1, 5.0, 15.0)), rng.exponential(15.0, n)
    last = np.where(early < 6.0, early, 6.0 + np.where(x == 1, 2.0, 1.0) * late)
    left = np.ones(n, bool)
    moving = cox.Spells(0 * last, last, left, x[:, None])
    held = cox.Spells(0 * last, rng.exponential(10.0 * np.exp(-0.7 * x)), left, x[:, None])
    for of, is_steady in ((moving, False), (held, True)):
        test = cox.proportionality(of, cox.fit(of).coefficients, ((0,),))
        assert (test.p_value > 0.01) is is_steady
        assert test.p_values[0] == pytest.approx(test.p_value)


@pytest.mark.parametrize("seed", range(3))
def test_late_entry_takes_nothing_from_the_truth(seed):
    rng = np.random.default_rng(seed)
    n = 6000
    x = rng.normal(size=n)
    born = 20.0 * rng.weibull(1.4, n) * np.exp(-0.5 * x / 1.4)
    entry = rng.uniform(0.0, 25.0, n)
    seen = born > entry
    of = cox.Spells(entry[seen], born[seen], np.ones(int(seen.sum()), bool), x[seen, None])
    found = cox.fit(of)
    error = float(np.sqrt(found.covariance[0, 0]))
    assert found.coefficients[0] == pytest.approx(0.5, abs=3 * error)
    ages, hazard = cox.baseline(of, found.coefficients)
    rise = np.diff(np.interp([5.0, 30.0], ages, hazard))[0]
    truth = (30.0 / 20.0) ** 1.4 - (5.0 / 20.0) ** 1.4
    assert rise == pytest.approx(truth, rel=0.15)
