"""Rates of churn and retention: shares of counts, each with its numerator and denominator.

One rule: what is divided by what stands in `csk.definitions` and nowhere else; a rate whose
denominator is nothing is null, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from csk.definitions import Definition, Term, definition


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with what it is a share of; counts of customers, or of money."""

    numerator: int
    denominator: int | None
    """Null for what is no share, such as MRR itself."""

    @property
    def value(self) -> float | None:
        """Return the share; null where there is nothing to be a share of."""
        if self.denominator is None:
            return float(self.numerator)
        return self.numerator / self.denominator if self.denominator else None


def rate(metric: Definition, terms: Mapping[str, int], preset: str = "") -> Rate:
    """Return a metric from the sums it is made of, as `preset` reckons it.

    KeyError where a term is not among `terms`. ValueError for an estimate, which no quotient is.
    """
    if metric.is_estimate:
        message = f"{metric.metric_id} is estimated, not divided"
        raise ValueError(message)
    variant = metric.under(preset)
    return Rate(
        numerator=_sum(variant.numerator, terms),
        denominator=_sum(variant.denominator, terms) if variant.denominator else None,
    )


def _sum(wanted: tuple[Term, ...], terms: Mapping[str, int]) -> int:
    return sum(term.sign * terms[term.name] for term in wanted)


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
    def terms(self) -> dict[str, int]:
        """Return the terms of definitions that are known of them."""
        known = {
            "customers.start": self.n,
            "customers.kept": self.n_after,
            "money.start": self.amount,
            "money.kept": self.kept_amount,
            "money.after": self.amount_after,
        }
        return known if self.lowest_amount is None else known | {"money.lowest": self.lowest_amount}

    @property
    def customers(self) -> Rate:
        """Return customer retention: who still pays, of those who paid."""
        return rate(definition("customer_retention_rate"), self.terms)

    @property
    def gross(self) -> Rate:
        """Return gross revenue retention (GRR), point to point."""
        return rate(definition("grr"), self.terms)

    @property
    def net(self) -> Rate:
        """Return net revenue retention (NRR) of the same customers."""
        return rate(definition("nrr"), self.terms)

    @property
    def gross_by_path(self) -> Rate | None:
        """Return gross revenue retention by the lowest point of each customer's path."""
        return None if self.lowest_amount is None else rate(definition("grr"), self.terms, "path")
