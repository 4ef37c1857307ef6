"""Fits on the CDNOW tenth against the published numbers in tests/paper/cdnow.csv."""

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from csk.stats import bgnbd, gammagamma

PAPER = Path(__file__).parents[1] / "paper" / "cdnow.csv"
CALIBRATED_THROUGH, OBSERVED_THROUGH = date(1997, 9, 30), date(1998, 6, 30)


@pytest.fixture
def buyers(real):
    """Read (x, t_x, T, holdout purchases, mean repeat spend) per customer, times in weeks."""
    spent = defaultdict(lambda: defaultdict(float))
    for line in (real / "cdnow" / "CDNOW_sample.txt").read_text(encoding="ascii").splitlines():
        _, customer, day, _, amount = line.split()
        spent[customer][date.fromisoformat(day)] += float(amount)
    rows = []
    for days in spent.values():
        first = min(days)
        repeats = [day for day in days if first < day <= CALIBRATED_THROUGH]
        later = sum(CALIBRATED_THROUGH < day <= OBSERVED_THROUGH for day in days)
        last = (max([first, *repeats]) - first).days / 7
        whole = (CALIBRATED_THROUGH - first).days / 7
        mean = sum(days[day] for day in repeats) / max(len(repeats), 1)
        rows.append((len(repeats), last, whole, later, mean))
    return np.array(rows).T


def figures(buyers):
    x, t_x, T, later, mean = buyers
    fitted = bgnbd.fit(x, t_x, T)
    spend = gammagamma.fit(x, mean)
    expected = bgnbd.expected_purchases(fitted, x, t_x, T, 39.0)
    errors = dict(zip(("r", "alpha", "a", "b"), fitted.standard_errors, strict=True))
    return {
        "customers": len(x),
        "repeat_purchases": x.sum(),
        "zero_class": (x == 0).sum(),
        "holdout_purchases": later.sum(),
        **{f"bgnbd_{name}": getattr(fitted, name) for name in errors},
        **{f"bgnbd_se_{name}": error for name, error in errors.items()},
        "bgnbd_ll": fitted.log_likelihood,
        "new_52": float(bgnbd.expected_purchases_new(fitted, 52.0)),
        "x26_alive": float(bgnbd.p_alive(fitted, 26, 30.857, 31.0)),
        "x26_52": float(bgnbd.expected_purchases(fitted, 26, 30.857, 31.0, 52.0)),
        "holdout_zero_model": expected[x == 0].mean(),
        "holdout_zero_actual": later[x == 0].mean(),
        "holdout_three_model": expected[x == 3].mean(),
        "holdout_three_actual": later[x == 3].mean(),
        "holdout_correlation": np.corrcoef(expected, later)[0, 1],
        "holdout_mae": np.abs(expected - later).mean(),
        "holdout_rmse": np.sqrt(((expected - later) ** 2).mean()),
        "spenders": spend.n,
        "gg_p": spend.p,
        "gg_q": spend.q,
        "gg_gamma": spend.gamma,
        "gg_ll": spend.log_likelihood,
    }


def test_the_cdnow_tenth_gives_every_published_number(buyers):
    found = figures(buyers)
    away = {}
    with PAPER.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            value = float(found.pop(row["quantity"]))
            if abs(value - float(row["published"])) > float(row["tolerance"]) + 1e-12:
                away[row["quantity"]] = (value, row["published"])
    assert away == {}
    assert found == {}
