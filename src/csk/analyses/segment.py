"""Which customers get which service: value, risk, stage and tier of everyone in a book.

One rule: every customer of the book is in the result once, those who have left included.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from csk.book import Book
from csk.calendar import DAYS_PER_MONTH
from csk.engine.protocol import Engine, Tables
from csk.errors import ModelError
from csk.models import contract, repeat, tiers
from csk.models.contract import ContractFit, Horizons
from csk.models.figures import BookFigures, TierRow, book_figures, tier_rows
from csk.models.repeat import RepeatFit
from csk.models.rfm import RfmScores, rfm_scored
from csk.models.stage import staged
from csk.models.value import valued
from csk.schema import CUSTOMER_SNAPSHOT, Column, Table, risk_column
from csk.settings import Settings
from csk.tables.columns import INSIDE
from csk.tables.groups import grouped
from csk.tables.purchases import gap_counts
from csk.tables.snapshot import contract_snapshot, purchase_snapshot
from csk.tables.spells import age_counts, contracts, exposures

STAGE_HORIZON: Final = 90
"""Risk horizon, in days, behind the stage `at-risk`; the nearest one asked for is taken."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Every customer of a book with value, risk, stage and tier, and the figures of the book."""

    book: Book
    horizons: Horizons
    customers: pl.DataFrame
    """Columns of `schema.CUSTOMER_SNAPSHOT` (money in counts), kept attributes, sorted by id."""
    figures: BookFigures
    tier_rows: tuple[TierRow, ...]
    plan: tiers.TierPlan
    fit: ContractFit | RepeatFit
    rfm: RfmScores | None
    ltv_basis: str
    risk_days: int
    """The risk horizon of `value_at_risk` and of the value x risk cells."""
    change: "Change | None" = None
    """What is different from the earlier snapshot."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The snapshot of an earlier day: `customer_id`, `tier`, `ltv_amount` (counts)."""

    as_of: date
    customers: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Change:
    """What is different from an earlier snapshot."""

    as_of: date
    ltv_before: int
    ltv_now: int
    n_new: int
    n_missing: int
    moves: tuple[tuple[str, str, int], ...]
    """(tier then, tier now, customers); `new` then is who was no customer, `none` has no tier."""


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Customers alive of a group; money in counts."""

    n: int
    p_churn: float
    """Mean over the group."""
    ltv_amount: int
    value_at_risk: int


def segmentation(
    book: Book, engine: Engine, settings: Settings, earlier: Earlier | None = None
) -> Segmentation:
    """Value every customer of a dated book and give each a stage, a cell and a tier.

    `earlier` is the snapshot of an earlier `as_of`, which steadies the tiers. ModelError where
    the book cannot carry a model of who stays.
    """
    span = book.span
    horizons = Horizons(
        span.as_of,
        tuple(sorted(settings.risk_horizon)),
        settings.ltv_horizon,
        settings.discount_rate,
    )
    risk = f"p_churn_{horizons.retained_days}d"
    fit: ContractFit | RepeatFit
    rfm: RfmScores | None = None
    if book.is_contractual:
        scored, fit = _contract(book, engine, settings, horizons)
    else:
        scored, fit = _repeat(book, engine, settings, horizons)
        scored, rfm = rfm_scored(scored, settings)
    price = pl.col("unit_price")
    customers = valued(scored, price, pl.col("margin"), risk)
    nearest = min(horizons.risk_days, key=lambda days: abs(days - STAGE_HORIZON))
    customers = staged(customers, settings.stages, f"p_churn_{nearest}d", span.as_of)
    customers = tiers.celled(customers, risk)
    customers, plan = tiers.tiered(
        customers, settings.tiers, risk, None if earlier is None else earlier.customers
    )
    basis = "margin" if _knows_margin(book, settings) else "revenue"
    customers = customers.with_columns(
        as_of=pl.lit(span.as_of),
        currency=pl.lit(book.currency or None, dtype=pl.String),
        ltv_basis=pl.lit(basis),
        method=pl.col("method").fill_null("gone"),
        n_events=pl.col("n_events").fill_null(fit.n_events),
    ).sort("customer_id")
    return Segmentation(
        book=book,
        horizons=horizons,
        customers=_kept(customers, book, engine, settings),
        figures=book_figures(customers, fit, horizons, span.data_from),
        tier_rows=tier_rows(customers, plan, risk),
        plan=plan,
        fit=fit,
        rfm=rfm,
        ltv_basis=basis,
        risk_days=horizons.retained_days,
        change=None if earlier is None else _change(customers, earlier),
    )


def _change(customers: pl.DataFrame, earlier: Earlier) -> Change:
    before = earlier.customers.select(
        "customer_id",
        then=pl.col("tier").fill_null("none"),
        ltv_before=pl.col("ltv_amount"),
    )
    both = customers.select("customer_id", "ltv_amount", now=pl.col("tier").fill_null("none")).join(
        before, on="customer_id", how="full", coalesce=True
    )
    known = both.drop_nulls("now").with_columns(pl.col("then").fill_null("new"))
    moves = known.group_by("then", "now").agg(pl.len()).sort("then", "now")
    return Change(
        as_of=earlier.as_of,
        ltv_before=int(before["ltv_before"].sum()),
        ltv_now=int(customers["ltv_amount"].sum()),
        n_new=int((known["then"] == "new").sum()),
        n_missing=int(both["now"].null_count()),
        moves=tuple((str(then), str(now), int(n)) for then, now, n in moves.iter_rows()),
    )


def _knows_margin(book: Book, settings: Settings) -> bool:
    return bool(settings.margin_share or book.margin_by_plan or book.has_product_margin)


def _contract(
    book: Book, engine: Engine, settings: Settings, horizons: Horizons
) -> tuple[pl.DataFrame, ContractFit]:
    as_of, grace = horizons.as_of, settings.grace_days

    def counted(tables: Tables) -> pl.LazyFrame:
        rows = grouped(contracts(tables, as_of, grace), tables, settings.by)
        return age_counts(exposures(rows, book.span.data_from, as_of))

    counts = engine.total(book, counted, ["group", "term_months", "age"])
    if "survivors_only" in book.span.notes:
        raise ModelError(
            f"No contract has ended before {as_of}: of survivors only, nothing can be said of who "
            "leaves.",
            hint="Export ended subscriptions too, or choose a later --as-of.",
        )
    reach = settings.ltv_horizon + 1 + max(horizons.risk_days) // 28
    fit = contract.fit(counts, reach)
    earlier_on = as_of - timedelta(days=settings.stages.expanding_days)

    def snapshots(tables: Tables) -> pl.LazyFrame:
        rows = contract_snapshot(tables, as_of, earlier_on, grace)
        return grouped(rows, tables, settings.by)

    snapshot = engine.collect(book, snapshots, ["customer_id"])
    scored = contract.score(snapshot, fit, horizons)
    end = pl.col("churned_on").fill_null(as_of)
    return scored.with_columns(
        customer_since_on=pl.col("spell_started_on"),
        tenure_months=(end - pl.col("spell_started_on")).dt.total_days() / DAYS_PER_MONTH,
        n_purchases=pl.col("n_payments"),
        unit_price=(pl.col("mrr_amount") * pl.col("term_months")).cast(pl.Float64),
        margin=_plan_margin(book, settings),
    ), fit


def _plan_margin(book: Book, settings: Settings) -> pl.Expr:
    default = settings.margin_share or 1.0
    if not book.margin_by_plan:
        return pl.lit(default)
    return pl.col("plan").replace_strict(
        book.margin_by_plan, default=default, return_dtype=pl.Float64
    )


def _repeat(
    book: Book, engine: Engine, settings: Settings, horizons: Horizons
) -> tuple[pl.DataFrame, RepeatFit]:
    if "payments" not in book.tables:
        raise ModelError(
            "Nothing tells what customers pay: value needs subscriptions or payments.",
            hint="Export contracts with start and end, or payments with a day and an amount.",
        )
    as_of = horizons.as_of
    gaps = engine.total(book, lambda tables: gap_counts(tables, as_of), ["state", "days"])
    snapshot = engine.collect(
        book, lambda tables: purchase_snapshot(tables, as_of), ["customer_id"]
    )
    fit = repeat.fit(gaps, snapshot, settings.purchase_within_days, settings.silence_share)
    scored = repeat.score(snapshot, fit, horizons)
    since = pl.col("first_purchase_on").fill_null(pl.col("first_paid_on"))
    end = pl.col("churned_on").fill_null(as_of)
    return scored.with_columns(
        plan=pl.lit(None, dtype=pl.String),
        customer_since_on=since,
        tenure_months=(end - since).dt.total_days() / DAYS_PER_MONTH,
        unit_price=pl.col("unit_price_amount"),
        margin=_product_margin(book, settings),
    ), fit


def _product_margin(book: Book, settings: Settings) -> pl.Expr:
    if not book.has_product_margin:
        return pl.lit(settings.margin_share or 1.0)
    money, margin = pl.col("realised_amount"), pl.col("realised_margin_amount")
    whole = margin.sum() / money.sum()
    own = pl.when((money > 0) & (margin >= 0) & (margin <= money)).then(margin / money)
    return own.fill_null(whole)


def _kept(customers: pl.DataFrame, book: Book, engine: Engine, settings: Settings) -> pl.DataFrame:
    """Add the columns of the customers table that were asked for, after all is reckoned.

    They may be called like a column that was only worked with, and then they win.
    """
    wanted = [name for name in settings.keep if name not in CUSTOMER_SNAPSHOT.names]
    names = list(dict.fromkeys(wanted))
    if not names:
        return customers
    attributes = engine.collect(
        book, lambda tables: tables["customers"].select("customer_id", *names), ["customer_id"]
    )
    return customers.drop(names, strict=False).join(
        attributes, on="customer_id", how="left", maintain_order="left"
    )


def snapshot(result: Segmentation, keep: tuple[str, ...] = ()) -> tuple[pl.DataFrame, Table]:
    """Return the table for machines: rows sorted by customer, and the schema that describes it.

    Risk horizons other than the standard ones become columns of their own, columns that this
    kind of book does not have are null, and kept attributes come last.
    """
    standard = set(CUSTOMER_SNAPSHOT.names)
    columns: list[Column] = []
    for column in CUSTOMER_SNAPSHOT.columns:
        if column.name == "p_churn_30d":
            columns += [risk_column(days) for days in result.horizons.risk_days]
        if not column.name.startswith("p_churn_"):
            columns.append(column)
    extra = [
        Column(name, "text", "Kept from the customers table.")
        for name in dict.fromkeys(keep)
        if name not in standard
    ]
    table = replace(CUSTOMER_SNAPSHOT, columns=(*columns, *extra))
    missing = [name for name in table.names if name not in result.customers.columns]
    rows = result.customers.with_columns(
        pl.lit(None, dtype=INSIDE[table[n].kind]).alias(n) for n in missing
    )
    return rows.select(table.names), table


def sums_by(result: Segmentation, column: str, days: int) -> dict[str, GroupSums]:
    """Return the customers alive by a column (stage, cell, segment), with their risk in `days`."""
    alive = result.customers.filter(pl.col("is_alive") & pl.col(column).is_not_null())
    risk, sums = pl.col(f"p_churn_{days}d").mean(), pl.col("ltv_amount", "value_at_risk").sum()
    grouped = alive.sort("customer_id").group_by(column).agg(pl.len(), risk, sums)
    return {str(row[0]): GroupSums(*row[1:]) for row in grouped.iter_rows()}


def most_at_risk(result: Segmentation, top: int) -> list[dict[str, Any]]:
    """Return the customers with most value at risk, largest first, as rows by column."""
    at_risk = result.customers["value_at_risk"]
    # Only those are sorted who can be named: a million customers have too many columns.
    border = pl.lit(at_risk.top_k(top).min(), dtype=pl.Int64)
    value = pl.col("value_at_risk")
    rows = result.customers.filter(value > 0, value >= border)
    order = rows.sort("value_at_risk", "customer_id", descending=[True, False])
    return order.head(top).to_dicts()


def without_tier(result: Segmentation) -> tuple[int, int]:
    """Return how many have no tier: those alive of whom nothing is expected, and those gone."""
    without = result.customers.filter(pl.col("tier").is_null())
    n_alive = int(without["is_alive"].sum())
    return n_alive, without.height - n_alive
