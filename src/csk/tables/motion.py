"""How movements of recurring revenue are told apart, and what they are called.

One rule: every choice that a figure depends on stands here, so that two figures differ only where
two of these do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from csk.calendar import DAYS_PER_MONTH

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "customer": ("customer_id",),
    "subscription": ("customer_id", "subscription_id"),
    "product": ("customer_id", "plan"),
}
"""What is counted as one: the columns that tell them apart."""

RISES: Final = ("new", "expansion", "reactivation", "resume")
FALLS: Final = ("contraction", "churn", "pause")
KINDS: Final = (*RISES, *FALLS)
"""Kinds of movements; amounts of falls are negative."""
SWAP: Final = "swap"
"""What a customer carries from one plan to another, told where movements are by plan."""
PLAN: Final = "plan"
"""Groups what is paid by the plan it is paid for."""
WAYS: Final = ("plan", "add_on", "price")
"""Ways in which who stayed came to pay another amount."""

TO_FREE: Final = 4
"""Cause of who stays as a customer that pays nothing, beside those of `spells`."""
WEEKS_PER_MONTH: Final = 52 / 12
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Motion:
    """How movements are told apart: every choice that their figures depend on."""

    as_of: date
    grace_days: int = 1
    """A contract that begins so soon after all others of its customer ended goes on from them."""
    level: str = "customer"
    """One of `LEVELS`."""
    period_months: int = 1
    year_starts: int = 1
    """Month in which the fiscal year begins, 1 to 12."""
    pause: str = "movement"
    """`movement`, `churn`, or `keep`: a pause that changes nothing."""
    grain: str = "period"
    """`period`: from its start to its end; `day`: every day's net change is a movement of its own,
    and customers are counted once for each."""
    week: float = WEEKS_PER_MONTH
    """Weeks that a month counts for a weekly price."""
    day: float = DAYS_PER_MONTH
    """Days that it counts for a daily one."""
    minor: int = 1
    """Counts to a multiple of which the amount of each contract is rounded, half up."""
    pause_days: int = 90
    """A pause that lasts longer is churn from then on."""

    @property
    def key(self) -> list[str]:
        """Return the columns that tell apart what is counted as one."""
        return list(LEVELS[self.level])

    @property
    def told_by(self) -> str:
        """Return the column of which each value of a key has one movement."""
        return "period_on" if self.grain == "period" else "changed_on"

    def period(self, day: pl.Expr) -> pl.Expr:
        """Return the first day of the period of `day`."""
        if (self.year_starts - 1) % self.period_months == 0:
            return day.dt.truncate(f"{self.period_months}mo")
        months = day.dt.year().cast(pl.Int32) * _MONTHS + day.dt.month().cast(pl.Int32) - 1
        first = months - (months - (self.year_starts - 1)) % self.period_months
        return pl.date(first // _MONTHS, first % _MONTHS + 1, 1)
