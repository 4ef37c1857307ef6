"""The customers with most LTV by name: what they pay, how long, and when they buy next.

One rule: what only one kind of book knows is told of that kind alone.
"""

from typing import Any

from csk.analyses.ltv import Ltv, most_worth
from csk.reports.blocks import Block, Grid, GridColumn, Heading
from csk.reports.figures import NOTHING, amount, day, major, number, share
from csk.settings import Settings
from csk.text import Words


def customers(result: Ltv, settings: Settings, say: Words, top: int) -> list[Block]:
    """Return the `top` customers by residual LTV; nothing where there are none."""
    keep = [name for name in settings.keep if name in result.attributes.columns]
    named = most_worth(result, top)
    if not named:
        return []
    kept = {row["customer_id"]: row for row in result.attributes.to_dicts()} if keep else {}
    own = _of_contracts if result.book.is_contractual else _of_buyers
    currency = result.book.currency
    rows = tuple(
        (
            str(row["customer_id"]),
            *(str(kept[row["customer_id"]][name] or "") for name in keep),
            *own(row, currency, say),
        )
        for row in named
    )
    titles = _TITLES[result.book.is_contractual]
    columns = (
        GridColumn(say("ltv.customer")),
        *(GridColumn(name) for name in keep),
        *(GridColumn(say(f"ltv.{key}"), "right", priority=late) for key, late in titles),
    )
    keys = ("customer_id", *keep, *(key for key, _ in titles))
    caption = say("ltv.top_caption" if result.book.is_contractual else "ltv.top_caption_shop")
    return [Heading(say("ltv.top")), Grid("", columns, rows, keys, caption=caption)]


_TITLES = {
    True: (
        ("plan", 2),
        ("short_residual", 0),
        ("short_interval", 1),
        ("short_price", 3),
        ("short_months", 0),
        ("short_total", 0),
        ("short_tail", 4),
    ),
    False: (
        ("short_residual", 0),
        ("short_interval", 2),
        ("p_alive", 0),
        ("purchases", 0),
        ("next", 1),
        ("spend", 0),
        ("short_total", 3),
        ("short_tail", 4),
    ),
}
"""Columns by kind of book, contracts or not, and when each is dropped on a narrow page."""


def _of_contracts(row: dict[str, Any], currency: str, say: Words) -> tuple[str, ...]:
    return (
        row["plan"] or "",
        amount(row["ltv_amount"], currency),
        _between(row, currency, say),
        major(row["unit_price_amount"], currency),
        number(row["duration_months"], 1),
        amount(row["total_ltv_amount"], currency),
        share(row["tail_share"]),
    )


def _of_buyers(row: dict[str, Any], currency: str, say: Words) -> tuple[str, ...]:
    return (
        amount(row["ltv_amount"], currency),
        _between(row, currency, say),
        share(row["p_alive"]),
        number(row["n_expected"], 1),
        day(row["next_purchase_on"]),
        major(row["unit_price_amount"], currency),
        amount(row["total_ltv_amount"], currency),
        share(row["tail_share"]),
    )


def _between(row: dict[str, Any], currency: str, say: Words) -> str:
    if row["ltv_low"] is None or row["ltv_high"] is None:
        return NOTHING
    low, high = amount(row["ltv_low"], currency), amount(row["ltv_high"], currency)
    return say("line.between", low=low, high=high)
