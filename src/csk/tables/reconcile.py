"""Two ways to count the same contracts, customer by customer and period by period.

One rule: what a customer adds to a figure is a whole number under either way, so what one way
has and the other has not is a sum over customers, and nothing of it is lost.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from csk.engine.protocol import Plan, Tables
from csk.tables.movements import KINDS, Motion, changes, movements
from csk.tables.spells import INVOLUNTARY, UNKNOWN, VOLUNTARY

SUBSCRIPTIONS: Final = "subscriptions"
REASONS: Final = {VOLUNTARY: "voluntary", INVOLUNTARY: "involuntary", UNKNOWN: "unknown"}
CAME: Final = ("new", "reactivation", "resume")
WENT: Final = ("churn", "pause")
FLOWS: Final = (
    *(f"{part}.{kind}" for kind in (*KINDS, *REASONS.values()) for part in ("n", "amount")),
    *("n.flash", "amount.flash", "n.lost", "amount.lost", "amount.grown"),
)
"""What is added up of each customer and period: customers and money (falls are negative) by kind
of movement and by reason of churn; who came and left inside it; what those of the start lost and
what they pay more at its end."""
LEVELS: Final = ("n", "amount")
"""What stands at a day: customers, and what they pay."""
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Scope:
    """Contracts that alone are counted, or that are left out."""

    column: str
    """`plan`, or a column of the customers table."""
    value: str
    is_left_out: bool = True


@dataclass(frozen=True, slots=True)
class Way:
    """One way to count the contracts of a book."""

    motion: Motion
    table: str = SUBSCRIPTIONS
    """Which reading of the contracts; another one has its days in another time zone."""
    zone: str = ""
    """Time zone of that reading, where it is another one."""
    ends_later: int = 0
    """Days by which the end of service is counted later than it is written."""
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a figure is made of: where two ways differ in any of it, they differ in the figure."""

    flows: frozenset[str] = frozenset()
    """Of `FLOWS`."""
    levels: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    """Of `LEVELS`, each at the start (`before`) or the end (`after`) of a period."""


def flow_sums(way: Way) -> Plan:
    """Return a summary: `FLOWS` by `period_on`; what stands is their sum up to a period."""

    def plan(tables: Tables) -> pl.LazyFrame:
        return flows(tables, way).group_by("period_on").agg(pl.col(FLOWS).sum())

    return plan


def flows(tables: Tables, way: Way) -> pl.LazyFrame:
    """Return `FLOWS` of each customer and period in which something changed."""
    motion, key = way.motion, way.motion.key
    rows = movements(changes({**tables, SUBSCRIPTIONS: counted(tables, way)}, motion), motion)
    of_kind = {kind: pl.col("kind") == kind for kind in KINDS}
    of_kind |= {
        name: (pl.col("kind") == "churn") & (pl.col("cause") == code)
        for code, name in REASONS.items()
    }
    start, end = (pl.col(name).clip(lower_bound=0) for name in (BEFORE, AFTER))
    stood = pl.col("before") > 0
    counts = {f"n.{name}": pl.col("n").filter(is_it).sum() for name, is_it in of_kind.items()}
    sums = {
        f"amount.{name}": pl.col("amount").filter(is_it).sum() for name, is_it in of_kind.items()
    }
    flash = {"n.flash": pl.col("is_flash").sum(), "amount.flash": pl.col("flash_amount").sum()}
    per_key = rows.group_by(*key, "period_on").agg(
        *(total.cast(pl.Int64).alias(name) for name, total in (counts | sums | flash).items()),
        pl.col("before").first(),
        pl.col("after").last(),
    )
    at_ends = {
        "n.lost": (stood & (pl.col("after") <= 0)).cast(pl.Int64),
        "amount.lost": pl.when(stood).then((start - end).clip(lower_bound=0)).otherwise(0),
        "amount.grown": pl.when(stood).then((end - start).clip(lower_bound=0)).otherwise(0),
    }
    return (
        per_key.with_columns(change.alias(name) for name, change in at_ends.items())
        .group_by("customer_id", "period_on")
        .agg(pl.col(FLOWS).sum())
    )


def counted(tables: Tables, way: Way) -> pl.LazyFrame:
    """Return the contracts that a way counts, with their days as it takes them."""
    rows = tables[way.table]
    if way.scope is not None:
        rows = _within(rows, tables, way.scope)
    return _ending_later(rows, way.ends_later) if way.ends_later else rows


def _within(rows: pl.LazyFrame, tables: Tables, scope: Scope) -> pl.LazyFrame:
    if scope.column == "plan":
        is_it = (pl.col("plan") == scope.value).fill_null(value=False)
        return rows.filter(~is_it if scope.is_left_out else is_it)
    is_it = pl.col(scope.column).cast(pl.String) == scope.value
    named = tables["customers"].filter(is_it).select("customer_id").unique()
    how = "anti" if scope.is_left_out else "semi"
    return rows.join(named, on="customer_id", how=how, maintain_order="left")  # type: ignore[arg-type] # one of the two


def _ending_later(rows: pl.LazyFrame, days: int) -> pl.LazyFrame:
    """Move ends by some days, but for those on which a contract of the same customer begins."""
    begins = rows.select("customer_id", ended_on=pl.col("started_on")).unique()
    moved = pl.max_horizontal("started_on", pl.col("ended_on").dt.offset_by(f"{days}d"))
    return (
        rows.join(
            begins.with_columns(overlaps=pl.lit(value=True)),
            on=["customer_id", "ended_on"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            ended_on=pl.when(pl.col("ended_on").is_not_null() & pl.col("overlaps").is_null())
            .then(moved)
            .otherwise("ended_on")
        )
        .drop("overlaps")
    )


def changed(one: Way, other: Way, figures: Mapping[str, Looked]) -> Plan:
    """Return a summary: customers for whom `figures` differ under two ways, by `period_on`.

    For each figure two columns. `turned.NAME`: by how many more customers the levels it looks at
    differ at the end of the period than at its start. `beside.NAME`: customers who differ in it
    though their levels do not: by their flows, or, where it looks at the end alone or not at all,
    at no other time. What stood before the first period is alike.
    """

    def plan(tables: Tables) -> pl.LazyFrame:
        key = ["customer_id", "period_on"]
        here = flows(tables, one)
        there = flows(tables, other).select(*key, pl.col(FLOWS).name.suffix(" there"))
        off = (pl.col(f"{name} there").fill_null(0) - pl.col(name).fill_null(0) for name in FLOWS)
        apart = (
            here.join(there, on=key, how="full", coalesce=True)
            .select(*key, *(expr.alias(name) for expr, name in zip(off, FLOWS, strict=True)))
            .filter(pl.any_horizontal(pl.col(name) != 0 for name in FLOWS))
            .sort(*key)
            .with_columns(_rises())
            .with_columns(
                pl.col(n).cum_sum().over("customer_id").name.prefix("end.") for n in LEVELS
            )
            .with_columns((pl.col(f"end.{n}") - pl.col(n)).alias(f"start.{n}") for n in LEVELS)
        )
        counts = [expr for name, looked in figures.items() for expr in _counts(name, looked)]
        return apart.group_by("period_on").agg(counts)

    return plan


def _rises() -> list[pl.Expr]:
    """Return what the differences of a period do to those of its levels."""
    came = pl.sum_horizontal(pl.col(f"n.{kind}") for kind in CAME)
    went = pl.sum_horizontal(pl.col(f"n.{kind}") for kind in WENT)
    money = pl.sum_horizontal(pl.col(f"amount.{kind}") for kind in KINDS)
    return [(came - went).alias("n"), money.alias("amount")]


def _counts(name: str, looked: Looked) -> list[pl.Expr]:
    domains = sorted({level for level, _ in looked.levels})
    sides = {side for _, side in looked.levels}
    ended = _any(pl.col(f"end.{level}") != 0 for level in domains)
    started = _any(pl.col(f"start.{level}") != 0 for level in domains)
    by_flow = _any(pl.col(flow) != 0 for flow in sorted(looked.flows))
    if not sides:
        beside = by_flow
    elif BEFORE not in sides:
        beside = by_flow & ~ended
    else:
        beside = (by_flow | (ended if AFTER in sides else pl.lit(value=False))) & ~started
    turned = ended.cast(pl.Int64) - started.cast(pl.Int64)
    return [
        turned.sum().alias(f"turned.{name}"),
        beside.cast(pl.Int64).sum().alias(f"beside.{name}"),
    ]


def _any(tests: Iterable[pl.Expr]) -> pl.Expr:
    """Return whether any of some tests holds; false row by row where there is none."""
    return pl.any_horizontal(*tests, pl.col("period_on").is_null())
