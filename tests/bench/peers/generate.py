"""Payments of a shop whose customers buy at their own rates and drop out: generate.py ROWS FILE.

    generate.py ROWS FILE [CUSTOMERS]

Heavy-tailed, seeded, in no order: rates and chances of dropping out gamma and beta distributed,
several order lines a day, more of them the larger a customer is, spend around each customer's own
mean. Without CUSTOMERS a tenth as many as rows, a million at most; where they are fewer, each
buys so much oftener. Written a million rows at a time: 100 M rows need less than 2 GB.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

DAYS = 730
R, ALPHA, A, B = 0.8, 75.0, 0.8, 2.5
MOST_CUSTOMERS, MOST_AT_ONCE = 1_000_000, 1_000_000
MOST_BUYS = 400
USUAL_ROWS = 10
"""Rows a customer at which rates are as above."""
SPREAD = 1.0
"""Standard deviation of the logarithm of a customer's order lines a day."""


def purchases(
    n_customers: int, rng: np.random.Generator, oftener: float = 1.0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return customer and day of every purchase day, at rates so many times the usual ones."""
    rate = rng.gamma(R, oftener / ALPHA, n_customers)
    last = rng.geometric(np.clip(rng.beta(A, B * oftener, n_customers), 1e-6, 1.0))
    seen = rng.integers(1, DAYS, n_customers)
    first = DAYS - seen
    customers, days = [np.arange(n_customers, dtype=np.int32)], [first.astype(np.int16)]
    clock, index = np.zeros(n_customers), np.arange(n_customers)
    for bought in range(MOST_BUYS):
        clock[index] += rng.exponential(1 / rate[index])
        index = index[(clock[index] < seen[index]) & (bought < last[index])]
        if len(index) == 0:
            break
        customers.append(index.astype(np.int32))
        days.append((first[index] + clock[index].astype(np.int64)).astype(np.int16))
    return np.concatenate(customers), np.concatenate(days)


def lines(
    n_rows: int, customer: NDArray[np.int64], n_customers: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Return the purchase day of every order line, in no order: each has one at the least."""
    line = np.arange(min(n_rows, len(customer)), dtype=np.int32)
    more = n_rows - len(line)
    if more > 0:
        size = np.exp(rng.normal(0.0, SPREAD, n_customers))[customer]
        line = np.repeat(line, 1 + rng.multinomial(more, size / size.sum()))
    rng.shuffle(line)
    return line


def main() -> None:
    """Write the file."""
    n_rows, target = int(sys.argv[1]), Path(sys.argv[2])
    rng = np.random.default_rng(20_260_101)
    usual = max(1, min(n_rows // USUAL_ROWS, MOST_CUSTOMERS))
    n_customers = int(sys.argv[3]) if len(sys.argv) > 3 else usual
    oftener = max(1.0, n_rows / n_customers / USUAL_ROWS)
    customer, day = purchases(n_customers, rng, oftener)
    line = lines(n_rows, customer, n_customers, rng)
    mean = 40 * rng.gamma(6, 1 / 6, n_customers)
    with target.open("wb") as file:
        for begin in range(0, n_rows, MOST_AT_ONCE):
            at = line[begin : begin + MOST_AT_ONCE]
            amount = np.round(rng.gamma(2, 0.5, len(at)) * mean[customer[at]] + 0.5, 2)
            pl.DataFrame(
                {
                    "row": np.arange(begin, begin + len(at)),
                    "customer": customer[at],
                    "day": day[at],
                    "amount": amount,
                }
            ).select(
                pl.format("p{}", pl.col("row").cast(pl.String).str.zfill(9)).alias("payment_id"),
                pl.format("C{}", pl.col("customer").cast(pl.String).str.zfill(7)).alias(
                    "customer_id"
                ),
                (pl.date(2023, 1, 1) + pl.duration(days="day")).alias("paid_on"),
                "amount",
            ).write_csv(file, float_precision=2, include_header=begin == 0)


if __name__ == "__main__":
    main()
