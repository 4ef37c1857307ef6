"""Trying a cluster before it is trusted: how soon it answers, and whether it reckons alike.

One rule: nothing of anybody's is read; what is asked is a handful of rows that csk brings along.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

import polars as pl

from csk.engine.cluster_state import ClusterState
from csk.engine.spark import Cluster, connected
from csk.errors import CskError
from csk.facts.daily import change_days, payment_days, ticket_days, usage_in_days

_DAYS: Final = (date(2024, 1, 31), date(2024, 2, 29))
_AMOUNTS: Final = (5, 7, -2, 0, None, 2**60)
_QUANTITIES: Final = (0.0005, 0.5, -2.0, None, 1 / 3, 1e9)


def probed(address: str) -> ClusterState:
    """Return how a cluster is; UsageError or TryAgainError where it cannot be asked."""
    with connected(address) as cluster:
        began = time.monotonic()
        version = cluster.version
        seconds = time.monotonic() - began
        return ClusterState(
            name=cluster.name,
            version=version,
            build=_build(cluster),
            seconds=seconds,
            gaps=tuple(name for name, is_alike in _TRIED.items() if not is_alike(cluster)),
        )


def _build(cluster: Cluster) -> str:
    """Return what the engine calls itself: Sail tells its own version here, Spark its commit."""
    with cluster.told_apart(cluster.name):
        rows = cluster.session.sql("SELECT version()").toArrow().to_pylist()
    return str(next(iter(rows[0].values()))) if rows else ""


def _are_payments_alike(cluster: Cluster) -> bool:
    rows = pl.DataFrame(
        [(f"c{n % 2}", _DAYS[n % 2], amount) for n, amount in enumerate(_AMOUNTS)] * 2,
        schema={"customer_id": pl.String, "paid_on": pl.Date, "amount": pl.Int64},
        orient="row",
    )
    return _alike(cluster, rows, payment_days)


def _is_usage_alike(cluster: Cluster) -> bool:
    moments = [datetime(2024, 1, 31, 23, 59, 59, 999_999, UTC), datetime(2024, 2, 1, tzinfo=UTC)]
    rows = pl.DataFrame(
        [("c", moments[n % 2], "f", quantity) for n, quantity in enumerate(_QUANTITIES)] * 2,
        schema={
            "customer_id": pl.String,
            "used_at": pl.Datetime("us", "UTC"),
            "feature": pl.String,
            "quantity": pl.Float64,
        },
        orient="row",
    )
    return _alike(cluster, rows, usage_in_days)


def _are_changes_alike(cluster: Cluster) -> bool:
    rows = pl.DataFrame(
        [("c", _DAYS[n % 2], amount, f"p{n % 3}") for n, amount in enumerate(_AMOUNTS)] * 2,
        schema={
            "customer_id": pl.String,
            "changed_on": pl.Date,
            "mrr_change_amount": pl.Int64,
            "plan": pl.String,
        },
        orient="row",
    )
    return _alike(cluster, rows, change_days)


def _are_tickets_alike(cluster: Cluster) -> bool:
    opened = datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC)
    closed = (datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 1, 12, tzinfo=UTC), None)
    rows = pl.DataFrame(
        [("c", opened, closed[n % 3], "high" if n else None) for n in range(7)],
        schema={
            "customer_id": pl.String,
            "opened_at": pl.Datetime("us", "UTC"),
            "closed_at": pl.Datetime("us", "UTC"),
            "severity": pl.String,
        },
        orient="row",
    )
    return _alike(cluster, rows, ticket_days)


def _alike(cluster: Cluster, rows: pl.DataFrame, facts: Callable[[Any], Any]) -> bool:
    """Tell whether a cluster gives the facts that Polars gives here."""
    here: pl.DataFrame = facts(rows.lazy()).collect()
    try:
        with cluster.told_apart(cluster.name):
            # Rows as words: clients send frames in ways that servers of other versions refuse.
            there = pl.from_arrow(facts(cluster.session.sql(_in_words(rows))).toArrow())
    except CskError:
        return False
    if not isinstance(there, pl.DataFrame) or set(there.columns) != set(here.columns):
        return False
    names = sorted(here.columns)
    cast = there.select(names).cast({name: here.schema[name] for name in names})
    return cast.sort(names).equals(here.select(names).sort(names))


def _in_words(rows: pl.DataFrame) -> str:
    """Return the query that gives these rows."""
    lines = (f"({', '.join(map(_literal, row))})" for row in rows.iter_rows())
    kinds = {"Int64": "BIGINT", "Float64": "DOUBLE"}
    columns = (
        f"CAST({name} AS {kinds[str(kind)]}) AS {name}" if str(kind) in kinds else name
        for name, kind in rows.schema.items()
    )
    named = ", ".join(rows.columns)
    return f"SELECT {', '.join(columns)} FROM VALUES {', '.join(lines)} AS rows({named})"  # noqa: S608 # of our own rows alone


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case datetime():
            return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
        case date():
            return f"DATE '{value}'"
        case float():
            return f"CAST('{value!r}' AS DOUBLE)"
        case _:
            return f"'{value}'" if isinstance(value, str) else str(value)


def _has_zones(cluster: Cluster) -> bool:
    """Tell whether a cluster cuts days in the zone that is asked for."""
    query = (
        "SELECT CAST(to_utc_timestamp(TIMESTAMP '2024-07-01 00:30', 'Asia/Tokyo') AS DATE) AS one,"
        " CAST(from_utc_timestamp(TIMESTAMP '2024-06-30 15:30', 'Asia/Tokyo') AS DATE) AS other"
    )
    try:
        with cluster.told_apart(cluster.name):
            rows = cluster.session.sql(query).toArrow().to_pylist()
    except CskError:
        return False
    return bool(rows == [{"one": date(2024, 6, 30), "other": date(2024, 7, 1)}])


def _tells_of_missing_paths(cluster: Cluster) -> bool:
    """Tell whether a path that is none is an error, not an empty table."""
    try:
        with cluster.told_apart(cluster.name):
            return bool(cluster.session.read.parquet("/csk/no/such/path.parquet").columns)
    except CskError:
        return True


_TRIED: Final[dict[str, Callable[[Cluster], bool]]] = {
    "payments": _are_payments_alike,
    "usage": _is_usage_alike,
    "mrr_events": _are_changes_alike,
    "tickets": _are_tickets_alike,
    "zones": _has_zones,
    "paths": _tells_of_missing_paths,
}
"""What is tried, by the key under which a gap is told."""
