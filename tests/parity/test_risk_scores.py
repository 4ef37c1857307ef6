"""Scores of risk against scikit-learn, lifelines and figures of scikit-survival."""

import json
from pathlib import Path

import numpy as np
import pytest
from lifelines.utils import concordance_index
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from csk.stats import calibration, censored, concordance, recalibration, scoring_rules
from csk.stats import discrimination as order

SURVIVAL = json.loads((Path(__file__).parent / "scikit_survival.json").read_text(encoding="utf-8"))


def scored(seed, n=700):
    """Draw chances with many ties, outcomes and weights."""
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 4, n), 2).clip(0.01, 0.99)
    return p, (rng.random(n) < p).astype(int), rng.integers(1, 9, n) / 3


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_scores_agree_with_scikit_learn(seed, is_weighted):
    p, y, w = scored(seed)
    w = w if is_weighted else None
    assert order.auc(p, y, w) == pytest.approx(roc_auc_score(y, p, sample_weight=w), abs=1e-12)
    assert order.average_precision(p, y, w) == pytest.approx(
        average_precision_score(y, p, sample_weight=w), abs=1e-12
    )
    assert scoring_rules.log_loss(p, y, w) == pytest.approx(log_loss(y, p, sample_weight=w))
    assert scoring_rules.brier(p, y, w) == pytest.approx(brier_score_loss(y, p, sample_weight=w))


@pytest.mark.parametrize("seed", range(3))
def test_recalibration_agrees_with_scikit_learn(seed):
    p, y, w = scored(seed)
    free = LogisticRegression(C=np.inf, tol=1e-10).fit(calibration.logits(p)[:, None], y, w)
    found = recalibration.sigmoid(p, y, w)
    assert found.slope == pytest.approx(free.coef_[0, 0], abs=1e-5)
    assert found.intercept == pytest.approx(free.intercept_[0], abs=1e-5)
    steps = IsotonicRegression(out_of_bounds="clip").fit(p, y, w)
    asked = np.linspace(0, 1, 201)
    curve = recalibration.recalibrated(recalibration.isotonic(p, y, w), asked)
    assert curve == pytest.approx(steps.predict(asked), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_harrells_c_agrees_with_lifelines_where_times_and_scores_are_tied(seed):
    rng = np.random.default_rng(seed)
    score, time = rng.integers(0, 9, 200), rng.integers(0, 15, 200)
    event = rng.random(200) < 0.6
    expected = concordance_index(time, -score, event)
    assert concordance.harrell_c(score, time, event) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("fixture", SURVIVAL["fixtures"])
def test_censored_scores_agree_with_scikit_survival_where_no_times_are_tied(fixture):
    rows, expected, ahead = fixture, fixture["figures"], SURVIVAL["horizons"]
    found = censored.ipcw_brier(rows["time"], rows["event"], rows["chance"], ahead)
    assert found == pytest.approx(expected["brier"], abs=1e-12)
    assert censored.integrated_brier(ahead, found) == pytest.approx(expected["ibs"], abs=1e-12)
    seen = (rows["score"], rows["time"], rows["event"])
    assert concordance.harrell_c(*seen) == pytest.approx(expected["harrell"], abs=1e-12)
    assert [concordance.uno_c(*seen, h) for h in ahead] == pytest.approx(expected["uno"], abs=1e-12)
