"""`csk retention` against lifelines, given the same contracts, their ages counted one by one."""

import warnings
from datetime import date, timedelta

import numpy as np
import pytest
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time

from csk.analyses.retention import Asked, retention
from csk.book import Window
from csk.calendar import TICKS_PER_MONTH, tick
from csk.engine.local import LocalEngine
from csk.settings import Settings
from csk.stats.survival import ENOUGH_AT_RISK

AS_OF, LATE = date(2024, 1, 1), date(2022, 1, 1)
REASONS = {"price": 1, "card": 2, None: 3}


def some(seed, n=400):
    """Draw one contract a customer; those of plan b leave more slowly, and those of c late."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        plan = "abc"[number % 3]
        began = date(2020, 1, 1) + timedelta(days=int(rng.integers(0, 1400)))
        length = int(rng.geometric({"a": 0.004, "b": 0.002, "c": 0.003}[plan]))
        over = began + timedelta(days=length + (200 if plan == "c" else 0))
        rows.append(
            {
                "customer_id": f"c{number:04}",
                "plan": plan,
                "started_on": began,
                "ended_on": over if over < AS_OF else None,
                "mrr_amount": 1,
                "cancel_reason": rng.choice(["price", "card", None]),
            }
        )
    return rows


def aged(rows, since=date(2000, 1, 1)):
    """Return entry and last age of each contract in ticks, and its cause (0 where it runs)."""
    seen = [row for row in rows if row["ended_on"] is None or row["ended_on"] >= since]
    entry = [
        max(tick(r["started_on"], since) - 1, 0) if r["started_on"] < since else 0 for r in seen
    ]
    last = [
        tick(r["started_on"], AS_OF) - 1 if r["ended_on"] is None
        else max(tick(r["started_on"], r["ended_on"]), 1) for r in seen
    ]  # fmt: skip
    cause = [0 if r["ended_on"] is None else REASONS[r["cancel_reason"]] for r in seen]
    return seen, np.array(entry), np.array(last), np.array(cause)


@pytest.fixture
def told(book_of):
    def answer(rows, asked=None, since=None):
        book = book_of({"subscriptions": rows}, as_of=AS_OF)
        if since:
            book = book.dated(Window(since, AS_OF - timedelta(days=1), AS_OF, is_late_entry=True))
        return retention(book, LocalEngine(), Settings(), asked)

    return answer


def fitted(*arguments, **more):
    with warnings.catch_warnings():
        # It remarks on thin early ages, which are meant here.
        warnings.simplefilter("ignore")
        return KaplanMeierFitter().fit(*arguments, **more)


@pytest.mark.parametrize("since", [None, LATE])
def test_shares_and_intervals_are_those_of_lifelines(told, since):
    rows = some(1)
    result = told(rows, since=since)
    _, entry, last, cause = aged(rows, since or date(2000, 1, 1))
    keep = last > entry
    theirs = fitted(last[keep], cause[keep] > 0, entry=entry[keep] if since else None)
    assert [at.age for at in result.whole.at] == [1, 2, 3, 6, 12, 18, 24, 36]
    bounds = theirs.confidence_interval_survival_function_
    for at in result.whole.at:
        age = at.age * TICKS_PER_MONTH
        assert at.share == pytest.approx(float(theirs.predict(age)), abs=1e-12)
        row = bounds.loc[bounds.index <= age].iloc[-1]
        assert (at.low, at.high) == pytest.approx(tuple(row), abs=1e-9)
    assert result.whole.n == keep.sum()
    assert result.whole.n_ended == (cause[keep] > 0).sum()
    assert result.whole.median_months.value == theirs.median_survival_time_ / TICKS_PER_MONTH


def test_the_mean_and_the_causes_are_those_of_lifelines(told):
    rows = some(2)
    result = told(rows)
    _, _, last, cause = aged(rows)
    reach = result.mean_to_months * TICKS_PER_MONTH
    mean = restricted_mean_survival_time(fitted(last, cause > 0), t=reach) / TICKS_PER_MONTH
    assert result.whole.mean_months.value == pytest.approx(mean, rel=1e-9)
    for name, code in (("voluntary", 1), ("involuntary", 2), ("unknown", 3)):
        with warnings.catch_warnings():
            # It jitters ties and says so.
            warnings.simplefilter("ignore")
            theirs = AalenJohansenFitter(calculate_variance=False, seed=1).fit(last, cause, code)
        share = theirs.cumulative_density_
        wanted = float(share.loc[share.index <= reach + 0.5].iloc[-1, 0])
        assert result.whole.causes[name] == pytest.approx(wanted, abs=0.003)


def test_curves_from_an_age_on_are_of_those_who_reached_it(told):
    rows = some(3)
    result = told(rows, Asked(from_months=6))
    _, _, last, cause = aged(rows)
    reached = last > 6 * TICKS_PER_MONTH
    theirs = fitted(last[reached], cause[reached] > 0)
    assert result.from_months == 6
    assert not result.is_thin
    assert [at.age for at in result.whole.at] == [12, 18, 24, 36]
    for at in result.whole.at:
        assert at.share == pytest.approx(float(theirs.predict(at.age * TICKS_PER_MONTH)), abs=1e-12)


def test_a_late_log_of_old_customers_begins_where_enough_are_watched(told):
    rows = [row for row in some(4) if row["started_on"] < date(2021, 9, 1)]
    result = told(rows, since=LATE)
    assert result.is_thin
    assert result.from_months > 0
    start = result.from_months * TICKS_PER_MONTH
    _, entry, last, _ = aged(rows, LATE)
    assert ((entry <= start) & (last > start)).sum() >= ENOUGH_AT_RISK
    whole = told(rows, Asked(from_months=0), since=LATE)
    assert (whole.from_months, whole.is_thin) == (0, False)


def test_groups_are_tested_as_by_lifelines_weighted_where_they_cross(told):
    rows = some(5)
    result = told(rows, Asked(by="plan"))
    seen, _, last, cause = aged(rows)
    plans = [row["plan"] for row in seen]
    plain = multivariate_logrank_test(last, plans, cause > 0)
    weighted = multivariate_logrank_test(last, plans, cause > 0, weightings="wilcoxon")
    assert result.test.statistic == pytest.approx(plain.test_statistic, rel=1e-9)
    assert result.test.p_value == pytest.approx(plain.p_value, rel=1e-6)
    assert result.weighted.statistic == pytest.approx(weighted.test_statistic, rel=1e-9)


def test_curves_that_do_not_cross_are_tested_once(told):
    rows = [row for row in some(6) if row["plan"] != "c"]
    result = told(rows, Asked(by="plan"))
    assert result.test is not None
    assert result.weighted is None


def test_a_band_is_wider_than_the_intervals_and_no_other_curve(told):
    rows = some(7)
    plain, band = told(rows), told(rows, Asked(is_band=True))
    assert [at.share for at in band.whole.at] == [at.share for at in plain.whole.at]
    inner = [at for at in plain.whole.at if 0 < at.share < 1]
    outer = [at for at in band.whole.at if 0 < at.share < 1]
    assert len(inner) > 5
    for narrow, wide in zip(inner, outer, strict=True):
        assert wide.low < narrow.low < narrow.high < wide.high
