"""Landmarks: days 28 apart on which everybody in service is looked at, and what became of them.

One rule: who is in service at a landmark, and all that is said of them but `end_in_days` and
`cause`, is told from what lies before that day.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from csk.engine.protocol import Tables
from csk.facts.usage import PERIOD_DAYS, THOUSANDTHS
from csk.tables.features import with_features
from csk.tables.features_contract import terms_before
from csk.tables.known import NOTHING, Known
from csk.tables.runs import run_starts
from csk.tables.spells import FAR, contracts, spells
from csk.tables.windows import borne_on, days_since, landmark_on, later

EDGES: Final = (7, 14, 30, 60, 90, 180, 365)
"""Days ahead up to which renewals are counted, where nothing else is asked."""
BEFORE: Final = (28, 180)
"""Days before a landmark with which what is paid at it is compared."""


def landmark_days(data_from: date, as_of: date, most: int = 25) -> tuple[date, ...]:
    """Return every 28th day backwards from `as_of`, in order, at most `most`.

    `as_of` is the last; none lies before `data_from` + 28 days, so that each has one whole window
    behind it. Empty where not even `as_of` has.
    """
    n_windows = (as_of - data_from).days // PERIOD_DAYS
    steps = range(min(n_windows, most) - 1, -1, -1)
    return tuple(as_of - timedelta(days=PERIOD_DAYS * step) for step in steps)


def panel(
    tables: Tables,
    days: Sequence[date],
    as_of: date,
    data_from: date,
    grace_days: int,
    edges: Sequence[int] = EDGES,
    known: Known = NOTHING,
) -> pl.LazyFrame:
    """Return customers in service at the landmarks `days`, with all that was known of them.

    `days` are in order, 28 days or a multiple apart. One row per `customer_id` and `landmark_on`
    at whose start the customer is in service: `end_in_days` Int32 from the landmark to the end of
    the spell (null: none before `as_of`), `cause` (0 where there is none), `plan` and
    `term_months` of the main contract, `mrr_amount` of all in force, `spell_no`,
    `spell_started_on`, `renewals_{e}d` for each of `edges`: ends of terms of the main contract
    on a day in [landmark_on, landmark_on + e); and the features of `csk.schema.features` that
    the tables and `known` tell. Unordered.
    """
    known_contracts = contracts(tables, as_of, grace_days)
    rows = in_service(known_contracts, days)
    renewals = (_renewals(edge).alias(f"renewals_{edge}d") for edge in edges)
    label = ["customer_id", "landmark_on", "end_in_days", "cause", "plan", "term_months"]
    what = ["mrr_amount", "spell_no", "spell_started_on"]
    ahead = rows.with_columns(renewals)
    names, told = with_features(ahead, known_contracts, tables, (days, data_from), known)
    return told.select(*label, *what, *(f"renewals_{edge}d" for edge in edges), *names)


def in_service(known: pl.LazyFrame, days: Sequence[date]) -> pl.LazyFrame:
    """Return who is in service at landmarks, what they pay, and what became of them.

    `known` is what `contracts` gave. A contract is in force at a landmark where it began before
    it and ends on that day or later; in a gap that a spell bridges nobody is in service. The main
    contract is the largest, the earliest among equals. Beside the columns of `panel`:
    `period_no`, `term_started_on`, `unit_price_amount` (of the main contract), `away_from` (end
    of the spell before), `before_28_amount`, `before_180_amount` (paid so many days before; 0 =
    nothing), and where contracts have a quantity `n_seats`, `n_seats_before` in thousandths.
    """
    has_seats = "quantity" in known.collect_schema().names()
    rows = (
        known.sort(
            # The first row of a customer that is in force is the main contract; nothing that is
            # told only later decides between two.
            *("customer_id", -pl.col("mrr_amount"), "started_on", "plan", "term_months"),
            *(["quantity"] if has_seats else []),
        )
        .with_columns(key_no=run_starts().cast(pl.UInt32).cum_sum())
        .with_row_index("row")
    )
    thousandths = (pl.col("quantity") * THOUSANDTHS).round().cast(pl.Int64)
    parts = rows.select(
        *("row", "key_no", "started_on", "ended_on", "mrr_amount"),
        *([thousandths.alias("n_seats")] if has_seats else []),
    )
    found = (
        borne_on(parts, days, pl.col("started_on"), later("ended_on", max(BEFORE)))
        .group_by("key_no", "period_no")
        .agg(*_sums(has_seats))
        .filter(pl.col("row").is_not_null())
        .with_columns(landmark_on=landmark_on(days))
    )
    main = _with_spells(rows, spells(known)).select(
        *("row", "customer_id", "plan", "spell_no", "spell_started_on", "spell_ended_on"),
        "cause",
        "away_from",
        *_terms(),
        unit_price_amount=_unit_price(has_seats),
    )
    return (
        found.join(main, on="row", how="inner")
        .with_columns(end_in_days=-days_since("spell_ended_on"))
        .drop("row", "key_no", "spell_ended_on")
    )


def _with_spells(rows: pl.LazyFrame, whole: pl.LazyFrame) -> pl.LazyFrame:
    """Add to contracts the days and the cause of their spell, and the end of the one before."""
    spell = ["customer_id", "spell_no"]
    label = whole.select(*spell, "cause", spell_started_on="started_on", spell_ended_on="ended_on")
    before = whole.select(
        "customer_id", spell_no=pl.col("spell_no") + 1, away_from=pl.col("ended_on")
    )
    told = rows.join(label, on=spell, how="inner").join(before, on=spell, how="left")
    return told.with_columns(pl.col("spell_no").cast(pl.Int32))


def _in_force(days_before: int) -> pl.Expr:
    """Tell whether a contract was in force so many days before the landmark."""
    day = later("landmark_on", -days_before)
    return (pl.col("started_on") < day) & (pl.col("ended_on").fill_null(FAR) >= day)


def _sums(has_seats: bool) -> list[pl.Expr]:  # noqa: FBT001 # one of two shapes of the same rows
    now = _in_force(0)
    paid = pl.col("mrr_amount")
    sums = [
        pl.when(now).then(pl.col("row")).min(),
        _sum(paid, now).alias("mrr_amount"),
        *(_sum(paid, _in_force(n)).alias(f"before_{n}_amount") for n in BEFORE),
    ]
    if has_seats:
        seats = pl.col("n_seats")
        sums.append(_sum(seats, now))
        sums.append(_sum(seats, _in_force(max(BEFORE))).alias("n_seats_before"))
    return sums


def _sum(amount: pl.Expr, condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(amount).otherwise(0).sum()


def _terms() -> list[pl.Expr]:
    term = pl.col("term_months").fill_null(1).clip(lower_bound=1).cast(pl.Int32)
    return [term, pl.col("started_on").alias("term_started_on")]


def _unit_price(has_seats: bool) -> pl.Expr:  # noqa: FBT001 # as above
    """Return what one unit of a contract costs a month; the contract is one where none is told."""
    if not has_seats:
        return pl.col("mrr_amount")
    units = pl.col("quantity")
    return (
        pl.when(units > 0)
        .then((pl.col("mrr_amount") / units).round().cast(pl.Int64))
        .otherwise("mrr_amount")
    )


def _renewals(edge: int) -> pl.Expr:
    start, day = pl.col("term_started_on"), pl.col("landmark_on")
    ahead = terms_before(start, later(day, edge))
    return (ahead - terms_before(start, day)).cast(pl.Int32)
