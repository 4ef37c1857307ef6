"""Pareto/NBD and NBD on CDNOW against the published numbers in tests/paper/paretonbd.csv."""

import csv
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from csk.stats import bgnbd, gammagamma, nbd, paretonbd

PAPER = Path(__file__).parents[1] / "paper" / "paretonbd.csv"
CALIBRATED_THROUGH, OBSERVED_THROUGH = date(1997, 9, 30), date(1998, 6, 30)
YEARLY_15 = float(np.log(1.15)) / 52


def spending(path):
    """Give spend by customer of the master log and day, from fields id, ..., day, n, amount."""
    spent = defaultdict(lambda: defaultdict(float))
    for line in path.read_text(encoding="ascii").splitlines():
        customer, *_, day, _, amount = line.split()[:1] + line.split()[-3:]
        if day.isdigit():
            spent[customer][datetime.strptime(day, "%Y%m%d").date()] += float(amount)  # noqa: DTZ007 - a day has no zone
    return spent


def histories(spent, end):
    """Give (x, t_x, T, later purchases, repeat spend) per customer, times in weeks."""
    rows = []
    for days in spent.values():
        first = min(days)
        repeats = [day for day in days if first < day <= end]
        last = (max([first, *repeats]) - first).days / 7
        later = sum(day > end for day in days)
        worth = sum(days[day] for day in repeats)
        rows.append((len(repeats), last, (end - first).days / 7, later, worth))
    return np.array(rows, float).T


@pytest.fixture(scope="module")
def tenth(real):
    return spending(real / "cdnow" / "CDNOW_sample.txt")


def published(found):
    """Give the quantities of `found` that are away from their published figures."""
    with PAPER.open(encoding="utf-8") as lines:
        rows = {row["quantity"]: row for row in csv.DictReader(lines)}
    return {
        name: (float(value), rows[name]["published"])
        for name, value in found.items()
        if abs(value - float(rows[name]["published"])) > float(rows[name]["tolerance"]) + 1e-12
    }


def test_the_cdnow_tenth_gives_every_published_number(tenth):
    x, t_x, T, later, _ = histories(tenth, CALIBRATED_THROUGH)
    fitted, without = paretonbd.fit(x, t_x, T), nbd.fit(x, T)
    expected = paretonbd.expected_purchases(fitted, x, t_x, T, 39.0)
    other = bgnbd.expected_purchases(bgnbd.fit(x, t_x, T), x, t_x, T, 39.0)
    errors = zip(("r", "alpha", "s", "beta"), fitted.standard_errors, strict=True)
    assert fitted.gradient_norm < 1e-10
    assert (
        published(
            {
                **{name: getattr(fitted, name) for name in ("r", "alpha", "s", "beta")},
                **{f"se_{name}": error for name, error in errors},
                "ll": fitted.log_likelihood,
                "new_52": paretonbd.expected_purchases_new(fitted, 52.0),
                "x26_alive": paretonbd.p_alive(fitted, 26, 30.86, 31.0),
                "x26_52": paretonbd.expected_purchases(fitted, 26, 30.86, 31.0, 52.0),
                "holdout_zero": expected[x == 0].mean(),
                "holdout_three": expected[x == 3].mean(),
                "holdout_correlation": np.corrcoef(expected, later)[0, 1],
                "holdout_mae": np.abs(expected - later).mean(),
                "holdout_rmse": np.sqrt(((expected - later) ** 2).mean()),
                "correlation_with_bgnbd": np.corrcoef(expected, other)[0, 1],
                "nbd_r": without.r,
                "nbd_alpha": without.alpha,
                "nbd_ll": without.log_likelihood,
            }
        )
        == {}
    )


def test_the_cdnow_base_is_worth_what_was_published(real, tenth):
    """Fitted on the tenth over 78 weeks, applied to all but ten customers of the master log."""
    x, t_x, T, _, worth = histories(tenth, OBSERVED_THROUGH)
    fitted = paretonbd.fit(x, t_x, T)
    spend = gammagamma.fit(x, worth / np.maximum(x, 1))
    everybody = histories(spending(real / "cdnow" / "CDNOW_master.txt"), OBSERVED_THROUGH)
    kept = everybody[4] <= 4000
    x, t_x, T, _, worth = everybody[:, kept]
    mean = gammagamma.expected_value(spend, x, worth / np.maximum(x, 1))
    value = 0.3 * mean * paretonbd.discounted_purchases(fitted, x, t_x, T, YEARLY_15)
    assert (
        published(
            {
                "left_out": (~kept).sum(),
                "valued": kept.sum(),
                "value_mean": value.mean(),
                "value_total": value.sum(),
                "value_zero_class": value[x == 0].mean(),
            }
        )
        == {}
    )
