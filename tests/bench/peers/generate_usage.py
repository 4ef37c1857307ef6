"""A year of a product: generate_usage.py EVENTS CUSTOMERS FOLDER [SEED] [csv].

Seeded: customers.parquet, contracts.parquet and usage-NN.parquet, a file a week in the order of
time, made week by week so that memory does not grow with the events; with `csv` one usage.csv.
So many customers are in service on any day: who leaves is followed by a new one. Most began
before the log, which knows nobody who had left by then. How much they use has a heavy tail, and
most use less before they go.
"""

import sys
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

WEEKS = 50
DAYS = 7 * WEEKS
FIRST_ON = date(2025, 1, 6)
BEFORE = 1100
"""Days before the log in which those in service at its start began."""
SPREAD = 1.4
"""Standard deviation of the logarithm of how much a customer uses."""
DAILY_HAZARD = 0.012 / 30
FADING = 0.6
FADE_DAYS = 56
"""Share of those that leave who use less and less, and how long before."""
FEATURES = ("open", "search", "edit", "share", "export", "report", "invite", "api", "audit", "sso")
SHARES = 1.0 / np.arange(1, len(FEATURES) + 1) ** 1.2
PLANS = (("basic", 20), ("team", 60), ("business", 150), ("enterprise", 400))
NEVER = 10**6
MOST_AT_ONCE = 1_000_000
"""Rows of a row group."""


class Customers(NamedTuple):
    """(n,) days from the start of the log, and rates of use by day."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    rate: NDArray[np.float64]
    fades: NDArray[np.bool_]


def customers(n_served: int, n_events: int, rng: np.random.Generator) -> Customers:
    """Return who is in service: `n_served` from the start, and those who follow them."""
    taste = rng.normal(0.0, 1.0, 2 * n_served)
    stay = rng.exponential(1.0 / (DAILY_HAZARD * np.exp(-0.5 * taste))).astype(np.int64) + 1
    first = np.concatenate([-rng.integers(1, BEFORE, n_served), rng.integers(1, 15, n_served)])
    # Whoever began before the log was still there when it did.
    first[n_served:] += np.maximum(stay[:n_served], 0)
    last = np.concatenate([stay[:n_served], first[n_served:] + stay[n_served:]])
    last = np.where(last < DAYS, last, NEVER)
    rate = np.exp(SPREAD * taste)
    fades = rng.random(2 * n_served) < FADING
    here = first < DAYS
    of = Customers(first[here], last[here], rate[here], fades[here])
    days = np.minimum(of.last, DAYS) - np.maximum(of.first, 0)
    return of._replace(rate=of.rate * (n_events / float(of.rate @ days)))


def ids(numbers: pl.Series) -> pl.Expr:
    """Return what customers are called, in an order that says nothing of when they came."""
    mixed = (numbers.cast(pl.UInt64) * 2_654_435_761) % 2**32
    return pl.format("C{}", mixed.cast(pl.String).str.zfill(10))


def write_contracts(of: Customers, folder: Path, rng: np.random.Generator) -> None:
    """Write the customers and their contracts, one each."""
    n = len(of.first)
    size = np.searchsorted(np.quantile(of.rate, (0.4, 0.75, 0.95)), of.rate)
    plan = np.clip(size + rng.integers(-1, 2, n), 0, len(PLANS) - 1)
    seats = rng.geometric(0.2, n)
    off = 1.0 - 0.2 * (rng.random(n) < 0.15)
    begin = pl.lit(FIRST_ON)
    rows = pl.DataFrame(
        {
            "customer_id": pl.select(ids(pl.int_range(n, eager=True))).to_series(),
            "plan": pl.Series([name for name, _ in PLANS]).gather(plan),
            "first": of.first,
            "last": pl.Series(of.last).replace(NEVER, None),
            "quantity": seats,
            "mrr_amount": np.array([price for _, price in PLANS])[plan] * seats * off,
            "term_months": np.where(rng.random(n) < 0.3, 12, 1),
        }
    ).with_columns(
        started_on=begin + pl.duration(days="first"), ended_on=begin + pl.duration(days="last")
    )
    rows.select("customer_id", created_on="started_on").write_parquet(folder / "customers.parquet")
    rows.with_row_index("row").select(
        pl.format("s{}", "row").alias("subscription_id"),
        *("customer_id", "plan", "started_on", "ended_on"),
        *("mrr_amount", "term_months", "quantity"),
    ).write_parquet(folder / "contracts.parquet")


def events(week: int, of: Customers, names: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    """Return what was used in a week, in order of time."""
    begin = 7 * week
    days = np.clip(np.minimum(of.last, begin + 7) - np.maximum(of.first, begin), 0, 7)
    left = np.clip((of.last - begin) / FADE_DAYS, 0.1, 1.0)
    n_each = rng.poisson(of.rate * days * np.where(of.fades, left, 1.0))
    customer = np.repeat(np.arange(len(n_each), dtype=np.int32), n_each)
    start = np.maximum(of.first[customer], begin)
    # Nobody works the weekend through: most of it falls on the first five days.
    second = (86_400 * (start + days[customer] * rng.random(len(customer)) ** 1.2)).astype(np.int64)
    order = np.argsort(second, kind="stable")
    customer, second = customer[order], second[order]
    feature = rng.choice(len(FEATURES), len(customer), p=SHARES / SHARES.sum()).astype(np.uint32)
    origin = (FIRST_ON - date(1970, 1, 1)).days * 86_400
    return pl.DataFrame(
        {
            "customer_id": names.gather(customer),
            "used_at": pl.Series((second + origin) * 1_000_000).cast(pl.Datetime("us", "UTC")),
            "feature": pl.Series(FEATURES).gather(feature),
            "quantity": rng.geometric(0.5, len(customer)).astype(np.int64),
        }
    )


def write_csv(rows: pl.DataFrame, path: Path, *, is_first: bool) -> None:
    """Add events to a file, moments to the second."""
    moment = pl.col("used_at").dt.replace_time_zone(None)
    with path.open("wb" if is_first else "ab") as file:
        rows.with_columns(moment).write_csv(
            file, datetime_format="%Y-%m-%d %H:%M:%S", include_header=is_first
        )


def main() -> None:
    """Write the folder."""
    n_events, n_served, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    rng = np.random.default_rng(int(sys.argv[4]) if len(sys.argv) > 4 else 20_260_105)
    is_csv = sys.argv[5:] == ["csv"]
    folder.mkdir(parents=True, exist_ok=True)
    found = customers(n_served, n_events, rng)
    write_contracts(found, folder, rng)
    names = pl.select(ids(pl.int_range(len(found.first), eager=True))).to_series()
    written = 0
    for week in range(WEEKS):
        rows = events(week, found, names, rng)
        written += rows.height
        if is_csv:
            write_csv(rows, folder / "usage.csv", is_first=week == 0)
        else:
            path = folder / f"usage-{week + 1:02d}.parquet"
            rows.write_parquet(path, row_group_size=MOST_AT_ONCE)
    print(f"{written:,} events of {len(found.first):,} customers")


if __name__ == "__main__":
    main()
