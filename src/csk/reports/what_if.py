"""The report of `csk ltv --what-if`: what each lever is worth to the customers of today.

One rule: levers stand in the order of their money, and what they share stands apart.
"""

from csk.analyses.what_if import Moved, WhatIf, Worth
from csk.reports.blocks import (
    Block,
    Figure,
    Figures,
    Grid,
    GridColumn,
    Heading,
    Note,
    Report,
    Tone,
)
from csk.reports.figures import NOTHING, amount, count, share
from csk.reports.levers import factor, signed, warnings
from csk.reports.levers_data import what_if_plain
from csk.reports.reconciliation import first_line
from csk.settings import Settings
from csk.text import Words

MOST_GROUPS = 12
_FACTOR = {"churn": "duration"}
"""The factor in which a lever shows, where it is not its own."""


def report(result: WhatIf, settings: Settings, say: Words) -> Report:
    """Put the worth of the levers into words: all of them, break-even, by group."""
    blocks: list[Block] = [
        *warnings(result.book, result.n_events, say),
        *_whole(result, say),
        *_levers(result, settings, say),
        *_churn(result, say),
        *_price(result, say),
        *(block for column, groups in result.groups for block in _by(column, groups, result, say)),
    ]
    return Report(
        title=say("what_if.title", changes=", ".join(_named(one, say) for one in result.moved)),
        first_line=first_line(result.book, settings, result.basis, say),
        blocks=tuple(blocks),
        data=what_if_plain(result, settings),
    )


def _named(moved: Moved, say: Words) -> str:
    return say(
        "what_if.change", lever=say(f"what_if.{moved.change.lever}"), change=moved.change.text
    )


def _relative(gain: int, base: int) -> str:
    return f"{gain / base:+.1%}" if base else NOTHING


def _whole(result: WhatIf, say: Words) -> list[Block]:
    whole, currency = result.whole, result.book.currency
    after = whole.ltv_amount + whole.together
    figures = (
        Figure(
            say("what_if.now"),
            amount(whole.ltv_amount, currency),
            say("what_if.whose", n=count(whole.n)),
        ),
        Figure(
            say("what_if.after"),
            amount(after, currency),
            say(
                "what_if.gain",
                amount=signed(whole.together, currency),
                share=_relative(whole.together, whole.ltv_amount),
            ),
        ),
    )
    return [Figures(figures)]


def _levers(result: WhatIf, settings: Settings, say: Words) -> list[Block]:
    whole, currency = result.whole, result.book.currency
    order = sorted(
        zip(result.moved, whole.alone, strict=True),
        key=lambda pair: (-pair[1], pair[0].change.text),
    )
    rows = [
        (
            say(f"what_if.{moved.change.lever}"),
            moved.change.text,
            _factor(moved, moved.before, currency, say),
            _factor(moved, moved.after, currency, say),
            *_money(gain, whole, currency),
        )
        for moved, gain in order
    ]
    has_more = len(rows) > 1
    if has_more:
        blank = ("", "", "")
        rows.append((say("what_if.shared"), *blank, *_money(whole.interaction, whole, currency)))
        rows.append((say("what_if.together"), *blank, *_money(whole.together, whole, currency)))
    columns = (
        GridColumn(say("what_if.lever")),
        GridColumn(say("what_if.by_how_much"), "right"),
        GridColumn(say("what_if.from"), "right", priority=1),
        GridColumn(say("what_if.to"), "right", priority=1),
        GridColumn(say("what_if.worth"), "right"),
        GridColumn(say("what_if.of_ltv"), "right"),
        GridColumn(say("what_if.each"), "right", priority=2),
    )
    keys = ("lever", "change", "before", "after", "amount", "ltv_share", "amount_each")
    tones: tuple[Tone, ...] = tuple("plain" if gain >= 0 else "bad" for _, gain in order)
    rate = settings.discount_rate
    worth = say("what_if.present", rate=f"{rate:.1%}") if rate else say("what_if.undiscounted")
    caption = say("what_if.caption", months=str(result.horizons.ltv_months), worth=worth)
    levers = {moved.change.lever: moved.change for moved in result.moved}
    if "churn" in levers:
        caption = f"{caption} {say('what_if.hazard')}"
    if "frequency" in levers and not levers["frequency"].unit:
        key = "fees" if result.book.is_contractual else "further"
        caption = f"{caption} {say(f'what_if.{key}')}"
    tones = (*tones, *["plain"] * (len(rows) - len(tones)))  # type: ignore[arg-type] # a Tone each
    grid = Grid("", columns, tuple(rows), keys, tones=tones, total=has_more, caption=caption)
    return [Heading(say("what_if.levers")), grid]


def _factor(moved: Moved, value: float | None, currency: str, say: Words) -> str:
    name = _FACTOR.get(moved.change.lever, moved.change.lever)
    text = factor(name, value, currency)
    return say(f"what_if.in_{name}", value=text) if name in ("duration", "frequency") else text


def _money(gain: int, whole: Worth, currency: str) -> tuple[str, str, str]:
    each = signed(gain / whole.n, currency) if whole.n else NOTHING
    return signed(gain, currency), _relative(gain, whole.ltv_amount), each


def _churn(result: WhatIf, say: Words) -> list[Block]:
    """Return how much churn can be worth at most, and whether the log tells of it at all."""
    if not {"churn", "price"} & {one.change.lever for one in result.moved}:
        return []
    money = signed(result.all_stay, result.book.currency)
    more = _relative(result.all_stay, result.whole.ltv_amount)
    if result.is_churn_untold:
        return [Note(say("what_if.untold", amount=money, share=more), "warn")]
    return [Note(say("what_if.all_stay", amount=money, share=more))]


def _price(result: WhatIf, say: Words) -> list[Block]:
    """Return how churn may answer a change of price, and what it brings at today's costs."""
    if result.price is None or result.price == 1:
        return []
    change = next(one.change.text for one in result.moved if one.change.lever == "price")
    is_rise, at = result.price > 1, result.break_even
    notes: list[Block]
    if result.is_churn_untold:
        notes = []
    elif at is None:
        notes = [Note(say("what_if.always" if is_rise else "what_if.never", change=change))]
    else:
        key = "what_if.rises" if is_rise else "what_if.falls"
        notes = [Note(say(key, change=change, share=share(abs(at - 1))))]
    if result.price_at_cost is not None:
        money = signed(result.price_at_cost, result.book.currency)
        notes.append(Note(say("what_if.at_cost", change=change, amount=money)))
    return notes


def _by(column: str, groups: tuple[Worth, ...], result: WhatIf, say: Words) -> list[Block]:
    """Return the worth by group, most money first; the last of many are added up."""
    if len(groups) < 2:  # noqa: PLR2004 # one group is the whole
        return []
    currency = result.book.currency
    gains = result.whole.alone
    order = sorted(range(len(gains)), key=lambda i: (-gains[i], result.moved[i].change.text))
    shown, rest = groups[:MOST_GROUPS], groups[MOST_GROUPS:]
    rows = [_group(one.name or say("what_if.without"), one, order, currency) for one in shown]
    if rest:
        others = say("what_if.others", n=count(len(rest)))
        rows.append(_group(others, _added(rest), order, currency))
    rows.append(_group(say("what_if.all"), result.whole, order, currency))
    has_more = len(result.moved) > 1
    moved = [result.moved[i] for i in order]
    columns = [
        GridColumn(say("what_if.tier") if column == "tier" else column),
        GridColumn(say("what_if.n"), "right", priority=2),
        GridColumn(say("what_if.ltv"), "right", priority=3),
        *(GridColumn(_named(one, say), "right", priority=int(has_more)) for one in moved),
        *([GridColumn(say("what_if.together"), "right")] * has_more),
        GridColumn(say("what_if.of_ltv"), "right"),
    ]
    if not has_more:
        rows = [(*row[:4], row[5]) for row in rows]
    levers = [one.change.lever for one in moved]
    keys = ("group", "n", "ltv_amount", *levers, *(["together"] * has_more), "ltv_share")
    name = say("what_if.tier") if column == "tier" else column
    heading = Heading(say("what_if.by", column=name))
    return [heading, Grid("", tuple(columns), tuple(rows), keys, total=True)]


def _group(name: str, of: Worth, order: list[int], currency: str) -> tuple[str, ...]:
    return (
        name,
        count(of.n),
        amount(of.ltv_amount, currency),
        *(signed(of.alone[i], currency) for i in order),
        signed(of.together, currency),
        _relative(of.together, of.ltv_amount),
    )


def _added(groups: tuple[Worth, ...]) -> Worth:
    alone = zip(*(one.alone for one in groups), strict=True)
    return Worth(
        name="",
        n=sum(one.n for one in groups),
        ltv_amount=sum(one.ltv_amount for one in groups),
        alone=tuple(sum(gains) for gains in alone),
        together=sum(one.together for one in groups),
    )
