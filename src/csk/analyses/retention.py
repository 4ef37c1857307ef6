"""Who stays, and for how long: survival by age, or by number of purchases where nothing binds.

One rule: a share is of those at risk at that age, never of all who ever came.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from csk.book import Book
from csk.calendar import TICKS_PER_MONTH
from csk.engine.protocol import Engine, Tables
from csk.errors import ModelError
from csk.models.contract import counts
from csk.schema import SURVIVAL
from csk.settings import Settings
from csk.stats import incidence, logrank, survival
from csk.tables.groups import grouped
from csk.tables.purchases import N_STATES, gap_counts
from csk.tables.spells import INVOLUNTARY, UNKNOWN, VOLUNTARY, age_counts, contracts, exposures

MONTHS: Final = (1, 2, 3, 6, 12, 18, 24, 36, 48, 60)
"""Ages at which shares are told."""
DAYS: Final = (30, 60, 90, 180, 365)
"""Days within which shops are told of another purchase."""
CAUSES: Final = {"voluntary": VOLUNTARY, "involuntary": INVOLUNTARY, "unknown": UNKNOWN}
MOST_CURVES: Final = 12


@dataclass(frozen=True, slots=True)
class At:
    """What is known at one age: the share still there with its interval, and who was at risk."""

    age: int
    """Months, or days after a purchase."""
    share: float
    low: float
    high: float
    n_at_risk: int


@dataclass(frozen=True, slots=True)
class Staying:
    """How one group stays."""

    group: str
    n: int
    """Spells that came under observation."""
    n_ended: int
    at: tuple[At, ...]
    median_months: survival.Estimate
    """Infinite where half have not left."""
    mean_months: survival.Estimate
    """Restricted to `Retention.mean_to_months`."""
    causes: Mapping[str, float]
    """Share that has left for each cause by the last age told."""
    curve: survival.SurvivalCurve


@dataclass(frozen=True, slots=True)
class Retention:
    """How customers stay, of the whole and of each group."""

    book: Book
    by: str
    whole: Staying
    groups: tuple[Staying, ...]
    mean_to_months: int
    test: logrank.LogRank | None
    """Whether the groups leave at the same pace; null with fewer than two."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """How buyers come back after their nth purchase."""

    book: Book
    steps: tuple[Staying, ...]
    """By purchases so far, the last for that many and more; `at` counts days, and shares are of
    those who have bought again."""


def retention(book: Book, engine: Engine, settings: Settings, by: str = "") -> Retention:
    """Return survival by age of a dated, contractual book.

    `by` is `plan` or a column of the customers table. ModelError where nobody has left.
    """
    span = book.span

    def counted(tables: Tables) -> pl.LazyFrame:
        rows = grouped(contracts(tables, span.as_of, settings.grace_days), tables, by)
        return age_counts(exposures(rows, span.data_from, span.as_of))

    by_age = engine.total(book, counted, ["group", "term_months", "age"])
    if "survivors_only" in span.notes or by_age.is_empty():
        raise ModelError(
            f"No contract has ended before {span.as_of}: of survivors only, nothing can be "
            "said of who leaves.",
            hint="Export ended subscriptions too, or choose a later --as-of.",
        )
    every = counts(by_age)
    last = int(every.age[-1]) // TICKS_PER_MONTH
    to = max([month for month in MONTHS if month <= last], default=1)
    named = {str(name): counts(part) for (name,), part in _parts(by_age)} if by else {}
    groups = tuple(
        _staying(name, of, to)
        for name, of in sorted(named.items(), key=lambda pair: -int(pair[1].entered.sum()))
    )
    test = logrank.log_rank(list(named.values())) if len(named) > 1 else None
    return Retention(book, by, _staying("", every, to), groups, to, test)


def repeat(book: Book, engine: Engine) -> Repeat:
    """Return how buyers of a shop come back after each purchase; open silences are censored."""
    as_of = book.span.as_of

    def gaps(tables: Tables) -> pl.LazyFrame:
        return gap_counts(tables, as_of)

    counted = engine.total(book, gaps, ["state", "days"])
    parts = counted.partition_by("state", as_dict=True, maintain_order=True)
    return Repeat(book, tuple(_step(int(state), rows) for (state,), rows in sorted(parts.items())))


def _step(state: int, rows: pl.DataFrame) -> Staying:
    """Return one step: the share that has bought again so many days after the nth purchase."""
    n = int(rows.select(pl.col("n_bought", "n_censored").sum()).to_numpy().sum())
    days = rows["days"].cast(pl.Int64).to_numpy()
    ages = np.r_[np.int64(0), days] if not len(days) or days[0] > 0 else days
    entered = np.zeros(len(ages), np.int64)
    entered[0] = n
    pad = len(ages) - len(days)
    left = np.r_[np.zeros(pad, np.int64), rows["n_bought"].to_numpy()]
    censored = np.r_[np.zeros(pad, np.int64), rows["n_censored"].to_numpy()]
    of = survival.Counts(ages, entered, left[:, None], censored)
    curve = survival.kaplan_meier(of, from_age=-1)
    at = tuple(
        At(one.age, 1.0 - one.share, 1.0 - one.high, 1.0 - one.low, one.n_at_risk)
        for one in _told(curve, DAYS, 1)
    )
    name = f"{state}+" if state == N_STATES else str(state)
    never = survival.Estimate(float("nan"), float("nan"), float("nan"))
    return Staying(name, n, int(left.sum()), at, survival.median(curve), never, {}, curve)


def _staying(group: str, of: survival.Counts, to_months: int) -> Staying:
    curve = survival.kaplan_meier(of)
    left = incidence.aalen_johansen(of)
    reach = np.searchsorted(left.age, to_months * TICKS_PER_MONTH, side="right") - 1
    shares = left.share[reach] if reach >= 0 else np.zeros(len(CAUSES))
    return Staying(
        group=group,
        n=int(of.entered.sum()),
        n_ended=int(of.left.sum()),
        at=_told(curve, MONTHS, TICKS_PER_MONTH),
        median_months=_in_months(survival.median(curve)),
        mean_months=_in_months(survival.restricted_mean(curve, to_months * TICKS_PER_MONTH)),
        causes={name: float(shares[cause - 1]) for name, cause in CAUSES.items()},
        curve=curve,
    )


def _told(curve: survival.SurvivalCurve, ages: tuple[int, ...], per_age: int) -> tuple[At, ...]:
    """Return the curve at the ages that somebody has reached."""
    found = []
    for age in ages:
        at = int(np.searchsorted(curve.age, age * per_age, side="right")) - 1
        after = int(np.searchsorted(curve.age, age * per_age, side="left"))
        if after >= len(curve.age):
            break
        found.append(
            At(
                age,
                float(curve.survival[at]),
                float(curve.low[at]),
                float(curve.high[at]),
                int(curve.at_risk[after]),
            )
        )
    return tuple(found)


def _in_months(ticks: survival.Estimate) -> survival.Estimate:
    return survival.Estimate(*(value / TICKS_PER_MONTH for value in ticks))


def table(result: Retention) -> pl.DataFrame:
    """Return the table for machines: every step of every curve, in the columns of `SURVIVAL`."""
    parts = [_rows(one, result) for one in (result.whole, *result.groups)]
    return pl.concat(parts).select(SURVIVAL.names)


def _rows(one: Staying, result: Retention) -> pl.DataFrame:
    curve = one.curve
    return pl.DataFrame(
        {
            "age_months": curve.age / TICKS_PER_MONTH,
            "n_at_risk": curve.at_risk,
            "n_ended": curve.events,
            "survival": curve.survival,
            "survival_low": curve.low,
            "survival_high": curve.high,
        }
    ).with_columns(
        as_of=pl.lit(result.book.span.as_of),
        dimension=pl.lit(result.by if one.group else None, dtype=pl.String),
        group=pl.lit(one.group or None, dtype=pl.String),
    )


def _parts(by_age: pl.DataFrame) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    parts = by_age.with_columns(pl.col("group").fill_null("")).partition_by("group", as_dict=True)
    return sorted(parts.items(), key=lambda pair: str(pair[0]))
