"""The law by which shop customers buy: BG/NBD in whole days, gamma-gamma spend.

One rule: every parameter stands in `ShopLaw` with its unit.

A customer's gaps between purchase days are geometric with daily chance 1 - exp(-rate), the whole
days of an exponential gap, so that no two purchases fall on one day; after each purchase but the
first the customer drops out with a chance of their own.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from csk.simulation.log import PAST_MONTHS, Flags, Floats, Ints, Log
from csk.simulation.paths import LAST_DAY_EVERY, choices


@dataclass(frozen=True)
class ShopLaw:
    """Parameters of a shop."""

    r: float = 0.9
    alpha: float = 70.0
    """Purchase rates are gamma(r, alpha), alpha in days."""
    a: float = 0.8
    b: float = 4.0
    """Chances of dropping out are beta(a, b)."""
    p: float = 6.0
    """Shape of the value of a purchase day given the customer."""
    q: float = 4.0
    gamma: float = 3_000.0
    """The customer's scale nu is gamma(q, gamma), gamma in yen; mean spend is p / nu."""
    products: tuple[str, ...] = ("P001", "P002", "P003", "P004", "P005")
    product_shares: tuple[float, ...] = (0.35, 0.25, 0.20, 0.12, 0.08)
    margin_shares: tuple[float, ...] = (0.45, 0.38, 0.52, 0.30, 0.60)
    arrival_growth: float = 0.012
    """Growth of the number of new customers a month, as a log-rate."""
    touch: float = -0.5
    """Log-effect of the treated arm on the chance of dropping out within `touch_days`."""
    touch_days: int = 60
    enrolled_share: float = 0.20
    split_chance: float = 0.04
    """Chance that a purchase day is paid in two payments."""
    refund_chance: float = 0.01
    """Chance that a purchase is given back within days; not in the truth of revenue."""
    guest_share: float = 0.01
    """Payments without a customer, per payment with one."""
    ticket_chance: float = 0.04
    """Chance of a ticket after a purchase."""
    visit_rate: float = 1.5
    """Site visits a month of a customer who is alive, beside 3 for each expected purchase."""


class Buyers(NamedTuple):
    """What is latent of each customer; arrays of one length."""

    rate: Floats
    """Purchases a day while alive."""
    dropout: Floats
    nu: Floats
    first_day: Ints
    arm: Ints
    """-1 not in the experiment, 0 control, 1 treated."""
    touched_on: Ints

    def picked(self, rows: Flags) -> "Buyers":
        """Return the customers asked for."""
        rate, dropout, nu = self.rate[rows], self.dropout[rows], self.nu[rows]
        return Buyers(
            rate, dropout, nu, self.first_day[rows], self.arm[rows], self.touched_on[rows]
        )


class Purchases(NamedTuple):
    """Purchase days of a block: place of the customer, day; and who is alive at as_of."""

    at: Ints
    day: Ints
    is_alive: Flags
    last_day: Ints
    """Day of the purchase at which the customer dropped out; far away where never."""


def arrivals(rng: np.random.Generator, law: ShopLaw, log: Log, n: int, past: int) -> Buyers:
    """Return n customers who first buy from `past` months before the log to its end."""
    month = np.arange(-past, log.months)
    weights = np.exp(law.arrival_growth * month)
    start = month[choices(rng, weights / weights.sum(), n)]
    middle = int(log.first_day(np.array([log.months // 2]))[0])
    first_day = log.first_day(start) + (rng.random(n) * log.length(start)).astype(np.int64)
    enters = (first_day < middle) & (rng.random(n) < law.enrolled_share)
    return Buyers(
        rate=rng.gamma(law.r, 1 / law.alpha, n),
        dropout=rng.beta(law.a, law.b, n),
        nu=rng.gamma(law.q, 1 / law.gamma, n),
        first_day=first_day,
        arm=np.where(enters, (rng.random(n) < 1 / 2).astype(np.int64), -1),
        touched_on=middle + rng.integers(0, 10, n),
    )


def gaps(rng: np.random.Generator, rate: Floats) -> Ints:
    """Return whole days to the next purchase: an exponential gap rounded up."""
    days = np.ceil(rng.exponential(1.0, rate.size) / np.maximum(rate, 1e-9))
    return np.maximum(days, 1).astype(np.int64)


def purchases(
    rng: np.random.Generator, law: ShopLaw, buyers: Buyers, as_of: int, until: int
) -> Purchases:
    """Return all purchase days before `until`; the touch is over at as_of."""
    n = buyers.rate.size
    at, day = np.arange(n), buyers.first_day.copy()
    parts = [(at, day)]
    never = np.iinfo(np.int64).max
    last_day = np.full(n, never)
    while at.size:
        day = day + gaps(rng, buyers.rate[at])
        inside = day < until
        at, day = at[inside], day[inside]
        parts.append((at, day))
        since = day - buyers.touched_on[at]
        helped = (buyers.arm[at] == 1) & (since >= 0) & (since < law.touch_days) & (day < as_of)
        chance = buyers.dropout[at] * np.exp(law.touch * helped)
        drops = rng.random(at.size) < chance
        last_day[at[drops]] = day[drops]
        at, day = at[~drops], day[~drops]
    places = np.concatenate([part[0] for part in parts])
    days = np.concatenate([part[1] for part in parts])
    order = np.lexsort((days, places))
    return Purchases(places[order], days[order], last_day >= as_of, last_day)


def present(
    rng: np.random.Generator, law: ShopLaw, log: Log, n: int, *, late_entry: bool, until: int
) -> tuple[Buyers, Purchases]:
    """Return n customers not lost before the log, with their purchase days up to `until`."""
    found: list[tuple[Buyers, Purchases]] = []
    while sum(buyers.rate.size for buyers, _ in found) < n:
        buyers = arrivals(rng, law, log, n, PAST_MONTHS if late_entry else 0)
        bought = purchases(rng, law, buyers, log.as_of, until)
        found.append(kept(buyers, bought, bought.last_day >= log.data_from))
    return first_of(found, n)


def kept(buyers: Buyers, bought: Purchases, who: Flags) -> tuple[Buyers, Purchases]:
    """Return the customers asked for and their purchases, with new places."""
    place = np.cumsum(who) - 1
    rows = who[bought.at]
    return (
        buyers.picked(who),
        Purchases(
            place[bought.at[rows]], bought.day[rows], bought.is_alive[who], bought.last_day[who]
        ),
    )


def first_of(found: list[tuple[Buyers, Purchases]], n: int) -> tuple[Buyers, Purchases]:
    """Return the first n customers of several draws."""
    sizes = np.cumsum([0, *(buyers.rate.size for buyers, _ in found)])
    drawn = [part for part, _ in found]
    buyers = Buyers(
        rate=np.concatenate([part.rate for part in drawn]),
        dropout=np.concatenate([part.dropout for part in drawn]),
        nu=np.concatenate([part.nu for part in drawn]),
        first_day=np.concatenate([part.first_day for part in drawn]),
        arm=np.concatenate([part.arm for part in drawn]),
        touched_on=np.concatenate([part.touched_on for part in drawn]),
    )
    bought = [part for _, part in found]
    at = np.concatenate([part.at + size for part, size in zip(bought, sizes[:-1], strict=True)])
    joined = Purchases(
        at,
        np.concatenate([part.day for part in bought]),
        np.concatenate([part.is_alive for part in bought]),
        np.concatenate([part.last_day for part in bought]),
    )
    return kept(buyers, joined, np.arange(buyers.rate.size) < n)


def with_last_day(
    rng: np.random.Generator,
    law: ShopLaw,
    log: Log,
    found: tuple[Buyers, Purchases],
    *,
    first: int,
    until: int,
) -> tuple[Buyers, Purchases]:
    """Let every `LAST_DAY_EVERY`th customer, counted over all blocks, first buy on the last day."""
    buyers, bought = found
    late = (first + np.arange(buyers.rate.size)) % LAST_DAY_EVERY == LAST_DAY_EVERY - 1
    buyers.first_day[late] = log.as_of - 1
    buyers.arm[late] = -1
    fresh = purchases(rng, law, buyers.picked(late), log.as_of, until)
    others = ~late[bought.at]
    at = np.concatenate([bought.at[others], np.nonzero(late)[0][fresh.at]])
    day = np.concatenate([bought.day[others], fresh.day])
    order = np.lexsort((day, at))
    is_alive, last_day = bought.is_alive.copy(), bought.last_day.copy()
    is_alive[late], last_day[late] = fresh.is_alive, fresh.last_day
    return buyers, Purchases(at[order], day[order], is_alive, last_day)


def expected_purchases(buyers: Buyers, is_alive: Flags, days: int) -> Floats:
    """Return the expected purchase days within `days` days from as_of, 0 for those lost."""
    daily = -np.expm1(-buyers.rate)
    lost = np.maximum(buyers.dropout, 1e-12)
    return np.asarray(is_alive * -np.expm1(days * np.log1p(-daily * lost)) / lost)


def purchase_within(buyers: Buyers, is_alive: Flags, days: int) -> Floats:
    """Return the chance of a purchase within `days` days from as_of, 0 for those lost."""
    return np.asarray(is_alive * -np.expm1(-buyers.rate * days))
