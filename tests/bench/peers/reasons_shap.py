"""What SHAP takes to explain the same model: reasons_shap.py FILE, of `risk.py --shap`.

FILE is an .npz of the glass box's columns and coefficients. Prints one line of JSON by explainer:
how many rows, and the CPU seconds from the explainer to its values.

- linear: the linear predictors of both causes alone, not the chance within a horizon.
- permutation: the very function that reasons are of, by asking it again and again.
- trees: gradient boosting of scikit-learn on the same columns, as many trees as leave the same day.
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import shap
from sklearn.ensemble import HistGradientBoostingClassifier

kept = np.load(sys.argv[1])
columns, level, fade, ahead = (kept[name] for name in ("columns", "level", "fade", "ahead"))
within, u = kept["within"], kept["u"]
FEW, SOME = 200, 5_000
N_TREES, N_LEAVES = 100, 15


def logit(x: np.ndarray) -> np.ndarray:
    """Return the logit of leaving within the horizon, of (n, p) columns."""
    own = ahead[:, :, None] + (level @ x.T)[:, None] + u[None, :, None] * (fade @ x.T)[:, None]
    stay = within @ np.log1p(np.exp(own).sum(axis=0))
    return stay + np.log(-np.expm1(-stay))


def told(name: str, n: int, work: Callable[[], object]) -> None:
    """Print what an explainer took."""
    begun = time.process_time()
    work()
    spent = time.process_time() - begun
    print(json.dumps({"explainer": name, "rows": n, "cpu": spent}), flush=True)


def linear() -> None:
    """Explain the linear predictor of each cause."""
    for one in level:
        shap.LinearExplainer((one, 0.0), columns[:SOME]).shap_values(columns)


def permutation() -> None:
    """Explain the chance itself, against fifty customers."""
    asked = shap.PermutationExplainer(logit, columns[:50])
    asked(columns[:FEW], max_evals=2 * columns.shape[1] + 1, silent=True)


told("linear", len(columns), linear)
told("permutation", FEW, permutation)
trees = HistGradientBoostingClassifier(
    max_iter=N_TREES, max_leaf_nodes=N_LEAVES, early_stopping=False, random_state=0
).fit(kept["past"], kept["left"])
told("trees", SOME, lambda: shap.TreeExplainer(trees).shap_values(columns[:SOME]))
