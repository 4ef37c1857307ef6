"""The levers of LTV as plain JSON types, for `--report json`.

One rule: money is exact text in major units, factors and shares are unrounded numbers.
"""

from csk.analyses.levers import Part, Side, Why
from csk.analyses.what_if import WhatIf, Worth
from csk.book import Book
from csk.models.contract import N_DRAWS, Horizons
from csk.models.factor_draws import SEED
from csk.reports.reconciliation import exact
from csk.settings import Settings


def why_plain(result: Why, settings: Settings) -> dict[str, object]:
    """Return both sides, the difference and what each lever did."""
    asked = result.asked
    has_bounds = result.low is not None
    return {
        **_about(result.book, result.horizons, settings, result.basis),
        "n_events": result.n_events,
        "kind": asked.kind,
        "column": asked.column or None,
        "first": _side(result.first),
        "second": _side(result.second),
        "difference": {
            "amount": exact(result.difference),
            "low": _end(result.low),
            "high": _end(result.high),
            "total_amount": exact(result.total_difference),
        },
        "levers": [_part(part) for part in result.parts],
        "most": None if result.largest is None else result.largest.lever,
        "paired": None
        if result.paired is None
        else {"levers": list(result.pair), "amount": exact(result.paired)},
        "interval": {"method": "bootstrap", "n_draws": N_DRAWS, "seed": SEED, "level": 0.95}
        if has_bounds
        else None,
    }


def what_if_plain(result: WhatIf, settings: Settings) -> dict[str, object]:
    """Return what each change is worth, alone and together, for all and by group."""
    levers = [one.change.lever for one in result.moved]
    break_even = result.break_even
    return {
        **_about(result.book, result.horizons, settings, result.basis),
        "n_events": result.n_events,
        "changes": [
            {
                "lever": one.change.lever,
                "change": one.change.text,
                "before": one.before,
                "after": one.after,
                "amount": exact(gain),
            }
            for one, gain in zip(result.moved, result.whole.alone, strict=True)
        ],
        **_worth(result.whole, levers),
        "price_break_even_churn": None if break_even is None else break_even - 1,
        "price_at_todays_cost_amount": None
        if result.price_at_cost is None
        else exact(result.price_at_cost),
        "nobody_leaves_amount": exact(result.all_stay),
        "is_churn_untold": result.is_churn_untold,
        "groups": {
            column: [{"name": one.name or None, **_worth(one, levers)} for one in groups]
            for column, groups in result.groups
        },
    }


def _about(book: Book, horizons: Horizons, settings: Settings, basis: str) -> dict[str, object]:
    span = book.span
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "warnings": list(span.notes),
        "currency": book.currency or None,
        "tax": settings.tax,
        "ltv_basis": basis,
        "ltv_horizon_months": horizons.ltv_months,
        "discount_rate": horizons.discount_rate,
    }


def _side(side: Side) -> dict[str, object]:
    return {
        "name": side.name,
        "as_of": side.as_of.isoformat(),
        "n_members": side.n_members,
        "n_alive": side.factors.n,
        "ltv_each_amount": exact(side.mean_amount),
        "ltv_amount": exact(side.factors.ltv_amount),
    }


def _part(part: Part) -> dict[str, object]:
    return {
        "lever": part.lever,
        "before": part.before,
        "after": part.after,
        "amount": exact(part.amount),
        "low": _end(part.low),
        "high": _end(part.high),
        "total_amount": exact(part.total),
    }


def _worth(of: Worth, levers: list[str]) -> dict[str, object]:
    return {
        "n": of.n,
        "ltv_amount": exact(of.ltv_amount),
        "alone": {lever: exact(gain) for lever, gain in zip(levers, of.alone, strict=True)},
        "interaction_amount": exact(of.interaction),
        "together_amount": exact(of.together),
    }


def _end(value: float | None) -> str | None:
    return None if value is None else exact(round(value))
