"""Who stays, and for how long: survival by age, or by number of purchases where nothing binds.

One rule: a share is of those at risk at that age, never of all who ever came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from csk.book import Book
from csk.calendar import DAYS_PER_MONTH, TICKS_PER_MONTH
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
MOST_COMPARED: Final = 6
"""Largest groups whose curves are looked at for a crossing."""
CLEAR: Final = 0.02
"""Shares that differ by less are not apart."""


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
    weighted: logrank.LogRank | None = None
    """The same where curves cross, early ages weighing more: what cancels out shows here."""
    from_months: int = 0
    """Age at which the curves begin: they are of those who have reached it."""
    is_thin: bool = False
    """Whether they begin there because few were watched before."""
    is_band: bool = False
    """Whether intervals hold for the whole curve at once, and not age by age."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """How buyers come back after their nth purchase."""

    book: Book
    steps: tuple[Staying, ...]
    """By purchases so far, the last for that many and more; `at` counts days, and shares are of
    those who have bought again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about retention."""

    by: str = ""
    """`plan` or a column of the customers table."""
    from_months: int | None = None
    """Age at which curves begin; null: where enough are watched, should the log begin late."""
    is_band: bool = False
    """Whether intervals are to hold for the whole curve at once."""


class _Reach(NamedTuple):
    """From where to where curves are told, in months of age, and how their intervals hold."""

    from_months: int
    to_months: int
    is_band: bool


def retention(
    book: Book, engine: Engine, settings: Settings, asked: Asked | None = None
) -> Retention:
    """Return survival by age of a dated, contractual book.

    ModelError where nobody has left, or nobody has reached the age at which curves are to begin.
    """
    asked = asked or Asked()
    by = asked.by
    span = book.span

    by_age = _by_age(book, engine, settings, by)
    # Who changes plans is at risk in each: all of them together are counted without plans.
    whole = _by_age(book, engine, settings, "") if by == "plan" else by_age
    if "survivors_only" in span.notes or whole.is_empty() or not _n_left(whole):
        raise ModelError(
            f"No contract has ended before {span.as_of}: of survivors only, nothing can be "
            "said of who leaves.",
            hint="Export ended subscriptions too, or choose a later --as-of.",
        )
    every = counts(whole)
    begins = _begins(every, asked.from_months, is_late=span.is_late_entry)
    every = _later(every, begins)
    if not every.left.any():
        raise ModelError(
            f"Nobody who reached month {begins} has left.", hint="Choose a smaller --from-age."
        )
    last = int(every.age[-1]) // TICKS_PER_MONTH
    to = max([month for month in MONTHS if begins < month <= last], default=begins + 1)
    reach = _Reach(begins, to, asked.is_band)
    parts = _parts(by_age) if by else ()
    named = {str(name): _later(counts(part), begins) for (name,), part in parts}
    named = {name: of for name, of in named.items() if of.entered.any()}
    groups = tuple(
        _staying(name, of, reach)
        for name, of in sorted(named.items(), key=lambda pair: -int(pair[1].entered.sum()))
    )
    test, weighted = _tests(list(named.values()), groups)
    return Retention(
        book,
        by,
        _staying("", every, reach),
        groups,
        to,
        test,
        weighted,
        begins,
        is_thin=begins > 0 and asked.from_months is None,
        is_band=asked.is_band,
    )


def _by_age(book: Book, engine: Engine, settings: Settings, by: str) -> pl.DataFrame:
    """Return counts of spells by group, payment term and age."""

    def counted(tables: Tables) -> pl.LazyFrame:
        rows = grouped(contracts(tables, book.span.as_of, settings.grace_days), tables, by)
        return age_counts(exposures(rows, book.span.data_from, book.span.as_of))

    return engine.total(book, counted, ["group", "term_months", "age"])


def _tests(
    named: list[survival.Counts], groups: Sequence[Staying]
) -> tuple[logrank.LogRank | None, logrank.LogRank | None]:
    """Test whether groups leave at the same pace; where curves cross, with early ages heavier."""
    if len(named) < 2:  # noqa: PLR2004 # nothing to compare
        return None, None
    is_crossed = _cross(groups[:MOST_COMPARED])
    return logrank.log_rank(named), logrank.log_rank(named, "at_risk") if is_crossed else None


def _begins(every: survival.Counts, asked: int | None, *, is_late: bool) -> int:
    """Return the month of age at which curves begin."""
    if asked is not None:
        return asked
    enough = survival.starts_at(every) if is_late else 0
    if not enough:
        return 0
    watched = np.cumsum(every.entered - every.left.sum(axis=1) - every.censored)
    months = np.arange(-(-enough // TICKS_PER_MONTH), every.age[-1] // TICKS_PER_MONTH + 1)
    at = np.searchsorted(every.age, months * TICKS_PER_MONTH, side="right") - 1
    hits = np.flatnonzero(watched[at] >= survival.ENOUGH_AT_RISK)
    return int(months[hits[0]]) if len(hits) else 0


def _n_left(by_age: pl.DataFrame) -> int:
    return sum(by_age.select("n_voluntary", "n_involuntary", "n_unknown").sum().row(0))


def _later(of: survival.Counts, months: int) -> survival.Counts:
    """Return the counts of those who have reached an age, from that age on."""
    if not months:
        return of
    start = months * TICKS_PER_MONTH
    keep = of.age > start
    out = of.left.sum(axis=1) + of.censored
    begun = int(of.entered[~keep].sum() - out[~keep].sum())
    return survival.Counts(
        np.r_[np.int64(start), of.age[keep]],
        np.r_[np.int64(begun), of.entered[keep]],
        np.vstack([np.zeros_like(of.left[:1]), of.left[keep]]),
        np.r_[np.int64(0), of.censored[keep]],
    )


def _cross(groups: Sequence[Staying]) -> bool:
    """Tell whether two curves change places by more than a little at the ages told."""
    for first, second in combinations(groups, 2):
        there = {at.age: at.share for at in second.at}
        gaps = [at.share - there[at.age] for at in first.at if at.age in there]
        if min(gaps, default=0.0) < -CLEAR and max(gaps, default=0.0) > CLEAR:
            return True
    return False


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


def _staying(group: str, of: survival.Counts, reach: _Reach) -> Staying:
    to_age = reach.to_months * TICKS_PER_MONTH
    curve = survival.kaplan_meier(of, from_age=reach.from_months * TICKS_PER_MONTH)
    if reach.is_band:
        curve = _banded(curve, to_age)
    left = incidence.aalen_johansen(of)
    last = np.searchsorted(left.age, to_age, side="right") - 1
    shares = left.share[last] if last >= 0 else np.zeros(len(CAUSES))
    return Staying(
        group=group,
        n=int(of.entered.sum()),
        n_ended=int(of.left.sum()),
        at=_told(curve, MONTHS, TICKS_PER_MONTH),
        median_months=_in_months(survival.median(curve)),
        mean_months=_in_months(survival.restricted_mean(curve, to_age)),
        causes={name: float(shares[cause - 1]) for name, cause in CAUSES.items()},
        curve=curve,
    )


def _banded(curve: survival.SurvivalCurve, to_age: int) -> survival.SurvivalCurve:
    """Widen intervals up to an age, so that they hold for all ages at once."""
    band = survival.simultaneous_band(curve, to_age=to_age)
    low, high = curve.low.copy(), curve.high.copy()
    at = np.searchsorted(curve.age, band.age)
    low[at], high[at] = band.low, band.high
    return curve._replace(low=low, high=high)


def _told(curve: survival.SurvivalCurve, ages: tuple[int, ...], per_age: int) -> tuple[At, ...]:
    """Return the curve at the ages that somebody has reached."""
    found = []
    for age in ages:
        if 0 < curve.age[0] >= age * per_age:
            continue
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


def repeat_table(result: Repeat) -> pl.DataFrame:
    """Return every step of every curve in the columns of `SURVIVAL`: who has not bought again.

    Groups are the purchases so far; ages are days in months of mean length.
    """
    parts = [
        _steps_of(one).with_columns(
            age_months=pl.col("age_months") * (TICKS_PER_MONTH / DAYS_PER_MONTH),
            as_of=pl.lit(result.book.span.as_of),
            dimension=pl.lit("n_purchases"),
            group=pl.lit(one.group),
        )
        for one in result.steps
    ]
    return pl.concat(parts).filter(pl.col("n_at_risk") > 0).select(SURVIVAL.names)


def table(result: Retention) -> pl.DataFrame:
    """Return the table for machines: every step of every curve, in the columns of `SURVIVAL`."""
    parts = [_rows(one, result) for one in (result.whole, *result.groups)]
    return pl.concat(parts).select(SURVIVAL.names)


def _steps_of(one: Staying) -> pl.DataFrame:
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
    )


def _rows(one: Staying, result: Retention) -> pl.DataFrame:
    return _steps_of(one).with_columns(
        as_of=pl.lit(result.book.span.as_of),
        dimension=pl.lit(result.by if one.group else None, dtype=pl.String),
        group=pl.lit(one.group or None, dtype=pl.String),
    )


def _parts(by_age: pl.DataFrame) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    parts = by_age.with_columns(pl.col("group").fill_null("")).partition_by("group", as_dict=True)
    return sorted(parts.items(), key=lambda pair: str(pair[0]))
