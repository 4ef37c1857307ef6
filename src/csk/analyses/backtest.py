"""What would have been foretold on earlier days, held against what then came.

One rule: every model is given the same customers as they were known on the day, and is judged on
the same days after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine, Tables
from csk.errors import ModelError
from csk.models.foretelling import CONTRACTS, SHOP, Known, Predict
from csk.models.tracking import WEEKLY_MONTHS, steps
from csk.models.verdicts import (
    DEFAULT,
    MEASURES,
    TOP,
    Came,
    Origin,
    Standing,
    judged,
    standings,
    winner,
)
from csk.settings import Settings
from csk.stats import holdout
from csk.tables.ahead import received, received_ahead
from csk.tables.ends import ends_by_day
from csk.tables.groups import grouped
from csk.tables.purchases import gap_counts
from csk.tables.snapshot import contract_snapshot, purchase_snapshot
from csk.tables.spells import age_counts, contracts, exposures

LENGTHS: Final = (24, 12, 6, 3, 1)
"""Months of a hold-out, of which the longest that fits is taken; none is longer than the LTV's."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Backtest:
    """The models of a book by what they would have foretold."""

    book: Book
    months: int
    """Length of every hold-out."""
    asked: int
    """Origins that were asked for."""
    origins: tuple[Origin, ...]
    """The latest first."""
    refused: tuple[tuple[date, str], ...]
    """Days from which the default could not look ahead, and why."""
    standings: tuple[Standing, ...]
    """The best first."""
    winners: Mapping[str, str]
    """By measure, the model that is best in it."""
    basis: str
    """`margin` or `revenue`."""

    @property
    def default(self) -> Standing:
        """Return how the present default did."""
        return next(one for one in self.standings if one.model == DEFAULT)

    @property
    def best(self) -> Standing:
        """Return the model with the smallest errors."""
        return self.standings[0]


def backtest(
    book: Book,
    engine: Engine,
    settings: Settings,
    origins: int = 3,
    processes: Mapping[str, Predict] | None = None,
) -> Backtest:
    """Look ahead from up to `origins` days in the past and hold it against what came.

    `processes` are further models by name. ModelError where the history is too short for one
    origin, or carries no model at any.
    """
    months, days = _origins(book, engine, settings, origins)
    models = {**(CONTRACTS if book.is_contractual else SHOP), **(processes or {})}
    found: list[Origin] = []
    refused: list[tuple[date, str]] = []
    for on in days:
        try:
            found.append(_origin(book, engine, settings, (on, months), models))
        except ModelError as error:
            refused.append((on, error.sentence))
    if not found:
        raise ModelError(
            "From none of the earlier days could anything be foretold.",
            details=[f"{day}: {why}" for day, why in refused],
            hint="A backtest needs a longer history.",
        )
    ranked = standings(found)
    return Backtest(
        book=book,
        months=months,
        asked=origins,
        origins=tuple(found),
        refused=tuple(refused),
        standings=ranked,
        winners={name: winner(ranked, name) for name in MEASURES},
        basis="margin" if _knows_margin(book, settings) else "revenue",
    )


def _origins(
    book: Book, engine: Engine, settings: Settings, wanted: int
) -> tuple[int, tuple[date, ...]]:
    """Return the length of the hold-outs and their first days, the latest first.

    Before the earliest lies at least as much time as the hold-out is long, and of contracts an
    end. Origins are as far apart as there is room, up to the length of the hold-out.
    """
    span = book.span
    last = min(span.as_of, span.data_through + timedelta(days=1))
    known = _months_between(span.data_from, last)
    learnt = known
    if book.is_contractual:
        ended = engine.total(book, ends_by_day(last, settings.grace_days), ["ended_on"])
        ends = [day for day in ended["ended_on"].to_list() if day >= span.data_from]
        learnt = _months_between(min(ends) + timedelta(days=1), last) if ends else 0
    longest = settings.ltv_horizon
    lengths = sorted({longest, *(n for n in LENGTHS if n < longest)}, reverse=True)
    for number in range(max(wanted, 1), 0, -1):
        for months in lengths:
            room = min(known - 2 * months, learnt - months)
            apart = min(months, room // (number - 1)) if number > 1 else months
            if room >= 0 and apart >= -(-months // 3):
                back = [months + apart * place for place in range(number)]
                return months, tuple(plus_months(last, -of) for of in back)
    raise ModelError(
        "The history is too short to hold a part of it back.",
        hint="It must cover two months, and of contracts an end a month before its last day.",
    )


def _months_between(first: date, last: date) -> int:
    months = (last.year - first.year) * 12 + last.month - first.month
    return months if plus_months(last, -months) >= first else months - 1


def _origin(
    book: Book,
    engine: Engine,
    settings: Settings,
    when: tuple[date, int],
    models: Mapping[str, Predict],
) -> Origin:
    known = (_of_contracts if book.is_contractual else _of_shop)(book, engine, settings, when)
    margin = _margin(book, settings, known.customers)
    came = _came(book, engine, settings, known, margin)
    told = []
    for name, predict in models.items():
        try:
            told.append(judged(name, predict(known), known, came, margin))
        except ModelError:
            # Only the default is owed: a rival that cannot speak of this day is not held against.
            if name == DEFAULT:
                raise
    return Origin(
        on=known.on,
        end=known.ends[-1],
        n=known.customers.height,
        best_top_share=float(holdout.gains(came.money, came.money, [TOP])[0]),
        models=tuple(told),
    )


def _of_contracts(book: Book, engine: Engine, settings: Settings, when: tuple[date, int]) -> Known:
    on, months = when
    before_on, grace = plus_months(on, -months), settings.grace_days

    def counted(tables: Tables) -> pl.LazyFrame:
        rows = grouped(contracts(tables, on, grace), tables, settings.by)
        return age_counts(exposures(rows, book.span.data_from, on))

    def stood(tables: Tables) -> pl.LazyFrame:
        return grouped(contract_snapshot(tables, on, before_on, grace), tables, settings.by)

    counts = engine.total(book, counted, ["group", "term_months", "age"])
    customers = engine.collect(book, stood, ["customer_id"])
    earlier = engine.collect(
        book, lambda tables: contract_snapshot(tables, before_on, before_on, grace), ["customer_id"]
    )
    if not counts.select("n_voluntary", "n_involuntary", "n_unknown").to_numpy().sum():
        raise ModelError(f"No contract had ended before {on}.")
    there = customers.join(earlier.filter("is_alive"), on="customer_id", how="semi")
    brought = _brought(book, engine, customers, (before_on, on), grace)
    return Known(
        on=on,
        months=months,
        ends=steps(on, months, by_week=False),
        customers=customers,
        received=_array(brought, "amount"),
        bought=_array(brought, "n_payments"),
        counts=counts,
        churned_share=1 - int(there["is_alive"].sum()) / there.height if there.height else None,
    )


def _of_shop(book: Book, engine: Engine, settings: Settings, when: tuple[date, int]) -> Known:
    if "payments" not in book.tables:
        raise ModelError(
            "Nothing tells what customers pay: value needs subscriptions or payments.",
            hint="Export contracts with start and end, or payments with a day and an amount.",
        )
    on, months = when
    before_on = plus_months(on, -months)
    customers = engine.collect(book, lambda tables: purchase_snapshot(tables, on), ["customer_id"])
    brought = _brought(book, engine, customers, (before_on, on), settings.grace_days)
    return Known(
        on=on,
        months=months,
        ends=steps(on, months, by_week=months <= WEEKLY_MONTHS),
        customers=customers,
        received=_array(brought, "amount"),
        bought=_array(brought, "n_payments"),
        counts=engine.total(book, lambda tables: gap_counts(tables, on), ["state", "days"]),
        within_days=settings.purchase_within_days,
        silence_share=settings.silence_share,
    )


def _brought(
    book: Book, engine: Engine, customers: pl.DataFrame, days: Sequence[date], grace_days: int
) -> pl.DataFrame:
    """Return what each of the customers brought between the first and last of `days`."""
    told = engine.collect(book, received(days, grace_days), ["customer_id"])
    rows = customers.select("customer_id")
    return rows.join(told, on="customer_id", how="left", maintain_order="left").fill_null(0)


def _array(rows: pl.DataFrame, name: str) -> Floats:
    return rows[name].cast(pl.Float64).to_numpy()


def _came(book: Book, engine: Engine, settings: Settings, known: Known, margin: Floats) -> Came:
    days, grace = (known.on, *known.ends), settings.grace_days
    brought = _brought(book, engine, known.customers, (days[0], days[-1]), grace)
    purchases = _array(brought, "n_payments")
    money = _array(brought, "amount") * margin
    if book.has_product_margin and not book.is_contractual:
        money = _array(brought, "margin_amount")
    sums = {
        day: (float(amount), float(number))
        for day, amount, number in engine.total(book, received_ahead(days, grace), ["period_on"])
        .select("period_on", "amount", "n_payments")
        .iter_rows()
    }
    by_step = [sums.get(day, (0.0, 0.0)) for day in days[:-1]]
    gone = purchases <= 0
    if book.is_contractual:
        gone = ~_alive(book, engine, known, grace)
    return Came(
        money=money,
        purchases=purchases,
        is_none=gone,
        revenue_steps=tuple(amount for amount, _ in by_step),
        number_steps=tuple(number for _, number in by_step),
    )


def _alive(book: Book, engine: Engine, known: Known, grace_days: int) -> NDArray[np.bool_]:
    """Tell which customers are there at the end of the hold-out."""
    end = known.ends[-1]
    later = engine.collect(
        book, lambda tables: contract_snapshot(tables, end, known.on, grace_days), ["customer_id"]
    )
    rows = known.customers.select("customer_id")
    both = rows.join(later, on="customer_id", how="left", maintain_order="left")
    return np.asarray(both["is_alive"].to_numpy(), np.bool_)


def _knows_margin(book: Book, settings: Settings) -> bool:
    return bool(settings.margin_share or book.margin_by_plan or book.has_product_margin)


def _margin(book: Book, settings: Settings, customers: pl.DataFrame) -> Floats:
    """Return the margin share of each customer as known on the day."""
    default = settings.margin_share or 1.0
    share = pl.lit(default)
    if book.is_contractual and book.margin_by_plan:
        share = pl.col("plan").replace_strict(
            book.margin_by_plan, default=default, return_dtype=pl.Float64
        )
    elif book.has_product_margin and not book.is_contractual:
        money, margin = pl.col("realised_amount"), pl.col("realised_margin_amount")
        own = pl.when((money > 0) & (margin >= 0) & (margin <= money)).then(margin / money)
        share = own.fill_null(margin.sum() / money.sum())
    return customers.with_columns(share=share)["share"].cast(pl.Float64).to_numpy()
