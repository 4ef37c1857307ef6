"""Random companies, small enough to be valued many times."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.analyses.segment import segmentation
from csk.analyses.window import window
from csk.book import Book
from csk.engine.local import LocalEngine
from csk.settings import Settings

BEGIN, AS_OF = date(2021, 2, 1), date(2023, 8, 16)
REGIONS = ("north", "south", None)


def days(n: int) -> timedelta:
    return timedelta(days=int(n))


def subscription_company(seed: int) -> dict[str, list[dict[str, object]]]:
    """Draw customers who swap plans, buy add-ons, leave, come back and pay by month or year."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(int(rng.integers(40, 90))):
        day, who = BEGIN + days(rng.integers(0, 900)), f"c{number:03d}"
        for _ in range(rng.integers(1, 4)):
            length = int(rng.geometric(1 / 250))
            row = {
                "customer_id": who,
                "started_on": day,
                "ended_on": day + days(length) if day + days(length) < AS_OF else None,
                "mrr_amount": int(rng.integers(1, 90)) * 10_000,
                "plan": ("basic", "pro", None)[rng.choice(3, p=[0.6, 0.3, 0.1])],
                "term_months": int(rng.choice([1, 12], p=[0.8, 0.2])),
                "cancel_reason": ("card", "price", None)[rng.integers(3)],
            }
            rows.append(row)
            day += days(length + rng.choice([-30, 0, 0, 45]))
            day = max(day, BEGIN)
            if row["ended_on"] is None or rng.random() < 0.5:
                break
    return {"subscriptions": rows, "customers": about(rows, rng)}


def shop_company(seed: int) -> dict[str, list[dict[str, object]]]:
    """Draw buyers with refunds, free orders and several payments a day."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(int(rng.integers(60, 110))):
        day, pace = BEGIN + days(rng.integers(0, 500)), rng.gamma(2.0, 20.0)
        worth = int(rng.integers(5, 200)) * 1000
        while day < AS_OF:
            amount = int(rng.choice([-worth, 0, worth, worth + 777], p=[0.05, 0.02, 0.63, 0.3]))
            rows.append({"customer_id": f"c{number:03d}", "paid_on": day, "amount": amount})
            day += days(rng.exponential(pace) * (rng.random() > 0.1))
            if rng.random() < 0.12:
                break
    return {"payments": rows, "customers": about(rows, rng)}


def about(rows, rng):
    """Give every customer, and one who never bought, a region."""
    ids = [*dict.fromkeys(str(row["customer_id"]) for row in rows), "nobody"]
    return [{"customer_id": one, "region": REGIONS[rng.integers(3)]} for one in ids]


COMPANIES = {"contract": subscription_company, "shop": shop_company}


def valued(book: Book, settings: Settings | None = None):
    """Return the segmentation of a book, dated as its settings say (by default AS_OF)."""
    chosen = settings or Settings(as_of=AS_OF)
    engine = LocalEngine()
    return segmentation(book.dated(window(book, engine, chosen, date.max)), engine, chosen)


@pytest.fixture(scope="session")
def company():
    """Give random companies by kind (`contract` or `shop`) and seed, as rows of tables."""
    return lambda kind, seed: COMPANIES[kind](seed)


@pytest.fixture(scope="session")
def value():
    """Give the way from a book to its segmentation."""
    return valued


@pytest.fixture(scope="session")
def as_of():
    return AS_OF


def exact(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    """Return rows with floats as their bits."""
    return [tuple(v.hex() if isinstance(v, float) else v for v in row) for row in frame.rows()]


@pytest.fixture(scope="session")
def bits():
    return exact
