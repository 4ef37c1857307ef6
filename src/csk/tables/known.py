"""What is known of the whole company beside the rows of a customer: small, and broadcast.

One rule: it comes from the caller; a feature that needs what is not told here is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Known:
    """What features may use that no single customer tells."""

    begun: Mapping[str, date] = field(default_factory=dict)
    """First day of the log of a table, where it is not that of the book."""
    popular: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Features that most customers of a plan use, by plan; see `csk.tables.market`."""
    list_prices: Mapping[str, int] = field(default_factory=dict)
    """Median price of a unit a month by plan, in counts of 1/10,000."""
    with_touches: bool = False
    """Whether what we did to customers may explain them; it leaks who was thought to leave."""


NOTHING: Final = Known()
