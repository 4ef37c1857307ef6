"""What payments say of a customer and a day.

One rule: integers and dates only, so that any engine gives the same bits in any order.
"""

from datetime import date

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoLazyFrameT


def purchase_days(payments: IntoLazyFrameT, as_of: date) -> IntoLazyFrameT:
    """Merge the payments of a customer on one day, of the days before `as_of`.

    `payments` has `customer_id`, `paid_on` and `amount` (Int64, 1/10,000). One row per customer
    and day: `amount` is the net sum, `n_payments` the rows that are not refunds (a purchase of
    0 counts: something was taken home), `n_refunds` the negative ones; `margin_amount` where the
    payments have it. Unordered.
    """
    is_refund = nw.col("amount") < 0
    rows = nw.from_native(payments)
    money = [name for name in ("amount", "margin_amount") if name in rows.collect_schema().names()]
    return (
        rows.filter(nw.col("paid_on") < as_of)
        .group_by("customer_id", "paid_on")
        .agg(
            *(nw.col(name).sum() for name in money),
            nw.when(is_refund).then(0).otherwise(1).cast(nw.Int64).sum().alias("n_payments"),
            nw.when(is_refund).then(1).otherwise(0).cast(nw.Int64).sum().alias("n_refunds"),
        )
        .to_native()
    )
