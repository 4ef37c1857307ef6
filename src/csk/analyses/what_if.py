"""What LTV would be if levers were moved, in money: each alone, all together, by group.

One rule: what is told of groups adds up, to the last count of money, to what is told of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine
from csk.errors import ModelError, UsageError
from csk.models.attributes import attribute
from csk.models.contract import Horizons
from csk.models.key_figures import Standing
from csk.models.lever_asking import Change, changes_of, moves
from csk.models.levers import Ahead, Counts, Moves, ahead, break_even, factor_sums, worths
from csk.models.value import UNIT, factors

_LEAST_CHURN: Final = 0.05
"""Share of LTV that nobody leaving must be worth for a shop's churn to count as known."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What changes of the levers are worth to some customers alive; money in counts."""

    name: str
    n: int
    ltv_amount: int
    alone: tuple[int, ...]
    """Of each change by itself, in the order of the changes."""
    together: int

    @property
    def interaction(self) -> int:
        """Return what all of them bring beyond the sum of each alone."""
        return self.together - sum(self.alone)


@dataclass(frozen=True, slots=True)
class Moved:
    """A change of a lever: its factor before and after (of churn: the months that follow)."""

    change: Change
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What LTV would be if levers were moved."""

    book: Book
    horizons: Horizons
    basis: str
    moved: tuple[Moved, ...]
    whole: Worth
    groups: tuple[tuple[str, tuple[Worth, ...]], ...]
    """By column: the groups, most money first; the empty name has none."""
    price: float | None
    """Factor of the price, null where it is not moved."""
    break_even: float | None
    """Times today's churn at which the change of price is worth nothing; null: none is found."""
    price_at_cost: int | None
    """Worth of the change of price where costs stay as they are; null without a margin."""
    all_stay: int
    """Worth of nobody leaving: no fall of churn brings more."""
    n_events: int
    """Ends, or purchases again, on which the model rests."""

    @property
    def is_churn_untold(self) -> bool:
        """Whether a shop's log tells next to nothing of leaving for good, so churn has no worth."""
        is_small = self.all_stay < _LEAST_CHURN * self.whole.ltv_amount
        return is_small and not self.book.is_contractual


def what_if(book: Book, engine: Engine, text: str, standing: Standing, by: str = "") -> WhatIf:
    """Value the customers alive with levers moved: each alone, all together, by group.

    `text` is like `churn=-10%,price=+5%,frequency=+1,margin=+2pt`; `standing` is that of the
    book's day, `by` a name that `models.attributes` knows, empty for that of the plan, if any.
    UsageError where the text cannot be meant, or no margin is known to be moved.
    """
    changes = changes_of(text)
    alive = standing.customers.filter("is_alive")
    if alive.is_empty():
        raise ModelError("Nobody is a customer, so there is no LTV that a lever could move.")
    _refuse_margin(changes, standing, alive)
    fit, horizons = standing.fit, standing.horizons
    together = moves(changes)
    futures: dict[float, Ahead] = {
        churn: ahead(alive, fit, horizons, churn) for churn in {1.0, together.churn, 0.0}
    }
    alone = [moves((change,)) for change in changes]
    now = alive["ltv_amount"].to_numpy()
    gains = [worths(alive, futures[move.churn], move) - now for move in (*alone, together)]
    groups = [
        (column, _worths_by(groups_of, now, gains))
        for column, groups_of in _groups(book, engine, alive, by).items()
    ]
    price = together.price if any(change.lever == "price" for change in changes) else None
    is_moved = price is not None and price != 1.0
    return WhatIf(
        book=book,
        horizons=horizons,
        basis=standing.basis,
        moved=tuple(
            _moved(alive, futures, change, move)
            for change, move in zip(changes, alone, strict=True)
        ),
        whole=_worth(now, gains),
        groups=tuple(groups),
        price=price,
        break_even=break_even(alive, fit, horizons, together.price) if is_moved else None,
        price_at_cost=_price_at_cost(alive, together.price, standing) if is_moved else None,
        all_stay=int(worths(alive, futures[0.0], Moves(churn=0.0)).sum() - now.sum()),
        n_events=fit.n_events,
    )


def _refuse_margin(changes: Sequence[Change], standing: Standing, alive: pl.DataFrame) -> None:
    if all(change.lever != "margin" for change in changes):
        return
    if standing.basis != "margin":
        raise UsageError(
            "No margin is known, so it cannot be moved.",
            hint="Give --margin, or a margin by plan or product in a costs file.",
        )
    share, move = factors(alive).margin_share or 0.0, moves(tuple(changes))
    after = share * move.margin + move.margin_points
    if not 0 <= after <= 1:
        raise UsageError(
            f"The margin would be {after:.1%} of revenue: today it is {share:.1%}.",
            hint="It must lie between 0 and 100 %.",
        )


def _moved(
    alive: pl.DataFrame, futures: Mapping[float, Ahead], change: Change, move: Moves
) -> Moved:
    """Return the factor that a change moves, as the ratio of sums before and after."""
    place = {"churn": 3, "price": 0, "margin": 1, "frequency": 2}[change.lever]
    before = factor_sums(alive, futures[1.0], Moves())
    after = factor_sums(alive, futures[move.churn], move)
    return Moved(change, before[place], after[place])


def _groups(book: Book, engine: Engine, alive: pl.DataFrame, by: str) -> dict[str, pl.Series]:
    """Return the groups of customers by the column asked for, or their plan, and by tier."""
    column = by or ("plan" if alive["plan"].is_not_null().any() else "")
    names = dict.fromkeys([*([column] if column else []), "tier"])
    return {name: attribute(book, engine, alive, name) for name in names}


def _worths_by(groups: pl.Series, now: Counts, gains: Sequence[Counts]) -> tuple[Worth, ...]:
    columns = {"now": now, **{f"gain_{i}": gain for i, gain in enumerate(gains)}}
    rows = pl.DataFrame({"name": groups.fill_null(""), **columns})
    sums = rows.group_by("name").agg(pl.len(), pl.col(*columns).sum())
    found = [
        Worth(name, n, ltv, tuple(alone), together)
        for name, n, ltv, *alone, together in sums.iter_rows()
    ]
    return tuple(sorted(found, key=lambda one: (-one.together, one.name)))


def _worth(now: Counts, gains: Sequence[Counts]) -> Worth:
    *alone, together = (int(gain.sum()) for gain in gains)
    return Worth("", len(now), int(now.sum()), tuple(alone), together)


def _price_at_cost(alive: pl.DataFrame, price: float, standing: Standing) -> int | None:
    """Return what a change of price brings when a payment costs what it cost before."""
    if standing.basis != "margin":
        return None
    revenue = (alive["n_present"] * alive["unit_price_amount"]).fill_null(0.0).to_numpy() * UNIT
    return round(float(revenue.sum()) * (price - 1.0))
