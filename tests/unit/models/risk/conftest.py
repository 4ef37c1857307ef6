"""Panels of customers whose hazards are known, for tests of what reads them."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

EDGES = (7, 14, 30, 60, 90, 180, 365)
START = date(2024, 1, 1)
UNTIL = START + timedelta(days=366)
NEVER = 10**6


class Known(NamedTuple):
    panel: pl.DataFrame
    eta: np.ndarray
    """Logit of leaving at a renewal (monthly), or within 30 days."""


def monthly(n, seed=0, effects=(-0.6, 0.5), causes=(1.0,)):
    """Contracts of a month: who leaves does so at an end of term, 30 days apart."""
    rng = np.random.default_rng(seed)
    columns, eta = _columns(rng, n, effects)
    first = rng.integers(0, 30, n)
    end = first + 30 * (rng.geometric(1.0 / (1.0 + np.exp(-eta))) - 1)
    due = {e: np.where(first < e, (e - 1 - first) // 30 + 1, 0) for e in EDGES}
    return Known(_panel(rng, columns, end, due, 1, causes), eta)


def daily(n, seed=0, effects=(-0.6, 0.5), causes=(1.0,)):
    """No terms: who leaves does so on any day."""
    rng = np.random.default_rng(seed)
    columns, eta = _columns(rng, n, effects)
    rate = -np.log1p(-1.0 / (1.0 + np.exp(-eta))) / 30.0
    end = np.floor(rng.exponential(1.0 / rate)).astype(int)
    due = {e: np.zeros(n, int) for e in EDGES}
    return Known(_panel(rng, columns, end, due, 0, causes), eta)


def by_bin(n, seed=0, effects=(-0.6, 0.5), causes=(1.0,)):
    """The very law of the glass box: logits of bins are a level by length and the same effects."""
    rng = np.random.default_rng(seed)
    columns, eta = _columns(rng, n, effects)
    low, high = np.array((0, *EDGES[:-1])), np.array(EDGES)
    chance = 1.0 / (1.0 + np.exp(-(eta[:, None] + np.log((high - low) / 30.0))))
    gone = rng.random(chance.shape) < chance
    at = gone.argmax(axis=1)
    day = low[at] + np.floor(rng.random(n) * (high - low)[at]).astype(int)
    end = np.where(gone.any(axis=1), day, NEVER)
    due = {e: np.zeros(n, int) for e in EDGES}
    return Known(_panel(rng, columns, end, due, 0, causes), eta)


def truth_by_bin(eta, days):
    """Return the chance to leave within days that are an edge, as `by_bin` has it."""
    low, high = np.array((0, *EDGES[:-1])), np.array(EDGES)
    chance = 1.0 / (1.0 + np.exp(-(eta[:, None] + np.log((high - low) / 30.0))))
    return 1.0 - np.prod(1.0 - chance[:, high <= days], axis=1)


def _columns(rng, n, effects):
    trend, tickets = rng.normal(size=n), rng.poisson(2, n).astype(float)
    plan = rng.choice(["basic", "plus", "rare"], n, p=[0.6, 0.395, 0.005])
    columns = {
        "usage_to_baseline": trend,
        "tickets_28d": tickets,
        "tenure_days": rng.exponential(300, n),
        "plan": plan,
    }
    return columns, -3.8 + effects[0] * trend + effects[1] * np.log1p(tickets)


def _panel(rng, columns, end, due, term, causes):
    n, seen = len(end), end < EDGES[-1]
    cause = rng.choice(np.arange(1, len(causes) + 1), n, p=causes)
    return pl.DataFrame(
        {
            "customer_id": [f"c{i:06d}" for i in range(n)],
            "landmark_on": [START] * n,
            "end_in_days": pl.Series(np.where(seen, end, NEVER), dtype=pl.Int32),
            "cause": np.where(seen, cause, 0).astype(np.int32),
            "term_months": np.full(n, term, np.int32),
            **columns,
            **{f"renewals_{e}d": due[e].astype(np.int32) for e in EDGES},
        }
    ).with_columns(pl.col("end_in_days").replace(NEVER, None))


@pytest.fixture(name="monthly")
def _monthly():
    return monthly


@pytest.fixture(name="daily")
def _daily():
    return daily


@pytest.fixture(name="by_bin")
def _by_bin():
    return by_bin


@pytest.fixture(name="truth_by_bin")
def _truth_by_bin():
    return truth_by_bin


@pytest.fixture(scope="session")
def until():
    return UNTIL


LOG_START = date(2024, 1, 1)
LANDMARKS = 15


def logs(n=500, signal=1.0, seed=0, level=-2.2):
    """Customers at 15 landmarks 28 days apart: who uses less than before leaves sooner.

    Everything up to LOG_START + 14 x 28 days is known; each customer who leaves is replaced.
    """
    rng = np.random.default_rng(seed)
    parts, age = [], rng.integers(30, 900, n)
    who, x = np.arange(n), rng.normal(size=n)
    newest = n
    for step in range(LANDMARKS):
        eta = level - signal * x
        ends = np.floor(rng.exponential(28.0 / np.log1p(np.exp(eta)))).astype(int)
        parts.append(
            {
                "customer_id": [f"c{i:06d}" for i in who],
                "landmark_on": [LOG_START + timedelta(days=28 * step)] * n,
                "ends": ends,
                "spell_no": np.ones(n, int),
                "plan": np.where(who % 3 == 0, "pro", "basic"),
                "usage_to_baseline": x,
                "tenure_days": age.astype(float),
            }
        )
        gone = ends < 28
        who = np.where(gone, newest + np.arange(n), who)
        newest += n
        age = np.where(gone, 14, age + 28)
        x = np.where(gone, rng.normal(size=n), 0.8 * x + 0.6 * rng.normal(size=n))
    rows = pl.concat([pl.DataFrame(part) for part in parts])
    # The end that came is that of the last landmark that a customer was seen at.
    last = LOG_START + timedelta(days=28 * (LANDMARKS - 1))
    end = pl.col("landmark_on") + pl.duration(days=pl.col("ends"))
    ended = end.sort_by("landmark_on").last().over("customer_id")
    rows = rows.with_columns(ended_on=pl.when(ended < last).then(ended))
    return rows.with_columns(
        end_in_days=(pl.col("ended_on") - pl.col("landmark_on")).dt.total_days().cast(pl.Int32),
        cause=pl.col("ended_on").is_not_null().cast(pl.Int32),
        term_months=pl.lit(0, pl.Int32),
        renewals_30d=pl.lit(0, pl.Int32),
        renewals_90d=pl.lit(0, pl.Int32),
    ).drop("ends", "ended_on")


@pytest.fixture(name="logs", scope="session")
def _logs():
    return logs
