"""Expected revenue with everything that may still happen: upgrades, more seats, returns.

One rule: a value is a pair (per seat, beside), linear in the seats held; it runs backward in time.
"""

from typing import NamedTuple

import numpy as np

from csk.simulation.law import (
    ANNUAL,
    MONTHLY,
    SubscriptionLaw,
    frailty_nodes,
    renewal_by_state,
)
from csk.simulation.log import AHEAD_MONTHS, Flags, Floats, Ints, Log
from csk.simulation.paths import NEVER, People, offset
from csk.simulation.truth import first_renewal


class Family(NamedTuple):
    """Plans between which customers move, and what one renewal brings."""

    plans: Ints
    moves: Floats
    term: int
    prices: Floats
    """Yen per seat and term, plans x price ratios."""
    seat_chance: float


def families(law: SubscriptionLaw) -> tuple[Family, Family]:
    """Return the monthly plans and the annual plan."""
    ratio = np.asarray(law.price_ratios)
    prices = np.rint(np.asarray(law.list_prices)[:, None] * ratio)
    prices = prices * np.asarray(law.term_months)[:, None]
    monthly = np.asarray(MONTHLY)
    annual = np.asarray([ANNUAL])
    return (
        Family(monthly, np.asarray(law.plan_moves), 1, prices[monthly], law.seat_chances[0]),
        Family(
            annual, np.eye(1), law.term_months[ANNUAL], prices[annual], law.seat_chances[ANNUAL]
        ),
    )


Values = tuple[Floats, Floats]


def after_renewal(family: Family, law: SubscriptionLaw, unit: Floats, value: Values) -> Values:
    """Return the value of a renewal made: move, one seat more, payment, and what follows.

    `unit` (x, plans) is the price per seat; `value` (x, plans, states) holds after the payment.
    """
    states = np.asarray(law.moves)
    seat = unit[..., None] + value[0] @ states.T
    beside = family.seat_chance * seat + value[1] @ states.T
    return (
        np.einsum("pq,xqs->xps", family.moves, seat),
        np.einsum("pq,xqs->xps", family.moves, beside),
    )


def step_back(
    family: Family,
    law: SubscriptionLaw,
    at: tuple[Floats, Ints],
    unit: Floats,
    pair: tuple[Values, Values],
) -> Values:
    """Return the value before an anniversary from that after it.

    `at` is frailty and price (x) with the months of tenure at the anniversary (x or one); `pair` is
    the value after it (x, plans, states) with the value of having left there (x, plans).
    """
    (own, tenure), (value, lost) = at, pair
    tenure = np.broadcast_to(tenure, own.shape)
    due: Flags = (tenure % family.term == 0)[:, None, None]
    states = np.asarray(law.moves)
    if not due.any():
        return value[0] @ states.T, value[1] @ states.T
    stays = renewal_by_state(law, family.plans, own[:, None], tenure[:, None])
    made = after_renewal(family, law, unit, value)
    pairs = zip(made, value, lost, strict=True)
    seat, beside = (
        np.where(due, stays * kept + (1 - stays) * left[..., None], later @ states.T)
        for kept, later, left in pairs
    )
    return seat, beside


def chance_of_return(law: SubscriptionLaw) -> dict[int, float]:
    """Return the chance of coming back after each gap in months."""
    return {gap: law.return_chance / len(law.return_gaps) for gap in law.return_gaps}


def returned(law: SubscriptionLaw, family: Family) -> tuple[list[Values], list[Values]]:
    """Return the value of a spell begun at, and of having left at, each anniversary from as_of.

    Each is (ratios, plans): per seat, and beside. The first payment is included.
    """
    nodes, weights = frailty_nodes(law, 9)
    n_ratios, n_plans = len(law.price_ratios), family.plans.size
    shape = (AHEAD_MONTHS, n_ratios, nodes.size, n_plans, len(law.state))
    own = law.price * np.log(law.price_ratios)[:, None] + nodes
    owns = np.broadcast_to(own, shape[:3])
    units = np.broadcast_to(family.prices.T[:, None], shape[:4])
    firsts = np.broadcast_to(np.arange(AHEAD_MONTHS)[:, None, None], shape[:3])
    zero = np.zeros((n_ratios, n_plans))
    begun: list[Values] = [(zero, zero)] * AHEAD_MONTHS
    left: list[Values] = [(zero, zero)] * AHEAD_MONTHS
    value: Values = (np.zeros(shape), np.zeros(shape))
    # All first months go back together: what leaving is worth needs later first months only.
    for step in reversed(range(AHEAD_MONTHS)):
        seat, beside = (
            np.einsum("rnps,n,s->rp", part[step], weights, np.asarray(law.start_states))
            for part in value
        )
        begun[step] = (family.prices.T + seat, beside)
        left[step] = after_leaving(law, begun, step)
        at = (owns[:step].ravel(), step - firsts[:step].ravel())
        lost_seat, lost_beside = (
            np.broadcast_to(part[:, None], (step, *shape[1:4])).reshape(-1, n_plans)
            for part in left[step]
        )
        later_seat, later_beside = (part[:step].reshape(-1, *shape[3:]) for part in value)
        unit = units[:step].reshape(-1, n_plans)
        pair = ((later_seat, later_beside), (lost_seat, lost_beside))
        seat, beside = step_back(family, law, at, unit, pair)
        value = (seat.reshape(-1, *shape[1:]), beside.reshape(-1, *shape[1:]))
    return begun, left


def after_leaving(law: SubscriptionLaw, begun: list[Values], step: int) -> Values:
    """Return the value of having left at anniversary `step`, by the returns that may follow."""
    zero = np.zeros_like(begun[0][0])
    seat, beside = zero, zero
    for gap, chance in chance_of_return(law).items():
        if step + gap < AHEAD_MONTHS:
            seat = seat + chance * begun[step + gap][0]
            beside = beside + chance * begun[step + gap][1]
    return seat, beside


class AllIn(NamedTuple):
    """Tables of one company, made once: per family the values of returning and of having left."""

    families: tuple[Family, Family]
    begun: tuple[list[Values], list[Values]]
    left: tuple[list[Values], list[Values]]


def all_in(law: SubscriptionLaw) -> AllIn:
    """Return the tables that `all_in_revenue` needs."""
    both = families(law)
    tables = [returned(law, family) for family in both]
    return AllIn(both, (tables[0][0], tables[1][0]), (tables[0][1], tables[1][1]))


def all_in_revenue(law: SubscriptionLaw, log: Log, people: People, tables: AllIn) -> Floats:
    """Return each customer's expected revenue within 36 months from as_of, nothing left out."""
    revenue = np.zeros(people.start.size)
    for index, family in enumerate(tables.families):
        member = np.isin(people.plan, family.plans)
        served = np.nonzero(member & people.serving)[0]
        gone = np.nonzero(member & ~people.serving & (people.ended < NEVER))[0]
        left, begun = tables.left[index], tables.begun[index]
        revenue[served] = of_served(law, log, people.picked(served), family, left)
        revenue[gone] = of_gone(law, log, people.picked(gone), family, begun)
    return revenue


def of_served(
    law: SubscriptionLaw, log: Log, people: People, family: Family, left: list[Values]
) -> Floats:
    """Return the expected revenue of those served at as_of."""
    n = people.start.size
    place = people.plan - family.plans[0]
    unit, own = family.prices.T[people.ratio], offset(law, people)
    nothing = np.zeros((n, family.plans.size, len(law.state)))
    value: Values = (nothing, nothing)
    for step in reversed(range(1, AHEAD_MONTHS)):
        lost = (left[step][0][people.ratio], left[step][1][people.ratio])
        tenure = log.months + step - people.start
        value = step_back(family, law, (own, tenure), unit, (value, lost))
    tenure = log.months - people.start
    stays = first_renewal(law, people, tenure)
    made, states = after_renewal(family, law, unit, value), np.asarray(law.moves)
    mine = (np.arange(n), place, people.state)
    parts = []
    for kept, later, gone in zip(made, value, left[0], strict=True):
        decided = stays * kept[mine] + (1 - stays) * gone[people.ratio, place]
        parts.append(np.where(tenure % family.term == 0, decided, (later @ states.T)[mine]))
    return np.asarray(parts[0] * people.seats + parts[1])


def of_gone(
    law: SubscriptionLaw, log: Log, people: People, family: Family, begun: list[Values]
) -> Floats:
    """Return the expected revenue of those who have left, given that they are not back yet."""
    place = people.plan - family.plans[0]
    value, absent = np.zeros(people.start.size), np.ones(people.start.size)
    for gap, chance in chance_of_return(law).items():
        step = people.ended + gap - log.months
        ahead = step >= 0
        absent = absent - chance * ~ahead
        seat = np.stack([part[0] for part in begun])[np.maximum(step, 0), people.ratio, place]
        beside = np.stack([part[1] for part in begun])[np.maximum(step, 0), people.ratio, place]
        value = value + chance * ahead * (seat * people.seats + beside)
    return np.asarray(value / absent)
