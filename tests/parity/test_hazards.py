"""Hazards against R's survival (results as shipped by surpyval 0.25) and against lifelines."""

import json
import warnings
from pathlib import Path

import lifelines
import numpy as np
import polars as pl
import pytest
from lifelines.datasets import load_rossi, load_stanford_heart_transplants, load_waltons

from csk.calendar import TICKS_PER_MONTH
from csk.models.accelerated import FAMILIES, accelerated, fitted_law
from csk.stats import cox, logrank, survival, tails
from csk.stats.nelson_aalen import nelson_aalen

R = json.loads((Path(__file__).parent / "r_survival.json").read_text(encoding="utf-8"))
CLOSE = {"rel": 1e-7, "abs": 1e-8}


def columns(fixture, *names):
    return tuple(np.array(R["fixtures"][fixture][name], float) for name in names)


def wanted(name):
    return R["references"][name]


def spells(data):
    """Return the rows of a data set of R's, with its covariates."""
    if data == "heart":
        start, stop, censored, *covariates = columns(
            "heart", "start", "stop", "c", "age", "year", "surgery", "transplant"
        )
    elif data == "lung":
        stop, censored, *covariates = columns("lung", "time", "c", "age", "sex", "ph_ecog")
        start = 0 * stop
    elif data == "ties":
        stop, censored, *covariates = columns("ties", "x", "c", "z1", "z2")
        start = 0 * stop
    elif data == "ph_violation":
        start, stop, censored, *covariates = columns(data, "tl", "x", "c", "z1", "z2", "z3")
    else:
        start, stop, censored, *covariates = columns(data, "tl", "x", "c", "z")
    keep = ~np.isnan(np.sum(covariates, axis=0))
    return cox.Spells(
        start[keep], stop[keep], censored[keep] == 0, np.stack(covariates, axis=1)[keep]
    )


def counted(data):
    """Return counts of a data set, with the ticks of a unit of its time."""
    if data == "aml_maintained":
        time, status, maintained = columns("aml", "time", "status", "maintained")
        time, status = time[maintained == 1], status[maintained == 1]
        return survival.counts(0 * time, time, status), 1
    if data == "lung":
        # Its covariates are known of all but one; here all count.
        time, censored = columns("lung", "time", "c")
        return survival.counts(0 * time, time, censored == 0), 1
    of, per = spells(data), 100 if data == "left_truncation" else 1
    entry, last = np.round(of.entry * per), np.round(of.exit * per)
    return survival.counts(entry, last, of.left), per


@pytest.mark.parametrize("data", ["lung", "aml_maintained", "ties", "left_truncation"])
def test_survival_is_that_of_r(data):
    of, per = counted(data)
    curve, r = survival.kaplan_meier(of), wanted(f"km_{data}")
    ages = np.round(np.array(r["time"]) * per).astype(int)
    assert survival.survival_at(curve, ages) == pytest.approx(r["surv"], **CLOSE)
    at = np.searchsorted(curve.age, ages)
    assert curve.at_risk[at].tolist() == r["n_risk"]
    assert curve.events[at].tolist() == r["n_event"]
    for ours, theirs in ((curve.low, r["lower"]), (curve.high, r["upper"])):
        told = [value for value in theirs if value is not None]
        assert ours[at][: len(told)] == pytest.approx(told, **CLOSE)
    assert survival.median(curve).value / per == r["median"]


@pytest.mark.parametrize("data", ["lung", "ties", "left_truncation"])
def test_cumulative_hazards_are_those_of_r(data):
    of, per = counted(data)
    curve, r = nelson_aalen(of), wanted(f"na_{data}")
    at = np.searchsorted(curve.age, np.round(np.array(r["time"]) * per).astype(int))
    assert curve.hazard[at] == pytest.approx(r["cumhaz"], **CLOSE)
    assert curve.std_error[at] == pytest.approx(r["std_chaz"], **CLOSE)


@pytest.mark.parametrize("name", ["lung_500", "lung_1000", "ties_15"])
def test_restricted_means_are_those_of_r(name):
    of, _ = counted(name.split("_")[0])
    r = wanted(f"rmst_{name}")
    mean = survival.restricted_mean(survival.kaplan_meier(of), r["tau"])
    assert mean.value == pytest.approx(r["rmean"], rel=1e-10)
    error = (mean.value - mean.low) / cox.NORMAL_95
    # At the last age R leaves out what only one is at risk of.
    assert error == pytest.approx(r["se_rmean"], rel=1e-3)


@pytest.mark.parametrize(
    ("name", "fixture", "group"),
    [
        ("aml", "aml", "maintained"),
        ("lung_sex", "lung", "sex"),
        ("lung_ecog", "lung", "ph_ecog"),
        ("ties", "ties", "z1"),
    ],
)
def test_log_rank_is_that_of_r(name, fixture, group):
    time = columns(fixture, "x" if fixture == "ties" else "time")[0]
    groups = columns(fixture, group)[0]
    left = columns("aml", "status")[0] if fixture == "aml" else 1 - columns(fixture, "c")[0]
    parts = [
        survival.counts(0 * time[at], time[at], left[at])
        for value in np.unique(groups[~np.isnan(groups)])
        if (at := groups == value).any()
    ]
    test, r = logrank.log_rank(parts), wanted(f"logrank_{name}")
    assert test.statistic == pytest.approx(r["chisq"], rel=1e-9)
    assert (test.degrees, test.p_value) == (r["df"], pytest.approx(r["p"], rel=1e-8))
    assert test.observed.tolist() == r["observed"]
    assert test.expected == pytest.approx(r["expected"], rel=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("data", ["lung", "ties", "left_truncation", "heart"])
def test_proportional_hazards_are_those_of_r(data, ties):
    of, r = spells(data), wanted(f"cox_{data}_{ties}")
    found = cox.fit(of, ties)
    assert found.coefficients == pytest.approx(r["coef"], **CLOSE)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(r["se"], **CLOSE)
    assert [found.null_log_likelihood, found.log_likelihood] == pytest.approx(r["loglik"], **CLOSE)
    assert found.gradient < 1e-7
    if ties == "breslow":
        ages, hazard = cox.baseline(of, found.coefficients)
        at = np.searchsorted(ages, r["baseline_time"], side="right")
        assert np.r_[0.0, hazard][at] == pytest.approx(r["baseline_cumhaz"], **CLOSE)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_strata_are_those_of_r(ties):
    of, r = spells("lung"), wanted(f"cox_lung_strata_{ties}")
    stratum, width = of.design[:, 1].astype(int), 2000.0
    of = of._replace(
        entry=cox.stratified(of.entry, stratum, width),
        exit=cox.stratified(of.exit, stratum, width),
        design=of.design[:, [0, 2]],
    )
    found = cox.fit(of, ties)
    assert found.coefficients == pytest.approx(r["coef"], **CLOSE)
    assert [found.null_log_likelihood, found.log_likelihood] == pytest.approx(r["loglik"], **CLOSE)


@pytest.mark.parametrize("scale", ["km", "rank"])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("data", ["lung", "ph_violation"])
def test_proportionality_is_tested_as_by_r(data, ties, scale):
    of, r = spells(data), wanted(f"zph_{data}_{ties}")
    test = cox.proportionality(of, cox.fit(of, ties).coefficients, ((0,), (1,), (2,)), scale, ties)
    statistics = [*test.statistics, test.statistic]
    assert statistics == pytest.approx(r[f"{scale}_chisq"], rel=1e-6)
    assert [*test.p_values, test.p_value] == pytest.approx(r[f"{scale}_p"], rel=1e-5)


ROSSI = {
    "fin": (-0.379422, 0.191379),
    "age": (-0.057438, 0.021999),
    "race": (0.313900, None),
    "wexp": (-0.149796, None),
    "mar": (-0.433704, None),
    "paro": (-0.084871, None),
    "prio": (0.091497, 0.028649),
}


def rossi(columns=tuple(ROSSI)):
    rows = load_rossi()
    week = rows["week"].to_numpy(float)
    return cox.Spells(
        0 * week, week, rows["arrest"].to_numpy() == 1, rows[list(columns)].to_numpy(float)
    )


def test_rossi_is_as_published():
    of = rossi()
    found = cox.fit(of)
    errors = np.sqrt(np.diag(found.covariance))
    for coefficient, error, (published, error_published) in zip(
        found.coefficients, errors, ROSSI.values(), strict=True
    ):
        assert coefficient == pytest.approx(published, abs=5e-7)
        if error_published is not None:
            assert error == pytest.approx(error_published, abs=5e-7)
    assert found.log_likelihood == pytest.approx(-658.747659, abs=5e-7)
    assert cox.concordance(of, of.design @ found.coefficients) == pytest.approx(0.640329, abs=5e-7)
    of = rossi([name for name in ROSSI if name != "race"])
    race = load_rossi()["race"].to_numpy()
    apart = of._replace(
        entry=cox.stratified(of.entry, race, 100.0), exit=cox.stratified(of.exit, race, 100.0)
    )
    assert cox.fit(apart).log_likelihood == pytest.approx(-620.563609, abs=5e-7)


@pytest.mark.parametrize(
    ("family", "published"),
    [("weibull", -679.916564), ("log_normal", -683.234625), ("log_logistic", -679.938506)],
)
def test_times_to_arrest_are_as_published(family, published):
    of = rossi()
    ticks = of.exit * TICKS_PER_MONTH
    cells = np.column_stack([0 * ticks, ticks, of.left, of.design])
    law, _, _ = fitted_law(family, cells, np.ones(len(cells), int))
    assert law.log_likelihood == pytest.approx(published, abs=1e-5)


def lung_rows():
    time, censored, age, sex = columns("lung", "time", "c", "age", "sex")
    return pl.DataFrame(
        {
            "customer_id": [f"c{number:03}" for number in range(len(time))],
            "entry_age": 0 * time,
            "exit_age": time,
            "cause": (censored == 0).astype(int),
            "term_months": np.ones(len(time), int),
            "sex": ["male" if one == 1 else "female" for one in sex],
            "n": 2.0**age - 1.0,  # usage counts in doublings, so that an age stands for itself
        }
    )


def test_the_best_law_of_times_is_that_of_survreg():
    theirs = {
        ours: wanted(f"survreg_lung_{name}")
        for ours, name in zip(FAMILIES, ("weibull", "lognormal", "loglogistic"), strict=True)
    }
    fitted = accelerated(lung_rows(), ["usage", "sex"], is_asked=True)
    # R's times are days, ours months: each end adds the logarithm of the unit.
    unit = fitted.n_left * np.log(TICKS_PER_MONTH)
    for one in fitted.candidates:
        assert one.log_likelihood - unit == pytest.approx(theirs[one.family]["loglik"], abs=1e-4)
    assert fitted.candidates[0].family == "weibull"
    r = theirs["weibull"]
    for effect, place in zip(fitted.effects, (1, 2), strict=True):
        assert np.log(effect.ratio) == pytest.approx(r["coef"][place], rel=2e-3)
        error = np.log(effect.high / effect.low) / 2 / cox.NORMAL_95
        assert error == pytest.approx(np.sqrt(r["var"][place][place]), rel=2e-3)


def test_the_waltons_pile_up_as_in_lifelines():
    flies = load_waltons()
    of = survival.counts(0 * flies["T"], flies["T"], flies["E"])
    theirs = lifelines.NelsonAalenFitter(nelson_aalen_smoothing=False).fit(flies["T"], flies["E"])
    curve = nelson_aalen(of)
    expected = theirs.cumulative_hazard_["NA_estimate"]
    at = np.searchsorted(curve.age, expected.index.to_numpy())
    assert curve.hazard[at] == pytest.approx(expected.to_numpy(), rel=1e-9)


def test_hearts_are_those_of_lifelines():
    rows = load_stanford_heart_transplants()
    names = ["age", "year", "surgery", "transplant"]
    with warnings.catch_warnings():
        # Its own use of pandas is deprecated.
        warnings.simplefilter("ignore")
        theirs = lifelines.CoxTimeVaryingFitter().fit(
            rows, id_col="id", event_col="event", start_col="start", stop_col="stop"
        )
    of = cox.Spells(
        rows["start"].to_numpy(float),
        rows["stop"].to_numpy(float),
        rows["event"].to_numpy() == 1,
        rows[names].to_numpy(float),
    )
    found = cox.fit(of)
    assert found.coefficients == pytest.approx(theirs.params_[names].to_numpy(), rel=1e-5)
    errors = theirs.standard_errors_[names].to_numpy()
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(errors, rel=1e-5)


def late(seed, n=4000):
    """Draw exponential times with one covariate, watched from an entry that many do not reach."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, n).astype(float)
    born = rng.exponential(24.0 * np.exp(-0.5 * x))
    entry = rng.uniform(0.0, 30.0, n)
    seen = born > entry
    last = np.minimum(born, entry + 12.0)
    left = born <= entry + 12.0
    return cox.Spells(entry[seen], last[seen], left[seen], x[seen, None])


def frame(of):
    import pandas as pd

    return pd.DataFrame({"entry": of.entry, "exit": of.exit, "left": of.left, "x": of.design[:, 0]})


def test_under_late_entry_coefficients_agree_and_only_our_baseline_is_right():
    of = late(1)
    found = cox.fit(of)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it deprecates itself
        theirs = lifelines.CoxPHFitter().fit(frame(of), "exit", "left", entry_col="entry")
    assert found.coefficients == pytest.approx(theirs.params_.to_numpy(), rel=1e-5)
    ages, hazard = cox.baseline(of, found.coefficients)
    rise = np.interp([5.0, 30.0], ages, hazard)
    truth = np.exp(-25.0 / 24.0)
    assert np.exp(-(rise[1] - rise[0])) == pytest.approx(truth, abs=0.04)
    rows = theirs.predict_survival_function(frame(of).iloc[:1].assign(x=0.0), times=[5.0, 30.0])
    wrong = float(rows.iloc[1, 0] / rows.iloc[0, 0])
    assert wrong > truth + 0.1


def test_without_late_entry_baselines_agree_with_lifelines():
    of = rossi()
    found = cox.fit(of)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it deprecates itself
        theirs = lifelines.CoxPHFitter().fit(load_rossi(), "week", "arrest")
    ages, hazard = cox.baseline(of, found.coefficients)
    # Theirs is of a row of means, ours of a row of zeros.
    mean = np.exp(of.design.mean(axis=0) @ found.coefficients)
    expected = theirs.baseline_cumulative_hazard_["baseline cumulative hazard"]
    assert hazard * mean == pytest.approx(expected.loc[ages].to_numpy(), rel=1e-5)


def test_robust_errors_agree_with_lifelines_where_all_enter_at_0_and_nothing_ties():
    of = rossi()
    pair = np.arange(len(of.exit)) // 2
    of = of._replace(exit=of.exit + np.arange(len(pair)) / 1000.0)
    rows = load_rossi().assign(pair=pair, week=of.exit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it deprecates itself
        theirs = lifelines.CoxPHFitter().fit(rows, "week", "arrest", cluster_col="pair")
    ours = np.sqrt(np.diag(cox.robust_covariance(of, cox.fit(of), pair)))
    assert ours == pytest.approx(theirs.standard_errors_.to_numpy(), rel=1e-5)


@pytest.mark.parametrize(
    ("family", "fitter", "names"),
    [
        ("log_normal", lifelines.LogNormalFitter, ("mu_", "sigma_")),
        ("log_logistic", lifelines.LogLogisticFitter, ("alpha_", "beta_")),
        ("discrete_weibull", lifelines.WeibullFitter, ("lambda_", "rho_")),
    ],
)
def test_laws_on_counts_are_those_of_intervals_in_lifelines(family, fitter, names):
    exposed = np.array([1000, 700, 550, 430, 360, 300, 255, 220, 190, 165], float)
    left = np.array([300, 150, 120, 70, 60, 45, 35, 30, 25, 20], float)
    ours = tails.fit(family, exposed, left)
    lower = np.r_[np.arange(10.0), 10.0]
    upper = np.r_[np.arange(1.0, 11.0), np.inf]
    weights = np.r_[left, exposed[-1] - left[-1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it deprecates itself
        theirs = fitter().fit_interval_censoring(lower, upper, weights=weights)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood_, abs=1e-3)
    first, second = (float(getattr(theirs, name)) for name in names)
    if family == "log_normal":
        first = np.exp(first)
    if family == "discrete_weibull":
        first = first**-second
    assert ours.params == pytest.approx((first, second), rel=5e-3)
