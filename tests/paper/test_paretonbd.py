"""Predictions at the published parameters; the fits themselves need the data (tests/real)."""

import csv
from pathlib import Path

import numpy as np
import pytest

from csk.stats.paretonbd import (
    ParetoNbdFit,
    discounted_purchases,
    expected_purchases,
    expected_purchases_new,
    p_alive,
)

with (Path(__file__).parent / "paretonbd.csv").open(encoding="utf-8") as lines:
    PUBLISHED = {
        row["quantity"]: (float(row["published"]), float(row["tolerance"]))
        for row in csv.DictReader(lines)
    }


def fitted(*theta):
    return ParetoNbdFit(*theta, np.eye(4), 0.0, 1.0, 0.0, True, False)


WEEKS_39 = fitted(*(PUBLISHED[name][0] for name in ("r", "alpha", "s", "beta")))
WEEKS_78 = fitted(0.56300, 12.55917, 0.40811, 10.51454)
YEARLY_15 = float(np.log(1.15)) / 52

PREDICTIONS = [
    ("new_52", expected_purchases_new(WEEKS_39, 52.0)),
    ("x26_alive", p_alive(WEEKS_39, 26, 30.86, 31.0)),
    ("x26_52", expected_purchases(WEEKS_39, 26, 30.86, 31.0, 52.0)),
    ("x7_discounted", discounted_purchases(WEEKS_78, 7, 35.0, 77.86, YEARLY_15)),
    ("x1_discounted", discounted_purchases(WEEKS_78, 1, 30.0, 77.86, YEARLY_15)),
]


@pytest.mark.parametrize(("quantity", "found"), PREDICTIONS)
def test_predictions_equal_the_published_ones(quantity, found):
    published, tolerance = PUBLISHED[quantity]
    assert float(found) == pytest.approx(published, abs=tolerance)
