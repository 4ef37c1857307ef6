"""Contracts of customers who come, change and leave: generate_contracts.py CUSTOMERS FILE.

Seeded: three rows a customer on average, the first ones over three years, changes of plan on the
same day, gaps, reasons of which some are failed payments; rows in the order in which they began.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

DAYS = 1096
MORE = 0.82
"""Chance that another contract follows: three a customer before the file ends, on average."""
PRICES = np.array([10, 25, 60, 150])


def contracts(n_customers: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return customer, first day, last day (beyond the file's end where running) and plan."""
    n_of_each = rng.geometric(1 - MORE, n_customers)
    customer = np.repeat(np.arange(n_customers), n_of_each)
    is_first = np.r_[True, customer[1:] != customer[:-1]]
    length = rng.geometric(1 / 150, len(customer))
    gap = np.where(rng.random(len(customer)) < 0.8, 0, rng.geometric(1 / 60, len(customer)))
    step = np.where(is_first, rng.integers(0, DAYS, len(customer)), 0)
    # The day on which a contract begins is that of the one before and its length and gap.
    moved = np.where(is_first, 0, np.r_[0, length[:-1]] + gap)
    total = np.cumsum(moved)
    before = np.repeat(total[is_first], n_of_each)
    first = np.repeat(step[is_first], n_of_each) + total - before
    return {
        "customer": customer,
        "first": first,
        "last": first + length,
        "plan": rng.integers(0, len(PRICES), len(customer)),
        "units": rng.geometric(0.3, len(customer)),
        "reason": rng.integers(0, 4, len(customer)),
    }


def main() -> None:
    """Write the file."""
    n_customers, target = int(sys.argv[1]), Path(sys.argv[2])
    rng = np.random.default_rng(20_260_102)
    found = contracts(n_customers, rng)
    plans = pl.Series(["basic", "team", "business", "enterprise"])
    reasons = pl.Series(["price", "payment_failed", "competitor", None])
    ended = pl.col("last") < DAYS
    rows = (
        pl.DataFrame({**found, "price": PRICES[found["plan"]] * found["units"]})
        .filter(pl.col("first") < DAYS)
        .sort("first", maintain_order=True)
    )
    begin = pl.date(2023, 1, 1)
    rows.with_row_index("row").select(
        pl.format("s{}", pl.col("row").cast(pl.String).str.zfill(8)).alias("subscription_id"),
        pl.format("C{}", pl.col("customer").cast(pl.String).str.zfill(7)).alias("customer_id"),
        plans.gather(rows["plan"]).alias("plan"),
        (begin + pl.duration(days="first")).alias("started_on"),
        pl.when(ended).then(begin + pl.duration(days="last")).alias("ended_on"),
        pl.col("price").cast(pl.Float64).alias("mrr_amount"),
        pl.when(ended).then(reasons.gather(rows["reason"])).alias("cancel_reason"),
    ).write_csv(target, float_precision=2)


if __name__ == "__main__":
    main()
