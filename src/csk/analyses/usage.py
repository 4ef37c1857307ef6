"""Who uses the product less, since when and how badly; which features lie unused; first days.

One rule: a customer is held against itself, and what goes together with leaving is called no more
than that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Final

import numpy as np
import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine
from csk.errors import DataError, UsageError
from csk.facts.usage import THOUSANDTHS
from csk.models.adoption import FeatureHazard, FeatureUse, entitlements, hazards, uses, with_unused
from csk.models.onboarding import Onboarding, onboarding
from csk.models.usage_trends import MEASURES, SEVERITIES, Week, measured, trends, weeks
from csk.schema import USAGE_TRENDS, Column, Table
from csk.settings import Settings
from csk.tables.adoption import adoption_sums, landmarks
from csk.tables.milestones import reached, stayed
from csk.tables.usage import Watch, customer_days, edges, feature_rows, weekday_shares

PLAN: Final = "plan"
MOST_GROUPS: Final = 200
RECENT_DAYS: Final = 56


@dataclass(frozen=True, slots=True)
class Used:
    """How much a group of customers, or all of them, use the product."""

    group: str
    n: int
    n_silent: int
    """Of them, who used nothing in the last 28 days."""
    n_new: int
    """Who came too late for a level of their own."""
    usage_28d: float
    usage_previous_28d: float
    """Of the same customers in the 28 days before."""
    by_severity: tuple[tuple[str, int], ...]
    n_falling: int
    n_recent: int
    """Of them, since a day of the last `RECENT_DAYS`."""
    mrr_amount: int
    mrr_falling_amount: int


@dataclass(frozen=True, slots=True)
class Edges:
    """Rows of the log that are of no time as a customer."""

    n_rows: int
    n_before: int = 0
    n_stranger: int = 0
    n_after: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """Names in the settings that the data do not have."""

    what: str
    """`features` or `plans`."""
    names: tuple[str, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageTrends:
    """How customers of a book use the product, as of a day."""

    book: Book
    by: str
    usage_from: date
    usage_through: date
    """Last day of the log."""
    customers: pl.DataFrame
    """The columns of the table, with `told`, `n_lost` (usage a period) and `lost_amount` (MRR)."""
    attributes: pl.DataFrame
    whole: Used
    groups: tuple[Used, ...]
    edges: Edges
    week: Week
    features: tuple[FeatureUse, ...]
    entitled: Mapping[str, tuple[str, ...]]
    told_plans: tuple[str, ...]
    """Plans whose features the settings name."""
    hazards: tuple[FeatureHazard, ...]
    n_landmarks: int
    onboarding: tuple[Onboarding, ...]
    unknown: tuple[Unknown, ...] = ()


def usage(book: Book, engine: Engine, settings: Settings, by: str = "") -> UsageTrends:
    """Return how customers of a dated book use the product.

    `by` is `plan` or a column of the customers table. DataError where nothing tells of usage,
    UsageError for groups that there are not.
    """
    refuse_without_usage(book)
    refuse_unknown_groups(book, by)
    log = book.tables["usage"]
    as_of, first_on = book.span.as_of, log.first_on or book.span.as_of
    watch = Watch(as_of, first_on, book.is_contractual, settings.grace_days, by)
    week_of = weeks(engine.total(book, weekday_shares(watch), ("plan", "weekday")))
    plan = customer_days(watch, partial(measured, week_of=week_of, watch=watch), MEASURES)
    rows = engine.collect(book, plan, ["customer_id"])
    entitled = entitlements(rows, settings.usage.entitled)
    judged = with_unused(trends(rows, watch, settings.usage.severity_shares), entitled)
    customers = _finished(judged, book)
    days = landmarks(watch, book.span.data_from) if book.is_contractual else ()
    return UsageTrends(
        book=book,
        by=by,
        usage_from=watch.usage_from,
        usage_through=log.last_on or as_of,
        customers=customers,
        attributes=_attributes(book, engine, settings.keep),
        whole=_used("", customers),
        groups=_groups(customers) if by else (),
        edges=_edges(book, engine, watch),
        week=week_of[""],
        features=uses(judged),
        entitled=entitled,
        told_plans=tuple(settings.usage.entitled),
        hazards=_hazards(book, engine, watch, days),
        n_landmarks=len(days),
        onboarding=_onboarding(book, engine, watch, settings),
        unknown=_unknown(book, engine, watch, settings, rows["plan"]),
    )


def refuse_without_usage(book: Book) -> None:
    """Raise DataError for a book that tells of no usage."""
    if "usage" not in book.tables:
        raise DataError(
            "No file tells what customers do in the product.",
            hint="Give a log of usage with customer_id, used_at and feature (quantity where it "
            "has one), as usage=events.csv; csk check says what each file was taken for.",
        )


def refuse_unknown_groups(book: Book, by: str) -> None:
    """Raise UsageError for groups that the book does not have."""
    table = book.tables.get("customers")
    columns = [name for name in (table.columns if table else ()) if name != "customer_id"]
    known = list(dict.fromkeys([*([PLAN] if book.is_contractual else []), *columns]))
    if by and by not in known:
        hint = f"There are: {', '.join(known)}." if known else "No file tells any."
        raise UsageError(f"There are no groups by {by!r}.", hint=hint)


def _finished(judged: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Add the columns that only need the day and the currency, and what is at stake."""
    as_of = pl.lit(book.span.as_of)
    rate = pl.when("is_falling").then(-pl.col("change_rate")).otherwise(0.0).fill_null(0.0)
    mrr = pl.col("mrr_amount")
    return judged.with_columns(
        as_of=as_of,
        currency=pl.lit(book.currency or None, dtype=pl.String),
        days_since_last_use=(as_of - pl.col("last_on")).dt.total_days(),
        unused_features=pl.when(pl.col("unused").list.len() > 0).then(
            pl.col("unused").list.join(",")
        ),
        n_lost=rate * pl.col("usage_baseline_28d").fill_null(0.0),
        lost_amount=(rate * mrr.fill_null(0)).round(0).cast(pl.Int64),
        told=pl.col("told").fill_null(""),
    )


def _attributes(book: Book, engine: Engine, keep: tuple[str, ...]) -> pl.DataFrame:
    """Return the columns of the customers table that are carried along, by `customer_id`."""
    known = book.tables["customers"].columns if "customers" in book.tables else ()
    taken = {"customer_id", *USAGE_TRENDS.names}
    names = [name for name in dict.fromkeys(keep) if name in known and name not in taken]
    if not names:
        return pl.DataFrame(schema={"customer_id": pl.String})
    return engine.collect(
        book, lambda tables: tables["customers"].select("customer_id", *names), ["customer_id"]
    )


def _edges(book: Book, engine: Engine, watch: Watch) -> Edges:
    if not book.is_contractual:
        return Edges(book.tables["usage"].rows)
    row = engine.total(book, edges(watch), ()).row(0, named=True)
    return Edges(
        **{name: int(row[name] or 0) for name in ("n_rows", "n_before", "n_stranger", "n_after")}
    )


def _hazards(
    book: Book, engine: Engine, watch: Watch, days: tuple[date, ...]
) -> tuple[FeatureHazard, ...]:
    if not days:
        return ()
    key = ("feature", "plan", "tenure_no", "level_no")
    return hazards(engine.total(book, adoption_sums(watch, days), key))


def _onboarding(
    book: Book, engine: Engine, watch: Watch, settings: Settings
) -> tuple[Onboarding, ...]:
    asked = settings.milestones
    if not asked:
        return ()
    data_from = book.span.data_from
    waits = engine.total(book, reached(watch, data_from, asked), ("milestone_no", "age"))
    after = engine.total(book, stayed(watch, data_from, asked), ("milestone_no", "is_done", "age"))
    return onboarding(tuple((one.name, one) for one in asked), waits, after)


def _unknown(
    book: Book, engine: Engine, watch: Watch, settings: Settings, plans: pl.Series
) -> tuple[Unknown, ...]:
    """Return what the settings name and nobody has; a slip of the pen looks like silence."""
    told = settings.usage.entitled
    named = {one.feature for one in settings.milestones if one.feature}
    named |= {feature for features in told.values() for feature in features}
    if not named:
        return ()
    features = set(engine.total(book, feature_rows(watch), ("feature",))["feature"])
    has = set(plans.drop_nulls())
    found = (
        Unknown("features", tuple(sorted(named - features)), tuple(sorted(features))),
        Unknown("plans", tuple(sorted(set(told) - has)), tuple(sorted(has))),
    )
    return tuple(one for one in found if one.names)


def _groups(customers: pl.DataFrame) -> tuple[Used, ...]:
    parts = customers.partition_by("told", as_dict=True)
    if len(parts) > MOST_GROUPS:
        raise UsageError(f"There are {len(parts):,} groups; more than {MOST_GROUPS} are no report.")
    found = [_used(str(key[0]), part) for key, part in parts.items()]
    return tuple(sorted(found, key=lambda one: (-one.n_falling, -one.n, one.group)))


def _used(group: str, rows: pl.DataFrame) -> Used:
    both = rows.filter(pl.col("usage_previous_28d").is_not_null())
    severity = dict(rows.group_by("severity").len().iter_rows())
    falling = rows.filter("is_falling")
    return Used(
        group=group,
        n=rows.height,
        n_silent=rows.filter(pl.col("usage_28d") <= 0).height,
        n_new=rows.filter(pl.col("usage_baseline_28d").is_null()).height,
        usage_28d=_exact(both["usage_28d"]),
        usage_previous_28d=_exact(both["usage_previous_28d"]),
        by_severity=tuple((name, int(severity.get(name, 0))) for name in SEVERITIES),
        n_falling=falling.height,
        n_recent=falling.filter(_days_before("changed_on") <= RECENT_DAYS).height,
        mrr_amount=int(rows["mrr_amount"].sum() or 0),
        mrr_falling_amount=int(falling["mrr_amount"].sum() or 0),
    )


def _days_before(day: str) -> pl.Expr:
    return (pl.col("as_of") - pl.col(day)).dt.total_days()


def _exact(values: pl.Series) -> float:
    """Return a sum that does not depend on the order of its parts."""
    return float(np.rint(values.to_numpy() * THOUSANDTHS).astype(np.int64).sum()) / THOUSANDTHS


def worst(result: UsageTrends, top: int) -> list[dict[str, object]]:
    """Return the falling customers with most at stake, as rows by column.

    By the recurring revenue behind what they lost; without contracts, by what they lost.
    """
    stake = ["lost_amount"] if result.book.is_contractual else []
    order = [*stake, "n_lost", "customer_id"]
    rows = result.customers.filter("is_falling")
    return rows.sort(order, descending=[*(True for _ in order[:-1]), False]).head(top).to_dicts()


def table(result: UsageTrends) -> tuple[pl.DataFrame, Table]:
    """Return the table for machines, one row a customer, and the schema that tells of it."""
    names = [name for name in result.attributes.columns if name != "customer_id"]
    extra = tuple(Column(name, "text", "Kept from the customers table.") for name in names)
    described = replace(USAGE_TRENDS, columns=(*USAGE_TRENDS.columns, *extra))
    rows = result.customers.drop(names, strict=False).join(
        result.attributes, on="customer_id", how="left", maintain_order="left"
    )
    return rows.select(described.names), described
