"""One figure under two definitions, and the steps from the one to the other.

One rule: a step is the difference of two whole counts, so the steps of a figure add up to its
difference exactly, whatever their order; only the order says which step a shared part falls to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Final

from csk.calendar import plus_months
from csk.definitions import Definition, Term, Variant, definition, definitions
from csk.models.rates import Rate, rate
from csk.tables.movements import FALLS, KINDS
from csk.tables.reconcile import AFTER, BEFORE, CAME, FLOWS, REASONS, WENT, Looked, Way

CAUSES: Final = (
    "time_zone",
    "timing",
    "gap",
    "past_due",
    "pauses",
    "free",
    "scope",
    "normalisation",
    "rounding_of_lines",
    "level",
    "same_period",
    "came_back",
    "formula",
    "unit",
    "tax",
    "fx",
    "rounding",
    "unexplained",
)
"""Names of causes, in the order in which the way from one definition to the other is walked."""
UNEXPLAINED: Final = "unexplained"
ROUNDING: Final = "rounding"

MOVED: Final = {
    "new_mrr": "money.new",
    "expansion_mrr": "money.expansion",
    "contraction_mrr": "money.contraction",
    "churned_mrr": "money.churn",
    "reactivation_mrr": "money.reactivation",
    "churned_customers": "customers.churn",
    "reactivated_customers": "customers.reactivation",
}
"""Figures that are a term and no metric of their own."""
FIRST: Final = (
    *("mrr", "paying_customers", "new_inflow", "churned_customers"),
    *("customer_churn_rate", "revenue_churn_rate", "grr", "nrr"),
)
"""Figures that are told of first, in this order."""

_COUNTED: Final = {
    **{f"customers.{kind}": (f"n.{kind}",) for kind in (*KINDS, *REASONS.values(), "flash")},
    **{f"money.{kind}": (f"amount.{kind}",) for kind in (*KINDS, *REASONS.values(), "flash")},
}
_KEPT: Final = {
    "customers.kept": ("n.lost",),
    "money.kept": ("amount.lost",),
    "money.after": ("amount.lost", "amount.grown"),
}
_STANDING: Final = {
    "customers.start": (("n", BEFORE),),
    "customers.end": (("n", AFTER),),
    "money.start": (("amount", BEFORE),),
    "money.end": (("amount", AFTER),),
    "money.lower_total": (("amount", BEFORE), ("amount", AFTER)),
    "customers.kept": (("n", BEFORE),),
    "money.kept": (("amount", BEFORE),),
    "money.after": (("amount", BEFORE),),
}
TERMS: Final = frozenset({*_COUNTED, *_KEPT, *_STANDING})
"""Terms of definitions that follow from the movements of a period."""

Terms = Mapping[str, int]
"""The terms of one period."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: how contracts are counted, and what is made of the counts."""

    way: Way
    preset: str = ""
    """Whose formulas are taken."""
    flash_counts: bool = False
    """Whether who came and left inside a period is in what came and in what left."""
    back_is_new: bool = False
    """Whether who came back is counted as new."""
    back_is_kept: bool = False
    """Whether who came back is taken off who left."""
    lag: int = 0
    """Months by which its months are called later than ours."""
    factor: Fraction = Fraction(1)
    """What money is multiplied by: tax, another currency or unit."""

    def terms(self, months: Mapping[date, Terms], month: date) -> Terms | None:
        """Return the terms of a month as this side calls it; null where there is none."""
        found = months.get(plus_months(month, -self.lag))
        if found is None:
            return None
        terms = dict(found)
        for part in ("customers", "money"):
            if self.flash_counts:
                terms[f"{part}.new"] += terms[f"{part}.flash"]
                terms[f"{part}.churn"] += terms[f"{part}.flash"]
            if self.back_is_new:
                terms[f"{part}.new"] += terms[f"{part}.reactivation"]
            if self.back_is_kept:
                terms[f"{part}.churn"] -= terms[f"{part}.reactivation"]
            if self.back_is_new or self.back_is_kept:
                terms[f"{part}.reactivation"] = 0
        return terms


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with what it is made of; money in counts, null where it divides by nothing."""

    numerator: Fraction
    denominator: Fraction | None = None

    @property
    def value(self) -> Fraction | None:
        """Return the value, exact."""
        if self.denominator is None:
            return self.numerator
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, slots=True)
class Step:
    """What one cause does to a figure."""

    cause: str
    detail: str
    value: Fraction | None
    """Change of the value; null where one of its ends has none."""
    numerator: Fraction | None
    """Change of what is divided; null where a side tells the quotient alone."""
    denominator: Fraction | None
    n_customers: int | None
    """Customers for whom the figure changed; null where that cannot be known."""


@dataclass(frozen=True, slots=True)
class Told:
    """A figure that somebody else tells, in counts where it is money."""

    value: Fraction
    unit: Fraction
    """One of its last written digit."""

    def holds(self, value: Fraction | None) -> bool:
        """Tell whether a value, rounded as this one, is this one."""
        return value is not None and abs(value - self.value) * 2 <= self.unit


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of one period on two sides, and the steps between them."""

    metric_id: str
    period_on: date
    ours: Figure
    theirs: Figure
    steps: tuple[Step, ...]

    @property
    def difference(self) -> Fraction | None:
        """Return theirs less ours; null where one of them is no number."""
        return _less(self.theirs.value, self.ours.value)

    @property
    def is_equal(self) -> bool:
        """Whether both sides say the same, of the same parts."""
        return self.ours == self.theirs


def metric(metric_id: str) -> Definition:
    """Return a metric, or the figure that is one term alone, as a definition."""
    if metric_id not in MOVED:
        return definition(metric_id)
    term = MOVED[metric_id]
    unit = "money" if term.startswith("money") else "count"
    return Definition(metric_id, unit, "period", Variant((Term(term),), ()), words={})


def metrics(presets: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the figures that can be reconciled under these presets, the usual ones first."""
    wanted = tuple(presets)
    known = [
        one.metric_id
        for one in definitions()
        if not one.is_estimate
        and all(TERMS.issuperset(one.under(preset).terms) for preset in ("", *wanted))
    ]
    return tuple(dict.fromkeys((*FIRST, *MOVED, *known)))


def periods(
    sums: Mapping[date, Mapping[str, int]], first: date, end: date, months: int
) -> dict[date, Terms]:
    """Return the terms of every period from `first` until `end`, from `FLOWS` by period."""
    found: dict[date, Terms] = {}
    n, amount = 0, 0
    nothing = dict.fromkeys(FLOWS, 0)
    day = first
    while day < end:
        moved = sums.get(day, nothing)
        found[day] = _terms(moved, n, amount)
        n, amount = found[day]["customers.end"], found[day]["money.end"]
        day = plus_months(day, months)
    return found


def _terms(moved: Mapping[str, int], n: int, amount: int) -> dict[str, int]:
    n_end = n + sum(moved[f"n.{k}"] for k in CAME) - sum(moved[f"n.{k}"] for k in WENT)
    end = amount + sum(moved[f"amount.{kind}"] for kind in KINDS)
    falls = {*FALLS, *REASONS.values()}
    signs = {f"money.{kind}": -1 for kind in falls}
    terms = {term: signs.get(term, 1) * moved[flow] for term, (flow,) in _COUNTED.items()}
    kept = amount - moved["amount.lost"]
    return terms | {
        "customers.start": n,
        "customers.end": n_end,
        "customers.kept": n - moved["n.lost"],
        "money.start": amount,
        "money.end": end,
        "money.lower_total": min(amount, end),
        "money.kept": kept,
        "money.after": kept + moved["amount.grown"],
    }


def looked(names: Iterable[str], preset: str) -> dict[str, Looked]:
    """Return what each figure is made of under a preset."""
    found = {}
    for name in names:
        terms = metric(name).under(preset).terms
        flows = [flow for term in terms for flow in (*_COUNTED.get(term, ()), *_KEPT.get(term, ()))]
        levels = [level for term in terms for level in _STANDING.get(term, ())]
        found[name] = Looked(frozenset(flows), frozenset(levels))
    return found


def figure(metric_id: str, side: Side, terms: Terms) -> Figure:
    """Return a figure from the terms of a side."""
    of = metric(metric_id)
    found: Rate = rate(of, terms, side.preset)
    variant = of.under(side.preset)
    scaled = side.factor if is_money(variant.numerator) else Fraction(1)
    if found.denominator is None:
        return Figure(found.numerator * scaled)
    below = side.factor if is_money(variant.denominator) else Fraction(1)
    return Figure(found.numerator * scaled, found.denominator * below)


def change(one: object, other: object) -> str:
    """Return a choice as it is and as it becomes: `1 > 30`; an empty one is csk's own."""
    told = (f"{of:.4g}" if isinstance(of, float) else str(of) for of in (one, other))
    return " > ".join(text or "csk" for text in told)


def is_money(terms: Sequence[Term]) -> bool:
    """Return whether terms are sums of money; otherwise they count customers."""
    return any(term.name.startswith("money.") for term in terms)


def formula_customers(metric_id: str, before: Side, after: Side, terms: Terms) -> int | None:
    """Return how many customers a formula takes in or leaves out that another does not.

    Null where that is more than a sum of movements, or where it is no formula that differs.
    """
    if before.flash_counts != after.flash_counts:
        return terms["customers.flash"]
    if (before.back_is_new, before.back_is_kept) != (after.back_is_new, after.back_is_kept):
        return terms["customers.reactivation"]
    of = metric(metric_id)
    one, other = (of.under(side.preset) for side in (before, after))
    parts = {*_signed(one)} ^ {*_signed(other)}
    names = {f"customers.{name.partition('.')[2]}" for _, name, _ in parts}
    if before.preset == after.preset or not names <= _COUNTED.keys():
        return None
    return sum(terms[name] for name in names)


def _signed(variant: Variant) -> list[tuple[int, str, int]]:
    both = ((0, variant.numerator), (1, variant.denominator))
    return [(place, term.name, term.sign) for place, terms in both for term in terms]


def step(cause: str, detail: str, before: Figure, after: Figure, n: int | None) -> Step:
    """Return what a cause did to a figure."""
    below = None
    if before.denominator is not None or after.denominator is not None:
        below = (after.denominator or Fraction(0)) - (before.denominator or Fraction(0))
    value = _less(after.value, before.value)
    return Step(cause, detail, value, after.numerator - before.numerator, below, n)


def last_step(told: Told, reached: Figure) -> tuple[Step, ...]:
    """Return what is left of a figure that is told: its rounding, or what is unexplained."""
    rest = _less(told.value, reached.value)
    if rest == 0:
        return ()
    cause = ROUNDING if told.holds(reached.value) else UNEXPLAINED
    apart = reached.denominator is not None
    return (Step(cause, "", rest, None if apart else rest, None, None),)


def _less(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else one - other


WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "time_zone": ("table", "zone"),
    "timing": ("ends_later", "lag"),
    "scope": ("scope",),
    "same_period": ("flash_counts",),
    "came_back": ("back_is_new", "back_is_kept"),
    "formula": ("preset",),
}
"""Fields of `Way` and `Side` by the cause they stand for; those of `Motion` follow."""
MOTIONS: Final[Mapping[str, str]] = {
    "grace_days": "gap",
    "pause": "pauses",
    "pause_days": "pauses",
    "level": "level",
    "grain": "same_period",
    "week": "normalisation",
    "day": "normalisation",
    "minor": "rounding_of_lines",
}
"""Cause of each choice of a `Motion`."""
ALIKE: Final = frozenset({"as_of", "period_months", "year_starts"})
"""Choices of a `Motion` that both sides share."""


def walk(ours: Side, theirs: Side) -> list[tuple[str, Side]]:
    """Return the sides between two, one cause after the other in the order of `CAUSES`.

    Only causes in which they differ; the last side is `theirs`.
    """
    found: list[tuple[str, Side]] = []
    here = ours
    for cause in CAUSES:
        there = _moved(here, theirs, cause)
        if there != here:
            found.append((cause, there))
            here = there
    return found


def _moved(here: Side, theirs: Side, cause: str) -> Side:
    """Return `here` with what belongs to a cause as it is in `theirs`."""
    motion, target = here.way.motion, theirs.way.motion
    options = {
        name: getattr(target, name)
        for name in motion.__dataclass_fields__
        if name not in ALIKE and MOTIONS[name] == cause
    }
    names = WAYS.get(cause, ())
    in_way = {name: getattr(theirs.way, name) for name in names if hasattr(theirs.way, name)}
    in_side = {name: getattr(theirs, name) for name in names if hasattr(theirs, name)}
    way = replace(here.way, motion=replace(motion, **options), **in_way)
    return replace(here, way=way, **in_side)
