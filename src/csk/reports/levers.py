"""The report of `csk ltv --why`: what moved LTV from one thing to another, in money.

One rule: the rows add up to the last one, and a part that may be chance is told to be one.
"""

from csk.analyses.levers import CUSTOMERS, Part, Side, Why
from csk.book import Book
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import NOTHING, amount, count, major, number, share
from csk.reports.levers_data import why_plain
from csk.reports.reconciliation import first_line
from csk.reports.segment import FEW_EVENTS
from csk.settings import Settings
from csk.text import Words


def report(result: Why, settings: Settings, say: Words) -> Report:
    """Put the change of LTV into words: both sides, the sentence, the levers."""
    blocks: list[Block] = [
        *warnings(result.book, result.n_events, say),
        *_sides(result, say),
        *_sentences(result, say),
        *_levers(result, settings, say),
    ]
    return Report(
        title=say(f"why.title_{result.asked.kind}", **_names(result)),
        first_line=first_line(result.book, settings, result.basis, say),
        blocks=tuple(blocks),
        data=why_plain(result, settings),
    )


def warnings(book: Book, n_events: int, say: Words) -> list[Block]:
    """Return what was noticed of the days, and that a model rests on little."""
    span = book.span
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    if n_events < FEW_EVENTS:
        kind = "few_ends" if book.is_contractual else "few_purchases"
        notes.append(say(f"note.{kind}", n=count(n_events)))
    return [Note(text, "warn") for text in notes]


def signed(counts: float | None, currency: str) -> str:
    """Return money with its sign; a dash for null."""
    text = amount(counts, currency)
    return f"+{text}" if counts is not None and round(counts) > 0 else text


def factor(lever: str, value: float | None, currency: str) -> str:
    """Return a factor of LTV in its unit; a dash for null."""
    if value is None:
        return NOTHING
    match lever:
        case "price":
            text = major(value, currency)
        case "margin":
            text = share(value)
        case "frequency":
            text = number(value)
        case "duration":
            text = number(value, 1)
        case "customers":
            text = count(round(value))
        case _:
            text = number(value, 3)
    return text


def _names(result: Why) -> dict[str, str]:
    asked = result.asked
    places = {"first": asked.first, "second": asked.second}
    return {**places, "column": asked.column} if asked.kind == "groups" else places


def _sides(result: Why, say: Words) -> list[Block]:
    currency, before = result.book.currency, result.first.mean_amount
    relative = f" ({result.difference / before:+.1%})" if before else ""
    bounds = say("why.no_interval")
    if result.low is not None and result.high is not None:
        low, high = (signed(end, currency) for end in (result.low, result.high))
        bounds = say("why.interval", low=low, high=high)
    figures = (
        *(_side(side, currency, say) for side in (result.first, result.second)),
        Figure(say("why.difference"), signed(result.difference, currency) + relative, bounds),
    )
    return [Figures(figures)]


def _side(side: Side, currency: str, say: Words) -> Figure:
    alive, all_ = count(side.factors.n), count(side.n_members)
    who = say("why.of_alive", alive=alive, all=all_, day=side.as_of.isoformat())
    return Figure(say("why.each", name=side.name), amount(side.mean_amount, currency), who)


def _sentences(result: Why, say: Words) -> list[Block]:
    currency, most, paired = result.book.currency, result.largest, result.paired
    notes: list[Block] = []
    if most is not None:
        told = say(
            "why.most",
            lever=say(f"why.{most.lever}"),
            before=factor(most.lever, most.before, currency),
            after=factor(most.lever, most.after, currency),
            amount=signed(most.amount, currency),
        )
        notes.append(Note(told))
    if paired is not None:
        key, first = "why.apart" if most is not None else "why.most_apart", result.pair[0]
        pair, reason = say(f"why.pair_{first}"), say(f"why.reason_{first}")
        told = say(key, pair=pair, reason=reason, amount=signed(paired, currency))
        notes.append(Note(told))
    if not notes:
        return [Note(say("why.nothing"))]
    if result.low is not None and result.high is not None and result.low <= 0 <= result.high:
        notes.append(Note(say("why.chance"), "warn"))
    return notes


def _levers(result: Why, settings: Settings, say: Words) -> list[Block]:
    currency = result.book.currency
    shown = [
        part
        for part in result.parts
        if part.lever != CUSTOMERS and (part.lever != "discount" or settings.discount_rate)
    ]
    shown.sort(key=lambda part: -abs(part.amount))
    shown += [part for part in result.parts if part.lever == CUSTOMERS]
    rows = [_row(part, currency, say) for part in shown]
    rows.append(
        (
            say("why.sum"),
            amount(result.first.mean_amount, currency),
            amount(result.second.mean_amount, currency),
            signed(result.difference, currency),
            _between(result.low, result.high, currency, say),
            signed(result.total_difference, currency),
        )
    )
    columns = (
        GridColumn(say("why.lever")),
        GridColumn(result.first.name, "right"),
        GridColumn(result.second.name, "right"),
        GridColumn(say("why.part"), "right"),
        GridColumn(say("why.bounds"), "right", priority=2),
        GridColumn(say("why.total"), "right", priority=1),
    )
    keys = ("lever", "first", "second", "amount", "interval", "total_amount")
    totals = (side.factors.ltv_amount for side in (result.first, result.second))
    before, after = (amount(total, currency) for total in totals)
    caption = say("why.caption", before=before, after=after)
    if result.asked.kind == "days":
        caption = f"{caption} {say('why.then')}"
    if result.low is not None:
        caption = f"{caption} {say('why.drawn')}"
    grid = Grid("", columns, tuple(rows), keys, total=True, caption=caption)
    return [Heading(say("why.levers")), grid]


def _row(part: Part, currency: str, say: Words) -> tuple[str, ...]:
    is_mean = part.lever != CUSTOMERS
    return (
        say(f"why.{part.lever}"),
        factor(part.lever, part.before, currency),
        factor(part.lever, part.after, currency),
        signed(part.amount, currency) if is_mean else NOTHING,
        _between(part.low, part.high, currency, say),
        signed(part.total, currency),
    )


def _between(low: float | None, high: float | None, currency: str, say: Words) -> str:
    if low is None or high is None:
        return NOTHING
    return say("why.between", low=signed(low, currency), high=signed(high, currency))
