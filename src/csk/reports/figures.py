"""Numbers as words: money, shares, days, counts.

One rule: rounding happens here and nowhere before.
"""

from datetime import date

from csk import money
from csk.calendar import TICKS_PER_MONTH

NOTHING = "–"


def amount(count: float | None, currency: str) -> str:
    """Return money (counts of 1/10,000) for people; a dash for null.

    Large sums without a known currency lose their decimals, as nobody reads them.
    """
    if count is None:
        return NOTHING
    whole = round(count)
    if not currency:
        digits = 0 if whole == 0 or abs(whole) >= 1_000 * 10_000 else 2
        return f"{whole / 10_000:,.{digits}f}"
    if money.minor_digits(currency) and abs(whole) >= 100_000 * 10_000:
        return money.displayed(round(whole / 10_000) * 10_000, currency).removesuffix(".00")
    return money.displayed(whole, currency)


def major(value: float | None, currency: str) -> str:
    """Return money given in major units."""
    return NOTHING if value is None else amount(value * 10_000, currency)


def share(value: float | None, digits: int = 1) -> str:
    """Return a share as per cent."""
    return NOTHING if value is None else f"{value:.{digits}%}"


def number(value: float | None, digits: int = 2) -> str:
    """Return a plain number."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def count(n: int) -> str:
    """Return a count with separators."""
    return f"{n:,}"


def day(value: date | None) -> str:
    """Return a day in ISO form."""
    return NOTHING if value is None else value.isoformat()


def months(ticks: int) -> float:
    """Return an age in ticks as months."""
    return ticks / TICKS_PER_MONTH
