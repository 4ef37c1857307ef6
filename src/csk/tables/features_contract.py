"""What contracts say of a customer at a landmark: price, seats, renewal, tenure.

One rule: a contract that ends at or after a landmark is one that runs on, as far as it knows.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from csk.facts.usage import THOUSANDTHS
from csk.money import COUNTS_PER_UNIT
from csk.tables.known import Known
from csk.tables.windows import ROW, days_since, last_before, later, whole

_MONTHS: Final = 12


def contract_features(
    rows: pl.LazyFrame, contracts: pl.LazyFrame, days: Sequence[date], known: Known
) -> tuple[pl.LazyFrame, dict[str, pl.Expr]]:
    """Return `rows` (of `in_service`) with what is needed, and the features of contracts."""
    has_seats = "n_seats" in rows.collect_schema().names()
    joined = rows.join(price_changes(contracts, days), on=ROW, how="left")
    start, day = pl.col("spell_started_on"), pl.col("landmark_on")
    so_far = terms_before(pl.col("term_started_on"), day)
    renewal_on = _months_later(pl.col("term_started_on"), (so_far + 1) * pl.col("term_months"))
    changed = pl.max_horizontal("changed_on", start)
    features = {
        "mrr": whole(pl.col("mrr_amount"), COUNTS_PER_UNIT),
        "mrr_change_28d": _log_change("mrr_amount", "before_28_amount"),
        "mrr_change_180d": _log_change("mrr_amount", "before_180_amount"),
        "days_since_price_change": days_since(changed),
        "days_to_renewal": -days_since(renewal_on),
        "term_length": pl.col("term_months"),
        "renewals_so_far": terms_before(start, day),
        "tenure_days": days_since(start),
        "returns": pl.col("spell_no") - 1,
        "days_away": (start.to_physical() - pl.col("away_from").to_physical()).fill_null(0),
    }
    if known.list_prices:
        listed = pl.col("plan").replace_strict(
            dict(known.list_prices), default=None, return_dtype=pl.Int64
        )
        price = pl.col("unit_price_amount")
        ratio = pl.when((listed > 0) & (price > 0)).then(price / listed)
        features["price_to_list"] = ratio.log()
    if has_seats:
        told = pl.when(pl.col("n_seats") > 0).then(pl.col("n_seats"))
        features["seats"] = whole(told, THOUSANDTHS)
        features["seats_change_180d"] = _log_change("n_seats", "n_seats_before")
    return joined, features


def terms_before(start: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return how many terms of `term_months` from `start` on ended before `day`, Int32."""
    eve = later(day, -1)
    anniversary = pl.min_horizontal(start.dt.day(), eve.dt.days_in_month())
    months = _month_no(eve) - _month_no(start) - (eve.dt.day() < anniversary).cast(pl.Int32)
    return months // pl.col("term_months")


def _month_no(day: pl.Expr) -> pl.Expr:
    return day.dt.year() * _MONTHS + day.dt.month().cast(pl.Int32) - 1


def _months_later(start: pl.Expr, months: pl.Expr) -> pl.Expr:
    """Return the day so many months after `start`; in a shorter month its last day."""
    number = _month_no(start) + months
    first = pl.date(number // _MONTHS, number % _MONTHS + 1, 1)
    day = pl.min_horizontal(start.dt.day(), first.dt.days_in_month()).cast(pl.Int32)
    return (first.to_physical() + day - 1).cast(pl.Date)


def price_changes(contracts: pl.LazyFrame, days: Sequence[date]) -> pl.LazyFrame:
    """Return, by customer and landmark, the last day before it on which revenue changed.

    `changed_on`; what a contract gives over to another one on the same day is no change.
    """
    paid = pl.col("mrr_amount")
    moves = pl.concat(
        [
            contracts.select("customer_id", changed_on="started_on", change=paid),
            contracts.filter(pl.col("ended_on").is_not_null()).select(
                "customer_id", changed_on="ended_on", change=-paid
            ),
        ]
    )
    changed = (
        moves.group_by("customer_id", "changed_on")
        .agg(pl.col("change").sum())
        .filter(pl.col("change") != 0)
        .sort("customer_id", "changed_on")
        .select("customer_id", "changed_on")
    )
    return last_before(changed, days, "changed_on")


def _log_change(now: str, before: str) -> pl.Expr:
    """Return the log of a ratio; 0 where nothing stood before, null where nothing stands now."""
    then = pl.col(before)
    ratio = (pl.col(now) / then).log()
    return pl.when(pl.col(now) > 0).then(pl.when(then > 0).then(ratio).otherwise(0.0))
