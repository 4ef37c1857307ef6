"""Predictions at the published parameters; the fits themselves need the data (tests/real)."""

import csv
from pathlib import Path

import numpy as np
import pytest

from csk.stats.bgnbd import BgNbdFit, expected_purchases, expected_purchases_new, p_alive
from csk.stats.gammagamma import GammaGammaFit, expected_value

ROWS = csv.DictReader((Path(__file__).parent / "cdnow.csv").open(encoding="utf-8"))
PUBLISHED = {row["quantity"]: (float(row["published"]), float(row["tolerance"])) for row in ROWS}

FIT = BgNbdFit(
    *(PUBLISHED[f"bgnbd_{name}"][0] for name in ("r", "alpha", "a", "b")),
    covariance=np.eye(4),
    log_likelihood=PUBLISHED["bgnbd_ll"][0],
    n=2357.0,
    gradient_norm=0.0,
    is_converged=True,
    is_at_bound=False,
)

PREDICTIONS = [
    ("new_52", expected_purchases_new(FIT, 52.0)),
    ("x26_alive", p_alive(FIT, 26, 30.857, 31.0)),
    ("x26_52", expected_purchases(FIT, 26, 30.857, 31.0, 52.0)),
]


@pytest.mark.parametrize(("quantity", "found"), PREDICTIONS)
def test_predictions_equal_the_published_ones(quantity, found):
    published, tolerance = PUBLISHED[quantity]
    assert float(found) == pytest.approx(published, abs=tolerance)


def test_the_paper_s_worked_customer_expects_1_226_purchases():
    """Customer x = 2, t_x = 30.43, T = 38.86 over 39 weeks: the authors' spreadsheet note."""
    worked = BgNbdFit(0.243, 4.414, 0.793, 2.426, np.eye(4), 0.0, 1.0, 0.0, True, False)
    assert float(expected_purchases(worked, 2, 30.43, 38.86, 39.0)) == pytest.approx(
        1.226, abs=5e-4
    )


def test_gamma_gamma_at_the_published_parameters_has_the_published_mean():
    p, q, gamma = (PUBLISHED[f"gg_{name}"][0] for name in ("p", "q", "gamma"))
    fitted = GammaGammaFit(p, q, gamma, np.eye(3), 0.0, 946.0, 1411.0, 1, is_converged=True)
    assert fitted.population_mean == pytest.approx(p * gamma / (q - 1))
    assert fitted.population_mean == pytest.approx(35.17, abs=0.005)
    assert float(expected_value(fitted, 0, 0.0)) == fitted.population_mean
