"""What customers are worth: so far, from here on, and those who come next; whole and by group.

One rule: the customers were valued once, by those who segment them; nothing is valued anew here, so
groups add up to the book whatever they are groups of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from csk.book import Book
from csk.calendar import TICKS_PER_MONTH, month_start, plus_months, tick
from csk.engine.protocol import Engine, Tables
from csk.errors import ModelError, UsageError
from csk.models import contract
from csk.models.contract import ContractFit, Horizons
from csk.models.formulas import Formulas, formulas
from csk.models.key_figures import Standing
from csk.models.newcomers import Newcomer, like_all, newcomer, refitted, reread
from csk.models.outlook import FLAGS, foreseen
from csk.models.rates import Rate
from csk.models.repeat import RepeatFit
from csk.models.worth import Came, Worth, came, worth
from csk.schema import CUSTOMER_LTV, Column, Table
from csk.settings import Settings
from csk.tables.columns import INSIDE
from csk.tables.groups import grouped
from csk.tables.motion import Motion
from csk.tables.sales import received_by_age, won
from csk.tables.spells import age_counts, contracts, exposures

PLAN: Final = "plan"
COHORT: Final = "cohort"
OUTCOMES: Final = {
    "tier": "tier",
    "stage": "lifecycle_stage",
    "cell": "value_risk_cell",
    "segment": "rfm_segment",
}
"""Groups that are made of what is known today, so that nobody comes into them."""
MOST_GROUPS: Final = 200
_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked about LTV."""

    by: str = ""
    """`plan`, `cohort`, one of `OUTCOMES`, or a column of the customers table; empty for none."""
    period_months: int = 3
    """Length of a cohort."""
    is_in_arrears: bool = False
    """Whether contracts are paid at the end of each term."""


@dataclass(frozen=True, slots=True)
class Ltv:
    """What the customers of a book are worth."""

    book: Book
    standing: Standing
    choice: Choice
    horizons: Horizons
    customers: pl.DataFrame
    """All that was valued, with what it rests on and `told`, the group."""
    attributes: pl.DataFrame
    """Kept columns of the customers table, by `customer_id`."""
    whole: Worth
    groups: tuple[Worth, ...]
    """Largest residual LTV first; cohorts as they came."""
    formulas: Formulas
    flags: tuple[tuple[str, int], ...]
    """Customers alive by flag."""


def ltv(book: Book, engine: Engine, settings: Settings, standing: Standing, choice: Choice) -> Ltv:
    """Add up the valued customers of a dated book, and tell what they rest on.

    UsageError for groups that there are not, or of which there are too many.
    """
    if choice.is_in_arrears and not book.is_contractual:
        raise UsageError("Purchases are paid when they are made: --timing is for contracts.")
    refuse_unknown_groups(book, choice.by)
    horizons = replace(standing.horizons, is_in_arrears=choice.is_in_arrears)
    about = engine.collect(
        book, lambda tables: _about(tables, horizons.as_of, choice, settings.keep), ["customer_id"]
    )
    customers = foreseen(standing.customers, standing.fit, horizons).join(
        about.select("customer_id", "first_on", "cac_amount", "told"),
        on="customer_id",
        how="left",
        maintain_order="left",
    )
    customers = _with_groups(customers, book, choice).sort("customer_id")
    whole = _newcomers(
        worth("", customers, standing.fit, horizons, _cost(customers, horizons)),
        newcomer(customers, standing.fit, horizons, standing.figures.ltv.margin_share),
        standing.basis,
    )
    flags = customers.filter("is_alive")["flags"].fill_null("")
    return Ltv(
        book=book,
        standing=standing,
        choice=choice,
        horizons=horizons,
        customers=customers,
        attributes=about.drop("first_on", "cac_amount", "told"),
        whole=whole,
        groups=_groups(
            customers,
            (book, engine, settings),
            standing,
            choice,
            whole.newcomer,
            horizons,
        ),
        formulas=formulas(customers, standing.figures, horizons, book.span.data_from),
        flags=tuple(
            (name, n)
            for name in FLAGS
            if (n := int(flags.str.split(",").list.contains(name).sum()))
        ),
    )


def refuse_unknown_groups(book: Book, by: str) -> None:
    """Raise UsageError for groups that the book does not have."""
    customers = book.tables.get("customers")
    columns = [name for name in (customers.columns if customers else ()) if name != "customer_id"]
    outcomes = [name for name in OUTCOMES if name != "segment" or not book.is_contractual]
    contractual = [PLAN] if book.is_contractual else []
    known = list(dict.fromkeys([*contractual, COHORT, *outcomes, *columns]))
    if by and by not in known:
        raise UsageError(f"There are no groups by {by!r}.", hint=f"There are: {', '.join(known)}.")


def _is_attribute(book: Book, by: str) -> bool:
    return bool(by) and by not in (COHORT, *OUTCOMES) and not (by == PLAN and book.is_contractual)


def _about(tables: Tables, as_of: date, choice: Choice, keep: tuple[str, ...]) -> pl.LazyFrame:
    """Return who came when, at which cost, and what the customers table says of them."""
    came = won(tables, as_of)
    nothing = pl.lit(None, dtype=pl.String).alias("told")
    if "customers" not in tables:
        return came.with_columns(nothing)
    known = tables["customers"].collect_schema().names()
    told = pl.col(choice.by).cast(pl.String).alias("told") if choice.by in known else nothing
    rest = {"first_on", "cac_amount", "told", *CUSTOMER_LTV.names}
    names = [name for name in dict.fromkeys(keep) if name not in rest]
    about = tables["customers"].select("customer_id", *names, told)
    return came.join(about, on="customer_id", how="left")


def _with_groups(customers: pl.DataFrame, book: Book, choice: Choice) -> pl.DataFrame:
    """Add `told`, the group of each customer; empty where it has none."""
    if _is_attribute(book, choice.by):
        told = pl.col("told")
    elif choice.by == COHORT:
        told = _cohort(pl.col("first_on"), choice)
    elif choice.by:
        told = pl.col(OUTCOMES.get(choice.by, choice.by))
    else:
        told = pl.lit("")
    return customers.with_columns(told=told.cast(pl.String).fill_null(""))


def _cohort(day: pl.Expr, choice: Choice) -> pl.Expr:
    period = Motion(date.min, period_months=choice.period_months).period(day)
    return period.dt.to_string("%Y" if choice.period_months == _YEAR else "%Y-%m")


def _cost(members: pl.DataFrame, horizons: Horizons, *, of_all: bool = False) -> Rate:
    """Return what winning those of the last year cost, or all of them."""
    known = members.filter(pl.col("cac_amount").is_not_null())
    if not of_all:
        known = known.filter(pl.col("first_on") >= costs_since(horizons.as_of))
    return Rate(int(known["cac_amount"].sum()), known.height)


def costs_since(as_of: date) -> date:
    """Return the first day of the twelve months whose costs are held against LTV."""
    return plus_months(month_start(as_of - timedelta(days=1)), 1 - _YEAR)


def _groups(
    customers: pl.DataFrame,
    asked: tuple[Book, Engine, Settings],
    standing: Standing,
    choice: Choice,
    whole: Newcomer | None,
    horizons: Horizons,
) -> tuple[Worth, ...]:
    if not choice.by:
        return ()
    parts: Mapping[str, pl.DataFrame] = {
        str(name): members
        for (name,), members in customers.partition_by(
            "told", as_dict=True, maintain_order=True
        ).items()
    }
    if list(parts) == [""]:
        return ()
    if len(parts) > MOST_GROUPS:
        raise UsageError(
            f"{choice.by!r} tells {len(parts):,} groups apart; {MOST_GROUPS} can be told.",
            hint="Choose a column with fewer values.",
        )
    if choice.by == COHORT:
        return _cohorts(parts, asked, standing, choice, horizons)
    own = None if choice.by in OUTCOMES else _own_fit(standing, asked, choice.by)
    found = []
    for name, members in parts.items():
        of = worth(name, members, standing.fit, horizons, _cost(members, horizons))
        next_ = None if own is None else _newcomer(members, own, (of, whole), horizons)
        found.append(_newcomers(of, next_, standing.basis))
    return tuple(sorted(found, key=lambda one: (-one.factors.ltv_amount, one.group)))


def _cohorts(
    parts: Mapping[str, pl.DataFrame],
    asked: tuple[Book, Engine, Settings],
    standing: Standing,
    choice: Choice,
    horizons: Horizons,
) -> tuple[Worth, ...]:
    """Return cohorts as they came, with what each has brought where payments tell it."""
    book, engine, _ = asked
    motion = Motion(horizons.as_of, period_months=choice.period_months)
    paid = book.tables.get("payments")
    received = engine.total(book, received_by_age(motion), ["group", "month"]) if paid else None
    found = []
    for name in sorted(parts):
        members = parts[name]
        of = worth(name, members, standing.fit, horizons, _cost(members, horizons, of_all=True))
        first = members.select(motion.period(pl.col("first_on")).min()).item()
        so_far = None
        if received is None:
            so_far = Came(np.zeros(0))
        elif first is not None and paid and paid.first_on and paid.first_on <= _month_on(first):
            whole = plus_months(first, choice.period_months) - timedelta(days=1)
            n_months = max(tick(whole, horizons.as_of) // TICKS_PER_MONTH, 0)
            so_far = came(of, received.filter(pl.col("group") == first), n_months, horizons)
        found.append(replace(of, came=so_far, is_margin=standing.basis == "margin"))
    return tuple(found)


def _month_on(day: date) -> date:
    """Return the day by which payments that are all there were since `day` have begun."""
    return plus_months(day, 1)


def _newcomers(of: Worth, next_: Newcomer | None, basis: str) -> Worth:
    return replace(of, newcomer=next_, is_margin=basis == "margin")


def _own_fit(
    standing: Standing, asked: tuple[Book, Engine, Settings], by: str
) -> ContractFit | RepeatFit:
    """Return curves by the groups asked for; a shop's are fitted group by group."""
    book, engine, settings = asked
    as_of, grace = standing.horizons.as_of, settings.grace_days
    if isinstance(standing.fit, RepeatFit) or by == settings.by:
        return standing.fit

    def counted(tables: Tables) -> pl.LazyFrame:
        rows = grouped(contracts(tables, as_of, grace), tables, by)
        return age_counts(exposures(rows, book.span.data_from, as_of))

    counts = engine.total(book, counted, ["group", "term_months", "age"])
    reach = settings.ltv_horizon + 1 + max(standing.horizons.risk_days) // 28
    return contract.fit(counts, reach)


def _newcomer(
    members: pl.DataFrame,
    own: ContractFit | RepeatFit,
    known: tuple[Worth, Newcomer | None],
    horizons: Horizons,
) -> Newcomer | None:
    """Return what a new customer of a group is worth, by what is known of the group alone.

    `known` are the group, and a new customer of the whole book.
    """
    of, whole = known
    margin = of.factors.margin_share
    if isinstance(own, ContractFit):
        read, share = reread(members, own, of.group)
        next_ = newcomer(read, own, horizons, margin)
        return None if next_ is None else replace(next_, own_share=share)
    fitted = refitted(members, own)
    if fitted is None:
        return None if whole is None else like_all(whole, of.n_alive, margin)
    return newcomer(members, fitted, horizons, margin)


def table(result: Ltv, keep: tuple[str, ...] = ()) -> tuple[pl.DataFrame, Table]:
    """Return the table for machines: one row a customer, sorted, and the schema that tells of it.

    Columns that this kind of book does not have are null; kept attributes come last.
    """
    names = [name for name in dict.fromkeys(keep) if name in result.attributes.columns]
    names = [name for name in names if name != "customer_id"]
    extra = tuple(Column(name, "text", "Kept from the customers table.") for name in names)
    described = replace(CUSTOMER_LTV, columns=(*CUSTOMER_LTV.columns, *extra))
    valued = result.customers.drop(names, strict=False)
    rows = valued.join(
        result.attributes, on="customer_id", how="left", maintain_order="left"
    ).with_columns(
        dimension=pl.lit(result.choice.by or None, dtype=pl.String),
        group=pl.when(pl.lit(bool(result.choice.by))).then("told"),
        realised_margin_amount=pl.col("total_ltv_amount") - pl.col("ltv_amount"),
        ltv_horizon_months=pl.lit(result.horizons.ltv_months, dtype=pl.Int64),
        discount_rate=pl.lit(result.horizons.discount_rate),
    )
    missing = [name for name in described.names if name not in rows.columns]
    rows = rows.with_columns(
        pl.lit(None, dtype=INSIDE[described[name].kind]).alias(name) for name in missing
    )
    return rows.select(described.names), described


def is_cut(result: Ltv) -> date | None:
    """Return the day of the first payment where customers came long before it; else null.

    What they paid before that day is in no file, so what they brought is told too low.
    """
    paid = result.book.tables.get("payments")
    came_on = result.customers["customer_since_on"].min()
    if not result.book.is_contractual or paid is None or paid.first_on is None:
        return None
    is_late = isinstance(came_on, date) and paid.first_on > _month_on(came_on)
    return paid.first_on if is_late else None


def most_worth(result: Ltv, top: int) -> list[dict[str, object]]:
    """Return the customers with most residual LTV, largest first, as rows by column."""
    rows = result.customers.filter(pl.col("ltv_amount") > 0)
    return rows.sort("ltv_amount", "customer_id", descending=[True, False]).head(top).to_dicts()


def refuse_cross_section(book: Book) -> None:
    """Raise ModelError for a book that has no dates."""
    if "cross_section" in book.tables:
        raise ModelError(
            "A cross-section has no dates, so it carries no LTV.",
            hint="Give subscriptions with start and end, or payments with a day and an amount.",
        )
