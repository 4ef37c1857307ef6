"""Rates of churn and retention: shares of counts, each with its numerator and denominator.

One rule: a rate whose denominator is nothing is null, never zero.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with what it is a share of; counts of customers, or of money."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """Return the share; null where there is nothing to be a share of."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, slots=True)
class Retained:
    """Those who paid at the start of a time, and what they pay at its end (counts a month)."""

    n: int
    n_after: int
    amount: int
    kept_amount: int
    """Of each the smaller of what was paid at the start and at the end."""
    amount_after: int
    lowest_amount: int | None = None
    """Of each the smallest at any month's end; null where only the two ends are known."""

    @property
    def customers(self) -> Rate:
        """Return customer retention: who still pays, of those who paid."""
        return Rate(self.n_after, self.n)

    @property
    def gross(self) -> Rate:
        """Return gross revenue retention (GRR), point to point."""
        return Rate(self.kept_amount, self.amount)

    @property
    def net(self) -> Rate:
        """Return net revenue retention (NRR) of the same customers."""
        return Rate(self.amount_after, self.amount)

    @property
    def gross_by_path(self) -> Rate | None:
        """Return gross revenue retention by the lowest point of each customer's path."""
        return None if self.lowest_amount is None else Rate(self.lowest_amount, self.amount)
