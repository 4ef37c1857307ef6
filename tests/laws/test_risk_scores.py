"""Laws of scores of risk: weights are rows, the order of rows is none, only the order of scores."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csk.stats import calibration, censored, concordance, profit, recalibration, scoring_rules
from csk.stats import discrimination as order

CAMPAIGN = profit.Campaign(200, 10, 1)
AHEAD = [3, 7]


class Company:
    """Customers with chances that are tied, outcomes, weights, names and times."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = int(rng.integers(30, 80))
        self.p = rng.integers(1, 20, n) / 20
        self.other = rng.integers(1, 20, n) / 20
        self.y = rng.random(n) < 0.2 + 0.5 * self.p
        self.y[:4], self.p[:4] = [0, 1, 0, 1], [0.1, 0.1, 0.9, 0.9]
        self.w = rng.integers(0, 5, n).astype(float)
        self.w[:4] = 1
        self.who = rng.integers(0, 12, n)
        self.time = rng.integers(1, 12, n)
        self.time[:4] = [12, 1, 12, 2]

    def rows(self, at: np.ndarray) -> "Company":
        """Return the same customers in other rows."""
        twin = object.__new__(Company)
        twin.__dict__ = {name: column[at] for name, column in self.__dict__.items()}
        return twin


Measure = Callable[[Company, np.ndarray | None], object]

MEASURES: dict[str, Measure] = {
    "auc": lambda c, w: order.auc(c.p, c.y, w),
    "auc with error": lambda c, w: order.estimated_auc(c.p, c.y, w),
    "auc of customers": lambda c, w: order.estimated_auc(c.p, c.y, w, c.who),
    "difference": lambda c, w: order.paired_auc_difference(c.p, c.other, c.y, w),
    "difference of customers": lambda c, w: order.paired_auc_difference(
        c.p, c.other, c.y, w, c.who
    ),
    "average precision": lambda c, w: order.average_precision(c.p, c.y, w),
    "lift": lambda c, w: order.lift(c.p, c.y, [0.01, 0.1, 0.5, 1], w),
    "log-loss": lambda c, w: scoring_rules.log_loss(c.p, c.y, w),
    "brier": lambda c, w: scoring_rules.brier(c.p, c.y, w),
    "skill": lambda c, w: scoring_rules.brier_skill(c.p, c.y, w),
    "loss difference": lambda c, w: scoring_rules.loss_difference(c.p, c.other, c.y, w),
    "loss difference of customers": lambda c, w: scoring_rules.loss_difference(
        c.p, c.other, c.y, w, c.who
    ),
    "calibration": lambda c, w: calibration.calibration(c.p, c.y, w),
    "calibration of customers": lambda c, w: calibration.calibration(c.p, c.y, w, c.who),
    "in the large": lambda c, w: calibration.in_the_large(c.p, c.y, w),
    "in the large of customers": lambda c, w: calibration.in_the_large(c.p, c.y, w, c.who),
    "reliability": lambda c, w: calibration.reliability(c.p, c.y, w),
    "calibration error": lambda c, w: calibration.calibration_error(c.p, c.y, w),
    "calibration noise": lambda c, w: calibration.calibration_noise(c.p, c.y, w),
    "isotonic": lambda c, w: recalibration.recalibrated(
        recalibration.isotonic(c.p, c.y, w), np.arange(21) / 20
    ),
    "profit": lambda c, w: profit.most_profit(c.p, c.y, CAMPAIGN, 0.3, w),
    "expected profit": lambda c, w: profit.expected_most_profit(c.p, c.y, CAMPAIGN, (6, 14), w),
    "censored brier": lambda c, w: censored.ipcw_brier(
        c.time, c.y, np.column_stack([c.p / 2, c.p]), AHEAD, w
    ),
    "harrell": lambda c, w: concordance.harrell_c(c.p, c.time, c.y, w),
    "uno": lambda c, w: concordance.uno_c(c.p, c.time, c.y, 7, w),
}
SEEDS = range(4)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", MEASURES)
def test_a_weight_is_as_many_rows(name, seed):
    of = Company(seed)
    weighted = MEASURES[name](of, of.w)
    expanded = MEASURES[name](of.rows(np.repeat(np.arange(len(of.w)), of.w.astype(int))), None)
    assert np.asarray(weighted) == pytest.approx(np.asarray(expanded), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("name", MEASURES)
def test_the_order_of_rows_changes_no_bit(name, is_weighted, seed):
    of = Company(seed)
    of.w = np.random.default_rng(seed).random(len(of.w)) if is_weighted else np.ones(len(of.w))
    mixed = of.rows(np.random.default_rng(seed + 99).permutation(len(of.w)))
    one, other = (MEASURES[name](c, c.w if is_weighted else None) for c in (of, mixed))
    assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("cluster", [False, True])
def test_the_order_of_rows_draws_the_same_bootstrap(cluster):
    of = Company(5)
    mixed = of.rows(np.random.default_rng(1).permutation(len(of.w)))
    one, other = (
        order.bootstrap_auc_difference(c.p, c.other, c.y, c.who if cluster else None, 50)
        for c in (of, mixed)
    )
    assert one == other


RISING = {
    "straight": lambda p: 3 * p - 7,
    "logit": lambda p: np.log(p / (1 - p)),
    "cube": lambda p: p**3,
    "ranks": lambda p: np.searchsorted(np.unique(p), p),
}


@pytest.mark.parametrize("rising", RISING)
@pytest.mark.parametrize(
    "name", ["auc", "auc of customers", "average precision", "lift", "profit", "harrell", "uno"]
)
def test_only_the_order_of_scores_counts(name, rising):
    of = Company(11)
    moved = of.rows(np.arange(len(of.w)))
    moved.p = RISING[rising](of.p)
    assert np.array_equal(
        np.asarray(MEASURES[name](of, of.w)), np.asarray(MEASURES[name](moved, of.w))
    )


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40))
def test_a_score_turned_around_has_what_is_left_of_the_auc(rows):
    score, event = map(np.array, zip(*rows, strict=True))
    if event.all() or not event.any():
        return
    assert order.auc(score, event) + order.auc(-score, event) == pytest.approx(1, abs=1e-12)
    assert order.auc(score, event) == pytest.approx(order.auc(-score, ~event), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_gains_never_fall_and_end_with_everybody(rows):
    score, event = map(np.array, zip(*rows, strict=True))
    if event.all() or not event.any():
        return
    held = order.gains(score, event, np.linspace(0.05, 1, 20))
    assert (np.diff(held) >= 0).all()
    assert held[-1] == 1


@pytest.mark.parametrize("n_scores", [5, 1_000_000])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
def test_noise_lifts_by_one(n_scores, share):
    """Over 200 seeds, with many ties and with none."""
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        found.append(order.lift(rng.integers(0, n_scores, 1_500), rng.random(1_500) < 0.1, share))
    assert abs(np.mean(found) - 1) < 2 * np.std(found, ddof=1) / np.sqrt(200)


@given(st.floats(0, 1), st.floats(1, 1e4), st.floats(0, 1), st.floats(0, 50), st.floats(0.01, 1))
def test_a_contact_pays_above_the_chance_that_pays(p, value, part, contact, accepts):
    terms = (value, part * value, contact, accepts)
    earns = float(profit.net_benefit(p, *terms))
    off = p - float(profit.paying_chance(*terms))
    if abs(earns) > 1e-6:
        assert (earns > 0) == (off > 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_expected_profit_lies_between_that_of_the_mean_and_that_of_each(seed):
    """The most is convex in acceptance: Jensen."""
    of = Company(seed)
    mean = profit.most_profit(of.p, of.y, CAMPAIGN, 0.3).amount
    assert profit.expected_most_profit(of.p, of.y, CAMPAIGN, (6, 14)).amount >= mean - 1e-12
    sure = profit.expected_most_profit(of.p, of.y, CAMPAIGN, (6e5, 14e5)).amount
    assert sure == pytest.approx(mean, abs=0.05)
