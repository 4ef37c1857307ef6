"""The contract tables of a block of subscribers: subscriptions and payments.

One rule: what is written is what an exporting system knew on the last day of the log.
"""

import numpy as np
import polars as pl

from csk.simulation.law import SubscriptionLaw
from csk.simulation.log import Flags, Ints, Log
from csk.simulation.paths import INVOLUNTARY, Paths

CURRENCY = "JPY"
RETRY_DAYS = 3
REFUND_DAYS = (2, 12)


def monthly_amounts(law: SubscriptionLaw, plan: Ints, ratio: Ints, seats: Ints) -> Ints:
    """Return the net recurring revenue a month in whole yen."""
    list_price = np.asarray(law.list_prices)[plan]
    unit_price = np.rint(list_price * np.asarray(law.price_ratios)[ratio]).astype(np.int64)
    return np.asarray(unit_price * seats)


def begins(paths: Paths) -> Flags:
    """Tell where a contract row begins (n x columns): a spell, a change of plan or of seats."""
    marks = paths.serving.copy()
    same = (paths.plan[:, 1:] == paths.plan[:, :-1]) & (paths.seats[:, 1:] == paths.seats[:, :-1])
    marks[:, 1:] &= ~(paths.serving[:, :-1] & same)
    return np.asarray(marks)


def contract_no(paths: Paths) -> Ints:
    """Return the running number, from 1, of the customer's contract in each column."""
    return np.asarray(np.cumsum(begins(paths), axis=1))


def labelled(prefix: str, number: pl.Expr, digits: int = 7) -> pl.Expr:
    """Return ids: a letter and a number with leading zeros."""
    return pl.concat_str(pl.lit(prefix), number.cast(pl.String).str.zfill(digits))


def customer_ids(first: int) -> pl.Expr:
    """Return the ids of the customers whose places in the block stand in column `at`."""
    return labelled("C", pl.col("at") + (first + 1)).alias("customer_id")


def subscription_ids(first: int) -> pl.Expr:
    """Return ids from the customer's place `at` and the contract's number `no`."""
    number = pl.col("no").cast(pl.String)
    owner = labelled("S", pl.col("at") + (first + 1))
    return pl.concat_str(owner, pl.lit("-"), number).alias("subscription_id")


def named(names: tuple[str, ...], index: str) -> pl.Expr:
    """Return the name at the index that stands in the column called `index`."""
    return pl.lit(pl.Series(names)).gather(pl.col(index))


def subscriptions(law: SubscriptionLaw, log: Log, paths: Paths, first: int) -> pl.DataFrame:
    """Return a row for each unbroken time on one price and plan, by customer and time."""
    marks = begins(paths)
    at, begin = np.nonzero(marks)
    ends = paths.serving.copy()
    ends[:, :-1] &= ~paths.serving[:, 1:] | marks[:, 1:]
    end = np.nonzero(ends)[1]
    last = log.months
    runs = end == last
    after = np.minimum(end + 1, last)
    cause = np.where(runs, 0, paths.cause[at, after])
    plan = paths.plan[at, begin]
    seats = paths.seats[at, begin]
    rows = pl.DataFrame(
        {
            "at": at,
            "no": contract_no(paths)[at, begin],
            "plan_no": plan,
            "started_on": np.where(begin == 0, paths.first_day[at], paths.day[at, begin]),
            "ended_on": paths.day[at, after],
            "runs": runs,
            "mrr_amount": monthly_amounts(law, plan, paths.last.ratio[at], seats),
            "quantity": seats,
            "is_annual": np.asarray(law.term_months)[plan] > 1,
            "cause": cause,
        }
    )
    running = pl.col("runs")
    return rows.select(
        subscription_ids(first),
        customer_ids(first),
        plan=named(law.plans, "plan_no"),
        started_on=pl.col("started_on").cast(pl.Int32).cast(pl.Date),
        ended_on=pl.when(~running).then(pl.col("ended_on")).cast(pl.Int32).cast(pl.Date),
        mrr_amount="mrr_amount",
        quantity="quantity",
        currency=pl.lit(CURRENCY),
        interval=pl.when("is_annual").then(pl.lit("year")).otherwise(pl.lit("month")),
        interval_count=pl.lit(1),
        status=pl.when(running)
        .then(pl.lit("active"))
        .when(pl.col("cause") == 0)
        .then(pl.lit("changed"))
        .otherwise(pl.lit("canceled")),
        cancel_reason=pl.when(pl.col("cause") > 0).then(
            pl.lit(pl.Series(["", "voluntary", "payment_failed"])).gather("cause")
        ),
    )


def due_payments(law: SubscriptionLaw, paths: Paths) -> Flags:
    """Tell in which columns a payment is made inside the log."""
    due = paths.serving & (paths.tenure % np.asarray(law.term_months)[paths.plan] == 0)
    due[:, 0] = False
    return np.asarray(due)


def payments(
    rng: np.random.Generator, law: SubscriptionLaw, log: Log, paths: Paths, first: int
) -> pl.DataFrame:
    """Return the payments of the log: one a term, some failing first, some given back.

    A payment that fails for good is tried once more; its contract ended on the first failed day.
    """
    amounts = monthly_amounts(law, paths.plan, paths.last.ratio[:, None], paths.seats)
    amounts = amounts * np.asarray(law.term_months)[paths.plan]
    due = due_payments(law, paths)
    paid = np.nonzero(due)
    given_back = rng.random(paid[0].size) < law.refund_chance
    refunded = (paid[0][given_back], paid[1][given_back])
    missed = np.nonzero(paths.cause == INVOLUNTARY)
    tried = np.nonzero(due & paths.failed)
    wait = rng.integers(*REFUND_DAYS, size=refunded[0].size)
    parts = [
        (tried, 0, 0, 1),
        (paid, 0, 1, 1),
        (missed, 0, 0, 1),
        (missed, RETRY_DAYS, 0, 1),
        (refunded, wait, 2, -1),
    ]
    contracts = contract_no(paths)
    rows = pl.concat(
        pl.DataFrame(
            {
                "at": at,
                "no": contracts[at, column],
                "plan_no": paths.plan[at, column],
                "paid_on": paths.day[at, column] + delay,
                "kind": np.full(at.size, kind),
                "amount": sign * amounts[at, column],
            }
        )
        for (at, column), delay, kind, sign in parts
    )
    rows = rows.filter(pl.col("paid_on") < log.as_of).sort("at", "paid_on", "kind", "no")
    return rows.select(
        payment_ids(first),
        customer_ids(first),
        paid_on=pl.col("paid_on").cast(pl.Int32).cast(pl.Date),
        amount="amount",
        currency=pl.lit(CURRENCY),
        status=named(("failed", "paid", "refunded"), "kind"),
        product_id=named(law.plans, "plan_no").str.to_lowercase(),
        subscription_id=subscription_ids(first),
    )


def payment_ids(first: int) -> pl.Expr:
    """Return ids that number each customer's payments in the order of the rows."""
    number = pl.int_range(1, pl.len() + 1).over("at").cast(pl.String)
    owner = labelled("P", pl.col("at") + (first + 1))
    return pl.concat_str(owner, pl.lit("-"), number).alias("payment_id")
