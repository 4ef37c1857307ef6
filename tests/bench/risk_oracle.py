"""Who leaves a simulated company, as well as it can be known from what its files tell.

One rule: the law is known, what is latent is not. The engagement state is filtered from usage,
tickets and surveys; frailty and the customer's own pace of use are integrated out. No estimator
that reads the same files can tell better, so that its AUC is held against this one.

    python tests/bench/risk_oracle.py --seeds 3 --customers 20000
"""

import argparse
import time
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from risk_causes import contributions
from scipy.special import ndtr

from csk.simulation.company import BLOCK, Company, source
from csk.simulation.contracts import labelled
from csk.simulation.law import SubscriptionLaw, frailty_nodes, is_due, renewal_by_state
from csk.simulation.log import PAST_MONTHS, Flags, Floats, Ints, Log
from csk.simulation.paths import Paths, candidates, paths, settled, touched_in
from csk.simulation.signals import (
    ANSWERS,
    CSAT_ANSWERS,
    FEATURE_RATES,
    FEATURES,
    NPS_MEANS,
    SURVEY_MONTHS,
)
from csk.simulation.subscribers import Subscribers, Tables
from csk.stats.calibration import calibration
from csk.stats.discrimination import auc

DAYS = (30, 90)
PACE_MEAN, PACE_SD, NPS_SD, CSAT_SD = -0.18, 0.6, 1.6, 0.9
TICKET_WAITS, SURVEY_WAITS = np.arange(3, 26), np.arange(26)
N_FRAILTY, N_PACE, CHUNK = 7, 49, 1_000
CSAT_MEAN, CSAT_FALL = 3.6, 0.6


class Seen(NamedTuple):
    """What the files tell of the customers of a block, by contract month (n x columns)."""

    past: Paths
    """Of it only what the contracts tell: who is served, on what plan, since when."""
    used: Ints
    """Uses in all."""
    reach: Floats
    """Uses that a customer of pace 1 in the healthy state would make."""
    ticket: Flags
    """Whether a severe ticket was seen, opened or rated."""
    ticket_seen_share: Floats
    """Chance that one would have been."""
    nps: Ints
    """Score given, or -1."""
    nps_seen_share: Floats
    """Chance that an answer would have been seen; 0 where nobody was asked."""
    csat: Ints


def block_paths(company: Subscribers, number: int, n: int, first: int) -> Paths:
    """Return the lives of a block again: they are drawn from a stream of their own."""
    stream = np.random.SeedSequence([company.seed, number]).spawn(4)[0]
    life, law, log = np.random.default_rng(stream), company.law, company.log
    people = settled(life, law, log, n) if company.late_entry else candidates(life, law, log, n, 0)
    return paths(life, law, log, people, first)


def places(rows: pl.DataFrame, day: str, past: Paths, log: Log, first: int) -> tuple[Ints, Ints]:
    """Return customer and contract month (column) of dated rows."""
    at = rows["customer_id"].str.slice(1).cast(pl.Int64).to_numpy() - first - 1
    on = rows[day].cast(pl.Date).cast(pl.Int32).cast(pl.Int64).to_numpy()
    months = np.searchsorted(log.edges, on, side="right") - 1 - PAST_MONTHS
    column = months + 1
    return at, column - (on < past.day[at, column])


def shares(past: Paths, log: Log, waits: Ints) -> Floats:
    """Return the share of `waits` days after a column's first that lie inside the log."""
    on = past.day[..., None] + waits
    return np.asarray(((on >= log.data_from) & (on < log.as_of)).mean(axis=-1))


def seen(company: Subscribers, number: int, first: int, n: int) -> tuple[Seen, Tables]:
    """Return what the tables of a block tell, with the tables."""
    tables, past, log = (
        company.block(number, first, n),
        block_paths(company, number, n, first),
        company.log,
    )
    shape = past.serving.shape
    by_feature = np.zeros((len(FEATURES), *shape), np.int64)
    usage = tables["usage"]
    at, column = places(usage, "used_at", past, log, first)
    feature = usage["feature"].replace_strict({f: i for i, f in enumerate(FEATURES)}).to_numpy()
    np.add.at(by_feature, (feature, at, column), usage["quantity"].to_numpy())
    ever = by_feature.sum(axis=2) > 0
    # Everybody logs in; whoever never used another feature may not have it, and it tells nothing.
    ever[0] = True
    following = np.concatenate([past.day[:, 1:], np.full((n, 1), log.as_of)], axis=1)
    days = np.maximum(following - np.maximum(past.day, log.data_from), 0) * past.serving
    rate = np.asarray(FEATURE_RATES) @ ever
    severe = tables["tickets"].filter(pl.col("severity") == "high")
    ticket = np.zeros(shape, bool)
    ticket[places(severe, "opened_at", past, log, first)] = True
    scores = {kind: np.full(shape, -1) for kind in ("nps", "csat")}
    for kind, score in scores.items():
        part = tables["surveys"].filter(pl.col("kind") == kind)
        score[places(part, "answered_on", past, log, first)] = part["score"].to_numpy()
    asked = np.arange(shape[1]) % SURVEY_MONTHS == 0
    opened, answered = shares(past, log, TICKET_WAITS), shares(past, log, SURVEY_WAITS)
    return Seen(
        past=past,
        used=(by_feature * ever[:, :, None]).sum(axis=0),
        reach=days * rate[:, None] * np.sqrt(past.seats / 4),
        ticket=ticket | (scores["csat"] >= 0),
        ticket_seen_share=1 - (1 - opened) * (1 - CSAT_ANSWERS * answered),
        nps=scores["nps"],
        nps_seen_share=answered * asked * past.serving,
        csat=scores["csat"],
    ), tables


def chance_of_score(score: Ints, mean: Floats, sd: float, low: int, high: int) -> Floats:
    """Return the chance of a rounded, clipped normal score by state (last axis)."""
    x = score[..., None].astype(float)
    above = np.where(x >= high, np.inf, x + 0.5)
    below = np.where(x <= low, -np.inf, x - 0.5)
    return np.asarray(ndtr((above - mean) / sd) - ndtr((below - mean) / sd))


class Filter:
    """Masses over frailty, pace and state of some customers, carried along their months."""

    def __init__(self, law: SubscriptionLaw, log: Log, of: Seen, rows: Ints) -> None:
        self.law, self.log, self.rows = law, log, rows
        parts: dict[str, Any] = {name: getattr(of, name)[rows] for name in of._fields[1:]}
        self.of = of._replace(**parts)
        past = of.past
        self.start = past.last.start[rows]
        self.serving, self.plan = past.serving[rows], past.plan[rows]
        self.tenure, self.cause = past.tenure[rows], past.cause[rows]
        self.price = law.price * np.log(law.price_ratios)[past.last.ratio[rows]]
        self.treated = past.arm[rows] == 1
        self.frailty, self.weights = frailty_nodes(law, N_FRAILTY)
        z = np.linspace(-3.2, 3.2, N_PACE)
        self.pace = np.exp(PACE_MEAN + PACE_SD * z)
        pace_weights = np.exp(-z * z / 2)
        self.pace_weights = pace_weights / pace_weights.sum()
        self.moves = np.asarray(law.moves)
        n = len(rows)
        self.mass = np.zeros((n, N_FRAILTY, N_PACE, len(law.state)))
        # Of the column that is running: weights of a severe ticket and of none, by state.
        self.ticket = np.zeros((n, 2, len(law.state)))
        self.ticket[:, 0] = 1.0

    def begin(self, who: Flags) -> None:
        """Begin spells: frailty and state anew, the pace as it is known."""
        known = self.mass[who].sum(axis=(1, 3))
        total = known.sum(axis=1, keepdims=True)
        pace = np.where(total > 0, known / np.where(total > 0, total, 1.0), self.pace_weights)
        start = self.weights[:, None] * np.asarray(self.law.start_states)
        self.mass[who] = pace[:, None, :, None] * start[:, None, :]

    def hazard(self, tenure: Ints, plan: Ints, month: int) -> Floats:
        """Return mu_voluntary by frailty and state."""
        law = self.law
        touched = 0 < month - touched_in(self.log) <= law.touch_months
        own = self.price + np.asarray(law.voluntary)[plan] + law.tenure * np.log(tenure)
        own = own + (law.touch * self.treated if touched else 0.0)
        return np.asarray(np.exp(own[:, None, None] + self.frailty[:, None] + law.state))

    def stay(self, who: Flags, tenure: Ints, plan: Ints, month: int) -> None:
        """Weigh by a renewal that was made, where one was due, and by the ticket before it."""
        due = is_due(self.law, plan, tenure)
        hazard = self.hazard(np.maximum(tenure, 1), plan, month) * due[:, None, None]
        none, open_ = self.ticket[:, None, 0], self.ticket[:, None, 1]
        kept = none * np.exp(-hazard) + open_ * np.exp(-hazard * np.exp(self.law.ticket))
        self.mass[who] *= kept[who][:, :, None]

    def move(self, who: Flags) -> None:
        """Let the state move on."""
        self.mass[who] = self.mass[who] @ self.moves

    def leave(self, who: Flags, column: int, month: int) -> None:
        """Weigh by an end, and keep no more than the pace."""
        left = who & (self.cause[:, column] == 1)
        if left.any():
            tenure = np.maximum(self.tenure[:, column - 1] + 1, 1)
            hazard = self.hazard(tenure, self.plan[:, column - 1], month)
            raised = self.ticket[:, None, 0] + self.ticket[:, None, 1] * np.exp(self.law.ticket)
            self.mass[left] *= (hazard * raised)[left][:, :, None]

    def observe(self, column: int) -> None:
        """Weigh by what was seen of a contract month."""
        of, law = self.of, self.law
        expected = self.pace[:, None] * np.asarray(law.usage_rates)
        lam = of.reach[:, column, None, None] * expected
        n = of.used[:, column, None, None]
        log_chance = np.where(lam > 0, n * np.log(np.where(lam > 0, lam, 1.0)) - lam, 0.0)
        chance = np.exp(log_chance - log_chance.max(axis=(1, 2), keepdims=True))
        self.mass *= (chance * self.answers(column)[:, None, :])[:, None]
        sums = self.mass.sum(axis=(1, 2, 3), keepdims=True)
        self.mass /= np.where(sums > 0, sums, 1.0)
        raised = np.asarray(law.ticket_chances)
        was = of.ticket[:, column, None]
        unseen = raised * (1 - of.ticket_seen_share[:, column, None])
        self.ticket[:, 0] = np.where(was, 0.0, 1 - raised)
        self.ticket[:, 1] = np.where(was, raised, unseen)
        given = of.csat[:, column]
        mean = CSAT_MEAN - CSAT_FALL * np.arange(len(law.state), dtype=np.float64)
        score = chance_of_score(given, mean, CSAT_SD, 1, 5)
        self.ticket[:, 1] *= np.where((given >= 0)[:, None], score, 1.0)

    def answers(self, column: int) -> Floats:
        """Return the chance of the answer to the NPS question, or of none, by state."""
        given, rate = self.of.nps[:, column], np.asarray(ANSWERS)
        score = rate * chance_of_score(given, np.asarray(NPS_MEANS), NPS_SD, 0, 10)
        silent = 1 - rate * self.of.nps_seen_share[:, column, None]
        return np.where((given >= 0)[:, None], score, silent)

    def before_the_log(self) -> None:
        """Carry those who began before it to its edge: nothing is seen but that they stayed."""
        column, plan = 0, self.plan[:, 0]
        start = np.where(self.serving[:, 0], -1 - self.tenure[:, column], PAST_MONTHS)
        chance = np.asarray(self.law.ticket_chances)
        self.ticket[:, 0], self.ticket[:, 1] = 1 - chance, chance
        for month in range(-PAST_MONTHS, 0):
            served = start < month
            self.stay(served, month - start, plan, month)
            self.move(served)
            self.begin(start == month)

    def run(self) -> None:
        """Carry everybody to as_of."""
        self.before_the_log()
        self.observe(0)
        for month in range(self.log.months):
            column = month + 1
            now, before = self.serving[:, column], self.serving[:, column - 1]
            going = now & before
            self.stay(going, self.tenure[:, column], self.plan[:, column - 1], month)
            self.leave(before & ~now, column, month)
            self.move(going)
            self.begin(now & ~before)
            self.observe(column)

    def known(self) -> tuple[Floats, Floats]:
        """Return masses at as_of over frailty, ticket (none, open) and state, and over state."""
        joint = self.mass.sum(axis=2)[:, :, None] * self.ticket[:, None]
        joint = joint / joint.sum(axis=(1, 2, 3), keepdims=True)
        return joint, joint.sum(axis=(1, 2))


def foretold(filtered: Filter, failed: Flags) -> tuple[dict[int, Floats], Floats, Floats]:
    """Return the chance to leave by horizon, the chances of the states, and that of a ticket."""
    law, log = filtered.law, filtered.log
    joint, state = filtered.known()
    last = filtered.of.past.last
    plan, anchor = last.plan[filtered.rows], last.anchor[filtered.rows]
    own = filtered.price[:, None] + filtered.frailty
    masses, survival, days = joint.sum(axis=2), [np.ones(len(plan))], []
    for step in range(4):
        month = log.months + step
        tenure = np.maximum(month - filtered.start, 1)
        due = is_due(law, plan, tenure)[:, None, None]
        if step == 0:
            hazard = np.exp(np.asarray(law.voluntary)[plan] + law.tenure * np.log(tenure))
            by_state = hazard[:, None, None] * np.exp(own[:, :, None] + law.state)
            pays = np.exp(np.asarray(law.involuntary)[plan] + law.failed * failed)
            stays = np.exp(-by_state) * joint[:, :, 0]
            stays += np.exp(-by_state * np.exp(law.ticket)) * joint[:, :, 1]
            masses = np.where(due, stays * np.exp(-pays)[:, None, None], masses)
        else:
            plans = np.broadcast_to(plan[:, None], own.shape)
            stays = renewal_by_state(law, plans, own, tenure[:, None])
            masses = np.where(due, masses * stays, masses)
        masses = masses @ filtered.moves
        survival.append(masses.sum(axis=(1, 2)))
        days.append(log.anniversary(np.full(len(plan), month), anchor) - log.as_of)
    curve, on = np.stack(survival, axis=1), np.stack(days, axis=1)
    passed = {h: (on < h).sum(axis=1) for h in DAYS}
    chances = {h: np.maximum(1 - curve[np.arange(len(plan)), k], 0) for h, k in passed.items()}
    return chances, state, joint[:, :, 1].sum(axis=(1, 2))


def oracle(company: Company) -> pl.DataFrame:
    """Return customers served at as_of with what can be known of them, and with their truth.

    `p_churn_30d` and `p_churn_90d` are given what the files tell, `true_*` given all; `of_*` are
    the contributions of `contributions`.
    """
    maker = source(company)
    assert isinstance(maker, Subscribers)
    parts = []
    for number, first in enumerate(range(0, company.customers, BLOCK)):
        n = min(BLOCK, company.customers - first)
        told, tables = seen(maker, number, first, n)
        served = np.nonzero(told.past.last.serving)[0]
        for begin in range(0, len(served), CHUNK):
            rows = served[begin : begin + CHUNK]
            filtered = Filter(maker.law, maker.log, told, rows)
            filtered.run()
            failed = told.past.last.failed[rows]
            chances, state, ticket = foretold(filtered, failed)
            of = contributions(maker, told.past, rows, (state, ticket, failed))
            ids = pl.DataFrame({"at": rows}).select(
                customer_id=labelled("C", pl.col("at") + (first + 1))
            )
            known = {f"p_churn_{h}d": p for h, p in chances.items()}
            parts.append(
                ids.with_columns(**{k: pl.Series(v) for k, v in (known | of).items()}).join(
                    truths(tables["truth"]), on="customer_id", how="left"
                )
            )
    return pl.concat(parts)


def truths(truth: pl.DataFrame) -> pl.DataFrame:
    """Return what became of each customer, and the chances that know all that is latent."""
    end = pl.col("as_of") + pl.duration(days=30)
    return truth.select(
        "customer_id",
        "plan",
        "tenure_months",
        left_30d=(pl.col("churned_on") < end).fill_null(value=False),
        left_90d=pl.col("is_churned_90d"),
        true_30d="p_churn_30d",
        true_90d="p_churn_90d",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for flag, usual in (("--seeds", 3), ("--first-seed", 1), ("--customers", 20_000)):
        parser.add_argument(flag, type=int, default=usual)
    wanted = parser.parse_args()
    print(
        "| seed | days | alive | left | AUC plan and age | oracle | full truth "
        "| intercept | slope ± SE | s |"
    )
    print("|---:" * 10 + "|")
    parts = []
    for seed in range(wanted.first_seed, wanted.first_seed + wanted.seeds):
        began = time.perf_counter()
        rows = oracle(Company("subscription", wanted.customers, 24, seed))
        parts.append(rows)
        show(str(seed), rows, time.perf_counter() - began)
    show("all", pl.concat(parts), 0.0)


def show(name: str, rows: pl.DataFrame, seconds: float) -> None:
    plain = rows.with_columns(
        plain=pl.col("left_90d").cast(pl.Float64).mean().over("plan", pl.col("tenure_months") % 12)
    )["plain"].to_numpy()
    for h in DAYS:
        left, p = rows[f"left_{h}d"].to_numpy(), rows[f"p_churn_{h}d"].to_numpy()
        line = calibration(p, left)
        figures = [auc(x, left) for x in (plain, p, rows[f"true_{h}d"].to_numpy())]
        cells = [f"{rows.height:,}", f"{left.mean():.4f}", *(f"{x:.4f}" for x in figures)]
        cells += [f"{line.intercept:+.3f}", f"{line.slope:.3f} ± {line.slope_error:.3f}"]
        print(f"| {name} | {h} |", " | ".join(cells), f"| {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
