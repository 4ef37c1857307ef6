"""The ledger of a model's folder: what each run foretold, and how earlier runs did since.

One rule: a run is known by its day. What it writes depends on earlier days alone, so that the
same run again gives the same rows, whatever came after it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import CskError
from csk.schema import RISK_LIVE, RISK_RUN, RISK_SCORE, Table
from csk.stats.calibration import calibration
from csk.stats.discrimination import auc, lift
from csk.tables.columns import types_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is kept of earlier runs; both frames are empty where there was none."""

    runs: pl.DataFrame
    live: pl.DataFrame

    def before(self, as_of: date) -> pl.DataFrame:
        """Return the runs of earlier days, latest last."""
        return self.runs.filter(pl.col("as_of") < as_of).sort("as_of")

    def latest(self) -> date | None:
        """Return the day of the latest run, whatever the day; null where there is none."""
        days: list[date] = self.runs["as_of"].to_list()
        return max(days, default=None)

    def last_before(self, as_of: date) -> date | None:
        """Return the day of the latest earlier run; null where there is none."""
        days = self.before(as_of)["as_of"].to_list()
        return days[-1] if days else None


class Live(NamedTuple):
    """How an earlier run did at one horizon, now that its labels are known."""

    days: int
    scored_on: date
    scored_by: str
    of_control: bool
    n: int
    n_unknown: int
    n_foretold: float
    n_left: int
    brier: float
    brier_skill: float
    auc: float
    lift_10: float
    intercept: float
    slope: float
    z: float

    @property
    def ratio(self) -> float:
        """Return how many left for each that was foretold; NaN where none was."""
        return self.n_left / self.n_foretold if self.n_foretold > 0 else float("nan")


def empty() -> Ledger:
    """Return the ledger of a folder without runs."""
    return Ledger(*(pl.DataFrame(schema=types_of(table)) for table in (RISK_RUN, RISK_LIVE)))


def scores(customers: pl.DataFrame, as_of: date, risk_days: Sequence[int]) -> pl.DataFrame:
    """Return what is kept of each customer, sorted by id; `p_churn_{H}d` come last."""
    known = {name: dtype for name, dtype in types_of(RISK_SCORE).items() if name != "as_of"}
    return customers.select(
        pl.lit(as_of, dtype=pl.Date).alias("as_of"),
        *(
            pl.col(name) if name in customers.columns else pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in known.items()
        ),
        *(pl.col(f"p_churn_{days}d") for days in risk_days),
    ).sort("customer_id")


def with_change(
    customers: pl.DataFrame, earlier: pl.DataFrame | None, main_days: int
) -> pl.DataFrame:
    """Add `p_churn_change` at the main horizon; null where the earlier run did not foretell it."""
    risk = f"p_churn_{main_days}d"
    if earlier is None or risk not in earlier.columns:
        return customers.with_columns(p_churn_change=pl.lit(None, dtype=pl.Float64))
    before = earlier.select("customer_id", pl.col(risk).alias("p_churn_change"))
    joined = customers.drop("p_churn_change", strict=False).join(
        before, on="customer_id", how="left", maintain_order="left"
    )
    return joined.with_columns(p_churn_change=pl.col(risk) - pl.col("p_churn_change"))


def replaced(kept: pl.DataFrame, rows: pl.DataFrame, as_of: date, table: Table) -> pl.DataFrame:
    """Return a table of the ledger in which `rows` stand in place of those of their day."""
    others = kept.filter(pl.col("as_of") != as_of)
    typed = rows.select(pl.col(name).cast(dtype) for name, dtype in types_of(table).items())
    return pl.concat([others.select(typed.columns).cast(typed.schema), typed]).sort(table.key)


def matured(runs: Sequence[date], known_until: date, days: int) -> date | None:
    """Return the latest run all of whose labels at a horizon are known; null where none is.

    `known_until` is the day before which all ends are known and will not be undone.
    """
    whole = [day for day in runs if day + timedelta(days=days) <= known_until]
    return max(whole, default=None)


def live(scored: pl.DataFrame, ends: pl.DataFrame, days: int, *, of_control: bool) -> Live | None:
    """Hold what was foretold against what came; null where it cannot be told.

    `scored` are the kept scores of a run, `ends` who was in service that day: `customer_id`,
    `end_in_days`. Where `of_control`, only customers left alone are judged: a contact that works
    would look like a model that is wrong. Customers whom the data no longer know are counted.
    """
    risk = f"p_churn_{days}d"
    if risk not in scored.columns or scored.is_empty():
        return None
    judged = scored.filter("is_control") if of_control else scored
    known = judged.join(ends, on="customer_id", how="inner", maintain_order="left").filter(
        pl.col(risk).is_not_null()
    )
    if known.is_empty():
        return None
    p = known[risk].to_numpy()
    left = (known["end_in_days"].fill_null(days) < days).to_numpy().astype(np.float64)
    spread = float(np.sqrt(np.sum(p * (1 - p))))
    brier = float(np.mean((p - left) ** 2))
    base = float(left.mean())
    order = _order(p, left)
    return Live(
        days=days,
        scored_on=scored["as_of"][0],
        scored_by=scored["model_id"][0] or "",
        of_control=of_control,
        n=known.height,
        n_unknown=judged.height - known.height,
        n_foretold=float(p.sum()),
        n_left=int(left.sum()),
        brier=brier,
        brier_skill=1 - brier / (base * (1 - base)) if 0 < base < 1 else float("nan"),
        z=(float(left.sum()) - float(p.sum())) / spread if spread else float("nan"),
        **order,
    )


def _order(p: Floats, left: Floats) -> dict[str, float]:
    """Return figures that need both outcomes; NaN where they cannot be told of so few."""
    unknown = dict.fromkeys(("auc", "lift_10", "intercept", "slope"), float("nan"))
    if not 0 < left.sum() < len(left):
        return unknown
    told = unknown | {"auc": auc(p, left), "lift_10": float(lift(p, left, 0.1))}
    with suppress(CskError):  # a constant chance, or one that parts the outcomes, has no slope
        of = calibration(p, left)
        told |= {"intercept": of.shift, "slope": of.slope}
    return told


def live_rows(
    as_of: date, expected: dict[int, float], found: dict[int, Live | None]
) -> pl.DataFrame:
    """Return the rows of a run: what it expects by horizon, and how an earlier one did."""
    rows = []
    for days, n_expected in expected.items():
        row: dict[str, object] = {"as_of": as_of, "horizon_days": days, "n_expected": n_expected}
        one = found.get(days)
        if one is not None:
            row |= {name: value for name, value in one._asdict().items() if name != "days"}
        rows.append(row)
    frame = pl.DataFrame(rows, schema=types_of(RISK_LIVE))
    numbers = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    return frame.with_columns(pl.col(numbers).fill_nan(None))
