"""Features of customers in service at landmarks: what was known of them before that day.

One rule: a feature reads nothing at or after its landmark; a table that the book lacks gives no
column, and what a row cannot tell is null.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

import polars as pl

from csk.engine.protocol import Tables
from csk.schema.features import FEATURES, TOUCHES
from csk.tables.features_contract import contract_features
from csk.tables.features_events import (
    failure_counts,
    failure_features,
    payment_counts,
    payment_features,
    survey_counts,
    survey_features,
    ticket_counts,
    ticket_features,
    touch_counts,
    touch_features,
)
from csk.tables.features_usage import usage_by_landmark, usage_features
from csk.tables.known import Known
from csk.tables.windows import ROW

Counts = Callable[[pl.LazyFrame, Sequence[date], Known], pl.LazyFrame]
Finish = Callable[[set[str], date, Known], dict[str, pl.Expr]]

_EVENTS: Final[tuple[tuple[str, Counts, Finish], ...]] = (
    ("usage", usage_by_landmark, usage_features),
    ("tickets", ticket_counts, ticket_features),
    ("payments", payment_counts, payment_features),
    ("failed_payments", failure_counts, failure_features),
    ("surveys", survey_counts, survey_features),
    ("touches", touch_counts, touch_features),
)
"""Of each table, what it says by customer and landmark, and the features of that."""


def with_features(
    rows: pl.LazyFrame,
    contracts: pl.LazyFrame,
    tables: Tables,
    window: tuple[Sequence[date], date],
    known: Known,
) -> tuple[tuple[str, ...], pl.LazyFrame]:
    """Return the names of the features there are, and `rows` (of `in_service`) with them.

    `rows` keep their columns; each feature is Float64. `contracts` are those of `rows`. `window`
    has the landmarks and the first day of logs of which `known` does not tell their own.
    """
    days, data_from = window
    whole, features = contract_features(rows, contracts, days, known)
    for table, counts, finish in _EVENTS:
        if table not in tables or (table == "touches" and not known.with_touches):
            continue
        whole = whole.join(counts(tables[table], days, known), on=ROW, how="left")
        has = set(whole.collect_schema().names())
        features |= finish(has, known.begun.get(table, data_from), known)
    names = tuple(one.name for one in (*FEATURES, *TOUCHES) if one.name in features)
    # A feature may be called as a column that is read for another: all are told at once.
    return names, whole.with_columns(features[name].cast(pl.Float64).alias(name) for name in names)
