"""The law by which subscribers stay and leave: its parameters, and the hazards they give.

One rule: every parameter stands in `SubscriptionLaw` with its unit; nothing is drawn here.

A contract month runs from one anniversary to the next. At a renewal the log-hazard of each of two
causes is additive, and the chance of renewal is exp(-(mu_voluntary + mu_involuntary)):

    log mu_voluntary   = plan + frailty + tenure ln(k) + price ln(price / list)
                         + state + ticket [a severe ticket is open] + touch [treated, in effect]
    log mu_involuntary = plan + failed [the payment before failed at first]

with k the contract months since the spell began. State, ticket and failure belong to the contract
month that ends at the renewal; the state is a Markov chain over contract months.
"""

from dataclasses import dataclass, replace

import numpy as np

from csk.simulation.log import Flags, Floats, Ints

STATES = ("healthy", "declining", "dormant")
MONTHLY = (0, 1, 2)
ANNUAL = 3


@dataclass(frozen=True)
class SubscriptionLaw:
    """Parameters of a subscription company; tuples run over plans or over `STATES`."""

    plans: tuple[str, ...] = ("Starter", "Standard", "Premium", "Annual")
    plan_shares: tuple[float, ...] = (0.40, 0.30, 0.15, 0.15)
    """Probability that a new customer takes the plan."""
    term_months: tuple[int, ...] = (1, 1, 1, 12)
    list_prices: tuple[int, ...] = (4_800, 9_800, 19_800, 8_160)
    """Whole yen per seat and month."""
    margin_shares: tuple[float, ...] = (0.70, 0.78, 0.82, 0.76)
    price_ratios: tuple[float, ...] = (0.85, 0.90, 0.95, 1.00, 1.10)
    """Net price over list price, fixed for a customer."""
    price_ratio_shares: tuple[float, ...] = (0.10, 0.20, 0.20, 0.40, 0.10)
    seat_stop: float = 0.25
    """Seats of a new customer are geometric with this stopping probability (mean 4)."""
    arrival_growth: float = 0.012
    """Growth of the number of new customers a month, as a log-rate."""

    voluntary: tuple[float, ...] = (-3.75, -4.10, -4.45, -2.15)
    """Log-hazard of a renewal by plan: healthy, k = 1, list price, average frailty."""
    involuntary: tuple[float, ...] = (-5.1, -5.3, -5.5, -3.9)
    """Log-hazard of a renewal by plan when the payment before went through at once."""
    frailty_sd: float = 0.45
    """Standard deviation of the customer's normal log-hazard."""
    tenure: float = -0.10
    """Log-hazard per ln(contract months)."""
    price: float = 1.2
    """Log-hazard per ln(net price / list price)."""
    state: tuple[float, ...] = (0.0, 0.9, 1.6)
    """Log-hazard by engagement state."""
    ticket: float = 0.9
    """Log-hazard of an open severe ticket."""
    failed: float = 1.2
    """Involuntary log-hazard after a payment that went through at the second attempt."""
    touch: float = -0.4
    """Log-hazard of the treated arm at the renewals of `touch_months` months after the touch."""
    touch_months: int = 3
    enrolled_share: float = 0.20
    """Share of the customers served in the middle of the log that enter the experiment."""

    start_states: tuple[float, ...] = (0.80, 0.15, 0.05)
    moves: tuple[tuple[float, ...], ...] = (
        (0.93, 0.07, 0.00),
        (0.20, 0.55, 0.25),
        (0.05, 0.10, 0.85),
    )
    """Transition probabilities of the engagement state a contract month."""
    ticket_chances: tuple[float, ...] = (0.03, 0.07, 0.05)
    """Chance of a severe ticket open at the end of a contract month, by state."""
    failure_chance: float = 0.02
    """Chance that a payment goes through only at the second attempt."""
    plan_moves: tuple[tuple[float, ...], ...] = (
        (0.9960, 0.0040, 0.0000),
        (0.0015, 0.9955, 0.0030),
        (0.0000, 0.0030, 0.9970),
    )
    """Chances of the monthly plans at a renewal; independent of state and frailty."""
    seat_chances: tuple[float, ...] = (0.01, 0.01, 0.01, 0.10)
    """Chance of one more seat at a renewal; independent of everything else."""
    return_chance: float = 0.15
    """Chance that a customer who left returns (new frailty, same plan, seats and price)."""
    return_gaps: tuple[int, ...] = (2, 3, 4, 5, 6)
    """Calendar months from the end to the return, equally likely."""
    refund_chance: float = 0.003
    """Chance that a payment is given back within days; not in the truth of revenue."""
    usage_rates: tuple[float, ...] = (1.0, 0.45, 0.10)
    """Usage by state, relative to the customer's own rate."""


def without_signal(law: SubscriptionLaw) -> SubscriptionLaw:
    """Return the law of a company where nothing that can be seen tells who leaves.

    Everybody is alike and renews monthly: a term of a year would tell who cannot leave yet.
    """
    monthly = law.plan_shares[: len(MONTHLY)]
    plain = sum(share * rate for share, rate in zip(monthly, law.voluntary, strict=False))
    failing = sum(share * rate for share, rate in zip(monthly, law.involuntary, strict=False))
    n = len(law.plans)
    return replace(
        law,
        plan_shares=(*(share / sum(monthly) for share in monthly), 0.0),
        voluntary=(plain / sum(monthly),) * n,
        involuntary=(failing / sum(monthly),) * n,
        frailty_sd=0.0,
        tenure=0.0,
        price=0.0,
        ticket=0.0,
        failed=0.0,
        touch=0.0,
        state=(0.0,) * len(law.state),
    )


def voluntary_hazard(law: SubscriptionLaw, plan: Ints, offset: Floats, tenure: Ints) -> Floats:
    """Return mu_voluntary in the healthy state without ticket or touch.

    `offset` is frailty + price ln(ratio); all arguments broadcast; `tenure` counts from 1.
    """
    log_hazard = np.asarray(law.voluntary)[plan] + offset + law.tenure * np.log(tenure)
    return np.asarray(np.exp(log_hazard))


def involuntary_hazard(law: SubscriptionLaw, plan: Ints) -> Floats:
    """Return mu_involuntary after a payment that went through at once."""
    return np.asarray(np.exp(np.asarray(law.involuntary)[plan]))


def renewal_given_month(
    law: SubscriptionLaw, hazards: tuple[Floats, Floats], state: Ints, ticket: Flags, failed: Flags
) -> Floats:
    """Return the chance of renewal given all of the contract month that ends there."""
    voluntary, involuntary = hazards
    shift = np.asarray(law.state)[state] + law.ticket * ticket
    pays = involuntary * np.exp(law.failed * failed)
    return np.asarray(np.exp(-(voluntary * np.exp(shift) + pays)))


def renewal_by_state(law: SubscriptionLaw, plan: Ints, offset: Floats, tenure: Ints) -> Floats:
    """Return the chance of renewal by state (last axis), averaged over ticket and failure."""
    voluntary = voluntary_hazard(law, plan, offset, tenure)[..., None] * np.exp(law.state)
    chance = np.asarray(law.ticket_chances)
    stays = (1 - chance) * np.exp(-voluntary) + chance * np.exp(-voluntary * np.exp(law.ticket))
    involuntary = involuntary_hazard(law, plan)
    # An annual plan's last payment lies a year back, and its failure no longer tells.
    rate = np.where(np.asarray(law.term_months)[plan] == 1, law.failure_chance, 0.0)
    pays = (1 - rate) * np.exp(-involuntary) + rate * np.exp(-involuntary * np.exp(law.failed))
    return np.asarray(stays * pays[..., None])


def is_due(law: SubscriptionLaw, plan: Ints, tenure: Ints) -> Flags:
    """Tell where `tenure` contract months end a term of the plan."""
    return np.asarray(tenure % np.asarray(law.term_months)[plan] == 0)


def frailty_nodes(law: SubscriptionLaw, n_nodes: int = 21) -> tuple[Floats, Floats]:
    """Return Gauss-Hermite nodes and weights of the frailty distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    return np.asarray(nodes * law.frailty_sd), np.asarray(weights / weights.sum())
