"""The glass box on customers whose hazards are known."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from csk.errors import ModelError, UsageError
from csk.models.risk import curve, glass
from csk.models.risk.calibrating import IDENTITY, Calibration, calibrated, calibration
from csk.models.risk.stacked import edges_of, stacked


def fitted(known, until):
    return glass.fit(known.panel, stacked(known.panel, edges_of(known.panel), until))


def effect(box, feature, kind="line", cause=0):
    level, _ = glass.effects(box)
    at = [(c.feature, c.kind) for c in box.recipe.columns].index((feature, kind))
    q = box.coefficients.shape[1] - level.shape[1] - len(glass.faded(box.recipe))
    place = cause * box.coefficients.shape[1] + q + at
    return level[cause, at], float(np.sqrt(box.covariance[place, place]))


@pytest.mark.parametrize("kind", ["monthly", "daily"])
def test_known_effects_come_back_within_their_errors(kind, request, until):
    known = request.getfixturevalue(kind)(12_000, seed=1)
    box = fitted(known, until)
    lines = {one.name: one.size for one in box.recipe.measures}
    for feature, truth in (("usage_to_baseline", -0.6), ("tickets_28d", 0.5)):
        value, error = effect(box, feature)
        # Bends take part of a line, and the penalty a little of both.
        assert abs(value / lines[feature] - truth) < 4.0 * error / lines[feature] + 0.03
    value, error = effect(box, "tenure_days")
    assert abs(value) < 4.0 * error + 0.01


@pytest.mark.parametrize("kind", ["monthly", "daily"])
def test_customers_not_seen_leave_as_often_as_foretold(kind, request, until):
    draw = request.getfixturevalue(kind)
    box = fitted(draw(12_000, seed=1), until)
    other = draw(12_000, seed=2).panel
    hazards = glass.hazards(box, other)
    ends = other["end_in_days"].fill_null(10**6).to_numpy()
    for days in (30, 90, 365):
        p = curve.p_churn(hazards, box.edges, days)
        left = ends < days
        error = np.sqrt(left.mean() * (1 - left.mean()) / len(left))
        assert abs(p.mean() - left.mean()) < 4.0 * error
    found = calibration(hazards, stacked(other, box.edges, until))
    assert abs(found.slope - 1.0) < 4.0 * found.std_errors[1]


def test_who_has_no_renewal_in_a_bin_does_not_leave_in_it(monthly, until):
    known = monthly(8000)
    box = fitted(known, until)
    hazards = glass.hazards(box, known.panel).sum(axis=2)
    none = known.panel["renewals_7d"].to_numpy() == 0
    assert hazards[none, 0].max() < 0.005
    assert hazards[~none, 0].mean() > 0.03


def test_bounds_hold_the_truth_about_as_often_as_they_say(by_bin, truth_by_bin, until):
    held = []
    probe = by_bin(400, seed=99)
    truth = truth_by_bin(probe.eta, 90)
    for seed in range(8):
        box = fitted(by_bin(4000, seed=seed), until)
        low, high = glass.interval(box, probe.panel, 90)
        held.append(((low <= truth) & (truth <= high)).mean())
    # Customers of one fit are right or wrong together: of eight fits the mean is far from sharp.
    assert 0.83 < np.mean(held) <= 1.0


@pytest.mark.parametrize("by", [IDENTITY, Calibration(0.3, 0.8, 99)])
def test_bounds_lie_around_the_chance(monthly, until, by):
    known = monthly(3000)
    box = fitted(known, until)
    p = curve.p_churn(calibrated(glass.hazards(box, known.panel), by), box.edges, 80)
    low, high = glass.interval(box, known.panel, 80, by)
    assert ((low < p) & (p < high)).all()
    assert np.median(high - low) < 0.1


def test_each_cause_has_effects_of_its_own(daily, until):
    known = daily(6000, causes=(0.7, 0.3))
    box = fitted(known, until)
    hazards = glass.hazards(box, known.panel)
    assert box.causes == (1, 2)
    share = hazards[..., 1].mean() / hazards.mean(axis=(0, 1)).sum()
    assert share == pytest.approx(0.3, abs=0.03)


def test_a_customer_told_twice_changes_neither_chances_nor_errors(daily, until):
    panel = daily(1500).panel
    twice = pl.concat([panel, panel])
    weighed = panel.with_columns(weight=pl.lit(2.0))
    boxes = [glass.fit(one, stacked(one, edges_of(one), until)) for one in (twice, weighed)]
    for name in ("coefficients", "covariance"):
        one, other = (getattr(box, name) for box in boxes)
        assert one == pytest.approx(other, rel=1e-4, abs=1e-7)


def test_a_sample_of_who_stayed_with_its_weight_gives_the_same_level(daily, until):
    known = daily(12_000)
    rows = stacked(known.panel, edges_of(known.panel), until)
    kept = (rows.cause > 0) | (np.random.default_rng(1).random(len(rows.at)) < 0.3)
    weight = np.where(rows.cause > 0, rows.weight, rows.weight / 0.3)
    thin = type(rows)(*(part[kept] for part in rows._replace(weight=weight)))
    whole, part = (
        curve.p_churn(glass.hazards(glass.fit(known.panel, one), known.panel), box_edges, 90)
        for one, box_edges in ((rows, edges_of(known.panel)), (thin, edges_of(known.panel)))
    )
    assert part.mean() == pytest.approx(whole.mean(), rel=0.05)
    assert np.corrcoef(part, whole)[0, 1] > 0.99


def test_a_book_without_features_or_with_few_ends_still_has_a_curve(daily, until):
    known = daily(300, seed=4)
    bare = known.panel.drop("usage_to_baseline", "tickets_28d", "tenure_days", "plan")
    few = known.panel.with_columns(
        end_in_days=pl.when(pl.int_range(pl.len()) < 60).then("end_in_days")
    ).with_columns(cause=pl.when(pl.col("end_in_days").is_null()).then(0).otherwise("cause"))
    for panel in (bare, few):
        box = glass.fit(panel, stacked(panel, edges_of(panel), until))
        p = curve.p_churn(glass.hazards(box, panel), box.edges, 365)
        seen = panel["end_in_days"].is_not_null().mean()
        assert p.mean() == pytest.approx(seen, rel=0.15)


def test_bins_that_nobody_lived_to_see_are_told(daily, until):
    known = daily(2000)
    early = until - timedelta(days=200)
    box = fitted(known, early)
    assert [n > 0 for n in box.n_bins] == [True] * 5 + [False] * 2
    assert (glass.hazards(box, known.panel) > 0).all()


def test_nobody_leaving_is_refused(daily, until):
    panel = daily(50).panel.with_columns(
        end_in_days=pl.lit(None, pl.Int32), cause=pl.lit(0, pl.Int32)
    )
    with pytest.raises(ModelError, match="Nobody has left"):
        glass.fit(panel, stacked(panel, edges_of(panel), until))


def test_rows_with_renewals_of_other_days_are_refused(daily, until):
    known = daily(2000)
    box = fitted(known, until)
    with pytest.raises(UsageError, match="other days ahead"):
        glass.hazards(box, known.panel.rename({"renewals_30d": "renewals_45d"}))


def test_one_row_far_from_all_others_moves_no_score(daily, until):
    panel = daily(3000, seed=3).panel
    first = int(np.flatnonzero(panel["end_in_days"].fill_null(9999).to_numpy() < 30)[0])
    rare = np.zeros(panel.height)
    rare[np.random.default_rng(0).choice(panel.height, 14, replace=False)] = 1.0
    rare[first] = 1e9
    told = panel.with_columns(refunds_90d=rare)
    box = glass.fit(told, stacked(told, edges_of(told), until))
    assert "refunds_90d" in [one.name for one in box.recipe.measures]
    at = [told.with_columns(refunds_90d=pl.lit(value)) for value in (0.0, 1.0, 1e9)]
    logits = [
        np.log(p / (1 - p))
        for p in (curve.p_churn(glass.hazards(box, one), box.edges, 90) for one in at)
    ]
    assert logits[2] == pytest.approx(logits[1], abs=1e-12)
    assert np.abs(logits[2] - logits[0]).max() < 2.0
