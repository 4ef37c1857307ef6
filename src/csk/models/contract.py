"""How long customers under contract stay: one survival curve per group and term.

One rule: every risk and duration of a customer is read off one curve, its group's, conditional
on the customer's age; so `p_churn` and `duration_months` can never disagree.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.calendar import TICKS_PER_MONTH, plus_months
from csk.errors import ModelError
from csk.stats import lifetable, residual, smoothing, survival
from csk.tables.ages import age

ENOUGH_ENDS: Final = 30
"""Ends a group needs for a curve of its own; smaller groups of one term share one."""
N_DRAWS: Final = 200
_SEED: Final = 20_070
POOLED: Final = "(all)"
"""Name of a curve that all groups of a term share."""
OTHERS: Final = "(others)"
"""Name of a curve that the smaller groups of a term share."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """The curve of one group of customers with the same term."""

    curve: int
    group: str
    term_months: int
    n_events: int
    observed: survival.SurvivalCurve
    """Kaplan-Meier by age in ticks: what was seen, without smoothing or tail."""
    observed_ticks: int
    """Longest age seen."""
    family: str
    weights: tuple[tuple[str, float], ...]
    """Akaike weight of each tail family."""
    grid: Floats
    """(ticks + 1,) survival by age, smoothed inside the data and extended beyond."""
    draws: Floats
    """(N_DRAWS, ticks + 1) the same, drawn from what is not known of it."""


@dataclass(frozen=True, slots=True)
class ContractFit:
    """The curves of a book, and which group and term reads which."""

    curves: tuple[GroupCurve, ...]
    reading: dict[tuple[str, int], int]
    n_events: int


@dataclass(frozen=True, slots=True)
class Horizons:
    """How far ahead a score looks, from `as_of` on."""

    as_of: date
    risk_days: tuple[int, ...]
    ltv_months: int
    discount_rate: float = 0.0
    """A year."""
    is_in_arrears: bool = False
    """Whether a term is paid when it ends, by those still there, and not when it begins."""

    @property
    def retained_days(self) -> int:
        """Return the longest risk horizon, over which `ltv_if_retained` is conditional."""
        return max(self.risk_days)


def fit(age_counts: pl.DataFrame, n_months: int) -> ContractFit:
    """Fit a curve to each group with enough ends, and one to the rest of each term.

    `age_counts` is the total of `tables.spells.age_counts` keyed by `group` (null allowed),
    `term_months` and `age`; curves reach at least `n_months` beyond the oldest age. ModelError
    where nobody was ever at risk.
    """
    if age_counts.is_empty():
        raise ModelError("No contract was ever observed, so there is no survival to learn from.")
    counts_of = age_counts.with_columns(pl.col("group").fill_null(""))
    ends = pl.col("n_voluntary", "n_involuntary", "n_unknown").sum()
    sizes = (
        counts_of.group_by("group", "term_months")
        .agg(n=pl.sum_horizontal(ends))
        .sort("term_months", "group")
    )
    ticks = (n_months + 1) * TICKS_PER_MONTH + int(counts_of["age"].to_numpy().max())
    curves: list[GroupCurve] = []
    reading: dict[tuple[str, int], int] = {}
    for (term,), of_term in sizes.group_by("term_months", maintain_order=True):
        for name, basis, readers in _shared(dict(of_term.select("group", "n").iter_rows())):
            rows = counts_of.filter(pl.col("group").is_in(basis), pl.col("term_months") == term)
            for group in readers:
                reading[group, int(str(term))] = len(curves)
            curves.append(_curve(len(curves), name, int(str(term)), rows, ticks))
    return ContractFit(tuple(curves), reading, int(sizes["n"].sum()))


def _shared(ends: dict[str, int]) -> list[tuple[str, list[str], list[str]]]:
    """Return (name, groups a curve is fitted on, groups that read it) for the groups of a term.

    Groups with too few ends share one curve, of their own kind where together they have enough
    and of everybody otherwise.
    """
    own = [group for group, n in ends.items() if n >= ENOUGH_ENDS]
    rest = [group for group in ends if group not in own]
    curves = [(group, [group], [group]) for group in own]
    if rest:
        enough = sum(ends[group] for group in rest) >= ENOUGH_ENDS
        basis = rest if enough else own + rest
        pooled = OTHERS if own else POOLED
        curves.append((basis[0] if len(basis) == 1 else pooled, basis, rest))
    return curves


def _curve(number: int, group: str, term: int, rows: pl.DataFrame, ticks: int) -> GroupCurve:
    seen = counts(rows)
    length = TICKS_PER_MONTH * max(term, 1)
    table = lifetable.life_table(seen, length)
    after = smoothing.posterior(table, -(-ticks // length))
    return GroupCurve(
        curve=number,
        group=group,
        term_months=max(term, 1),
        n_events=int(seen.left.sum()),
        observed=survival.kaplan_meier(seen),
        observed_ticks=int(seen.age[-1]),
        family=after.best.family,
        weights=tuple((one.family, one.weight) for one in after.candidates),
        grid=residual.survival_grid(after.mean, table.profile),
        draws=residual.survival_grid(smoothing.draws(after, N_DRAWS, _SEED), table.profile),
    )


def counts(rows: pl.DataFrame) -> survival.Counts:
    """Return `tables.spells.age_counts` as arrays, the groups of `rows` added up."""
    summed = rows.group_by("age").agg(pl.col("^n_.*$").sum()).sort("age")
    left = summed.select("n_voluntary", "n_involuntary", "n_unknown").to_numpy()
    return survival.Counts(
        summed["age"].cast(pl.Int64).to_numpy(),
        summed["n_entered"].to_numpy(),
        left.astype(np.int64),
        summed["n_censored"].to_numpy(),
    )


def score(snapshot: pl.DataFrame, fitted: ContractFit, horizons: Horizons) -> pl.DataFrame:
    """Return the snapshot with what its curve says of each customer from `as_of` on.

    `snapshot` has `group`, `term_months`, `spell_started_on`, `term_started_on`, `is_alive`.
    Adds per horizon `p_churn_{H}d`; `duration_months`; `n_expected` payments and their
    `n_present` value at one unit each; `n_retained`, the latter given survival over the longest
    risk horizon; `share_low`, `share_high` (of `n_present`, 95 % parameter interval);
    `n_events`, `method`. Null or 0 for those who have left.
    """
    ahead = cells(snapshot, fitted, horizons)
    scored = [
        _scored_cells(curve, part, horizons)
        for curve in fitted.curves
        if not (part := ahead.filter(pl.col("curve") == curve.curve)).is_empty()
    ]
    key = ["group", "term_months", "spell_started_on", "term_started_on"]
    if not scored:
        raise ModelError("No customer is alive at the day as of which the book is read.")
    table = pl.concat(scored)
    return snapshot.join(
        table.with_columns(is_alive=pl.lit(value=True)),
        on=[*key, "is_alive"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )


def cells(snapshot: pl.DataFrame, fitted: ContractFit, horizons: Horizons) -> pl.DataFrame:
    """Return the distinct situations of customers alive, with their ages in ticks.

    Key `group`, `term_months`, `spell_started_on`, `term_started_on`; `curve`, `here` (the eve of
    `as_of`), `due` (next payment), `term_ticks`, `to_ltv`, and `to_{H}d` for each risk horizon.
    """
    as_of, start = horizons.as_of, pl.col("spell_started_on")
    reading = pl.DataFrame(
        [(group, term, curve) for (group, term), curve in fitted.reading.items()],
        schema={"group": pl.String, "term_months": pl.Int32, "curve": pl.Int32},
        orient="row",
    )
    term_ticks = pl.col("term_months").clip(lower_bound=1) * TICKS_PER_MONTH
    phase = age(pl.col("term_started_on"), as_of) % term_ticks
    ahead = {f"to_{days}d": as_of + timedelta(days=days) for days in horizons.risk_days}
    ahead["to_ltv"] = plus_months(as_of, horizons.ltv_months)
    return (
        snapshot.filter("is_alive")
        .select("group", "term_months", "spell_started_on", "term_started_on")
        .unique()
        .sort("group", "term_months", "spell_started_on", "term_started_on", nulls_last=True)
        .with_columns(filled=pl.col("group").fill_null(""))
        .join(reading.rename({"group": "filled"}), on=["filled", "term_months"], how="left")
        .with_columns(
            pl.col("curve").fill_null(0),
            here=age(start, as_of) - 1,
            due=age(start, as_of) + (term_ticks - phase) % term_ticks,
            term_ticks=term_ticks,
            **{name: age(start, day) - 1 for name, day in ahead.items()},
        )
        .drop("filled")
    )


def _scored_cells(curve: GroupCurve, cells: pl.DataFrame, horizons: Horizons) -> pl.DataFrame:
    here, due, term, end = (
        cells[name].cast(pl.Int64).to_numpy() for name in ("here", "due", "term_ticks", "to_ltv")
    )
    monthly = (1.0 + horizons.discount_rate) ** (1 / 12) - 1.0
    number, present = residual.expected_payments(
        curve.grid, here, end, due, term, discount_per_month=monthly
    )
    risks = {
        f"p_churn_{days}d": 1.0
        - residual.conditional_survival(curve.grid, here, cells[f"to_{days}d"].to_numpy())
        for days in horizons.risk_days
    }
    retained = cells[f"to_{horizons.retained_days}d"].cast(pl.Int64).to_numpy()
    low, high = _interval(curve, here, end, due, term)
    return cells.select("group", "term_months", "spell_started_on", "term_started_on").with_columns(
        **{name: pl.Series(values) for name, values in risks.items()},
        duration_months=pl.Series(residual.expected_months(curve.grid, here, end)),
        n_expected=pl.Series(number),
        n_present=pl.Series(present),
        n_retained=pl.Series(_if_retained(curve, here, retained, end, due, term, monthly)),
        share_low=pl.Series(low),
        share_high=pl.Series(high),
        curve=pl.lit(curve.curve, dtype=pl.Int32),
        n_events=pl.lit(curve.n_events, dtype=pl.Int64),
        method=pl.lit(f"contract:{curve.family}"),
    )


def _if_retained(
    curve: GroupCurve,
    here: Floats,
    retained: Floats,
    end: Floats,
    due: Floats,
    term: Floats,
    monthly: float,
) -> Floats:
    """Present value of one unit a payment for those who are still there after the risk horizon."""
    sure = np.ones_like(curve.grid)
    stop = np.minimum(retained, end)
    _, certain = residual.expected_payments(sure, here, stop, due, term, discount_per_month=monthly)
    _, later = residual.expected_payments(
        curve.grid, stop, end, due, term, discount_per_month=monthly
    )
    wait = (1.0 + monthly) ** -((stop - here) / TICKS_PER_MONTH)
    total: Floats = certain + later * wait
    return total


def _interval(
    curve: GroupCurve, here: Floats, end: Floats, due: Floats, term: Floats
) -> tuple[Floats, Floats]:
    """Return 95 % bounds of expected payments as shares of them, by age in months."""
    months, at = np.unique(here // TICKS_PER_MONTH, return_inverse=True)
    first = np.array([np.flatnonzero(at == i)[0] for i in range(len(months))], dtype=np.int64)
    drawn, _ = residual.expected_payments(
        curve.draws, here[first], end[first], due[first], term[first]
    )
    low, mid, high = np.quantile(drawn, [0.025, 0.5, 0.975], axis=0, method="weibull")
    safe = np.where(mid > 0, mid, 1.0)
    return np.minimum(low / safe, 1.0)[at], np.maximum(high / safe, 1.0)[at]


def total_interval(
    scored: pl.DataFrame, fitted: ContractFit, horizons: Horizons, level: float = 0.95
) -> tuple[float, float]:
    """Return bounds of the book's residual LTV as shares of its estimate.

    Every draw moves all customers of a curve together. `scored` is the result of `score` with
    `ltv_amount`.
    """
    ahead = cells(scored, fitted, horizons).join(
        scored.group_by("group", "term_months", "spell_started_on", "term_started_on").agg(
            amount=pl.col("ltv_amount").sum()
        ),
        on=["group", "term_months", "spell_started_on", "term_started_on"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    total = float(ahead["amount"].sum())
    drawn = np.zeros(N_DRAWS)
    for curve in fitted.curves:
        part = ahead.filter(pl.col("curve") == curve.curve)
        if part.is_empty() or total == 0:
            continue
        month = (pl.col("here") // TICKS_PER_MONTH).alias("month")
        coarse = (
            part.with_columns(month)
            .group_by("month")
            .agg(pl.col("here", "to_ltv", "due", "term_ticks").first(), pl.col("amount").sum())
            .sort("month")
        )
        arrays = [
            coarse[n].cast(pl.Int64).to_numpy() for n in ("here", "to_ltv", "due", "term_ticks")
        ]
        point, _ = residual.expected_payments(curve.grid, *arrays)
        moved, _ = residual.expected_payments(curve.draws, *arrays)
        share = moved / np.where(point > 0, point, 1.0)
        drawn += share @ coarse["amount"].cast(pl.Float64).to_numpy()
    if total == 0:
        return 1.0, 1.0
    tail = (1 - level) / 2
    low, high = np.quantile(drawn / total, [tail, 1 - tail], method="weibull")
    return float(low), float(high)


def new_customer(curve: GroupCurve, horizons: Horizons) -> tuple[float, float]:
    """Return expected months and payments of one who starts today, the first payment included.

    Paid in arrears, the first payment is that of who is still there at the end of the term.
    """
    stay = np.array([horizons.ltv_months * TICKS_PER_MONTH - 1])
    here, term = np.array([-1]), np.array([curve.term_months * TICKS_PER_MONTH])
    late = horizons.is_in_arrears
    number, _ = residual.expected_payments(curve.grid, here, stay + late, term * late, term)
    return float(residual.expected_months(curve.grid, here, stay)[0]), float(number[0])
