"""A model as of a day: what it is fitted on, and what it must not have seen."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.models.risk import fitting
from csk.models.risk.fitting import ENOUGH_EVENTS, SLICE_DAYS, candidate, n_ends, thinned
from csk.models.risk.stacked import Stacked, stacked
from csk.models.risk.verdict import CURVES, GLASS

EDGES = (30, 90)
DAY = timedelta(days=1)


def identified(rows):
    return dict(zip(zip(rows.at, rows.lead, strict=True), rows.weight, strict=True))


def some_rows(n=20_000, share=0.02, seed=0):
    draw = np.random.default_rng(seed)
    cause = np.where(draw.random(n) < share, draw.integers(1, 4, n), 0)
    weight = draw.choice([1.0, 2.0], n)
    return Stacked(np.arange(n) // 2, np.arange(n) % 2, cause, draw.integers(0, 3, n), weight)


@pytest.mark.parametrize("most", [2_000, 8_000, 19_999])
def test_a_sample_keeps_all_who_leave_and_stands_for_all_who_stay(most):
    rows = some_rows()
    found = thinned(rows, most)
    left = rows.cause > 0
    assert len(found.at) == pytest.approx(most, rel=0.05)
    before = identified(rows)
    assert identified(found).keys() <= before.keys()
    assert np.array_equal(found.cause[found.cause > 0], rows.cause[left])
    assert np.array_equal(found.weight[found.cause > 0], rows.weight[left])
    assert found.weight.sum() == pytest.approx(rows.weight.sum(), rel=0.05)
    raised = np.array([weight / before[key] for key, weight in identified(found).items()])
    raised = raised[found.cause == 0]
    assert np.ptp(raised) < 1e-9 < raised[0] - 1.0


def test_rows_of_a_sample_stay_together():
    rows = some_rows()
    found = thinned(rows, 2_000)
    place = {key: at for at, key in enumerate(zip(rows.at, rows.lead, strict=True))}
    at = [place[key] for key in zip(found.at, found.lead, strict=True)]
    assert at == sorted(at)
    assert np.array_equal(found.n_renewals, rows.n_renewals[at])


@pytest.mark.parametrize("most", [20_000, 10**9])
def test_few_rows_are_all_kept(most):
    rows = some_rows()
    assert thinned(rows, most) is rows


def test_the_same_rows_give_the_same_sample():
    one, other = thinned(some_rows(), 2_000), thinned(some_rows(), 2_000)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_mostly_leavers_leave_a_quarter_of_the_sample_for_who_stays():
    rows = some_rows(share=0.9)
    found = thinned(rows, 1_000)
    assert (found.cause > 0).sum() == (rows.cause > 0).sum()
    assert (found.cause == 0).sum() == pytest.approx(250, rel=0.3)


def test_an_end_is_counted_once_and_by_when_it_lies():
    rows = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", "a"],
            "spell_no": [1, 1, 1, 1, 2],
            "landmark_on": [date(2024, 1, 1), date(2024, 1, 29), *[date(2024, 1, 1)] * 3],
            "end_in_days": [40, 12, 9, None, 300],
        }
    )
    days = {date(2024, 1, 10): 0, date(2024, 1, 11): 1, date(2024, 2, 10): 1, date(2024, 2, 11): 2}
    assert {day: n_ends(rows, day) for day in days} == days
    assert n_ends(rows, date(2025, 1, 1)) == 3


@pytest.mark.parametrize("kind", [GLASS, CURVES])
def test_what_lies_at_or_after_a_day_moves_no_model_of_that_day(logs, kind):
    rows, until = logs(), date(2024, 9, 9)
    ended = pl.col("landmark_on") + pl.duration(days=pl.col("end_in_days"))
    later, is_known = pl.col("landmark_on") >= until, ended < until
    changed = rows.with_columns(
        end_in_days=pl.when(is_known & ~later).then("end_in_days").cast(pl.Int32),
        cause=pl.when(is_known & ~later).then("cause").otherwise(0).cast(pl.Int32),
        usage_to_baseline=pl.when(later).then(99.0).otherwise("usage_to_baseline"),
    )
    asked = rows.filter(pl.col("landmark_on") == until)
    assert changed["end_in_days"].null_count() > rows["end_in_days"].null_count()
    found = [candidate(one, EDGES, until, kind) for one in (rows, changed)]
    assert found[0].calibration == found[1].calibration
    assert found[0].hazards(asked).tobytes() == found[1].hazards(asked).tobytes()


def test_the_slice_that_calibrates_was_not_fitted_on(logs, monkeypatch):
    until, seen = date(2024, 9, 9), []

    def fit(panel, rows):
        seen.append((panel, rows))

    monkeypatch.setitem(
        fitting.KINDS,
        GLASS,
        fitting.Kind(fit, lambda _, panel: np.full((panel.height, 2, 1), 0.1)),
    )
    found = candidate(logs(), EDGES, until, GLASS)
    (before, rows), early = seen[0], until - SLICE_DAYS * DAY
    assert before["landmark_on"].max() < early
    assert all(
        np.array_equal(a, b) for a, b in zip(rows, stacked(before, EDGES, early), strict=True)
    )
    assert found.calibration.n_events > ENOUGH_EVENTS / 2


def test_curves_do_not_see_what_a_customer_does(logs):
    rows, until = logs(), date(2024, 9, 9)
    asked = rows.filter(pl.col("landmark_on") == until)
    other = asked.with_columns(usage_to_baseline=pl.lit(-3.0))
    blind, box = (candidate(rows, EDGES, until, kind) for kind in (CURVES, GLASS))
    assert np.array_equal(blind.hazards(asked), blind.hazards(other))
    assert not np.allclose(box.hazards(asked), box.hazards(other))


@pytest.mark.parametrize("kind", [GLASS, CURVES])
def test_too_few_ends_make_no_model(logs, kind):
    rows = logs(n=150)
    assert n_ends(rows, date(2024, 4, 1)) < ENOUGH_EVENTS
    assert candidate(rows, EDGES, date(2024, 6, 1), kind) is None
    assert candidate(rows.clear(), EDGES, date(2024, 9, 9), kind) is None
