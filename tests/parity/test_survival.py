"""Curves from counts against lifelines' curves from rows, with late entry and weights."""

import warnings

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

from csk.stats.survival import counts, kaplan_meier, median, restricted_mean, survival_at


def spells(seed, *, late):
    rng = np.random.default_rng(seed)
    n = 400
    entry = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 20, n)) if late else np.zeros(n, int)
    leaves, seen = entry + rng.geometric(0.06, n), entry + rng.integers(1, 40, n)
    return entry, np.minimum(leaves, seen), (leaves <= seen).astype(int), rng.integers(1, 9, n)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_curves_agree_with_lifelines(seed, late):
    entry, exit_, left, weight = spells(seed, late=late)
    curve = kaplan_meier(counts(entry, exit_, left, weight, n_causes=1))
    with warnings.catch_warnings():
        # lifelines remarks on whole-number weights and thin early ages; both are meant here.
        warnings.simplefilter("ignore")
        theirs = KaplanMeierFitter().fit(exit_, left, entry=entry if late else None, weights=weight)
    ages = theirs.survival_function_.index.to_numpy()
    expected = theirs.survival_function_["KM_estimate"].to_numpy()
    assert survival_at(curve, ages.astype(int)) == pytest.approx(expected, abs=1e-12)
    interval = theirs.confidence_interval_.loc[curve.age[1:].astype(float)].to_numpy()
    drawn = (curve.survival[1:] > 0.0) & (curve.survival[1:] < 1.0)
    assert curve.low[1:][drawn] == pytest.approx(interval[drawn, 0], abs=1e-9)
    assert curve.high[1:][drawn] == pytest.approx(interval[drawn, 1], abs=1e-9)
    assert median(curve).value == theirs.median_survival_time_


@pytest.mark.parametrize("to_age", [1, 12, 30])
def test_restricted_means_agree_with_lifelines(to_age):
    _, exit_, left, _ = spells(7, late=False)
    theirs = KaplanMeierFitter().fit(exit_, left)
    got = restricted_mean(kaplan_meier(counts(0 * exit_, exit_, left)), to_age)
    assert got.value == pytest.approx(restricted_mean_survival_time(theirs, t=to_age), rel=1e-9)
