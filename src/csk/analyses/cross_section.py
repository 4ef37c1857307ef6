"""What one row per customer without dates can tell: who has left, and after how long.

One rule: no forecast is made of it; tenure in whole months is all the time there is.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine, Tables
from csk.stats import survival
from csk.stats.intervals import wilson


@dataclass(frozen=True, slots=True)
class PlanShare:
    """Customers of one plan and how many of them have left."""

    plan: str
    n: int
    n_churned: int
    low: float
    high: float
    median_months: float
    """Infinite where over half stay beyond the longest tenure."""
    curve: survival.SurvivalCurve
    """By month of tenure."""


@dataclass(frozen=True, slots=True)
class CrossSection:
    """Shares, sums and survival by tenure of a cross-section; money in counts."""

    book: Book
    n: int
    n_churned: int
    low: float
    high: float
    monthly_amount: int | None
    total_amount: int | None
    n_blank_total: int
    plans: tuple[PlanShare, ...]
    curve: survival.SurvivalCurve
    """By month of tenure."""


def cross_section(book: Book, engine: Engine) -> CrossSection:
    """Count who has left, by plan and by tenure."""
    columns = [c for c in book.tables["cross_section"].columns if c != "customer_id"]

    def counted(tables: Tables) -> pl.LazyFrame:
        rows = tables["cross_section"]
        plan = pl.col("plan") if "plan" in columns else pl.lit(None, dtype=pl.String)
        zero = pl.lit(0, dtype=pl.Int64)
        monthly = pl.col("monthly_amount") if "monthly_amount" in columns else zero
        total = pl.col("total_amount") if "total_amount" in columns else zero
        return rows.group_by(
            plan.fill_null("").alias("plan"), pl.col("tenure_months").round(0).cast(pl.Int64)
        ).agg(
            n=pl.len().cast(pl.Int64),
            n_churned=pl.col("is_churned").cast(pl.Int64).sum(),
            monthly_amount=monthly.sum(),
            total_amount=total.sum(),
            n_blank=total.is_null().cast(pl.Int64).sum(),
        )

    cells = engine.total(book, counted, ["plan", "tenure_months"])
    n, n_churned = int(cells["n"].sum()), int(cells["n_churned"].sum())
    low, high = wilson(n_churned, n)
    return CrossSection(
        book=book,
        n=n,
        n_churned=n_churned,
        low=float(low),
        high=float(high),
        monthly_amount=int(cells["monthly_amount"].sum()) if "monthly_amount" in columns else None,
        total_amount=int(cells["total_amount"].sum()) if "total_amount" in columns else None,
        n_blank_total=int(cells["n_blank"].sum()),
        plans=tuple(
            _plan(str(key[0]), part) for key, part in cells.group_by("plan", maintain_order=True)
        ),
        curve=_curve(cells),
    )


def _plan(plan: str, cells: pl.DataFrame) -> PlanShare:
    n, n_churned = int(cells["n"].sum()), int(cells["n_churned"].sum())
    low, high = wilson(n_churned, n)
    curve = _curve(cells)
    half = survival.median(curve)
    return PlanShare(plan, n, n_churned, float(low), float(high), half.value, curve)


def _curve(cells: pl.DataFrame) -> survival.SurvivalCurve:
    """Kaplan-Meier by tenure; those who left at tenure 0 count as gone in the first month."""
    age = cells["tenure_months"].to_numpy()
    n, left = cells["n"].to_numpy(), cells["n_churned"].to_numpy()
    ages = np.concatenate([np.maximum(age, 1), age])
    causes = np.repeat([1, 0], len(age))
    weight = np.concatenate([left, n - left])
    counts = survival.counts(np.zeros(len(ages), np.int64), ages, causes, weight, n_causes=1)
    return survival.kaplan_meier(counts)
