"""Laws of churn risk: what must hold for any hazards, any weights, any customers."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from csk.models.risk import curve, glass
from csk.models.risk.calibrating import Calibration, calibrated
from csk.models.risk.reasons import reasons
from csk.models.risk.stacked import edges_of, stacked
from csk.stats import logistic

LAW = settings(deadline=None, max_examples=40)
FITS = settings(deadline=None, max_examples=8)
EDGES = (7, 30, 90)
ODDS = arrays(np.float64, (5, 3, 2), elements=st.floats(0.0, 50.0))
SEEDS = st.integers(0, 10_000)
CALIBRATIONS = st.builds(
    Calibration, st.floats(-2.0, 2.0), st.floats(0.2, 2.0), st.integers(50, 99)
)


def hazards_of(odds):
    return odds / (1.0 + odds.sum(axis=2, keepdims=True))


@LAW
@given(ODDS, st.integers(0, 90))
def test_chances_by_cause_add_up_to_the_chance_of_leaving(odds, days):
    hazards = hazards_of(odds)
    causes = curve.p_churn_by_cause(hazards, EDGES, days)
    assert causes.sum(axis=1) == pytest.approx(curve.p_churn(hazards, EDGES, days), abs=1e-12)
    assert (causes >= 0).all()


@LAW
@given(ODDS, st.lists(st.integers(0, 90), min_size=2, max_size=6).map(sorted))
def test_the_chance_of_leaving_rises_with_the_horizon_from_nothing(odds, horizons):
    hazards = hazards_of(odds)
    found = np.array([curve.p_churn(hazards, EDGES, days) for days in (0, *horizons)])
    assert (found[0] == 0.0).all()
    assert (np.diff(found, axis=0) >= -1e-15).all()
    assert (found <= 1.0).all()


@LAW
@given(ODDS, CALIBRATIONS)
def test_calibration_keeps_the_order_of_hazards_and_the_shares_of_causes(odds, by):
    hazards = hazards_of(odds + 1e-6)
    found = calibrated(hazards, by)
    before, after = hazards.sum(axis=2).ravel(), found.sum(axis=2).ravel()
    order = np.argsort(before, kind="stable")
    assert (np.diff(after[order]) >= -1e-12).all()
    assert (after < 1.0 + 1e-12).all()
    assert found[..., 0] * hazards[..., 1] == pytest.approx(
        found[..., 1] * hazards[..., 0], rel=1e-9, abs=1e-12
    )


@LAW
@given(SEEDS)
def test_weights_that_count_rows_are_the_rows(seed):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(80), rng.normal(size=(80, 2))])
    left = (rng.random(80) < 0.4).astype(float)
    left[:2] = [0.0, 1.0]
    weight = rng.integers(1, 5, 80)
    again = np.repeat(np.arange(80), weight)
    penalty, cluster = np.array([0.0, 1.0, 30.0]), np.arange(80) // 2
    found = []
    for rows, one, homes in (
        (np.arange(80), weight.astype(float), cluster),
        (again, np.ones(len(again)), cluster[again]),
    ):
        design, of = logistic.Dense(x[rows]), logistic.outcomes(left[rows], one)
        fitted = logistic.fit(design, of, penalty)
        scores = logistic.scores(design, of, fitted, homes, 40)
        robust = logistic.robust_covariance(logistic.influence(fitted, scores))
        found.append([*fitted.coefficients, *robust.ravel(), fitted.log_likelihood])
    assert found[0] == pytest.approx(found[1], rel=1e-6, abs=1e-9)


START = date(2024, 1, 1)


def panel(seed, n=400):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    ends = np.floor(rng.exponential(60.0 * np.exp(-0.8 * x))).astype(int)
    gaps = rng.normal(size=n)
    gaps[rng.random(n) < 0.3] = np.nan
    return pl.DataFrame(
        {
            "customer_id": [f"c{i // 2}" for i in range(n)],
            "landmark_on": [START] * n,
            "end_in_days": pl.Series(ends, dtype=pl.Int32),
            "cause": rng.integers(1, 3, n).astype(np.int32),
            "plan": rng.choice(["a", "b"], n),
            "usage_to_baseline": x,
            "last_nps": pl.Series(gaps).fill_nan(None),
            **{f"renewals_{e}d": rng.poisson(e / 60, n).astype(np.int32) for e in EDGES},
        }
    ).with_columns(
        renewals_30d=pl.max_horizontal("renewals_7d", "renewals_30d"),
        renewals_90d=pl.max_horizontal("renewals_7d", "renewals_30d", "renewals_90d"),
    )


def fitted(rows):
    return glass.fit(rows, stacked(rows, edges_of(rows), START + timedelta(days=90)))


@FITS
@given(SEEDS, st.integers(1, 90), CALIBRATIONS)
def test_reasons_add_up_exactly(seed, days, by):
    rows = panel(seed)
    box = fitted(rows)
    why = reasons(box, rows, days, by)
    assert why.base + why.contributions.sum(axis=1) == pytest.approx(why.logit, abs=1e-9)
    p = curve.p_churn(calibrated(glass.hazards(box, rows), by), EDGES, days)
    assert why.logit == pytest.approx(np.log(p / (1.0 - p)), abs=1e-8)
    assert (glass.hazards(box, rows).sum(axis=2) < 1.0).all()


@FITS
@given(SEEDS)
def test_weights_of_customers_that_count_rows_are_the_rows(seed):
    rows = panel(seed)
    weight = np.random.default_rng(seed).integers(1, 4, rows.height)
    again = rows[np.repeat(np.arange(rows.height), weight)]
    one, other = (
        fitted(rows.with_columns(weight=pl.Series(weight, dtype=pl.Float64))),
        fitted(again),
    )
    assert one.recipe.columns == other.recipe.columns
    assert glass.hazards(one, rows) == pytest.approx(glass.hazards(other, rows), rel=1e-3)
    for mine, theirs in zip(
        glass.interval(one, rows, 30), glass.interval(other, rows, 30), strict=True
    ):
        assert mine == pytest.approx(theirs, rel=5e-3)


@FITS
@given(SEEDS)
def test_a_customer_scores_alone_as_among_others(seed):
    rows = panel(seed)
    box = fitted(rows)
    whole, why = glass.hazards(box, rows), reasons(box, rows, 30)
    part = rows[100:107]
    assert glass.hazards(box, part) == pytest.approx(whole[100:107], rel=1e-12)
    assert reasons(box, part, 30).contributions == pytest.approx(
        why.contributions[100:107], abs=1e-9
    )
