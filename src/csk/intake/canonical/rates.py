"""Rates of exchange, by which a book in several currencies becomes a book in one.

One rule: a row is worth what its own day's rate says, that is the latest one not after that day;
where there is none, the row is a reject and never taken at another day's.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from csk.schema import FX

_CONVERTED = ("amount", "margin_amount", "mrr_amount", "mrr_change_amount", "cac_amount")
_LARGEST_EXACT = 2.0**53


@dataclass(frozen=True)
class Rates:
    """Rates into one currency: `currency`, `rate_on`, `rate`, sorted by day."""

    to: str
    table: pl.DataFrame

    def converted(self, rows: pl.DataFrame, day: str) -> tuple[pl.DataFrame, pl.Series]:
        """Return typed rows with their money in `to`, and which of them no rate could be found for.

        A row without a currency counts as being in `to` already. Half a count is rounded to even.
        """
        own = pl.col("currency").str.to_uppercase()
        order = rows.select(own.alias("currency"), pl.col(day).alias("rate_on")).with_row_index(
            "row"
        )
        found = (
            order.sort("rate_on", maintain_order=True)
            .join_asof(self.table, on="rate_on", by="currency", check_sortedness=False)
            .sort("row")["rate"]
        )
        foreign = rows.select((own != self.to).fill_null(value=False).alias("row"))["row"]
        money = [name for name in _CONVERTED if name in rows.columns]
        exact = [pl.col(name).abs() < _LARGEST_EXACT for name in money]
        changed = rows.with_columns(
            pl.when(foreign)
            .then(pl.when(fits).then((pl.col(name) * found).round(0, mode="half_to_even")))
            .otherwise(pl.col(name))
            .cast(pl.Int64, strict=False)
            .alias(name)
            for name, fits in zip(money, exact, strict=True)
        )
        changed = changed.with_columns(
            currency=pl.when(own.is_not_null()).then(pl.lit(self.to)).otherwise(own)
        )
        return changed, foreign & found.is_null()


def rates(parts: Iterable[pl.DataFrame], to: str) -> Rates | None:
    """Return the rates into `to` of tables with the columns of `schema.FX`; None for no table.

    Where `to` is "" it is the one currency that all rates lead to, if there is but one. A rate in
    the other direction is turned round.
    """
    listed = [part.select(FX.names) for part in parts]
    if not listed:
        return None
    told = pl.concat(listed).with_columns(
        pl.col("from_currency", "to_currency").str.strip_chars().str.to_uppercase()
    )
    ends = told["to_currency"].unique()
    to = to or (str(ends[0]) if ends.len() == 1 else "")
    there = told.filter(pl.col("to_currency") == to).select(
        "rate_on", "rate", currency=pl.col("from_currency")
    )
    back = told.filter(pl.col("from_currency") == to).select(
        "rate_on", (1 / pl.col("rate")).alias("rate"), currency=pl.col("to_currency")
    )
    table = (
        pl.concat([there, back.select(there.columns)])
        .filter(pl.col("rate") > 0, pl.col("rate").is_finite())
        .unique(["currency", "rate_on"], keep="first", maintain_order=True)
        .sort("rate_on", "currency")
    )
    return Rates(to, table)
