"""What usage says of a customer and a period of 28 days.

One rule: integers and dates only; periods are counted backwards from a day, and every event lies
in exactly one, so that parts of a log add up and no event is read twice.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoLazyFrameT

PERIOD_DAYS: Final = 28
THOUSANDTHS: Final = 1000
"""Quantities are counted in thousandths, so that their sums are exact in any order."""
_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)


def thousandths(schema: Mapping[str, object]) -> nw.Expr:
    """Return how much each event of a table was, in thousandths; 1,000 where it does not say.

    `quantity` is a number of units, or Int64 and counts of thousandths already, as facts have it.
    Engines differ in how they round halves, and agree on the whole number below.
    """
    kind = schema.get("quantity")
    if kind is None:
        return nw.lit(THOUSANDTHS).cast(nw.Int64)
    quantity = nw.col("quantity")
    known = quantity if kind == nw.Int64 else (quantity * THOUSANDTHS + 0.5).floor()
    return nw.when(quantity.is_null()).then(THOUSANDTHS).otherwise(known.cast(nw.Int64))


def usage_counts(
    usage: IntoLazyFrameT, last_on: date, n_periods: int, *, by_user: bool = False
) -> IntoLazyFrameT:
    """Add up the usage of each customer, period and feature before the day `last_on`.

    `period_no` 0 are the 28 days before `last_on`, 1 those before them; of `n_periods`. One row
    per key: `quantity` in thousandths (an event without one counts 1), `first_day` and `last_day`
    in days from 1970. `by_user` has `user_id` as a part of the key. Unordered; what parts of a
    log give is added up, its first day the least and its last the greatest.
    """
    rows = nw.from_native(usage)
    day = (nw.col("used_at").dt.timestamp("ms") // _DAY_MS).cast(nw.Int32)
    ago = (last_on - _EPOCH).days - 1 - nw.col("day")
    key = ["customer_id", "period_no", "feature", *(["user_id"] if by_user else [])]
    return (
        rows.with_columns(day.alias("day"))
        .filter(ago >= 0, ago < n_periods * PERIOD_DAYS)
        .with_columns((ago // PERIOD_DAYS).cast(nw.Int32).alias("period_no"))
        .with_columns(thousandths(rows.collect_schema()).cast(nw.Int64).alias("quantity"))
        .group_by(*key)
        .agg(
            nw.col("quantity").sum(),
            nw.col("day").min().alias("first_day"),
            nw.col("day").max().alias("last_day"),
        )
        .to_native()
    )
