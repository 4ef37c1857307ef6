"""The numbers that ship with published figures are those of the data they were counted from."""

import csv
from collections import Counter, defaultdict
from datetime import date

import numpy as np
import pytest

from csk.published import columns, numbers
from csk.published.cdnow import YEAR, buyers_78
from csk.stats import gammagamma, paretonbd

CALIBRATED, OBSERVED = date(1997, 9, 30), date(1998, 6, 30)
MOST_CENTS = 400_000


def histories(path, place):
    """Count each customer: x, t_x, T, cents, later x, last day after all, later cents."""
    spent = defaultdict(Counter)
    for line in path.read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0].isdigit():
            spent[words[place]][date.fromisoformat(words[place + 1])] += round(
                100 * float(words[-1])
            )
    rows = []
    for days in spent.values():
        first = min(days)
        before = [day for day in days if first < day <= CALIBRATED]
        after = [day for day in days if CALIBRATED < day <= OBSERVED]
        rows.append(
            (
                len(before),
                (max([first, *before]) - first).days,
                (CALIBRATED - first).days,
                sum(days[day] for day in before),
                len(after),
                (max([first, *after]) - first).days,
                sum(days[day] for day in after),
            )
        )
    return np.array(rows)


def test_cells_of_cdnow_are_those_of_the_tenth(real):
    cells, n = np.unique(
        histories(real / "cdnow" / "CDNOW_sample.txt", 1), axis=0, return_counts=True
    )
    of = columns("cdnow")
    shipped = np.column_stack(list(of.values())).astype(int)
    assert np.array_equal(shipped, np.column_stack([cells, n]))


@pytest.fixture
def everybody(real):
    rows = histories(real / "cdnow" / "CDNOW_master.txt", 0)
    x, cents = rows[:, 0] + rows[:, 4], rows[:, 3] + rows[:, 6]
    last = np.maximum(rows[:, 1], rows[:, 5])
    kept = cents <= MOST_CENTS
    return x[kept], last[kept], rows[kept, 2] + 273, cents[kept]


def test_cells_of_value_hold_everybody_but_ten(everybody):
    x, last, age, cents = everybody
    of = columns("cdnow_value")
    assert len(x) == of["n"].sum() == 23_560
    assert x.sum() == of["n"] @ of["x"]
    assert cents.sum() == of["cents"].sum()
    nobody = x == 0
    ages, n = np.unique(age[nobody], return_counts=True)
    zero = of["x"] == 0
    assert np.array_equal(of["T"][zero], ages)
    assert np.array_equal(of["n"][zero], n)
    assert of["n"] @ of["t_x"] == pytest.approx(last.sum(), rel=1e-4)


def test_pooling_days_moves_the_value_by_an_eighth_of_a_thousandth(everybody):
    x, last, age, cents = everybody
    tenth = buyers_78()
    fitted = paretonbd.fit(tenth.x, tenth.t_x, tenth.T, tenth.n)
    spend = gammagamma.fit(tenth.x, tenth.mean_spend, tenth.n)

    def total(x, t_x, T, cents, n):
        rate = np.log(1.15) / YEAR
        purchases = paretonbd.discounted_purchases(fitted, x, t_x / 7, T / 7, rate)
        mean = cents / 100 / np.maximum(n * x, 1)
        return float(n @ (purchases * gammagamma.expected_value(spend, x, mean)))

    of = columns("cdnow_value")
    pooled = total(*(of[name] for name in ("x", "t_x", "T", "cents", "n")))
    exact = total(x, last, age, cents, np.ones(len(x)))
    assert 0.3 * exact == pytest.approx(1_100_623, abs=1)
    assert pooled == pytest.approx(exact, rel=0.000125)


def test_tenures_of_telco_are_counted(real):
    (path,) = (real / "telco").glob("*.csv")
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    counted = Counter(
        (
            "monthly" if row["Contract"] == "Month-to-month" else "longer",
            "left" if row["Churn"] == "Yes" else "stay",
            int(row["tenure"]),
        )
        for row in rows
    )
    of = numbers("curves")
    shipped = {
        (term, what, month): n
        for term in ("monthly", "longer")
        for what in ("left", "stay")
        for month, n in enumerate(of[f"telco_{term}_{what}"])
        if n
    }
    assert shipped == dict(counted)
