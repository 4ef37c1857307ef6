"""A number taken apart: what was divided by what, and the customers behind it.

One rule: the rows are the movements that its terms add up, so who doubts a number can recount it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from csk.book import Book
from csk.definitions import Definition, Variant, definitions
from csk.engine.protocol import Engine
from csk.errors import UsageError
from csk.models.periods import CAUSES, UPSELL, Period, renewal, told
from csk.models.rates import Rate
from csk.schema import EXPLAINED
from csk.tables.movements import FALLS, KINDS, Motion, movement_rows

RENEWAL: Final = "renewal_eligible_churn_rate"


@dataclass(frozen=True, slots=True)
class Explained:
    """A metric of one period, with its terms and the movements behind them."""

    book: Book
    motion: Motion
    metric: Definition
    preset: str
    period: Period
    rate: Rate
    terms: Mapping[str, int]
    """Of all terms of the metric; money in counts."""
    rows: pl.DataFrame
    """Movements, those of the numerator and the largest first: columns of `movements`."""

    @property
    def variant(self) -> Variant:
        """Return how the metric is reckoned here."""
        return self.metric.under(self.preset)


def explained(
    book: Book,
    engine: Engine,
    motion: Motion,
    metric: Definition,
    preset: str = "",
    starts_on: date | None = None,
) -> Explained:
    """Return a metric of movements taken apart, in the period that holds `starts_on`.

    Without a day: in the last complete period. UsageError where the metric is none of movements,
    or where no period holds the day.
    """
    if not book.is_contractual:
        raise UsageError("There are no subscriptions, so nothing moved that could be shown.")
    one = _chosen(told(book, engine, motion).get("", ()), starts_on)
    if metric.metric_id == RENEWAL:
        found = renewal(book, engine, motion, one)
        sums = {"customers.due": found.denominator or 0, "customers.due_churn": found.numerator}
    else:
        _refuse_other_terms(metric, preset, one)
        found = one.rate(metric.metric_id, preset)
        sums = one.terms
    rows = engine.collect(
        book, movement_rows(motion, one.starts_on, one.ends_on), (*motion.key, "changed_on")
    )
    variant = metric.under(preset)
    behind = rows.filter(_any(variant.terms))
    behind = behind.with_columns(is_first=_any(term.name for term in variant.numerator))
    size = pl.max_horizontal((pl.col("after") - pl.col("before")).abs(), pl.col("flash_amount"))
    return Explained(
        book,
        motion,
        metric,
        preset,
        one,
        found,
        {name: sums[name] for name in variant.terms},
        behind.sort("is_first", size, descending=True, maintain_order=True).drop("is_first"),
    )


def _chosen(periods: tuple[Period, ...], starts_on: date | None) -> Period:
    if not periods:
        raise UsageError("Nothing has moved before the day of the book.")
    if starts_on is None:
        return next((one for one in reversed(periods) if one.is_complete), periods[-1])
    for one in periods:
        if one.starts_on <= starts_on < one.ends_on:
            return one
    raise UsageError(
        f"No period holds {starts_on.isoformat()}.",
        hint=f"They run from {periods[0].starts_on:%Y-%m} to {periods[-1].starts_on:%Y-%m}.",
    )


def _refuse_other_terms(metric: Definition, preset: str, one: Period) -> None:
    known = one.terms
    if metric.is_estimate or not known.keys() >= set(metric.under(preset).terms):
        raise UsageError(
            f"{metric.definition_id(preset)} is not made of movements of MRR alone.",
            hint="Without files csk explain says what it means. With rows to show are: "
            + ", ".join(d.metric_id for d in definitions() if known.keys() >= set(d.variant.terms)),
        )


def _any(terms: Iterable[str]) -> pl.Expr:
    """Tell which movements any of the terms adds up."""
    return pl.any_horizontal(pl.lit(value=False), *map(_rows, terms))


def _rows(term: str) -> pl.Expr:
    """Tell which movements a term adds up; none for who was there at the start."""
    word = term.partition(".")[2]
    kind, how = pl.col("kind"), pl.col("how")
    causes = {name: code for code, name in CAUSES.items()}
    if word in KINDS:
        return (kind == word).fill_null(value=False)
    if word in causes:
        return ((kind == "churn") & (pl.col("cause") == causes[word])).fill_null(value=False)
    sets = {
        "flash": pl.col("is_flash"),
        "upsell": (kind == "expansion") & how.is_in(UPSELL),
        "cross_sell": (kind == "expansion") & (how == "add_on"),
        "kept": kind.is_in(FALLS),
        "after": kind.is_in((*FALLS, "expansion")),
        "due_churn": kind == "churn",
        "end": kind.is_not_null(),
        "lower_total": kind.is_not_null(),
    }
    return sets.get(word, pl.lit(value=False)).fill_null(value=False)


def table(result: Explained) -> pl.DataFrame:
    """Return the movements for machines, in the columns of `schema.EXPLAINED`."""
    cause = pl.col("cause").replace_strict(CAUSES, default=None, return_dtype=pl.String)
    is_churn = (pl.col("kind") == "churn").fill_null(value=False)
    change = pl.when("is_flash").then("flash_amount").otherwise(pl.col("after") - pl.col("before"))
    key = result.motion.key
    other = key[-1] if len(key) > 1 else None
    return result.rows.select(
        as_of=pl.lit(result.book.span.as_of),
        metric_id=pl.lit(result.metric.metric_id),
        definition_id=pl.lit(result.metric.definition_id(result.preset)),
        period_on="period_on",
        customer_id="customer_id",
        part=pl.col(other) if other else pl.lit(None, dtype=pl.String),
        changed_on="changed_on",
        kind=pl.when("is_flash").then(pl.lit("flash")).otherwise("kind"),
        how=pl.when(pl.col("how") != "").then("how"),
        cause=pl.when(is_churn).then(cause),
        before_amount="before",
        after_amount="after",
        change_amount=change,
        currency=pl.lit(result.book.currency or None, dtype=pl.String),
    ).select(EXPLAINED.names)
