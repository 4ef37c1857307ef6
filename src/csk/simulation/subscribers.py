"""One block of a subscription company: its tables and its truth.

One rule: a block depends on the company and its number only, never on other blocks.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from csk.simulation.allin import AllIn, all_in, all_in_revenue
from csk.simulation.contracts import customer_ids, monthly_amounts, named, payments, subscriptions
from csk.simulation.law import STATES, SubscriptionLaw
from csk.simulation.log import Flags, Floats, Ints, Log, as_date
from csk.simulation.paths import Future, Paths, People, candidates, future, paths, settled
from csk.simulation.people import customers
from csk.simulation.signals import surveys, tickets, touches, usage
from csk.simulation.truth import (
    ahead,
    churn_within,
    expected_months,
    expected_payments,
    first_renewal,
)

REALISED_MONTHS = 12
LTV_MONTHS = (12, 36)
RISK_DAYS = (30, 90, 365)
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Subscribers:
    """A subscription company: law, log, seed, and what is computed once for all blocks."""

    law: SubscriptionLaw
    log: Log
    seed: int
    late_entry: bool
    tables: AllIn

    def block(self, number: int, first: int, n: int) -> Tables:
        """Return the tables of block `number`: `n` customers, `first` of them before it."""
        streams = np.random.SeedSequence([self.seed, number]).spawn(4)
        life, log_rng, ahead_rng, names = (np.random.default_rng(stream) for stream in streams)
        law, log = self.law, self.log
        people = settled(life, law, log, n) if self.late_entry else candidates(life, law, log, n, 0)
        past = paths(life, law, log, people, first)
        what = future(ahead_rng, law, log, past.last, REALISED_MONTHS)
        return {
            "customers": customers(names, first, past.first_day, past.last.plan, law.plans),
            "subscriptions": subscriptions(law, log, past, first),
            "payments": payments(log_rng, law, log, past, first),
            "usage": usage(log_rng, law, log, past, first),
            "tickets": tickets(log_rng, log, past, first),
            "surveys": surveys(log_rng, log, past, first),
            "touches": touches(log_rng, log, past, first),
            "truth": truth(self, past, what, first),
        }

    def costs(self) -> pl.DataFrame:
        """Return the margin of each plan."""
        return pl.DataFrame({"plan": self.law.plans, "margin_share": self.law.margin_shares})


def subscribers(law: SubscriptionLaw, log: Log, seed: int, *, late_entry: bool) -> Subscribers:
    """Return a subscription company ready to give its blocks."""
    return Subscribers(law, log, seed, late_entry, all_in(law))


def term_amounts(law: SubscriptionLaw, people: People) -> Ints:
    """Return the net price of one term in whole yen."""
    monthly = monthly_amounts(law, people.plan, people.ratio, people.seats)
    return np.asarray(monthly * np.asarray(law.term_months)[people.plan])


def truth(company: Subscribers, past: Paths, what: Future, first: int) -> pl.DataFrame:
    """Return one row per customer: what is latent, what is expected, what became of it.

    Money and months are 0 for those not served at as_of, chances and hazards null.
    """
    law, log = company.law, company.log
    rows = pl.DataFrame(
        {
            **latent_state(law, log, past),
            **expected(company, past.last),
            **realised(company, past.last, what),
        }
    )
    alive = pl.col("is_alive")
    latent = ("frailty", "tenure_months", "has_open_ticket", "hazard_monthly", "next_renewal_on")
    chances = [f"p_churn_{days}d" for days in RISK_DAYS]
    moneys = [f"ltv_residual_{months}m_amount" for months in LTV_MONTHS]
    return rows.select(
        customer_ids(first),
        as_of=pl.lit(as_date(log.as_of)),
        kind=pl.lit("residual"),
        is_alive="is_alive",
        plan=named(law.plans, "plan_no"),
        mrr_amount=money("mrr_amount"),
        margin_share="margin_share",
        price_to_list="price_to_list",
        engagement_state=pl.when(alive).then(named(STATES, "state_no")),
        **{name: pl.when(alive).then(name) for name in (*latent, *chances)},
        **{name: money(name) for name in (*moneys, "ltv_all_in_36m_amount")},
        **{name: pl.col(name) for name in ("duration_12m_months", "duration_36m_months")},
        touch_arm=pl.when("enrolled").then(named(("control", "treated"), "arm_no")),
        touch_effect=pl.when("enrolled").then("touch_effect"),
        is_churned_90d=pl.when(alive).then("is_churned_90d"),
        churned_on=pl.when(pl.col("churned_on") >= 0)
        .then(pl.col("churned_on"))
        .cast(pl.Int32)
        .cast(pl.Date),
        revenue_realised_12m_amount=money("revenue_realised_12m_amount"),
    )


def latent_state(law: SubscriptionLaw, log: Log, past: Paths) -> dict[str, Floats | Ints | Flags]:
    """Return what as_of finds of each customer, by column name, as indices where it has a name."""
    people = past.last
    return {
        "at": np.arange(people.start.size),
        "is_alive": people.serving,
        "plan_no": people.plan,
        "state_no": people.state,
        "arm_no": np.maximum(past.arm, 0),
        "price_to_list": np.asarray(law.price_ratios)[people.ratio],
        "frailty": people.frailty,
        "tenure_months": log.months - 1 - people.start,
        "has_open_ticket": people.ticket,
        "margin_share": np.asarray(law.margin_shares)[people.plan],
        "mrr_amount": monthly_amounts(law, people.plan, people.ratio, people.seats),
        "touch_effect": law.touch * past.arm,
        "enrolled": past.arm >= 0,
    }


def money(name: str) -> pl.Expr:
    """Return a column of yen as Decimal(18, 4)."""
    return pl.col(name).round(4).cast(pl.Decimal(18, 4))


def expected(company: Subscribers, people: People) -> dict[str, Floats | Ints | pl.Series]:
    """Return the expectations of each customer by column name."""
    law, log, serving = company.law, company.log, people.serving
    time = ahead(law, log, people)
    price = term_amounts(law, people) * serving
    next_due = np.argmax(time.due, axis=1)
    rows = np.arange(serving.size)
    next_on = log.as_of + time.offset_days[rows, next_due]
    tenure = log.months + next_due - people.start
    values: dict[str, Floats | Ints | pl.Series] = {
        "hazard_monthly": 1 - first_renewal(law, people, tenure),
        "next_renewal_on": pl.Series(next_on).cast(pl.Int32).cast(pl.Date),
        "ltv_all_in_36m_amount": all_in_revenue(law, log, people, company.tables),
    }
    for months in LTV_MONTHS:
        values[f"ltv_residual_{months}m_amount"] = price * expected_payments(time, months)
        values[f"duration_{months}m_months"] = serving * expected_months(time, months)
    for days in RISK_DAYS:
        values[f"p_churn_{days}d"] = churn_within(time, days)
    return values


def realised(company: Subscribers, people: People, what: Future) -> dict[str, Ints | Flags]:
    """Return what became of each customer within 12 months by column name."""
    early = (what.churned_on >= 0) & (what.churned_on < company.log.as_of + 90)
    return {
        "is_churned_90d": early,
        "churned_on": what.churned_on,
        "revenue_realised_12m_amount": term_amounts(company.law, people) * what.n_payments,
    }
