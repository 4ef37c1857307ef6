"""How near csk comes to the truth of simulated companies, printed as Markdown tables.

One rule: every figure is what `csk segment` computes from files; the simulation, which shares no
code with it, tells the truth afterwards.

    python tests/bench/accuracy.py --seeds 20 --customers 20000
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from csk.analyses.segment import Segmentation, segmentation
from csk.analyses.window import window
from csk.book import Book
from csk.engine.local import LocalEngine
from csk.intake.origins.finding import found
from csk.intake.storage.store import stored
from csk.models.value import UNIT, factors
from csk.settings import settings
from csk.simulation.company import BLOCK, Company, source, true_survival
from csk.stats.survival import (
    ENOUGH_AT_RISK,
    Counts,
    Floats,
    at_risk,
    kaplan_meier,
    simultaneous_band,
    starts_at,
)
from csk.tables.spells import age_counts, contracts, exposures

HORIZONS = (12, 36)
PLANS = ("Starter", "Standard", "Premium", "Annual")
TICKS, MONTHS = 31, 24
Kind = Literal["subscription", "shop"]
Gap = tuple[float, float, float]
FACTORS = ["unit_price_amount", "margin_share", "frequency", "duration_months", "discount_factor"]
FILES = ("customers", "subscriptions", "payments")
# Any day after the log; it is used only where the settings ask for today.
TODAY = date(2099, 1, 1)


class Reading(NamedTuple):
    """One company as csk reads it, beside its truth."""

    company: Company
    truth: pl.DataFrame
    results: dict[int, Segmentation]
    counts: pl.DataFrame | None
    """Entries and ends by plan and age; none for a shop."""


class Total(NamedTuple):
    """Residual LTV of a book: relative errors of the estimate and of its 95 % bounds."""

    error: float
    low: float
    high: float


class Slope(NamedTuple):
    value: float
    std_error: float


def written(company: Company, folder: Path) -> pl.DataFrame:
    """Write the tables that the estimate needs, and return the truth."""
    maker = source(company)
    starts = range(0, company.customers, BLOCK)
    blocks = [
        maker.block(number, first, min(BLOCK, company.customers - first))
        for number, first in enumerate(starts)
    ]
    for name in FILES:
        if name in blocks[0]:
            pl.concat(block[name] for block in blocks).write_csv(folder / f"{name}.csv")
    maker.costs().write_csv(folder / "costs.csv")
    return pl.concat(block["truth"] for block in blocks)


def reading(company: Company) -> Reading:
    """Write a company to files and segment it at both horizons."""
    engine, choices = LocalEngine(), settings({}, None)
    with tempfile.TemporaryDirectory() as name:
        files, store = Path(name) / "files", Path(name) / "store"
        files.mkdir()
        store.mkdir()
        truth = written(company, files)
        book = stored(found([str(files)]), choices, TODAY, store)
        book = book.dated(window(book, engine, choices, TODAY))
        results = {
            months: segmentation(book, engine, settings({"ltv_horizon": f"{months}m"}, None))
            for months in HORIZONS
        }
        counts = plan_counts(book, engine) if book.is_contractual else None
    assert book.span.as_of == truth["as_of"].item(0)
    return Reading(company, truth, results, counts)


def plan_counts(book: Book, engine: LocalEngine) -> pl.DataFrame:
    span = book.span
    return engine.total(
        book,
        lambda tables: age_counts(
            exposures(
                contracts(tables, span.as_of).with_columns(group=pl.col("plan")),
                span.data_from,
                span.as_of,
            )
        ),
        ["group", "term_months", "age"],
    )


def beside_truth(of: Reading, months: int) -> pl.DataFrame:
    """Return truth beside estimate, the true margin LTV as `true_amount`.

    Everybody is there; of a shop's customers who bought before the log only, csk knows nothing.
    """
    names = ["p_churn_90d", "is_churned_90d", "tenure_months", "plan"]
    known = [pl.col(name).alias(f"true_{name}") for name in names if name in of.truth.columns]
    margin = pl.col(f"ltv_residual_{months}m_amount").cast(pl.Float64) * pl.col("margin_share")
    truth = of.truth.select("customer_id", *known, true_amount=margin)
    rows = truth.join(of.results[months].customers, on="customer_id", how="left")
    assert of.company.kind == "shop" or not rows["as_of"].null_count(), "a customer was lost"
    return rows


def total(of: Reading, months: int) -> Total:
    """Hold the book's residual LTV against the truth of the customers in it."""
    rows, figures = beside_truth(of, months).drop_nulls("as_of"), of.results[months].figures
    found_ = (float(rows["ltv_amount"].sum()), figures.ltv_low, figures.ltv_high)
    true = float(rows["true_amount"].sum()) * UNIT
    return Total(*(np.nan if value is None else value / true - 1 for value in found_))


def risks(of: Reading) -> pl.DataFrame:
    """Return one row per customer alive: seed, plan, estimated, realised and true risk.

    `p_curve` is the risk by the true curve of the plan at the customer's age: what a perfect
    estimator would say that knows nothing of a customer but plan and age.
    """
    rows = beside_truth(of, HORIZONS[0]).filter("is_alive")
    known = rows.select(
        seed=pl.lit(of.company.seed),
        plan="true_plan",
        p="p_churn_90d",
        realised=pl.col("true_is_churned_90d").cast(pl.Float64),
        true="true_p_churn_90d",
        tenure=pl.col("true_tenure_months").cast(pl.Int64),
    )
    parts = []
    for plan in PLANS:
        part = known.filter(pl.col("plan") == plan)
        k = part["tenure"].to_numpy()
        curve = true_survival(of.company, plan, int(k.max(initial=0)) + 3)
        # Ninety days from the first of January hold three anniversaries of everybody.
        parts.append(part.with_columns(p_curve=pl.Series(1 - curve[k + 3] / curve[k])))
    return pl.concat(parts)


def logit(p: Floats) -> Floats:
    return np.asarray(np.log(p / (1 - p)))


def slope(rows: pl.DataFrame, outcome: str, p: str = "p", *, by_seed: bool = True) -> Slope:
    """Return the logistic slope of an outcome on logit p, with an intercept for each seed or one.

    The error is clustered by seed. A risk of exactly 0 has no logit and is left out; where all
    risks are equal (a geometric curve) there is no slope.
    """
    if spread(rows, p) < 1e-3:
        return Slope(np.nan, np.nan)
    cells = (
        rows.filter(pl.col(p) > 1e-9)
        .group_by("seed", p)
        .agg(n=pl.len(), ends=pl.col(outcome).sum())
        .sort("seed", p)
    )
    seed, n, ends = (cells[name].to_numpy() for name in ("seed", "n", "ends"))
    seeds = np.unique(seed)
    level = (seed[:, None] == seeds) if by_seed else np.ones((len(seed), 1))
    x = logit(cells[p].to_numpy())
    X = np.column_stack([level.astype(float), x - x.mean()])
    b = np.r_[np.full(level.shape[1], logit(ends.sum() / n.sum())), 0.0]
    for _ in range(25):
        mean = 1 / (1 + np.exp(-X @ b))
        information = (X.T * (n * mean * (1 - mean))) @ X
        b = b + np.linalg.solve(information, X.T @ (ends - n * mean))
    scores = np.array([X[seed == s].T @ (ends - n * mean)[seed == s] for s in seeds])
    inverse = np.linalg.inv(information)
    covariance = inverse @ (scores.T @ scores) @ inverse
    return Slope(float(b[-1]), float(np.sqrt(covariance[-1, -1])))


def linear_slope(rows: pl.DataFrame, outcome: str) -> float:
    p = rows["p"].to_numpy()
    return float(np.cov(p, rows[outcome].to_numpy())[0, 1] / p.var(ddof=1))


def shift(rows: pl.DataFrame, outcome: str) -> float:
    """Return log-odds of the mean outcome less those of the mean risk (the intercept, slope 1)."""
    some = rows.filter(pl.col("p") > 1e-9)
    means = np.array([some[outcome].mean(), some["p"].mean()], dtype=float)
    return float(logit(means)[0] - logit(means)[1])


def spread(rows: pl.DataFrame, p: str) -> float:
    """Return the standard deviation of logit p between the customers of a book."""
    some = rows.filter(pl.col(p) > 1e-9).with_columns(x=(pl.col(p) / (1 - pl.col(p))).log())
    return float(some.select((pl.col("x") - pl.col("x").mean().over("seed")).std()).item())


def calibration_table(rows: pl.DataFrame) -> Iterator[str]:
    yield (
        "| plan | customers | mean p | realised | true | shift | slope, realised | slope, true "
        "| same, one level | slope of true curve | linear, all | spread of p | of true curve |"
    )
    yield "|---|" + "---:|" * 12
    for plan in (*PLANS, None):
        part = rows if plan is None else rows.filter(pl.col("plan") == plan)
        means = " | ".join(f"{mean:.4f}" for mean in part[["p", "realised", "true"]].mean().row(0))
        slopes = (
            slope(part, "realised"),
            slope(part, "true"),
            slope(part, "true", by_seed=False),
            slope(part, "true", "p_curve", by_seed=False),
        )
        told = " | ".join(f"{one.value:.2f} ± {one.std_error:.2f}" for one in slopes)
        yield (
            f"| {plan or 'all'} | {part.height:,} | {means} | {shift(part, 'realised'):+.3f} "
            f"| {told} | {linear_slope(part, 'true'):.3f} | {spread(part, 'p'):.3f} "
            f"| {spread(part, 'p_curve'):.3f} |"
        )


def seed_table(rows: pl.DataFrame) -> Iterator[str]:
    """Tell the slopes of single books: quartiles over the seeds."""
    yield "| plan | slope, realised: quartiles over seeds | slope, true: quartiles over seeds |"
    yield "|---|---|---|"
    for plan in (*PLANS, None):
        part = rows if plan is None else rows.filter(pl.col("plan") == plan)
        told = []
        for outcome in ("realised", "true"):
            slopes = np.array([slope(book, outcome).value for book in part.partition_by("seed")])
            slopes = slopes[np.isfinite(slopes)]
            quartiles = np.quantile(slopes, [0.25, 0.5, 0.75]) if len(slopes) else []
            told.append(", ".join(f"{q:.2f}" for q in quartiles) + f" ({len(slopes)} books)")
        yield f"| {plan or 'all'} | {told[0]} | {told[1]} |"


def survival_inside(of: Reading, plan: str, level: float) -> bool:
    """Tell whether the true curve lies inside the simultaneous band of the observed one.

    Both are read at every month of age from the first to the last with enough customers at risk,
    given survival to the first.
    """
    assert of.counts is not None
    rows = of.counts.filter(pl.col("group") == plan).sort("age")
    left = rows.select("n_voluntary", "n_involuntary", "n_unknown").to_numpy()
    age, entered, censored = (
        rows[name].cast(pl.Int64).to_numpy() for name in ("age", "n_entered", "n_censored")
    )
    seen = Counts(age, entered, left, censored)
    first = starts_at(seen)
    assert first is not None
    thin = seen.age[(seen.age > first) & (at_risk(seen) < ENOUGH_AT_RISK)]
    last = int(thin[0]) - 1 if len(thin) else int(seen.age[-1])
    band = simultaneous_band(kaplan_meier(seen, from_age=first), level, first, last)
    months = np.arange(-(-int(band.age[0]) // TICKS), last // TICKS + 1)
    truth = true_survival(of.company, plan, int(months[-1]))
    given = truth[months] / truth[first // TICKS]
    at = np.searchsorted(band.age, months * TICKS, side="right") - 1
    return bool(((band.low[at] <= given) & (given <= band.high[at])).all())


def survival_row(of: Reading) -> dict[str, bool]:
    single = {plan: survival_inside(of, plan, 0.95) for plan in PLANS}
    joint = all(survival_inside(of, plan, 1 - 0.05 / len(PLANS)) for plan in PLANS)
    return {**single, "all four at once": joint}


def factor_gaps(of: Reading) -> tuple[float, float]:
    """Return the largest gap between product of factors and LTV, in yen: of a row, of a group."""
    row_gap = group_gap = 0.0
    for result in of.results.values():
        rows = result.customers.filter(pl.col("unit_price_amount").is_not_null())
        product = rows.select(pl.reduce(lambda a, b: a * b, [pl.col(n) for n in FACTORS]))
        gap = product.to_series() - rows["ltv_amount"] / UNIT
        row_gap = max(row_gap, float(np.abs(gap.to_numpy()).max()))
        for key in ("plan", "tier", "lifecycle_stage", "as_of"):
            for group in rows.partition_by(key):
                one = factors(group)
                parts = [getattr(one, name) for name in FACTORS]
                gap_ = float(np.prod(parts)) * one.n - one.ltv_amount / UNIT
                group_gap = max(group_gap, abs(gap_))
    return row_gap, group_gap


def total_rows(name: str, totals: dict[int, list[Total]]) -> Iterator[str]:
    for months, found_ in totals.items():
        errors = np.array([one.error for one in found_])
        wide = np.mean([(one.high - one.low) / 2 for one in found_])
        covered, root = sum(one.low <= 0 <= one.high for one in found_), np.sqrt(len(found_))
        yield (
            f"| {name} | {months} | {errors.mean():+.2%} ± {errors.std(ddof=1) / root:.2%} "
            f"| {errors.std(ddof=1):.2%} | {np.abs(errors).max():.2%} | ±{wide:.2%} "
            f"| {covered} of {len(found_)} |"
        )


TOTAL_HEAD = (
    "| entry | months | mean error ± SE | SD of a book | worst | half interval | covers |",
    "|---|---:|---:|---:|---:|---:|---:|",
)


def companies(kind: Kind, wanted: argparse.Namespace, *, late: bool) -> Iterator[Company]:
    for seed in range(wanted.first_seed, wanted.first_seed + wanted.seeds):
        sys.stderr.write(f"{kind}, {'late entry' if late else 'from the start'}, seed {seed}\n")
        yield Company(kind, wanted.customers, MONTHS, seed, late)


def subscription(wanted: argparse.Namespace, *, late: bool) -> None:
    name = "late" if late else "whole"
    totals: dict[int, list[Total]] = {months: [] for months in HORIZONS}
    parts, inside, gaps = [], [], []
    for company in companies("subscription", wanted, late=late):
        one = reading(company)
        for months in HORIZONS:
            totals[months].append(total(one, months))
        parts.append(risks(one))
        inside.append(survival_row(one))
        gaps.append(factor_gaps(one))
    rows = pl.concat(parts)
    show(f"Subscriptions, {name}: total residual LTV", (*TOTAL_HEAD, *total_rows(name, totals)))
    show(f"Subscriptions, {name}: p_churn_90d, all seeds", calibration_table(rows))
    show(f"Subscriptions, {name}: p_churn_90d, seed by seed", seed_table(rows))
    table = [f"| {plan} | {sum(r[plan] for r in inside)} of {len(inside)} |" for plan in inside[0]]
    head = ("| curve | inside its band |", "|---|---:|")
    show(f"Subscriptions, {name}: survival", (*head, *table))
    worst = np.array(gaps).max(axis=0)
    text = f"Largest gap of a row {worst[0]:.6f} yen, of a group {worst[1]:.4f} yen."
    show(f"Subscriptions, {name}: product of the factors less LTV", [text])


def shop(wanted: argparse.Namespace, *, late: bool) -> None:
    name = "late" if late else "whole"
    totals: dict[int, list[Total]] = {months: [] for months in HORIZONS}
    shares: dict[int, list[Gap]] = {months: [] for months in HORIZONS}
    for company in companies("shop", wanted, late=late):
        one = reading(company)
        for months in HORIZONS:
            totals[months].append(total(one, months))
            shares[months].append(of_silent(one, months))
    show(f"Shop, {name}: total residual LTV", (*TOTAL_HEAD, *total_rows(name, totals)))
    lines = ["| months | never in the log | called gone | error on the others |", "|---:" * 4 + "|"]
    for months, found_ in shares.items():
        unseen, gone, others = np.mean(found_, axis=0)
        lines.append(f"| {months} | {unseen:.1%} | {gone:.1%} | {others:+.1%} |")
    show(f"Shop, {name}: where the gap lies", lines)


def of_silent(of: Reading, months: int) -> Gap:
    """Return shares of true value never seen and called gone, and the error on the others."""
    rows = beside_truth(of, months)
    seen = rows.drop_nulls("as_of")
    stay = seen.filter("is_alive").select(pl.col("true_amount", "ltv_amount").sum())
    true, estimate = stay.row(0)
    known, everybody = (float(part["true_amount"].sum()) for part in (seen, rows))
    return 1 - known / everybody, 1 - true / known, estimate / UNIT / true - 1


def show(title: str, lines: Iterable[str]) -> None:
    print(f"\n### {title}\n", *lines, sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for flag, usual in (("--seeds", 20), ("--first-seed", 1), ("--customers", 20_000)):
        parser.add_argument(flag, type=int, default=usual)
    parser.add_argument("--kind", choices=["subscription", "shop", "both"], default="both")
    wanted = parser.parse_args()
    for kind, measure in (("subscription", subscription), ("shop", shop)):
        for late in (True, False):
            if wanted.kind in (kind, "both"):
                measure(wanted, late=late)


if __name__ == "__main__":
    main()
