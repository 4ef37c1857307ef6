"""The life of every subscriber of a block, month by month, as matrices of customers x months.

One rule: a customer has exactly one anniversary in each calendar month, so that one step of the
loop is one renewal decision for everybody, and no step looks ahead.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from csk.simulation.law import (
    MONTHLY,
    SubscriptionLaw,
    involuntary_hazard,
    is_due,
    renewal_given_month,
    voluntary_hazard,
)
from csk.simulation.log import PAST_MONTHS, Flags, Floats, Ints, Log

LAST_DAY_EVERY = 300
"""One customer in so many starts on the last day, so that the log's edge can be seen."""

VOLUNTARY, INVOLUNTARY = 1, 2
NEVER = 1 << 30


@dataclass
class People:
    """The state of each customer; arrays of one length, changed by the steps of the loop."""

    start: Ints
    """Month in which the current spell began."""
    anchor: Ints
    plan: Ints
    ratio: Ints
    seats: Ints
    frailty: Floats
    serving: Flags
    state: Ints
    ticket: Flags
    failed: Flags
    ended: Ints
    """Month in which the last spell ended; NEVER where none has."""
    returns: Ints
    """Month of the return; NEVER where there is none."""
    touched: Flags
    """Treated, and still in the spell in which that happened."""

    def picked(self, rows: Ints | Flags) -> "People":
        """Return copies of the rows asked for."""
        return People(**{name: values[rows] for name, values in vars(self).items()})

    def joined(self, others: "People") -> "People":
        """Return these people followed by the others."""
        mine, theirs = vars(self), vars(others)
        return People(**{name: np.concatenate([mine[name], theirs[name]]) for name in mine})


@dataclass(frozen=True)
class Paths:
    """What happened: matrices n x (months + 1), column c = contract month begun in month c - 1."""

    first_day: Ints
    """Day of the customer's first start, often before the log; shape n."""
    serving: Flags
    plan: Ints
    seats: Ints
    state: Ints
    ticket: Flags
    failed: Flags
    cause: Ints
    """Cause where the renewal that opens the column was not made, else 0."""
    tenure: Ints
    """Contract months completed when the column begins."""
    day: Ints
    """Day on which the column begins: the anniversary in its month."""
    arm: Ints
    """-1 not in the experiment, 0 control, 1 treated; shape n."""
    last: People
    """The state in which as_of finds everybody."""


def choices(rng: np.random.Generator, shares: Floats, n: int) -> Ints:
    """Return n draws of an index with the given shares."""
    edges = np.cumsum(shares)[:-1]
    return np.asarray(np.searchsorted(edges, rng.random(n), side="right"), dtype=np.int64)


def candidates(
    rng: np.random.Generator, law: SubscriptionLaw, log: Log, n: int, past: int
) -> People:
    """Return n people who arrive from `past` months before the log to its end; none has begun."""
    month = np.arange(-past, log.months)
    arrivals = np.exp(law.arrival_growth * month)
    start = month[choices(rng, arrivals / arrivals.sum(), n)]
    plan = choices(rng, np.asarray(law.plan_shares), n)
    return People(
        start=start,
        anchor=1 + (rng.random(n) * log.length(start)).astype(np.int64),
        plan=plan,
        ratio=choices(rng, np.asarray(law.price_ratio_shares), n),
        seats=rng.geometric(law.seat_stop, n),
        frailty=rng.normal(0.0, law.frailty_sd, n),
        serving=np.zeros(n, bool),
        state=np.zeros(n, np.int64),
        ticket=np.zeros(n, bool),
        failed=np.zeros(n, bool),
        ended=np.full(n, NEVER),
        returns=np.full(n, NEVER),
        touched=np.zeros(n, bool),
    )


def offset(law: SubscriptionLaw, people: People) -> Floats:
    """Return the customer's own part of the voluntary log-hazard: frailty and price."""
    return np.asarray(people.frailty + law.price * np.log(law.price_ratios)[people.ratio])


def renewal_chances(
    law: SubscriptionLaw, people: People, tenure: Ints, touch: float
) -> tuple[Floats, Floats]:
    """Return the chance of renewal and the voluntary share of the hazard at `tenure` months."""
    shift = offset(law, people) + touch * people.touched
    voluntary = voluntary_hazard(law, people.plan, shift, np.maximum(tenure, 1))
    involuntary = involuntary_hazard(law, people.plan)
    hazards = (voluntary, involuntary)
    stays = renewal_given_month(law, hazards, people.state, people.ticket, people.failed)
    raised = voluntary * np.exp(np.asarray(law.state)[people.state] + law.ticket * people.ticket)
    both = raised + involuntary * np.exp(law.failed * people.failed)
    return stays, np.asarray(raised / both)


def renew(
    rng: np.random.Generator,
    law: SubscriptionLaw,
    people: People,
    month: int,
    *,
    touch: float = 0.0,
    who: Flags | None = None,
) -> Ints:
    """Let those (`who`) whose term ends in `month` stay or leave; return the cause, 0 = stays."""
    n = people.start.size
    tenure = month - people.start
    due = people.serving & (tenure > 0) & is_due(law, people.plan, tenure)
    due = due if who is None else due & who
    stays, voluntary_share = renewal_chances(law, people, tenure, touch)
    leaves = due & (rng.random(n) >= stays)
    which = np.where(rng.random(n) < voluntary_share, VOLUNTARY, INVOLUNTARY)
    people.serving = people.serving & ~leaves
    people.touched = people.touched & ~leaves
    people.ended = np.where(leaves, month, people.ended)
    return np.asarray(np.where(leaves, which, 0))


def change(rng: np.random.Generator, law: SubscriptionLaw, people: People, month: int) -> None:
    """Let some of those renewing in `month` change plan or take one more seat."""
    n = people.start.size
    tenure = month - people.start
    renewing = people.serving & (tenure > 0) & is_due(law, people.plan, tenure)
    more = rng.random(n) < np.asarray(law.seat_chances)[people.plan]
    people.seats = people.seats + (renewing & more)
    draw = rng.random(n)
    monthly = np.isin(people.plan, MONTHLY)
    edges = np.cumsum(np.asarray(law.plan_moves), axis=1)[np.where(monthly, people.plan, 0)]
    moved = np.minimum((draw[:, None] >= edges).sum(axis=1), len(MONTHLY) - 1)
    people.plan = np.where(renewing & monthly, moved, people.plan)


def schedule_returns(
    rng: np.random.Generator, law: SubscriptionLaw, people: People, month: int
) -> None:
    """Decide for those who left in `month` whether and when they come back."""
    n = people.start.size
    gap = np.asarray(law.return_gaps)[(rng.random(n) * len(law.return_gaps)).astype(np.int64)]
    comes = (people.ended == month) & (rng.random(n) < law.return_chance)
    people.returns = np.where(comes, month + gap, people.returns)


def begin(rng: np.random.Generator, law: SubscriptionLaw, people: People, month: int) -> Flags:
    """Begin the spells of those who arrive or return in `month`; tell whose."""
    n = people.start.size
    back = ~people.serving & (people.returns == month)
    fresh = ~people.serving & (people.start == month) & (people.ended == NEVER)
    people.start = np.where(back, month, people.start)
    people.frailty = np.where(back, rng.normal(0.0, law.frailty_sd, n), people.frailty)
    people.returns = np.where(back, NEVER, people.returns)
    people.ended = np.where(back, NEVER, people.ended)
    people.serving = people.serving | back | fresh
    return np.asarray(back | fresh)


def live(
    rng: np.random.Generator, law: SubscriptionLaw, people: People, month: int, begun: Flags
) -> None:
    """Draw state, severe ticket and failed payment of the contract month begun in `month`."""
    n = people.start.size
    moves = np.cumsum(np.asarray(law.moves), axis=1)
    rows = np.where(begun[:, None], np.cumsum(law.start_states), moves[people.state])
    state = (rng.random(n)[:, None] >= rows[:, :-1]).sum(axis=1)
    people.state = np.where(people.serving, state, people.state)
    people.ticket = people.serving & (rng.random(n) < np.asarray(law.ticket_chances)[people.state])
    pays = people.serving & is_due(law, people.plan, month - people.start)
    people.failed = pays & (rng.random(n) < law.failure_chance)


def settled(rng: np.random.Generator, law: SubscriptionLaw, log: Log, n: int) -> People:
    """Return n people as the log finds them: begun before it and still there, or yet to come.

    Nobody changes plan or seats before the log: their spell would seem to begin at the change.
    A spell that ends on the first day of the log is not in it.
    """
    found: People | None = None
    while found is None or found.start.size < n:
        people = candidates(rng, law, log, n, PAST_MONTHS)
        for month in range(-PAST_MONTHS, 0):
            renew(rng, law, people, month)
            live(rng, law, people, month, begin(rng, law, people, month))
        renew(rng, law, people, 0, who=people.anchor == 1)
        kept = people.picked(people.serving | (people.start >= 0))
        found = kept if found is None else found.joined(kept)
    return found.picked(np.arange(n))


def on_last_day(people: People, log: Log, first: int) -> None:
    """Let every `LAST_DAY_EVERY`th customer, counted over all blocks, begin on the last day."""
    last = (first + np.arange(people.start.size)) % LAST_DAY_EVERY == LAST_DAY_EVERY - 1
    month = log.months - 1
    people.start[last] = month
    people.anchor[last] = int(log.length(np.array([month]))[0])
    people.serving[last] = False


def enrolled(rng: np.random.Generator, law: SubscriptionLaw, people: People) -> Ints:
    """Return the arm of each customer: -1 not in the experiment, 0 control, 1 treated."""
    n = people.start.size
    enters = people.serving & (rng.random(n) < law.enrolled_share)
    return np.asarray(np.where(enters, (rng.random(n) < 1 / 2).astype(np.int64), -1))


def paths(
    rng: np.random.Generator, law: SubscriptionLaw, log: Log, people: People, first: int
) -> Paths:
    """Walk `people` through the log; they are changed and handed back as `last`."""
    on_last_day(people, log, first)
    n, months = people.start.size, np.arange(-1, log.months)
    day = log.anniversary(np.broadcast_to(months, (n, months.size)), people.anchor[:, None])
    first_day = log.anniversary(people.start, people.anchor)
    arm, touch_month = np.full(n, -1), touched_in(log)
    columns = Columns()
    for month in range(-1, log.months):
        cause = np.zeros(n, np.int64)
        if month >= 0:
            in_effect = 0 < month - touch_month <= law.touch_months
            # Those with an anniversary on the first day had to survive it to be in the log.
            open_ = (people.anchor > 1) | (people.start >= 0) if month == 0 else None
            touch = law.touch if in_effect else 0.0
            cause = renew(rng, law, people, month, touch=touch, who=open_)
            schedule_returns(rng, law, people, month)
            change(rng, law, people, month)
            live(rng, law, people, month, begin(rng, law, people, month))
        if month == touch_month:
            arm = enrolled(rng, law, people)
            people.touched = arm == 1
        columns.append(people, month, cause)
    return columns.paths(first_day, day, arm, people)


class Columns:
    """The columns of `Paths` while they are gathered."""

    def __init__(self) -> None:
        self.flags: list[tuple[Flags, Flags, Flags]] = []
        self.numbers: list[tuple[Ints, Ints, Ints, Ints, Ints]] = []

    def append(self, people: People, month: int, cause: Ints) -> None:
        """Keep what holds in the contract month begun in `month`."""
        self.flags.append((people.serving, people.ticket, people.failed))
        tenure = month - people.start
        self.numbers.append((people.plan, people.seats, people.state, tenure, cause))

    def paths(self, first_day: Ints, day: Ints, arm: Ints, last: People) -> Paths:
        """Return all columns as matrices."""
        serving, ticket, failed = (np.stack(part, axis=1) for part in zip(*self.flags, strict=True))
        plan, seats, state, tenure, cause = (
            np.stack(part, axis=1) for part in zip(*self.numbers, strict=True)
        )
        return Paths(
            first_day=first_day,
            serving=serving,
            plan=plan,
            seats=seats,
            state=state,
            ticket=ticket,
            failed=failed,
            cause=cause,
            tenure=tenure,
            day=day,
            arm=arm,
            last=last,
        )


def touched_in(log: Log) -> int:
    """Return the month of the experiment: the middle of the log."""
    return log.months // 2


class Future(NamedTuple):
    """What became of those served at as_of, on their plan and price, without return."""

    churned_on: Ints
    """Day of the end; -1 where none within the time looked at."""
    n_payments: Ints


def future(
    rng: np.random.Generator, law: SubscriptionLaw, log: Log, people: People, months: int
) -> Future:
    """Continue a copy of `people` for `months` months after the log; plan and seats are kept."""
    going = people.picked(np.arange(people.start.size))
    churned_on = np.full(people.start.size, -1)
    n_payments = np.zeros(people.start.size, np.int64)
    nobody = np.zeros(people.start.size, bool)
    for month in range(log.months, log.months + months):
        cause = renew(rng, law, going, month)
        day = log.anniversary(np.full(cause.size, month), going.anchor)
        churned_on = np.where(cause > 0, day, churned_on)
        n_payments += going.serving & is_due(law, going.plan, month - going.start)
        live(rng, law, going, month, nobody)
    return Future(churned_on, n_payments)
