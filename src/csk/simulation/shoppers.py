"""One block of a shop: its tables and its truth.

One rule: a block depends on the company and its number only, never on other blocks.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from csk.simulation.contracts import (
    CURRENCY,
    REFUND_DAYS,
    customer_ids,
    labelled,
    named,
    payment_ids,
)
from csk.simulation.log import PAST_MONTHS, Floats, Ints, Log, as_date
from csk.simulation.paths import choices
from csk.simulation.people import customers
from csk.simulation.shop import (
    Buyers,
    Purchases,
    ShopLaw,
    expected_purchases,
    present,
    purchase_within,
    with_last_day,
)
from csk.simulation.signals import (
    CSAT_ANSWERS,
    answered,
    cases,
    survey_rows,
    ticket_rows,
    touch_rows,
    usage_rows,
    used,
)
from csk.simulation.subscribers import (
    LTV_MONTHS,
    REALISED_MONTHS,
    RISK_DAYS,
    Tables,
    money,
)

PLANS = ("",)
NPS_CHANCE = 0.08
VISITS_PER_PURCHASE = 3.0
MONTH_DAYS = 30
SEARCHES = 0.4
"""Searches for each site visit."""


@dataclass(frozen=True)
class Shoppers:
    """A shop: law, log, seed."""

    law: ShopLaw
    log: Log
    seed: int
    late_entry: bool

    def block(self, number: int, first: int, n: int) -> Tables:
        """Return the tables of block `number`: `n` customers, `first` of them before it."""
        streams = np.random.SeedSequence([self.seed, number]).spawn(3)
        life, rng, names = (np.random.default_rng(stream) for stream in streams)
        law, log = self.law, self.log
        until = days_to(log, REALISED_MONTHS) + log.as_of
        found = present(life, law, log, n, late_entry=self.late_entry, until=until)
        buyers, bought = with_last_day(life, law, log, found, first=first, until=until)
        value = np.maximum(np.rint(rng.gamma(law.p, 1 / buyers.nu[bought.at])), 1).astype(np.int64)
        plan = np.zeros(n, np.int64)
        logged = (bought.day >= log.data_from) & (bought.day < log.as_of)
        days = Purchases(bought.at[logged], bought.day[logged], bought.is_alive, bought.last_day)
        cases_ = ticket_times(rng, law, days)
        return {
            "customers": customers(names, first, buyers.first_day, plan, PLANS).drop("plan"),
            "payments": payments(rng, self, days, value[logged], first),
            "usage": visits(rng, self, buyers, days, first),
            "tickets": ticket_rows(cases_, log, first),
            "surveys": surveys(rng, log, buyers, days, cases_, first=first),
            "touches": touches(self, buyers, first),
            "truth": truth(self, buyers, bought, value, first),
        }

    def costs(self) -> pl.DataFrame:
        """Return the margin of each product."""
        return pl.DataFrame(
            {"product_id": self.law.products, "margin_share": self.law.margin_shares}
        )


def days_to(log: Log, months: int) -> int:
    """Return the days from as_of to the same day `months` months later."""
    return int(log.edges[PAST_MONTHS + log.months + months]) - log.as_of


def payments(
    rng: np.random.Generator, shop: Shoppers, days: Purchases, value: Ints, first: int
) -> pl.DataFrame:
    """Return the payments of the log: split, given back, and by guests without a customer_id."""
    law, log = shop.law, shop.log
    n, n_customers = days.at.size, days.is_alive.size
    split = (rng.random(n) < law.split_chance) & (value > 1)
    part = np.where(split, value // 3 + 1, 0)
    back = rng.random(n) < law.refund_chance
    given_back = days.day[back] + rng.integers(*REFUND_DAYS, int(back.sum()))
    n_guests = int(rng.binomial(n, law.guest_share))
    worth = rng.gamma(law.p, 1 / rng.gamma(law.q, 1 / law.gamma, n_guests))
    parts = [
        (days.at, days.day, value - part, 0),
        (days.at[split], days.day[split], part[split], 1),
        (days.at[back], given_back, -value[back], 2),
        (
            np.full(n_guests, n_customers),
            rng.integers(log.data_from, log.as_of, n_guests),
            np.maximum(np.rint(worth), 1).astype(np.int64),
            0,
        ),
    ]
    rows = pl.concat(
        pl.DataFrame(
            {
                "at": at,
                "paid_on": day,
                "amount": amount,
                "kind": np.full(at.size, kind),
                "product_no": choices(rng, np.asarray(law.product_shares), at.size),
            }
        )
        for at, day, amount, kind in parts
    )
    rows = rows.filter(pl.col("paid_on") < log.as_of).sort("at", "paid_on", "kind", "amount")
    guest = pl.col("at") == n_customers
    guest_ids = pl.concat_str(
        labelled("G", pl.lit(first + 1)), pl.lit("-"), pl.int_range(pl.len()).cast(pl.String)
    )
    return rows.select(
        pl.when(guest).then(guest_ids).otherwise(payment_ids(first)).alias("payment_id"),
        pl.when(~guest).then(customer_ids(first)).alias("customer_id"),
        paid_on=pl.col("paid_on").cast(pl.Int32).cast(pl.Date),
        amount="amount",
        currency=pl.lit(CURRENCY),
        status=named(("paid", "paid", "refunded"), "kind"),
        product_id=named(law.products, "product_no"),
    )


def visits(
    rng: np.random.Generator, shop: Shoppers, buyers: Buyers, days: Purchases, first: int
) -> pl.DataFrame:
    """Return site visits and searches by customer and calendar month, while not yet lost."""
    log = shop.log
    months = np.arange(log.months)
    begin = np.maximum(log.first_day(months), buyers.first_day[:, None])
    ends = np.minimum(days.last_day, log.as_of - 1)[:, None] + 1
    length = np.maximum(np.minimum(log.first_day(months + 1), ends) - begin, 0)
    pace = shop.law.visit_rate / MONTH_DAYS + VISITS_PER_PURCHASE * buyers.rate
    parts = []
    for feature, share in enumerate((1.0, SEARCHES)):
        expected = pace[:, None] * length * share
        at, month = np.nonzero(expected > 0)
        quantity = rng.poisson(expected[at, month])
        if feature == 0:
            quantity = np.maximum(quantity, begin[at, month] == buyers.first_day[at])
        seen = quantity > 0
        at, month, quantity = at[seen], month[seen], quantity[seen]
        day = begin[at, month] + (rng.random(at.size) * length[at, month]).astype(np.int64)
        parts.append(used(rng, at, day, feature, quantity))
    return usage_rows(pl.concat(parts), first, ("visit", "search"))


def ticket_times(rng: np.random.Generator, law: ShopLaw, days: Purchases) -> pl.DataFrame:
    """Return a ticket in the ten days after some purchases."""
    chosen = rng.random(days.at.size) < law.ticket_chance
    opened = days.day[chosen] + rng.integers(0, 10, int(chosen.sum()))
    closed = opened + rng.integers(0, 8, opened.size)
    return cases(rng, days.at[chosen], opened, closed, "low")


def surveys(
    rng: np.random.Generator,
    log: Log,
    buyers: Buyers,
    days: Purchases,
    tickets: pl.DataFrame,
    *,
    first: int,
) -> pl.DataFrame:
    """Return NPS answers after some purchases and CSAT answers after some tickets."""
    chosen = rng.random(days.at.size) < NPS_CHANCE
    at = days.at[chosen]
    mood = 8.8 - 6 * buyers.dropout[at] + rng.normal(0, 1.5, at.size)
    asked = tickets.filter(pl.Series(rng.random(tickets.height) < CSAT_ANSWERS))
    helped, when = asked["at"].to_numpy(), asked["closed"].to_numpy()
    content = 3.8 - 2 * buyers.dropout[helped] + rng.normal(0, 0.9, helped.size)
    rows = pl.concat(
        [
            answered(rng, at, days.day[chosen], "nps", np.clip(np.rint(mood), 0, 10)),
            answered(rng, helped, when, "csat", np.clip(np.rint(content), 1, 5)),
        ]
    )
    return survey_rows(rows, log, first)


def touches(shop: Shoppers, buyers: Buyers, first: int) -> pl.DataFrame:
    """Return the experiment: a call to the treated arm, nothing to the control arm."""
    at = np.nonzero(buyers.arm >= 0)[0]
    return touch_rows(at, buyers.touched_on[at], buyers.arm[at], shop.log, first)


def truth(
    shop: Shoppers, buyers: Buyers, bought: Purchases, value: Ints, first: int
) -> pl.DataFrame:
    """Return one row per customer: what is latent, what is expected, what became of it."""
    law, log = shop.law, shop.log
    n = buyers.rate.size
    after = bought.day >= log.as_of
    rows = pl.DataFrame(
        {
            "at": np.arange(n),
            "is_alive": bought.is_alive,
            "purchase_rate_day": buyers.rate,
            "dropout_chance": buyers.dropout,
            "mean_spend_amount": law.p / buyers.nu,
            "arm_no": np.maximum(buyers.arm, 0),
            "touch_effect": law.touch * buyers.arm,
            "enrolled": buyers.arm >= 0,
            "n_purchases_realised_12m": np.bincount(bought.at[after], minlength=n),
            "revenue_realised_12m_amount": np.bincount(
                bought.at[after], weights=value[after], minlength=n
            ),
            **expected(shop, buyers, bought),
        }
    )
    margin = float(np.dot(law.product_shares, law.margin_shares))
    return rows.select(
        customer_ids(first),
        as_of=pl.lit(as_date(log.as_of)),
        kind=pl.lit("residual"),
        is_alive="is_alive",
        purchase_rate_day="purchase_rate_day",
        dropout_chance="dropout_chance",
        mean_spend_amount=money("mean_spend_amount"),
        margin_share=pl.lit(margin),
        **{f"p_purchase_{days}d": pl.col(f"p_purchase_{days}d") for days in RISK_DAYS},
        **{f"n_purchases_{m}m": pl.col(f"n_purchases_{m}m") for m in LTV_MONTHS},
        **{f"ltv_residual_{m}m_amount": money(f"ltv_residual_{m}m_amount") for m in LTV_MONTHS},
        **{f"duration_{m}m_months": pl.col(f"duration_{m}m_months") for m in LTV_MONTHS},
        touch_arm=pl.when("enrolled").then(named(("control", "treated"), "arm_no")),
        touch_effect=pl.when("enrolled").then("touch_effect"),
        n_purchases_realised_12m="n_purchases_realised_12m",
        revenue_realised_12m_amount=money("revenue_realised_12m_amount"),
    )


def expected(shop: Shoppers, buyers: Buyers, bought: Purchases) -> dict[str, Floats]:
    """Return the expectations of each customer by column name; months are calendar time."""
    values: dict[str, Floats] = {}
    for months in LTV_MONTHS:
        days = days_to(shop.log, months)
        count = expected_purchases(buyers, bought.is_alive, days)
        values[f"n_purchases_{months}m"] = count
        values[f"ltv_residual_{months}m_amount"] = count * shop.law.p / buyers.nu
        served = count / np.maximum(-np.expm1(-buyers.rate), 1e-300)
        values[f"duration_{months}m_months"] = served * months / days
    for days in RISK_DAYS:
        values[f"p_purchase_{days}d"] = purchase_within(buyers, bought.is_alive, days)
    return values
