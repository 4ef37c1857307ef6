"""What the law expects of each subscriber, computed exactly: survival, revenue, months, churn.

One rule: no draw is made here; expectations run forward over the distribution of the state.
"""

from typing import NamedTuple

import numpy as np

from csk.errors import UsageError
from csk.simulation.law import (
    SubscriptionLaw,
    frailty_nodes,
    involuntary_hazard,
    is_due,
    renewal_by_state,
    renewal_given_month,
    voluntary_hazard,
)
from csk.simulation.log import AHEAD_MONTHS, Flags, Floats, Ints, Log
from csk.simulation.paths import People, offset


class Ahead(NamedTuple):
    """The time after the log for each customer served at as_of."""

    survival: Floats
    """Chance of being served after each of the next 36 anniversaries, from 1; n x 37."""
    due: Flags
    """Whether a payment is due at each of them; n x 36."""
    offset_days: Ints
    """Days from as_of to each of them; n x 36."""
    gone: Floats
    """Share of its calendar month that has gone by at each of them; n x 36."""


def first_renewal(law: SubscriptionLaw, people: People, tenure: Ints) -> Floats:
    """Return the chance of renewal at `tenure` months, given all that is latent at as_of."""
    voluntary = voluntary_hazard(law, people.plan, offset(law, people), np.maximum(tenure, 1))
    hazards = (voluntary, involuntary_hazard(law, people.plan))
    return renewal_given_month(law, hazards, people.state, people.ticket, people.failed)


def ahead(law: SubscriptionLaw, log: Log, people: People) -> Ahead:
    """Return the 36 months after the log, given plan, price and what is latent at as_of."""
    n = people.start.size
    months = log.months + np.arange(AHEAD_MONTHS)
    day = log.anniversary(np.broadcast_to(months, (n, AHEAD_MONTHS)), people.anchor[:, None])
    own = offset(law, people)
    masses = np.zeros((n, len(law.state)))
    masses[np.arange(n), people.state] = 1.0
    survival = [np.ones(n)]
    due = np.zeros((n, AHEAD_MONTHS), bool)
    for step, month in enumerate(months):
        tenure = np.maximum(month - people.start, 1)
        due[:, step] = is_due(law, people.plan, tenure)
        if step == 0:
            stays = first_renewal(law, people, tenure)[:, None]
        else:
            stays = renewal_by_state(law, people.plan, own, tenure)
        masses = np.where(due[:, [step]], masses * stays, masses) @ np.asarray(law.moves)
        survival.append(masses.sum(axis=1))
    first = log.first_day(months)
    gone = (day - first) / log.length(months)
    return Ahead(falling(np.stack(survival, axis=1)), due, day - log.as_of, gone)


def falling(curves: Floats) -> Floats:
    """Return curves that do not rise by the rounding of their sums; the last axis is time."""
    return np.asarray(np.minimum.accumulate(np.minimum(curves, 1.0), axis=-1))


def expected_payments(time: Ahead, months: int) -> Floats:
    """Return the expected number of payments within `months` months from as_of."""
    return np.asarray((time.survival[:, 1 : months + 1] * time.due[:, :months]).sum(axis=1))


def expected_months(time: Ahead, months: int) -> Floats:
    """Return the expected months served within `months` calendar months from as_of."""
    before, after = time.survival[:, :months], time.survival[:, 1 : months + 1]
    gone = time.gone[:, :months]
    return np.asarray((gone * before + (1 - gone) * after).sum(axis=1))


def churn_within(time: Ahead, days: int) -> Floats:
    """Return the chance that the end lies within [as_of, as_of + days)."""
    passed = (time.offset_days < days).sum(axis=1)
    return np.asarray(1 - time.survival[np.arange(passed.size), passed])


def survival_of_plan(law: SubscriptionLaw, plan: str, n_months: int) -> Floats:
    """Return S(0..n_months) by contract month of a new customer who keeps `plan`, untouched.

    Averaged over frailty (quadrature), price and state. Plan changes in the simulation do not
    depend on state or frailty, and whoever comes onto a plan at age m is like those already on it
    but for the hazards of the plan before, which left another mix of frailty behind: at 0.4 % of
    changes a month that is of second order. The touch of the experiment, 10 % of the customers
    for three months, is left out too. Raises UsageError on a plan that the law does not have.
    """
    if plan not in law.plans:
        raise UsageError(f"There is no plan {plan!r}.", hint=f"Plans: {', '.join(law.plans)}.")
    index = np.int64(law.plans.index(plan))
    nodes, weights = frailty_nodes(law)
    prices = law.price * np.log(law.price_ratios)
    own = (nodes[:, None] + prices).ravel()
    masses = (weights[:, None] * np.asarray(law.price_ratio_shares)).ravel()[:, None]
    masses = masses * np.asarray(law.start_states)
    survival = [1.0]
    for tenure in range(1, n_months + 1):
        if is_due(law, np.asarray(index), np.asarray(tenure)):
            masses = masses * renewal_by_state(law, np.asarray(index), own, np.asarray(tenure))
        masses = masses @ np.asarray(law.moves)
        survival.append(float(masses.sum()))
    return falling(np.asarray(survival))
