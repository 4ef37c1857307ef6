"""What payments say of a customer and a day.

One rule: integers and dates only, so that any engine gives the same bits in any order.
"""

from datetime import date

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoLazyFrameT

from csk.facts.daily import payment_counts


def purchase_days(payments: IntoLazyFrameT, as_of: date) -> IntoLazyFrameT:
    """Merge the payments of a customer on one day, of the days before `as_of`.

    `payments` has `customer_id`, `paid_on` and `amount` (Int64, 1/10,000), and may have been added
    up before, by this or by `payment_days`. One row per customer and day: `amount` is the net
    sum, `n_payments` the rows that are not refunds (a purchase of 0 counts: something was taken
    home), `n_refunds` the negative ones, or what rows say of both; `margin_amount` where the
    payments have it. Unordered.
    """
    rows = nw.from_native(payments)
    has = rows.collect_schema().names()
    money = [name for name in ("amount", "margin_amount") if name in has]
    return (
        rows.filter(nw.col("paid_on") < as_of)
        .with_columns(*payment_counts(has, nw.col("amount") < 0))
        .group_by("customer_id", "paid_on")
        .agg(
            *(nw.col(name).sum() for name in money),
            nw.col("n_payments", "n_refunds").sum(),
        )
        .to_native()
    )
