"""What a run with a kept model knows beside its scores: how earlier runs did, and what to look at.

One rule: it reads nothing of its own day or later from the ledger, so the same run again gives
the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from csk.book import Book
from csk.engine.protocol import Engine
from csk.models.contract import Horizons
from csk.models.risk import alerts, ledger
from csk.models.risk.alerts import Alert, Arrived, Drifted, Limits, Night
from csk.models.risk.ledger import Ledger, Live
from csk.schema import RISK_LIVE, RISK_RUN
from csk.settings import Settings
from csk.tables.arrivals import ARRIVING, by_day, ends_from
from csk.tables.columns import types_of


class Scored(NamedTuple):
    """What a run has foretold, and with which model."""

    customers: pl.DataFrame
    horizons: Horizons
    method: str
    model_id: str
    fitted_as_of: date
    drifted: Sequence[Drifted] = ()
    is_refit: bool = False


class Kept(NamedTuple):
    """What a model's folder holds of earlier runs."""

    ledger: Ledger
    scores: Callable[[date], pl.DataFrame | None]
    """Gives what was foretold as of a day."""


@dataclass(frozen=True, slots=True)
class Nightly:
    """A run beside those before it; the frames are those to be kept."""

    night: Night
    customers: pl.DataFrame
    """As scored, with `p_churn_change`."""
    ledger: Ledger
    scores: pl.DataFrame


def nightly(book: Book, engine: Engine, settings: Settings, scored: Scored, kept: Kept) -> Nightly:
    """Hold a run against those of earlier days, and enter it into the ledger."""
    as_of, risk_days = book.span.as_of, scored.horizons.risk_days
    earlier = kept.ledger.before(as_of)
    previous = kept.ledger.last_before(as_of)
    before = kept.scores(previous) if previous else None
    customers = ledger.with_change(scored.customers, before, scored.horizons.retained_days)
    matured = _matured(book, engine, settings, scored, kept)
    arrived = _arrived(book, engine)
    run = _run(book, scored, arrived)
    limits = Limits(**settings.alerts.model_dump())
    found: list[Alert] = [
        *alerts.drift(scored.drifted, limits),
        *alerts.calibration([one for one in matured.values() if one], limits),
        *alerts.volume(run, earlier, limits),
        *alerts.freshness(as_of, _ends_of_tables(arrived), limits),
    ]
    run = run.with_columns(alerts=pl.lit(",".join(alerts.conditions(found)) or None, pl.String))
    expected = {
        days: float(customers[f"p_churn_{days}d"].sum() or 0.0) for days in sorted(risk_days)
    }
    lived = ledger.live_rows(as_of, expected, matured)
    runs = ledger.replaced(kept.ledger.runs, run, as_of, RISK_RUN)
    entered = Ledger(runs, ledger.replaced(kept.ledger.live, lived, as_of, RISK_LIVE))
    night = Night(
        alerts=tuple(found),
        live=tuple(one for one in matured.values() if one),
        previous=previous,
        fitted_as_of=scored.fitted_as_of,
        is_refit=scored.is_refit,
        n_runs=earlier.height + 1,
    )
    return Nightly(night, customers, entered, ledger.scores(customers, as_of, risk_days))


def _matured(
    book: Book, engine: Engine, settings: Settings, scored: Scored, kept: Kept
) -> dict[int, Live | None]:
    """Return by horizon how the latest run did whose labels are all known by now.

    Shops have no day on which a customer leaves, and so nothing that could mature.
    """
    found: dict[int, Live | None] = {}
    if not book.is_contractual:
        return found
    span, grace = book.span, settings.grace_days
    # An end is one only when the days in which a renewal would undo it have passed.
    known_until = span.data_through + timedelta(days=1 - grace)
    days_of_runs = kept.ledger.before(span.as_of)["as_of"].to_list()
    of_control = "touches" in book.tables and settings.control.share > 0
    ends: dict[date, pl.DataFrame] = {}
    for days in sorted(scored.horizons.risk_days):
        day = ledger.matured(days_of_runs, known_until, days)
        earlier = kept.scores(day) if day else None
        if day is None or earlier is None:
            continue
        if day not in ends:
            plan = ends_from(day, span.as_of, grace)
            ends[day] = engine.collect(book, plan, ["customer_id"])
        found[days] = ledger.live(earlier, ends[day], days, of_control=of_control)
    return found


def _arrived(book: Book, engine: Engine) -> dict[str, pl.DataFrame]:
    """Return by table the days with rows, in order, and how many: `day`, `n_rows`."""
    names = tuple(name for name in ARRIVING if name in book.tables)
    if not names:
        return {}
    counts = engine.total(book, by_day(names, book.span.as_of), ["table_no", "day"])
    return {name: counts.filter(pl.col("table_no") == at) for at, name in enumerate(names)}


def _ends_of_tables(arrived: dict[str, pl.DataFrame]) -> list[Arrived]:
    found = []
    for name, days in arrived.items():
        if days.is_empty():
            continue
        first, last = days["day"][0], days["day"][-1]
        found.append(Arrived(name, last, (last - first).days + 1, days.height))
    return found


def _run(book: Book, scored: Scored, arrived: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the row of the ledger, its alerts not yet known."""
    span, customers = book.span, scored.customers
    eve = pl.col("day") == span.as_of - timedelta(days=1)
    counts = {
        f"n_{name}": int(arrived[name].filter(eve)["n_rows"].sum())
        for name in alerts.EVENTS
        if name in arrived
    }
    row = {
        "as_of": span.as_of,
        "model_id": scored.model_id,
        "method": scored.method,
        "fitted_as_of": scored.fitted_as_of,
        "data_through": span.data_through,
        "inputs_sha256": book.digest,
        "n_customers": customers.height,
        "n_control": int(customers["is_control"].sum() or 0),
        **counts,
        "mrr_amount": _sum(customers, "mrr_amount"),
        "value_at_risk": _sum(customers, "value_at_risk"),
        "currency": book.currency or None,
    }
    return pl.DataFrame([row], schema=types_of(RISK_RUN))


def _sum(customers: pl.DataFrame, column: str) -> int | None:
    values = customers[column]
    return None if values.null_count() == len(values) else int(values.sum())
