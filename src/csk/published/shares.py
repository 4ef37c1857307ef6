"""Shares of counts: Wilson's intervals, and churn as different vendors reckon it.

One rule: rates are made by the definitions that reports use, from the terms they name.
"""

from collections.abc import Mapping
from typing import Final

from csk.definitions import definition
from csk.models.rates import rate
from csk.published import Computed, numbers
from csk.stats.intervals import wilson

_NEWCOMBE: Final = ((81, 263), (15, 148), (0, 20), (1, 29))
_RATES: Final = {
    "churn": ("customer_churn_rate", ""),
    "stripe": ("customer_churn_rate", "stripe"),
    "revenuecat": ("customer_churn_rate", "revenuecat"),
    "grr_totals": ("grr", "chargebee"),
}


def _wilson() -> Mapping[str, float]:
    found = {}
    for successes, n in _NEWCOMBE:
        interval = wilson(successes, n)
        found[f"low({successes}/{n})"] = float(interval.low)
        found[f"high({successes}/{n})"] = float(interval.high)
    return found


def _rates() -> Mapping[str, float]:
    """Return rates of each month in per cent."""
    found = {}
    for month, (start, end, n, new, back, gone) in numbers("shares")["months"].items():
        terms = {
            "customers.start": n,
            "customers.new": new,
            "customers.reactivation": back,
            "customers.churn": gone,
            "money.start": start,
            "money.lower_total": min(start, end),
        }
        for name, (metric, preset) in _RATES.items():
            share = rate(definition(metric), terms, preset).value
            found[f"{name}({month})"] = float("nan") if share is None else 100.0 * share
    return found


COMPUTED: Final[Computed] = {"wilson": _wilson, "rates": _rates}
