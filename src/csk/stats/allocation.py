"""Touch tiers under money and capacity; the one rule: the bound is reported with the choice.

A tier t saves a share g_t of a customer's value at risk s_i and costs c_t, so a customer in it
gains g_t s_i - c_t. That is a multiple-choice knapsack with one number per customer. Given how
many customers each tier takes, the largest shares go to the largest values at risk (exchange
argument), so the search is over counts of customers down the list sorted by s, and the gain is
a sum of concave functions of the places where one tier ends and the next begins.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import UsageError

Floats = NDArray[np.float64]
Tiers = NDArray[np.int8]

PRICES = 24
"""How many prices of budget are tried for the sizes of a fourth and further tiers."""


class Tier(NamedTuple):
    """A level of service: what it costs a customer, the share it saves, how many it holds.

    `cost` in whole units of fixed-point money, `capacity` None for no limit.
    """

    cost: int
    saved_share: float
    capacity: int | None = None


class Allocation(NamedTuple):
    """A tier for every customer, what it gains and spends, and how much better could be.

    No allocation at all gains more than `bound` (that of the linear relaxation), so this one is
    at most `gap` = bound - gain short of the best.
    """

    tier: Tiers
    gain: float
    spend: int
    bound: float
    gap: float


def by_share(value: ArrayLike, cuts: Sequence[float] = (0.70, 0.90)) -> Tiers:
    """Return tiers 0, 1, ... by cumulative share of the total of positive values, largest first.

    A customer is in the first tier whose cut exceeds the share held by those ahead; values that
    are not positive are in the last. Ties go by row: sort rows by customer_id, then the order
    in which they came does not matter. Whole numbers are summed exactly.
    """
    values = np.asarray(value)
    positive = np.maximum(values, 0)
    order = np.argsort(-positive, kind="stable")
    held = positive[order]
    ahead = np.cumsum(held) - held
    total = held.sum()
    tier = np.zeros(len(values), np.int8)
    for cut in sorted(cuts):
        tier[order] += ahead >= _share_of(total, cut)
    tier[values <= 0] = len(cuts)
    return tier


def by_budget(value_at_risk: ArrayLike, tiers: Sequence[Tier], budget: int) -> Allocation:
    """Choose a tier per customer for the largest total gain within budget and capacities.

    The last tier is the fallback: cheapest, without limit; its cost counts too. With up to
    three tiers the choice is the best there is; with more it is the best over a fixed set of
    sizes of the further ones, so a larger budget never gains less. Nobody is in a dearer tier
    who would gain more in the last. A value at risk below zero counts as zero. Equal customers
    are taken by row: sort rows by customer_id.
    Raises UsageError where the last tier is not the cheapest or is not paid for.
    """
    at_risk = np.maximum(np.asarray(value_at_risk, np.float64), 0.0)
    _refuse_impossible(at_risk, tiers, budget)
    order = np.argsort(-at_risk, kind="stable")
    ladder = _ladder(at_risk[order], tiers)
    money = int(budget) - ladder.base_cost * len(at_risk)
    sizes = max(_candidates(ladder, money), key=lambda found: found[0])[1]
    tier = np.full(len(at_risk), len(tiers) - 1, np.int8)
    ends = np.cumsum(sizes)
    for rung, (start, end) in enumerate(zip(ends - sizes, ends, strict=True)):
        tier[order[start:end]] = ladder.tier[rung]
    share = np.array([t.saved_share for t in tiers])
    cost = np.array([t.cost for t in tiers], np.int64)
    last = len(tiers) - 1
    worse = (share[tier] - share[last]) * at_risk < cost[tier] - cost[last]
    tier[worse] = last
    spend = int(cost[tier].sum())
    base = ladder.base_share * float(ladder.top[-1]) - ladder.base_cost * len(at_risk)
    saved = [float(np.sum(at_risk[order][tier[order] == t])) for t in range(len(tiers))]
    gain = float(share @ saved) - spend
    bound = max(base + _relaxed(ladder, money), gain)
    return Allocation(tier, gain, spend, bound, bound - gain)


def _share_of(total: np.generic, cut: float) -> float:
    """Return cut x total; of a whole number the least whole number not below it, exactly."""
    if np.issubdtype(total.dtype, np.integer):
        return ceil(Fraction(str(cut)) * int(total))
    return cut * float(total)


class _Ladder(NamedTuple):
    """Upgrades worth considering, by falling share, each relative to the last tier.

    `top[m]` is the sum of the m largest values at risk.
    """

    at_risk: Floats
    top: Floats
    tier: tuple[int, ...]
    share: tuple[float, ...]
    cost: tuple[int, ...]
    capacity: tuple[int, ...]
    base_share: float
    base_cost: int


def _ladder(at_risk: Floats, tiers: Sequence[Tier]) -> _Ladder:
    last = tiers[-1]
    better = [t for t in range(len(tiers) - 1) if tiers[t].saved_share > last.saved_share]
    better.sort(key=lambda t: (-tiers[t].saved_share, tiers[t].cost, t))
    n = len(at_risk)
    limits = (tiers[t].capacity for t in better)
    return _Ladder(
        at_risk=at_risk,
        top=np.concatenate([[0.0], np.cumsum(at_risk)]),
        tier=tuple(better),
        share=tuple(tiers[t].saved_share - last.saved_share for t in better),
        cost=tuple(int(tiers[t].cost - last.cost) for t in better),
        capacity=tuple(n if limit is None else min(int(limit), n) for limit in limits),
        base_share=last.saved_share,
        base_cost=int(last.cost),
    )


def _refuse_impossible(at_risk: Floats, tiers: Sequence[Tier], budget: int) -> None:
    if not tiers or tiers[-1].capacity is not None or tiers[-1].cost > min(t.cost for t in tiers):
        raise UsageError(
            "The last tier must be the cheapest one and have no capacity.",
            hint="It takes the customers that fit nowhere else.",
        )
    if not np.all(np.isfinite(at_risk)):
        raise UsageError("Tiers need a finite value at risk for every customer.")
    needed = tiers[-1].cost * len(at_risk)
    if needed > budget:
        raise UsageError(
            f"The budget is {needed - budget} units short of the last tier for all "
            f"{len(at_risk)} customers.",
            hint="Raise the budget, or lower the cost of the last tier.",
        )


def _candidates(ladder: _Ladder, money: int) -> Iterator[tuple[float, list[int]]]:
    """Yield (gain over the last tier, customers per rung), feasible, one per set of sizes tried.

    Two rungs are free and settled exactly; the others are held at sizes which do not depend on
    the budget. That is what keeps gain from falling as the budget grows.
    """
    yield 0.0, [0] * len(ladder.tier)
    if not ladder.tier:
        return
    cheapest = sorted(range(len(ladder.tier)), key=lambda j: (ladder.cost[j], j))
    free = tuple(sorted(cheapest[:2]))
    held = cheapest[2:]
    for sizes in _held_sizes(ladder, held):
        fixed = dict(zip(held, sizes, strict=True))
        spent = sum(ladder.cost[j] * size for j, size in fixed.items())
        if spent <= money and sum(sizes) <= len(ladder.at_risk):
            yield _best_two(ladder, free, fixed, money - spent)


def _held_sizes(ladder: _Ladder, held: Sequence[int]) -> list[tuple[int, ...]]:
    """Return sizes of the held rungs worth trying: their sizes at a ladder of prices."""
    if not held:
        return [()]
    dearest = _dearest(ladder)
    prices = [0.0, *np.geomspace(1e-2, max(dearest, 1.0), PRICES)]
    seen = {tuple(_priced(ladder, price)[j] for j in held) for price in prices}
    if len(held) == 1:
        seen |= {(size[0] // 2,) for size in seen}
    ends = [sorted({0, max(size[k] for size in seen)}) for k in range(len(held))]
    return sorted(seen | set(product(*ends)))


def _best_two(
    ladder: _Ladder, free: tuple[int, ...], fixed: dict[int, int], money: int
) -> tuple[float, list[int]]:
    """Settle the two free rungs exactly: try each size of the first, the second follows."""
    n = len(ladder.at_risk) - sum(fixed.values())
    first, second = free[0], free[-1]
    costs, limits = ladder.cost, ladder.capacity
    most = min(limits[first], n, money // costs[first] if costs[first] > 0 else n)
    k = np.arange(most + 1)
    y = k
    if first != second:
        spare = money - costs[first] * k
        room = spare // costs[second] if costs[second] > 0 else np.full(len(k), n)
        top = np.minimum(np.minimum(k + limits[second], n), k + room)
        peak = _peak(ladder, second, fixed, n)
        y = np.clip(peak, k, top)
    gain = np.zeros(len(k))
    before = np.zeros(len(k), np.int64)
    for j in range(len(ladder.tier)):
        size = k if j == first else y - k if j == second else fixed[j]
        saved = ladder.top[before + size] - ladder.top[before]
        gain += ladder.share[j] * saved - costs[j] * size
        before = before + size
    best = int(np.argmax(gain))
    sizes = {**fixed, second: int(y[best] - k[best]), first: int(k[best])}
    return float(gain[best]), [sizes[j] for j in range(len(ladder.tier))]


def _peak(ladder: _Ladder, second: int, fixed: dict[int, int], n: int) -> int:
    """Return how many customers in both free rungs together gain most, money and limits aside.

    One more customer in the second rung moves every rung below it down by one: the change is
    a falling function of the number, so its sign is bisected.
    """

    def grows(y: int) -> bool:
        at = y + sum(size for j, size in fixed.items() if j < second)
        change = -float(ladder.cost[second])
        above = ladder.share[second]
        for j in range(second + 1, len(ladder.tier)):
            change += (above - ladder.share[j]) * float(ladder.at_risk[at])
            at, above = at + fixed[j], ladder.share[j]
        return change + above * float(ladder.at_risk[at]) > 0

    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if grows(middle) else (low, middle)
    return low


def _dearest(ladder: _Ladder) -> float:
    """Return a price of budget at which nobody is worth an upgrade that costs anything."""
    largest = max(float(ladder.at_risk[0]), 0.0) if len(ladder.at_risk) else 0.0
    cheapest = min((cost for cost in ladder.cost if cost > 0), default=1)
    return max(ladder.share, default=0.0) * largest / cheapest


def _priced(ladder: _Ladder, price: float) -> list[int]:
    """Return the customers per rung that gain most when a unit of budget costs `price` more.

    V_j(m), the best of the first j rungs on the m first customers, is concave, so its peak is
    all that the next rung needs: V_j(m) = phi_j(m) + V_(j-1)(m clipped to its peak's reach).
    """
    n, rungs = len(ladder.at_risk), len(ladder.tier)
    share = [*ladder.share, 0.0]
    cost = [c * (1 + price) for c in (*ladder.cost, 0)]
    peaks: list[int] = []

    def slope(j: int, m: int) -> float:
        total = 0.0
        while True:
            total += (share[j] - share[j + 1]) * float(ladder.at_risk[m]) - (cost[j] - cost[j + 1])
            j -= 1
            if j < 0 or peaks[j] <= m < peaks[j] + ladder.capacity[j + 1]:
                return total
            m = m if m < peaks[j] else m - ladder.capacity[j + 1]

    for j in range(rungs):
        low, high = 0, min(sum(ladder.capacity[: j + 1]), n)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if slope(j, middle) > 0 else (low, middle)
        peaks.append(low)
    ends = [0] * rungs + [n]
    for j in reversed(range(rungs)):
        most = n if j == rungs - 1 else ladder.capacity[j + 1]
        ends[j] = min(max(peaks[j], ends[j + 1] - most), ends[j + 1])
    return [ends[j] - (ends[j - 1] if j else 0) for j in range(rungs)]


def _relaxed(ladder: _Ladder, money: int) -> float:
    """Return the gain of the linear relaxation over the last tier, by the least Lagrangian.

    Two choices bracket the budget; the price at which they tie is tried next, until it finds
    nothing better: the relaxation then mixes the two.
    """

    def at(price: float) -> tuple[float, int]:
        sizes = np.array(_priced(ladder, price), np.int64)
        ends = np.cumsum(sizes)
        saved = ladder.top[ends] - ladder.top[ends - sizes]
        spent = int(np.array(ladder.cost, np.int64) @ sizes)
        return float(np.array(ladder.share) @ saved) - spent, spent

    if not ladder.tier:
        return 0.0
    over, under = at(0.0), at(_dearest(ladder) + 1)
    if over[1] <= money:
        return over[0]
    best = float("inf")
    for _ in range(200):
        price = (over[0] - under[0]) / (over[1] - under[1])
        line = under[0] + price * (money - under[1])
        here = at(price)
        best = min(best, here[0] + price * (money - here[1]))
        if best <= line + 1e-12 * abs(line) or here in (over, under):
            break
        over, under = (here, under) if here[1] > money else (over, here)
    return best
