"""The report of `csk mrr`: where recurring revenue went, from month to month.

One rule: every line reads from start to end, and its middle adds up to the difference.
"""

from csk.analyses.mrr import MrrResult
from csk.definitions import definition, preset
from csk.models.periods import CAUSES, STAYED, Moved, Period
from csk.models.rates import Rate
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.figures import NOTHING, amount, count, number, share
from csk.reports.mrr_data import plain
from csk.reports.reconciliation import first_line, reconciliation
from csk.settings import Settings
from csk.tables.motion import SWAP
from csk.tables.movements import KINDS
from csk.text import Words

_ALWAYS = ("new", "expansion", "reactivation", "contraction", "churn")
MOST_GROUPS = 20
_DIGITS = {"revenue_churn_rate": 2}


def report(result: MrrResult, settings: Settings, say: Words, last: int = 13) -> Report:
    """Put movements into words; the `last` periods are listed, all of them are in the table."""
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *_notes(result, say),
        *_latest(result, say),
        *_periods(result, say, last),
        *_waterfall(result, say),
        *_rates(result, say, last),
        *_ways(result, say),
        *_groups(result, say),
    ]
    return Report(
        title=say("mrr.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data=plain(result, settings),
    )


def _notes(result: MrrResult, say: Words) -> list[Block]:
    span = result.book.span
    notes: list[Block] = [
        Note(say(f"note.{key}", day=span.data_from.isoformat()), "warn") for key in span.notes
    ]
    if result.preset:
        notes.append(Note(say("mrr.preset", title=preset(result.preset).title, name=result.preset)))
    return notes


def _latest(result: MrrResult, say: Words) -> list[Block]:
    one, currency = result.latest, result.book.currency
    change = one.end_amount - one.start_amount
    each = amount(one.rate("arpa", result.preset).value, currency)
    figures = [
        Figure(
            say("mrr.mrr"),
            amount(one.end_amount, currency),
            say("mrr.mrr_remark", change=_signed(change, currency)),
        ),
        Figure(say("mrr.customers"), count(one.n_end), say("mrr.customers_remark", each=each)),
        *_retention(result, one, say),
        _figure("quick", "quick_ratio", result, say),
    ]
    flash = one.rate("flash_churn", result.preset).numerator
    if flash:
        figures.append(Figure(say("mrr.flash"), count(flash), say("mrr.flash_remark")))
    return [Heading(say("mrr.latest", period=_name(one, result))), Figures(tuple(figures))]


def _retention(result: MrrResult, one: Period, say: Words) -> list[Figure]:
    causes = one.causes
    why = ", ".join(
        say(f"mrr.{cause}", n=count(causes[cause].n))
        for cause in CAUSES.values()
        if causes[cause].n
    )
    left = one.rate("customer_churn_rate", result.preset)
    if left.numerator != one.moved["churn"].n:
        why = ""
    figures = [
        Figure(say("mrr.customer_churn"), share(left.value, 2), _of(left, why, say)),
        *_renewal(result, say),
        _figure("revenue_churn", "revenue_churn_rate", result, say),
        _figure("grr", "grr", result, say),
        _figure("nrr", "nrr", result, say),
    ]
    if result.year is not None and result.year_from is not None and not _has_own_retention(result):
        year = result.year
        remark = say(
            "mrr.year_remark",
            day=result.year_from.isoformat(),
            n=count(year.n),
            gross=share(year.gross.value),
            customers=share(year.customers.value),
        )
        figures.append(Figure(say("mrr.year"), share(year.net.value), remark))
    return figures


def _has_own_retention(result: MrrResult) -> bool:
    """Tell whether the preset reckons retention in a way that a year's two ends do not tell."""
    return any(result.preset in definition(name).presets for name in ("grr", "nrr"))


def _figure(key: str, metric_id: str, result: MrrResult, say: Words) -> Figure:
    """Return a rate of the last complete period; what a preset means by it, where it differs."""
    metric = definition(metric_id)
    found = result.latest.rate(metric_id, result.preset).value
    other = metric.presets.get(result.preset)
    remark = other.says if other else say(f"mrr.{key}_remark")
    text = number(found) if metric.unit == "ratio" else share(found, _DIGITS.get(metric_id, 1))
    return Figure(say(f"mrr.{key}"), text, remark)


def _renewal(result: MrrResult, say: Words) -> list[Figure]:
    """Return the churn of who was up for renewal, unless that was everybody."""
    found = result.renewal
    if found is None or not found.denominator or found.denominator == result.latest.n_start:
        return []
    remark = say("mrr.of", n=count(found.numerator), of=count(found.denominator))
    return [Figure(say("mrr.renewal"), share(found.value, 2), remark)]


def _of(rate: Rate, why: str, say: Words) -> str:
    text = say("mrr.of", n=count(rate.numerator), of=count(rate.denominator or 0))
    return f"{text}: {why}" if why else text


def _periods(result: MrrResult, say: Words, last: int) -> list[Block]:
    shown, currency = result.periods[-last:], result.book.currency
    kinds = [
        kind
        for kind in KINDS
        if kind in _ALWAYS or any(one.moved[kind].n for one in result.periods)
    ]
    rows = tuple(
        (
            _name(one, result),
            amount(one.start_amount, currency),
            *(_moved(one.moved[kind], currency) for kind in kinds),
            amount(one.end_amount, currency),
        )
        for one in shown
    )
    columns = (
        GridColumn(say("mrr.period")),
        GridColumn(say("mrr.start"), "right", priority=2),
        *(
            GridColumn(say(f"mrr.{kind}"), "right", priority=3 if kind not in _ALWAYS else 0)
            for kind in kinds
        ),
        GridColumn(say("mrr.end"), "right"),
    )
    tones: tuple[Tone, ...] = tuple("plain" if one.is_complete else "muted" for one in shown)
    caption = say("mrr.incomplete") if not all(one.is_complete for one in shown) else ""
    keys = ("period_on", "start", *kinds, "end")
    grid = Grid("", columns, rows, keys, tones=tones, caption=caption)
    return [Heading(say("mrr.movements")), grid]


def _waterfall(result: MrrResult, say: Words) -> list[Block]:
    """Return the last complete period as a staircase: each step as a share of the tallest."""
    one, currency = result.latest, result.book.currency
    moved = [(kind, one.moved[kind]) for kind in KINDS if one.moved[kind].n]
    steps = [
        ("start", one.n_start, one.start_amount),
        *((kind, of.n, of.amount) for kind, of in moved),
        ("end", one.n_end, one.end_amount),
    ]
    tallest = max(*(abs(money) for _, _, money in steps), 1)
    rows = tuple(
        (say(f"mrr.{kind}"), count(n), _step(kind, money, currency), "") for kind, n, money in steps
    )
    columns = (
        GridColumn(say("mrr.step")),
        GridColumn(say("mrr.n"), "right"),
        GridColumn(say("mrr.amount"), "right"),
        GridColumn("", bar=True),
    )
    bars = tuple(abs(money) / tallest for _, _, money in steps)
    grid = Grid("", columns, rows, ("kind", "n", "amount", "share"), bars=bars, total=True)
    return [Heading(say("mrr.waterfall", period=_name(one, result))), grid]


def _rates(result: MrrResult, say: Words, last: int) -> list[Block]:
    name = result.preset
    rows = tuple(
        (
            _name(one, result),
            count(one.n_start),
            count(one.n_end),
            share(one.rate("customer_churn_rate", name).value, 2),
            share(one.rate("revenue_churn_rate", name).value, 2),
            share(one.rate("grr", name).value),
            share(one.rate("nrr", name).value),
            number(one.rate("quick_ratio", name).value),
        )
        for one in result.periods[-last:]
    )
    titles = ("n_start", "n_end", "customer_churn", "revenue_churn", "grr", "nrr", "quick")
    columns = (
        GridColumn(say("mrr.period")),
        *(GridColumn(say(f"mrr.short_{title}"), "right") for title in titles),
    )
    caption = say("mrr.rates_preset" if name else "mrr.rates_caption")
    grid = Grid("", columns, rows, ("period_on", *titles), caption=caption)
    return [Heading(say("mrr.rates")), grid]


def _ways(result: MrrResult, say: Words) -> list[Block]:
    """Return how customers who stayed came to pay more or less in the last complete period."""
    one, currency = result.latest, result.book.currency
    figures = tuple(
        Figure(
            say(f"mrr.{kind}_{way}"),
            _signed(moved.amount, currency),
            say("mrr.by_customers", n=count(moved.n)),
        )
        for kind in ("expansion", "contraction")
        for way in STAYED
        if (moved := one.how[kind, way]).n
    )
    return [Heading(say("mrr.ways")), Figures(figures)] if figures else []


def _groups(result: MrrResult, say: Words) -> list[Block]:
    if not result.groups:
        return []
    whole = result.latest
    found = [
        (name, one)
        for name, periods in result.groups.items()
        for one in periods
        if one.starts_on == whole.starts_on
    ]
    found.sort(key=lambda pair: (-pair[1].end_amount, pair[0]))
    rows: list[tuple[str, ...]] = [
        _group(name or NOTHING, one, result) for name, one in found[:MOST_GROUPS]
    ]
    rows.append(_group(say("mrr.all"), whole, result))
    columns: tuple[GridColumn, ...] = (
        GridColumn(say("mrr.group")),
        *(
            GridColumn(say(f"mrr.{title}"), "right", priority=1 if title == "start" else 0)
            for title in ("n", "start", "end", "short_customer_churn", "short_grr", "short_nrr")
        ),
    )
    keys: tuple[str, ...] = ("group", "n", "start", "end", "customer_churn", "grr", "nrr")
    if any(one.moved[SWAP].n or one.moved[SWAP].amount for _, one in found):
        swaps = [_moved(one.moved[SWAP], result.book.currency) for _, one in found[:MOST_GROUPS]]
        rows = [(*row, swap) for row, swap in zip(rows, [*swaps, NOTHING], strict=True)]
        columns = (*columns, GridColumn(say("mrr.swap"), "right"))
        keys = (*keys, SWAP)
    grid = Grid("", columns, tuple(rows), keys, total=True)
    more = len(found) - MOST_GROUPS
    notes = [Note(say("mrr.more_groups", n=count(more)))] if more > 0 else []
    return [Heading(say("mrr.groups", period=_name(whole, result))), grid, *notes]


def _group(name: str, one: Period, result: MrrResult) -> tuple[str, ...]:
    currency, preset_name = result.book.currency, result.preset
    return (
        name,
        count(one.n_end),
        amount(one.start_amount, currency),
        amount(one.end_amount, currency),
        share(one.rate("customer_churn_rate", preset_name).value, 2),
        share(one.rate("grr", preset_name).value),
        share(one.rate("nrr", preset_name).value),
    )


def _name(one: Period, result: MrrResult) -> str:
    day = one.starts_on
    return f"{day:%Y-%m}" if result.motion.period_months == 1 else day.isoformat()


def _moved(moved: Moved, currency: str) -> str:
    return _signed(moved.amount, currency) if moved.amount else NOTHING


def _step(kind: str, money: int, currency: str) -> str:
    return amount(money, currency) if kind in ("start", "end") else _signed(money, currency)


def _signed(money: float, currency: str) -> str:
    return f"+{amount(money, currency)}" if money > 0 else amount(money, currency)
