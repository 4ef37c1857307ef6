"""What customers answer: NPS and CSAT with their intervals, and what came of those who answered.

One rule: a figure stands with how many answers it is made of, and answers of one customer are not
taken for those of several.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from csk.book import Book
from csk.calendar import plus_months
from csk.engine.protocol import Engine
from csk.errors import UsageError
from csk.models.measures import Measured, answered, share
from csk.models.rates import Rate
from csk.stats import survival
from csk.stats.clusters import Clusters, design_effect, widened
from csk.stats.scores import NOBODY, Figure, mean_score, net_promoters, top_box
from csk.tables.answers import (
    CENTS,
    CSAT_WORST,
    NPS_BEST,
    after_answers,
    answer_sums,
    answers_each,
    last_answers,
    presence,
    score_counts,
)
from csk.tables.movements import Motion

CLASSES: Final = ("promoter", "passive", "detractor")
DAYS: Final = (30, 90, 180, 365)
"""Days after an answer at which is told who has left."""
YEAR_DAYS: Final = 365
"""Days before `as_of` of which the figures of the whole are, where no window is asked for."""
KINDS: Final = ("nps", "csat")


@dataclass(frozen=True, slots=True)
class Said:
    """What was answered in one period, by one group, or in all."""

    group: str = ""
    starts_on: date | None = None
    nps: Figure = NOBODY
    promoters: int = 0
    detractors: int = 0
    nps_customers: int = 0
    csat: Figure = NOBODY
    csat_mean: Figure = NOBODY
    csat_customers: int = 0
    response: Rate | None = None
    """Customers who answered, of those there; null where nothing tells who was there."""
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Gone:
    """The share that has left so many days after an answer, and how many were still watched."""

    days: int
    share: float
    low: float
    high: float
    n_at_risk: int


@dataclass(frozen=True, slots=True)
class After:
    """What became of who gave answers of one class."""

    group: str
    n: int
    n_customers: int
    n_left: int
    gone: tuple[Gone, ...]


@dataclass(frozen=True, slots=True)
class Worth:
    """What customers alive are worth, by the class of their last answer; money in counts."""

    group: str
    """One of `CLASSES`, or empty for who never answered."""
    n: int
    ltv_amount: int
    value_at_risk: int


@dataclass(frozen=True, slots=True)
class Passed:
    """Answers that are in no figure."""

    kind: str
    n: int
    scores: tuple[float, ...] = ()
    """The scores outside of the scale; empty where the kind is not known."""


@dataclass(frozen=True, slots=True)
class Surveys:
    """The answers of a book."""

    book: Book
    motion: Motion
    scale: int
    by: str
    since: date
    until: date
    """First day no longer in `whole` and `groups`."""
    whole: Said
    periods: tuple[Said, ...]
    groups: tuple[Said, ...]
    group_periods: tuple[Said, ...]
    scores: Mapping[int, int]
    """NPS answers of `whole` by score; halves count with the whole number below."""
    others: tuple[Passed, ...]
    outside: tuple[Passed, ...]
    n_unnamed: int
    after: tuple[After, ...]
    worth: tuple[Worth, ...]


def surveys(
    book: Book,
    engine: Engine,
    motion: Motion,
    scale: int,
    by: str = "",
    window: tuple[date | None, date | None] = (None, None),
    customers: pl.DataFrame | None = None,
) -> Surveys:
    """Return the figures of a dated book's answers.

    `scale` is the best answer to a CSAT question; `by` is `plan` or a column of the customers
    table; the whole and its groups are of `window`, or of the year before `as_of`. `customers`
    (`customer_id`, `is_alive`, `ltv_amount`, `value_at_risk`) is what is known of each; without
    it nothing is told of worth. UsageError where nobody was asked.
    """
    if "surveys" not in book.tables:
        raise UsageError(
            "There are no survey answers.",
            hint="Give a file with customer_id, answered_on, kind (nps or csat) and score; "
            "csk check says what each file was taken for.",
        )
    as_of = book.span.as_of
    since = window[0] or (book.span.data_from if window[1] else as_of - timedelta(YEAR_DAYS))
    until = min(window[1] or as_of, as_of)
    seen = _Asking(book, engine, motion, scale)
    counted = engine.total(book, score_counts(motion), ("kind", "cents"))
    inside = engine.total(
        book, score_counts(replace(motion, as_of=until), since), ("kind", "cents")
    )
    whole = next(iter(seen.said("", (since, until)).values()), Said())
    groups = seen.said(by, (since, until)) if by else {}
    last = engine.collect(book, last_answers(motion, scale), ["customer_id"])
    return Surveys(
        book=book,
        motion=motion,
        scale=scale,
        by=by,
        since=since,
        until=until,
        whole=replace(whole, response=_response(last, customers, as_of)),
        periods=_within(seen.periods(), window),
        groups=tuple(sorted(groups.values(), key=lambda one: (-one.nps.n - one.csat.n, one.group))),
        group_periods=_within(tuple(seen.said(by, window, by_period=True).values()), window)
        if by
        else (),
        scores=_nps_scores(inside),
        others=_others(counted),
        outside=_outside(counted, scale),
        n_unnamed=int(counted["n_unnamed"].sum()),
        after=_after(book, engine, motion) if book.is_contractual else (),
        worth=() if customers is None else _worth(last, customers),
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """A book with what is asked of it."""

    book: Book
    engine: Engine
    motion: Motion
    scale: int

    def said(
        self, by: str, window: tuple[date | None, date | None], *, by_period: bool = False
    ) -> dict[tuple[str, date | None], Said]:
        """Return what was answered by group, and by period where wanted."""
        plan = answer_sums(self.motion, self.scale, by, window, by_period=by_period)
        key = ("group", *(["period_on"] if by_period else []))
        sums = self.engine.total(self.book, plan, (*key, "kind"))
        found: dict[tuple[str, date | None], Said] = {}
        for row in sums.iter_rows(named=True):
            at = (row["group"], row.get("period_on"))
            of = Clusters(*(row[name] for name in Clusters._fields))
            said = found.get(at, Said(group=at[0], starts_on=at[1]))
            if at[1] is not None:
                said = replace(said, is_complete=self._is_complete(at[1]))
            found[at] = _with(said, row["kind"], of, self.scale)
        return found

    def periods(self) -> tuple[Said, ...]:
        """Return every period from the first answer to the last, with who answered of all."""
        told = self.said("", (None, None), by_period=True)
        days = [day for _, day in told if day is not None]
        if not days:
            return ()
        there = self._there() if self.book.is_contractual else {}
        found, day = [], min(days)
        while day < self.book.span.as_of:
            empty = Said(starts_on=day, is_complete=self._is_complete(day))
            one = told.get(("", day), empty)
            found.append(replace(one, response=there.get(day)))
            day = plus_months(day, self.motion.period_months)
        return tuple(found)

    def _there(self) -> dict[date, Rate]:
        """Return who answered, of those under contract at any time in each period."""
        sums = self.engine.total(self.book, presence(self.motion, self.scale), ("period_on",))
        rows = {row["period_on"]: row for row in sums.iter_rows(named=True)}
        nothing = {"n_came": 0, "n_gone": 0, "n_answered": 0}
        found: dict[date, Rate] = {}
        day, n = min(rows, default=self.book.span.as_of), 0
        while day < self.book.span.as_of:
            row = rows.get(day, nothing)
            n += row["n_came"]
            found[day] = Rate(min(row["n_answered"], n), n)
            n -= row["n_gone"]
            day = plus_months(day, self.motion.period_months)
        return found

    def _is_complete(self, day: date) -> bool:
        span = self.book.span
        ends_on = plus_months(day, self.motion.period_months)
        return ends_on <= span.as_of and day >= span.data_from.replace(day=1)


def _with(said: Said, kind: str, of: Clusters, scale: int) -> Said:
    """Add the figures of one kind of answers."""
    effect = design_effect(of)
    if kind == "nps":
        up, down = (of.squares + of.total) // 2, (of.squares - of.total) // 2
        nps = net_promoters(up, of.n - up - down, down, effect=effect)
        return replace(said, nps=nps, promoters=up, detractors=down, nps_customers=of.n_customers)
    if kind == "csat":
        csat = top_box(of.total, of.n, effect=effect)
        return replace(said, csat=csat, csat_customers=of.n_customers)
    total, squares = of.total / CENTS, of.squares / CENTS**2
    return replace(
        said, csat_mean=mean_score(of.n, total, squares, (CSAT_WORST, scale), effect=effect)
    )


def _within(periods: tuple[Said, ...], window: tuple[date | None, date | None]) -> tuple[Said, ...]:
    first, last = window
    return tuple(
        one
        for one in periods
        if one.starts_on is not None
        and (first is None or one.starts_on >= first)
        and (last is None or one.starts_on < last)
    )


def _response(last: pl.DataFrame, customers: pl.DataFrame | None, as_of: date) -> Rate | None:
    """Return who answered anything in the last year, of those alive."""
    if customers is None:
        return None
    alive = customers.filter("is_alive").select("customer_id")
    recent = last.filter(pl.col("answered_on") >= as_of - timedelta(YEAR_DAYS))
    return Rate(alive.join(recent, on="customer_id", how="semi").height, alive.height)


def _nps_scores(counted: pl.DataFrame) -> dict[int, int]:
    rows = counted.filter(kind="nps").filter(pl.col("cents").is_between(0, NPS_BEST * CENTS))
    scores = dict.fromkeys(range(NPS_BEST + 1), 0)
    for cents, n in rows.select("cents", "n").iter_rows():
        scores[cents // CENTS] += n
    return scores if rows.height else {}


def _others(counted: pl.DataFrame) -> tuple[Passed, ...]:
    rows = counted.filter(~pl.col("kind").is_in(KINDS)).group_by("kind").agg(pl.col("n").sum())
    found = [Passed(str(kind), int(n)) for kind, n in rows.iter_rows()]
    return tuple(sorted(found, key=lambda one: (-one.n, one.kind)))


def _outside(counted: pl.DataFrame, scale: int) -> tuple[Passed, ...]:
    """Return the answers that are on no point of their scale."""
    found = []
    for kind, worst, best in (("nps", 0, NPS_BEST), ("csat", CSAT_WORST, scale)):
        inside = pl.col("cents").is_between(worst * CENTS, best * CENTS).fill_null(value=False)
        rows = counted.filter(kind=kind).filter(~inside)
        if rows.height:
            scores = tuple(cents / CENTS for cents in rows["cents"].drop_nulls().to_list())
            found.append(Passed(kind, int(rows["n"].sum()), scores))
    return tuple(found)


def _after(book: Book, engine: Engine, motion: Motion) -> tuple[After, ...]:
    """Return who left after an answer; a customer's several answers are not independent."""
    since = book.span.data_from
    counted = engine.total(book, after_answers(motion, since), ("group", "age"))
    each = engine.total(book, answers_each(motion, since), ("group",))
    sizes = {row["group"]: row for row in each.iter_rows(named=True)}
    found = []
    for name in (name for name in CLASSES if name in sizes):
        rows, size = counted.filter(group=name), sizes[name]
        of = survival.Counts(
            rows["age"].cast(pl.Int64).to_numpy(),
            rows["n_entered"].to_numpy(),
            rows["n_left"].to_numpy()[:, None],
            rows["n_censored"].to_numpy(),
        )
        curve = widened(survival.kaplan_meier(of), size["n_squares"] / size["n"])
        found.append(After(name, size["n"], size["n_customers"], int(of.left.sum()), _gone(curve)))
    return tuple(found)


def _gone(curve: survival.SurvivalCurve) -> tuple[Gone, ...]:
    """Return who has left by the days that somebody was watched for."""
    found = []
    for days in DAYS:
        later = int(np.searchsorted(curve.age, days, side="left"))
        if later >= len(curve.age):
            break
        at = int(np.searchsorted(curve.age, days, side="right")) - 1
        stays, low, high = (float(v[at]) for v in (curve.survival, curve.low, curve.high))
        found.append(Gone(days, 1 - stays, 1 - high, 1 - low, int(curve.at_risk[later])))
    return tuple(found)


def _worth(last: pl.DataFrame, customers: pl.DataFrame) -> tuple[Worth, ...]:
    alive = customers.filter("is_alive").select("customer_id", "ltv_amount", "value_at_risk")
    known = alive.join(last.select("customer_id", "group"), on="customer_id", how="left")
    sums = known.group_by(pl.col("group").fill_null("")).agg(
        pl.len(), pl.col("ltv_amount").sum(), pl.col("value_at_risk").sum()
    )
    found = {str(row[0]): Worth(*row) for row in sums.iter_rows()}
    return tuple(found[name] for name in (*CLASSES, "") if name in found)


def measured(result: Surveys) -> tuple[Measured, ...]:
    """Return the figures of every period as key figures, of the whole and of each group."""
    whole = [one for said in result.periods for one in _measured(said)]
    groups = [
        one.of(result.by, said.group) for said in result.group_periods for one in _measured(said)
    ]
    return (*whole, *groups)


def _measured(said: Said) -> list[Measured]:
    if said.starts_on is None:
        return []
    day = said.starts_on
    figures = {"nps": said.nps, "csat": said.csat, "csat_mean": said.csat_mean}
    found = [answered(name, day, of) for name, of in figures.items() if of.n]
    if said.response is not None and said.response.denominator:
        found.append(share("response_rate", day, said.response, said.response.denominator))
    return [replace(one, is_complete=said.is_complete) for one in found]
