"""Who is left alone: a share of customers, so that what contacts bring can be measured.

One rule: whether a customer is in depends on its id, the experiment and the period alone, so
every machine draws the same and nothing needs to be kept.
"""

from datetime import date
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

import polars as pl

Period: TypeAlias = Literal["month", "quarter", "year"]

_BYTES: Final = 8
_MONTHS: Final[dict[str, int]] = {"month": 1, "quarter": 3, "year": 12}


def is_control(
    customers: pl.Series, as_of: date, share: float, experiment: str, period: Period = "quarter"
) -> pl.Series:
    """Tell of each customer id whether it is left alone; booleans in the same order.

    A BLAKE2 hash of experiment, period and id falls below `share` of its range.
    """
    lead = f"{experiment}|{period_name(as_of, period)}|".encode()
    limit = round(share * 2 ** (8 * _BYTES))
    start = blake2b(lead, digest_size=_BYTES)
    drawn = []
    for customer in customers:
        one = start.copy()
        one.update(str(customer).encode())
        drawn.append(int.from_bytes(one.digest(), "big") < limit)
    return pl.Series("is_control", drawn, dtype=pl.Boolean)


def period_name(as_of: date, period: Period) -> str:
    """Return the period that a day lies in: 2026-3 is the third quarter."""
    return f"{as_of.year}-{(as_of.month - 1) // _MONTHS[period] + 1}"
