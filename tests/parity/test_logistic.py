"""Where scikit-learn has what `stats/logistic` has, both find the same coefficients."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from csk.stats import logistic


@pytest.mark.parametrize("penalty", [0.5, 20.0])
def test_one_penalty_and_weights_give_scikit_learns_coefficients(penalty):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(3000, 6))
    left = rng.random(3000) < logistic.chance(x @ (0.2 * np.arange(6)) - 1.0)
    weight = rng.integers(1, 4, 3000).astype(float)
    design = logistic.Dense(np.column_stack([np.ones(3000), x]))
    mine = logistic.fit(
        design, logistic.outcomes(left.astype(float), weight), np.r_[0.0, np.full(6, penalty)]
    ).coefficients
    model = LogisticRegression(C=1.0 / penalty, solver="newton-cholesky", tol=1e-10, max_iter=500)
    theirs = model.fit(x, left, sample_weight=weight)
    assert mine[0] == pytest.approx(theirs.intercept_[0], abs=1e-6)
    assert mine[1:] == pytest.approx(theirs.coef_[0], abs=1e-6)
