"""What csk says of simulated companies is near their truth.

The bounds are four standard errors, so that a sound estimator breaks one of them once in 16,000
tries. The errors were measured on 20 companies of 20,000 customers (docs/accuracy.md) and grow
with the root of the customers: by sqrt(5) for a company of 4,000.
"""

import numpy as np
import polars as pl
import pytest

from csk.analyses.segment import segmentation
from csk.analyses.window import window
from csk.engine.local import LocalEngine
from csk.intake.origins.finding import found
from csk.intake.storage.store import stored
from csk.models import contract
from csk.models.contract import Horizons
from csk.models.value import UNIT
from csk.settings import Settings
from csk.simulation.company import Company, log_days, source, true_survival
from csk.stats.survival import ENOUGH_AT_RISK, simultaneous_band

CUSTOMERS = 4_000
GROWN = np.sqrt(20_000 / CUSTOMERS)
TICKS, HORIZON = 31, 36
SLOPE_SD, SLOPE_MEAN = 0.034, 0.98


def valued(company, folder):
    """Write a company to files, read them as `csk segment` does, and add the truth."""
    tables = source(company).block(0, 0, company.customers)
    for name in ("customers", "subscriptions", "payments"):
        tables[name].write_csv(folder / f"{name}.csv")
    source(company).costs().write_csv(folder / "costs.csv")
    engine, choices, today = LocalEngine(), Settings(), log_days(company)[2]
    inputs, store = found([str(folder)]), folder / "store"
    store.mkdir()
    book = stored(inputs, choices, today, store)
    book = book.dated(window(book, engine, choices, today))
    assert (book.span.data_from, book.span.as_of) == (company.start_on, today)
    truth = tables["truth"].select(
        "customer_id", "is_alive", "margin_share", "^ltv_residual.*$", "^.*churn.*_90d$"
    )
    result = segmentation(book, engine, choices)
    rows = result.customers.join(truth, on="customer_id", how="left", suffix="_true")
    return company, result.fit, rows


def value_of(rows, fit, months):
    """Give the margin that is still to come from everybody within some months."""
    known = ("group", "term_months", "spell_started_on", "term_started_on", "is_alive")
    horizons = Horizons(rows["as_of"].item(0), (90,), months)
    scored = contract.score(rows.select(*known, "unit_price", "margin"), fit, horizons)
    return scored.select(
        (pl.col("n_present") * pl.col("unit_price") * pl.col("margin")).sum()
    ).item()


@pytest.fixture(scope="module", params=[(1, True), (2, False)], ids=["late entry", "whole"])
def book(request, tmp_path_factory):
    seed, late_entry = request.param
    company = Company("subscription", CUSTOMERS, 24, seed, late_entry)
    return valued(company, tmp_path_factory.mktemp("company"))


# Standard deviation for a company of 20,000, the larger of the two kinds of entry; and the mean
# error without late entry at 36 months, of which the log shows 24 at most.
@pytest.mark.parametrize(("months", "sd", "mean"), [(12, 0.0053, 0.0), (36, 0.0177, 0.01)])
def test_total_residual_ltv_is_near_the_truth(months, sd, mean, book):
    _, fit, rows = book
    assert (rows["is_alive"] == rows["is_alive_true"]).all()
    money = pl.col(f"ltv_residual_{months}m_amount").cast(pl.Float64)
    true = rows.select((money * pl.col("margin_share_true")).sum()).item() * UNIT
    estimate = value_of(rows, fit, months)
    assert abs(estimate / true - 1) < 4 * sd * GROWN + mean
    if months == HORIZON:
        assert estimate == pytest.approx(rows["ltv_amount"].sum(), rel=1e-9)


def test_as_many_leave_as_the_risks_say(book):
    _, fit, rows = book
    left = rows.filter("is_alive")["is_churned_90d"].sum()
    p = rows.filter("is_alive")["p_churn_90d"]
    # Beside chance, the level of the curves: as precise as the ends they were fitted to are many.
    error = np.sqrt((p * (1 - p)).sum() + p.sum() ** 2 / fit.n_events)
    assert abs(left - p.sum()) < 4 * error


def test_risks_rise_one_for_one_with_the_true_ones(book):
    rows = book[2].filter("is_alive")
    p, true = (rows[name].to_numpy() for name in ("p_churn_90d", "p_churn_90d_true"))
    slope = np.cov(p, true)[0, 1] / p.var(ddof=1)
    # The regression's own error, and that of the curves: SLOPE_SD for a company of 20,000. Their
    # noise makes the slope a little less than 1.
    own = np.std(true - slope * p) / np.std(p) / np.sqrt(len(p))
    assert abs(slope - SLOPE_MEAN) < 4 * np.hypot(own, SLOPE_SD * GROWN)


@pytest.mark.parametrize("plan", ["Starter", "Standard", "Premium", "Annual"])
def test_true_survival_lies_in_the_band(plan, book):
    company, fit, _ = book
    (curve,) = [one.observed for one in fit.curves if one.group == plan]
    thin = curve.age[1:][curve.at_risk[1:] < ENOUGH_AT_RISK]
    last = int(thin[0]) - 1 if len(thin) else int(curve.age[-1])
    # Missed by chance as seldom as four standard errors are, for the whole curve.
    band = simultaneous_band(curve, 1 - 6e-5, 0, last)
    months = np.arange(-(-int(band.age[0]) // TICKS), last // TICKS + 1)
    true = true_survival(company, plan, int(months[-1]))[months]
    at = np.searchsorted(band.age, months * TICKS, side="right") - 1
    assert ((band.low[at] <= true) & (true <= band.high[at])).all()
