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
