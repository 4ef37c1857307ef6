"""Chances are held against what came, from days of the past."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from csk.models.risk.ageing import Watch, ages, watch
from csk.models.risk.curve import p_churn
from csk.models.risk.fitting import candidate
from csk.models.risk.origins import origins
from csk.models.risk.validation import Question, _Came, _chosen, _Foretold, validation
from csk.models.risk.verdict import CURVES, GLASS, TREES, Finding
from csk.stats.discrimination import auc
from csk.stats.profit import Campaign, most_profit

EDGES = (30, 90)
KINDS = (GLASS, CURVES)
CAMPAIGN = Campaign(100.0, 5.0, 1.0)


def asked(rows, **changed):
    days = tuple(rows["landmark_on"].unique().sort())
    told = {"edges": EDGES, "days": days, "as_of": days[-1], "risk_days": EDGES, "main_days": 30}
    return Question(**{**told, "campaign": CAMPAIGN, "accept_share": 0.3, **changed})


@pytest.fixture(scope="module")
def rows(logs):
    return logs()


@pytest.fixture(scope="module")
def found(rows):
    odd = Finding("unripe", "ended_on", 0.1, is_fatal=False)
    return validation(rows, asked(rows), (odd,), KINDS)


def test_every_origin_kind_and_horizon_that_is_known_has_figures(rows, found):
    question = asked(rows)
    days, _ = origins(question.days, question.as_of, 30)
    assert found.origins == days
    told = {(row.origin_on, row.model, row.days) for row in found.rows}
    assert told == {
        (day, kind, horizon)
        for day in days
        for kind in KINDS
        for horizon in EDGES
        if day + timedelta(days=horizon) <= question.as_of
    }
    assert (found.main_days, found.n_origins_wanted, found.is_overlapping) == (30, 3, False)
    assert [one.check for one in found.findings] == ["unripe"]


def test_figures_are_of_a_model_that_knew_nothing_later(rows, found):
    day = found.origins[0]
    cut = rows.filter(pl.col("landmark_on") <= day)
    ended = pl.col("landmark_on") + pl.duration(days=pl.col("end_in_days"))
    then = cut.with_columns(end_in_days=pl.when(ended < day).then("end_in_days"))
    then = then.with_columns(cause=pl.col("end_in_days").is_not_null().cast(pl.Int32))
    test = cut.filter(pl.col("landmark_on") == day)
    left = (test["end_in_days"] < 30).fill_null(value=False).to_numpy()
    p = p_churn(candidate(then, EDGES, day, GLASS).hazards(test), EDGES, 30)
    (row,) = (r for r in found.rows if (r.origin_on, r.model, r.days) == (day, GLASS, 30))
    assert (row.n, row.n_events) == (len(left), left.sum())
    assert row.auc == pytest.approx(auc(p, left), abs=1e-12)
    assert row.brier == pytest.approx(((p - left) ** 2).mean())


def test_where_everybody_was_watched_weights_change_nothing(rows, found):
    day = found.origins[0]
    test = rows.filter(pl.col("landmark_on") == day)
    hazards = candidate(rows, EDGES, day, GLASS).hazards(test)
    ends = test["end_in_days"].fill_null(10**6).to_numpy()
    p = {h: p_churn(hazards, EDGES, h) for h in EDGES}
    for days in EDGES:
        (row,) = (r for r in found.rows if (r.origin_on, r.model, r.days) == (day, GLASS, days))
        briers = [((p[h] - (ends < h)) ** 2).mean() for h in EDGES if h <= days]
        assert row.integrated_brier == pytest.approx(np.mean(briers))  # two ends of a trapezoid
        in_order = [
            float(p[days][i] > p[days][j]) + (p[days][i] == p[days][j]) / 2
            for i in np.flatnonzero(ends < days)
            for j in np.flatnonzero(ends > ends[i])
        ]
        assert row.uno_c == pytest.approx(np.mean(in_order))


def test_a_model_is_judged_as_it_grows_older(found):
    ages = {one.since_fit_days: one for one in found.ages if one.days == 30}
    assert {one.days for one in found.ages} == set(EDGES)
    assert {0, 28, 56, 84} <= set(ages)
    of = [row for row in found.rows if (row.model, row.days) == (GLASS, 30)]
    fresh = ages[0]
    assert (fresh.n_landmarks, fresh.n) == (len(of), sum(row.n for row in of))
    assert fresh.n_events == sum(row.n_events for row in of)
    weights = [row.n / fresh.n for row in of]
    by_origin = sum(row.brier * weight for row, weight in zip(of, weights, strict=True))
    assert fresh.ipcw_brier == pytest.approx(by_origin)
    assert all(0.6 < one.auc < 0.9 and 0.55 < one.uno_c < 0.9 for one in ages.values())


def test_who_was_not_watched_for_long_counts_by_weights(rows):
    last = rows["landmark_on"].max()
    first = last - timedelta(days=196)
    model = candidate(rows, EDGES, first, GLASS)
    models = dict.fromkeys((first, last - timedelta(days=56)), model)
    (fresh, *_) = ages(rows, models, EDGES, (90,), last)
    parts = []
    for day in models:
        test = rows.filter(pl.col("landmark_on") == day).sort("customer_id")
        parts.append(
            (test, p_churn(model.hazards(test), EDGES, 90), watch(test, (last - day).days))
        )
    assert [int(of.time.max()) for _, _, of in parts] == [196, 56]
    time, end = (np.concatenate([of[at] for _, _, of in parts]) for at in (0, 1))
    p = np.concatenate([one for _, one, _ in parts])
    assert (fresh.since_fit_days, fresh.n_landmarks, fresh.n) == (0, 2, len(p))
    # The one figure needs outcomes, and takes those alone that are known.
    ripe, told, _ = parts[0]
    left = (ripe["end_in_days"] < 90).fill_null(value=False).to_numpy()
    assert fresh.auc == pytest.approx(auc(told, left), abs=1e-12)
    # Who was lost at 56 days is stood for by who was watched on: G = their share of those there.
    lost = (end == 0) & (time == 56)
    there = time >= 56
    stays = 1.0 - lost.sum() / (there & ~((end == 1) & (time == 56))).sum()
    left = (end == 1) & (time <= 90)
    weight = np.where(left, np.where(time > 56, 1.0 / stays, 1.0), (time >= 90) / stays)
    assert fresh.ipcw_brier == pytest.approx(np.mean(weight * (left - p) ** 2))


def test_who_uses_less_is_told_from_who_uses_more(found):
    glass, curves = (found.pooled(kind, 30) for kind in KINDS)
    assert (found.chosen, found.verdict) == (GLASS, "sound")
    assert glass.auc > 0.65 > curves.auc
    assert glass.slope == pytest.approx(1.0, abs=0.4)
    assert glass.lift_10 > 1.5


def test_bins_of_reliability_hold_everybody_at_every_origin(found):
    of = [row for row in found.rows if (row.model, row.days) == (GLASS, 30)]
    assert sum(one.n for one in found.reliability) == sum(row.n for row in of)
    assert sum(one.n_events for one in found.reliability) == sum(row.n_events for row in of)
    assert all(one.low <= one.observed <= one.high for one in found.reliability)


def test_a_campaign_is_never_worse_than_none_and_needs_one_to_be_told(rows, found):
    assert 0.0 < found.best_share < 1.0
    assert found.profit > 0.0
    without = validation(rows, asked(rows, campaign=None), (), (CURVES,))
    assert np.isnan([without.best_share, without.profit]).all()
    everybody = most_profit([0.5, 0.5], [True, False], CAMPAIGN, 0.3)
    assert everybody.share == 1.0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_is_no_better_than_chance(logs, seed):
    rows = logs(signal=0.0, seed=seed)
    found = validation(rows, asked(rows), (), (GLASS,))
    pooled = found.pooled(GLASS, 30)
    assert abs(pooled.auc - 0.5) < 3.5 * pooled.auc_se
    assert found.verdict == "no_better_than_chance"


def test_a_short_log_is_not_validated(rows):
    days = tuple(rows["landmark_on"].unique().sort())[:6]
    early = rows.filter(pl.col("landmark_on") <= days[-1])
    found = validation(early, asked(early), (), KINDS)
    assert (found.verdict, found.rows, found.reliability) == ("not_validated", (), ())
    assert (found.chosen, found.origins) == (GLASS, ())
    assert np.isnan([found.best_share, found.profit]).all()


def test_where_hardly_anybody_leaves_no_origin_has_figures(logs):
    rows = logs(level=-9.0)
    found = validation(rows, asked(rows), (), (GLASS,))
    assert (found.verdict, found.rows) == ("not_validated", ())


NOT_WATCHED = Watch(np.zeros(200, np.int64), np.zeros(200, np.int64))
CHOICES = [
    # (chance that trees give to who leaves and who stays, what is chosen)
    (0.5, 0.1, TREES),
    (0.2, 0.2, GLASS),
    (0.1, 0.2, GLASS),
]


@pytest.mark.parametrize(("of_leavers", "of_stayers", "expected"), CHOICES)
def test_trees_are_chosen_where_they_lose_clearly_less(rows, of_leavers, of_stayers, expected):
    day = rows["landmark_on"][0]
    left = np.arange(200) % 5 == 0
    came = {day: _Came(np.array([str(i) for i in range(200)]), {30: left}, NOT_WATCHED)}
    trees = _Foretold(TREES, day, {30: np.where(left, of_leavers, of_stayers)})
    glass = _Foretold(GLASS, day, {30: np.full(200, 0.2)})
    assert _chosen([glass, trees], came, 30) == expected
    assert _chosen([glass], came, 30) == _chosen([], {}, 30) == GLASS
