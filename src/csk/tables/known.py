"""What is known of the whole company beside the rows of a customer: small, and broadcast.

One rule: it comes from the caller; a feature that needs what is not told here is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from math import log, log1p
from typing import Final

LEAST_GAP_DAYS: Final = 28
"""Shorter gaps of a log are holidays."""
STRAY_SHARE: Final = 0.01
"""Of the days with rows: more than these, and than one, are the log itself, gap or no gap."""
UNLIKELY: Final = 0.001


@dataclass(frozen=True, slots=True)
class Known:
    """What features may use that no single customer tells."""

    begun: Mapping[str, date] = field(default_factory=dict)
    """First day of the log of a table, where it is not that of the book; see `log_start`."""
    popular: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Features that most customers of a plan use, by plan; see `csk.tables.market`."""
    list_prices: Mapping[str, int] = field(default_factory=dict)
    """Median price of a unit a month by plan, in counts of 1/10,000."""
    with_touches: bool = False
    """Whether what we did to customers may explain them; it leaks who was thought to leave."""


NOTHING: Final = Known()


def log_start(days: Sequence[date]) -> date:
    """Return the first day from which on a log was kept; `days` are those with rows, in order.

    Few days before a gap are strays (a date mistyped, a row of a trial) where such a gap is
    impossible otherwise: it has under 0.001 for a chance, were rows as frequent before as after.
    """
    most = max(1, int(len(days) * STRAY_SHARE))
    start = days[0]
    for n_before, (last, following) in enumerate(pairwise(days[: most + 1]), 1):
        n_after, span = len(days) - n_before, (days[-1] - following).days + 1
        gap = (following - last).days - 1
        share = min(n_after / (span + 1), 1.0)
        if gap >= LEAST_GAP_DAYS and gap * log1p(-share) < log(UNLIKELY):
            start = following
    return start
