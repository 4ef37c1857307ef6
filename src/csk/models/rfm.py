"""Recency, frequency and money of repeat buyers, scored 1 to 5.

One rule: scores come from edges, and the edges are kept with the result, so a customer can be
scored again tomorrow against today's edges.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from csk.errors import UsageError
from csk.models.value import UNIT
from csk.settings import Settings
from csk.stats import rfm

_PARTS = ("rfm_recency", "rfm_frequency", "rfm_monetary")


@dataclass(frozen=True, slots=True)
class RfmScores:
    """How customers were scored, and how many fell into each score and segment."""

    method: str
    edges: dict[str, tuple[float, ...]]
    """Lower bound of each score but the first; recency in days, negated (recent is high)."""
    sizes: dict[str, tuple[int, ...]]
    segments: tuple[tuple[str, int, int], ...]
    """(segment, customers, their money so far)."""
    n_without: int
    """Customers without any purchase (only refunds), who have no score."""
    map: tuple[tuple[int, ...], ...]
    """Customers by recency (rows, 5 first) and frequency (columns, 1 first)."""


def rfm_scored(customers: pl.DataFrame, settings: Settings) -> tuple[pl.DataFrame, RfmScores]:
    """Add the three scores and `rfm_segment` to customers with `silence_days`, `n_purchases`.

    Null for who has no purchase. With `decile` scores run to 10 and with `abc` to 3; the segment
    map reads them as fifths.
    """
    method = settings.rfm.method
    bought = customers["n_purchases"].to_numpy() > 0
    values = {
        "rfm_recency": -customers["silence_days"].fill_null(0).to_numpy().astype(np.float64),
        "rfm_frequency": customers["n_purchases"].to_numpy().astype(np.float64),
        "rfm_monetary": customers["purchase_amount"].to_numpy().astype(np.float64),
    }
    edges = {
        name: np.asarray(_edges(name, of[bought], settings), np.float64)
        for name, of in values.items()
    }
    scores = {name: rfm.scores(values[name], edges[name]).astype(np.int64) for name in _PARTS}
    top = {name: len(edges[name]) + 1 for name in _PARTS}
    fifths = [np.ceil(scores[name] * 5 / top[name]).astype(np.int64) for name in _PARTS]
    segment = pl.Series(rfm.segment_of(fifths[0], fifths[1], fifths[2]))
    has = pl.Series(bought)
    scored = customers.with_columns(
        *(pl.when(has).then(pl.Series(scores[name])).alias(name) for name in _PARTS),
        rfm_segment=pl.when(has).then(pl.Series(rfm.SEGMENTS.names).gather(segment)),
    )
    return scored, RfmScores(
        method=method,
        edges={name: tuple(of.tolist()) for name, of in edges.items()},
        sizes={
            name: tuple(np.bincount(of[bought], minlength=top[name] + 1)[1:].tolist())
            for name, of in scores.items()
        },
        segments=_segments(scored),
        n_without=int((~bought).sum()),
        map=_map(fifths[0][bought], fifths[1][bought]),
    )


def _edges(name: str, values: NDArray[np.float64], settings: Settings) -> ArrayLike:
    choice = settings.rfm
    if choice.method == "abc":
        return rfm.share_edges(values) if name == "rfm_monetary" else rfm.rank_edges(values, bins=3)
    if choice.method == "fixed":
        if name == "rfm_recency":
            return [-float(days) for days in reversed(choice.recency_days)]
        if name == "rfm_frequency":
            return [float(n) for n in choice.frequency]
        if choice.monetary_amount is None:
            raise UsageError(
                "Fixed RFM scores need thresholds of money.",
                hint="Set [rfm] monetary_amount = [a, b, c, d] in csk.toml.",
            )
        return [amount * UNIT for amount in choice.monetary_amount]
    return rfm.rank_edges(values, bins=10 if choice.method == "decile" else 5)


def _segments(scored: pl.DataFrame) -> tuple[tuple[str, int, int], ...]:
    found = (
        scored.drop_nulls("rfm_segment")
        .group_by("rfm_segment")
        .agg(pl.len(), pl.col("realised_amount").sum())
        .sort("realised_amount", "rfm_segment", descending=[True, False])
    )
    return tuple((str(s), int(n), int(money)) for s, n, money in found.iter_rows())


def _map(recency: NDArray[np.int64], frequency: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    cells = np.bincount((5 - recency) * 5 + frequency - 1, minlength=25).reshape(5, 5)
    return tuple(tuple(int(n) for n in row) for row in cells)
