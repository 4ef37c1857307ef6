"""Laws of proportional hazards: what must not matter does not, for any rows."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from csk.stats import cox, tails
from csk.stats.continuous import CONTINUOUS

LAW = settings(deadline=None, max_examples=25)
SEEDS = st.integers(0, 10_000)


def drawn(seed, n=80):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.integers(0, 2, n), rng.normal(size=n)]).astype(float)
    entry = rng.integers(0, 8, n).astype(float)
    lasts, seen = np.ceil(rng.exponential(10.0, n)), rng.integers(1, 20, n)
    of = cox.Spells(entry, entry + np.minimum(lasts, seen), lasts <= seen, x)
    assume(of.left.sum() > 20)
    return of


def everything(of, cluster):
    found = cox.fit(of)
    _, hazard = cox.baseline(of, found.coefficients)
    robust = cox.robust_covariance(of, found, cluster)
    steady = cox.proportionality(of, found.coefficients, ((0,), (1,)), "km")
    return [
        *found.coefficients,
        *np.sqrt(np.diag(found.covariance)),
        *np.sqrt(np.diag(robust)),
        found.log_likelihood,
        *hazard,
        steady.statistic,
        cox.concordance(of, of.design @ found.coefficients),
    ]


@LAW
@given(SEEDS)
def test_cutting_a_spell_in_two_changes_nothing(seed):
    of, n = drawn(seed), 80
    # Cut between two ages at which somebody leaves or at one; the first part is then censored.
    at = of.entry + np.ceil((of.exit - of.entry) / 2.0)
    cut = np.flatnonzero(at < of.exit)
    parts = cox.Spells(
        np.concatenate([of.entry, at[cut]]),
        np.concatenate([np.where(at < of.exit, at, of.exit), of.exit[cut]]),
        np.concatenate([of.left & (at >= of.exit), of.left[cut]]),
        np.concatenate([of.design, of.design[cut]]),
    )
    cluster = np.arange(n)
    whole, cut_up = everything(of, cluster), everything(parts, np.concatenate([cluster, cut]))
    assert cut_up == pytest.approx(whole, rel=1e-6, abs=1e-8)


@LAW
@given(SEEDS)
def test_the_order_of_rows_and_the_unit_of_age_change_nothing(seed):
    of = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(of.exit))
    cluster = np.arange(len(of.exit)) // 3
    moved = cox.Spells(of.entry[order] * 7, of.exit[order] * 7, of.left[order], of.design[order])
    assert everything(moved, cluster[order]) == pytest.approx(
        everything(of, cluster), rel=1e-6, abs=1e-8
    )


@LAW
@given(SEEDS)
def test_adding_to_a_covariate_changes_no_ratio_and_scaling_it_scales_them(seed):
    of = drawn(seed)
    found, moved = cox.fit(of), cox.fit(of._replace(design=4.0 * of.design + 9.0))
    assert 4.0 * moved.coefficients == pytest.approx(found.coefficients, rel=1e-6, abs=1e-9)
    assert moved.log_likelihood == pytest.approx(found.log_likelihood, rel=1e-10)


@LAW
@given(SEEDS)
def test_who_is_in_no_stratum_with_another_says_nothing(seed):
    of = drawn(seed)
    alone = cox.Spells(
        np.r_[of.entry, 1000.0],
        np.r_[of.exit, 1010.0],
        np.r_[of.left, True],
        np.vstack([of.design, [[1.0, 2.0]]]),
    )
    assert cox.fit(alone).coefficients == pytest.approx(
        cox.fit(of).coefficients, rel=1e-6, abs=1e-9
    )


@LAW
@given(
    st.sampled_from(sorted(CONTINUOUS)),
    st.lists(st.tuples(st.integers(0, 500), st.floats(0.0, 1.0)), min_size=2, max_size=30),
)
def test_laws_of_running_time_fit_any_counts(family, periods):
    exposed = np.array([n for n, _ in periods], float)
    assume(exposed.sum() > 0)
    left = np.floor(exposed * [share for _, share in periods])
    found = tails.fit(family, exposed, left)
    hazards = tails.hazards(found, 200)
    assert np.isfinite([*found.params, found.log_likelihood, found.aic]).all()
    assert ((hazards >= 0.0) & (hazards <= 1.0)).all()
    # It is a top: no law of this kind near it is likelier.
    here = np.log(np.array(found.params))
    if found.family == family:
        for move in 0.05 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]):
            model = CONTINUOUS[family]
            there = np.clip(here + move, model.low, model.high)
            nearby = tails.family_hazards(family, there, len(exposed))
            score = float(tails.log_likelihood(nearby, exposed, left))
            assert score <= found.log_likelihood + 1e-6
