"""What usage says of a customer and a day.

One rule: integers and dates only, so that any engine gives the same bits in any order.
"""

from datetime import date

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoLazyFrameT

from csk.facts.daily import event_count
from csk.facts.usage import thousandths


def usage_days(
    usage: IntoLazyFrameT, since: date, until: date, *, by_feature: bool = False
) -> IntoLazyFrameT:
    """Merge what a customer did on one day, of the days from `since` on and before `until`.

    `usage` has `customer_id`, `used_at`, `feature` and, where the file tells it, `quantity`. One
    row per customer and `used_on` (by feature: and `feature`): `n_rows`, and `n_used`, the sum of
    quantities in thousandths; a row without a quantity counts 1, a negative one 0. A row that adds
    up several (`n_events`) stands for so many. Unordered.
    """
    rows = nw.from_native(usage).with_columns(used_on=nw.col("used_at").dt.date())
    rows = rows.filter(nw.col("used_on") >= since, nw.col("used_on") < until)
    schema = rows.collect_schema()
    told = thousandths(schema)
    parts = nw.when(told > 0).then(told).otherwise(0).cast(nw.Int64)
    key = ["customer_id", "used_on", *(["feature"] if by_feature else [])]
    return (
        rows.with_columns(n_used=parts, n_rows=event_count(schema.names()))
        .group_by(*key)
        .agg(nw.col("n_used").sum(), nw.col("n_rows").sum())
        .to_native()
    )
