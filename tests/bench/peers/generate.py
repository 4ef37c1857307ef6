"""Payments of a shop whose customers buy at their own rates and drop out: generate.py ROWS FILE.

Heavy-tailed, seeded: a tenth as many customers as rows, rates and chances of dropping out
gamma and beta distributed, several order lines a day, spend around each customer's own mean.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

DAYS = 730
R, ALPHA, A, B = 0.8, 75.0, 0.8, 2.5


def purchases(n_customers: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return customer and day of every purchase day."""
    rate = rng.gamma(R, 1 / ALPHA, n_customers)
    last = rng.geometric(np.clip(rng.beta(A, B, n_customers), 1e-6, 1.0))
    seen = rng.integers(1, DAYS, n_customers)
    first = DAYS - seen
    customers, days = [np.arange(n_customers)], [first]
    clock, alive = np.zeros(n_customers), np.ones(n_customers, bool)
    for bought in range(400):
        clock = clock + rng.exponential(1 / rate)
        alive = alive & (clock < seen) & (bought < last)
        index = np.flatnonzero(alive)
        if len(index) == 0:
            break
        customers.append(index)
        days.append(first[index] + clock[index].astype(np.int64))
    return np.concatenate(customers), np.concatenate(days)


def main() -> None:
    """Write the file."""
    n_rows, target = int(sys.argv[1]), Path(sys.argv[2])
    rng = np.random.default_rng(20_260_101)
    n_customers = max(1, n_rows // 10)
    customer, day = purchases(n_customers, rng)
    line = np.concatenate(
        [np.arange(len(customer)), rng.integers(0, len(customer), max(0, n_rows - len(customer)))]
    )[:n_rows]
    rng.shuffle(line)
    mean = 40 * rng.gamma(6, 1 / 6, n_customers)
    amount = np.round(rng.gamma(2, 0.5, n_rows) * mean[customer[line]] + 0.5, 2)
    pl.DataFrame(
        {"row": np.arange(n_rows), "customer": customer[line], "day": day[line], "amount": amount}
    ).select(
        pl.format("p{}", pl.col("row").cast(pl.String).str.zfill(8)).alias("payment_id"),
        pl.format("C{}", pl.col("customer").cast(pl.String).str.zfill(7)).alias("customer_id"),
        (pl.date(2023, 1, 1) + pl.duration(days="day")).alias("paid_on"),
        "amount",
    ).write_csv(target, float_precision=2)


if __name__ == "__main__":
    main()
