"""The report of `csk kpi`: one page to read on Monday.

One rule: every figure stands beside what it was; whether that is good is told in words too.
"""

from csk.analyses.kpi import CHANNEL, NEEDS, YEAR, Kpis, Line, in_unit
from csk.calendar import plus_months
from csk.definitions import definition
from csk.models.measures import Measured
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.figures import NOTHING, amount, count, number, share
from csk.reports.kpi_data import plain
from csk.reports.reconciliation import first_line, reconciliation
from csk.reports.surveys import points
from csk.settings import Settings
from csk.text import Words

MOST_GROUPS = 20
OF_CONTRACTS = (
    "mrr",
    "paying_customers",
    "new_inflow",
    "customer_churn_rate",
    "grr",
    "nrr",
    "quick_ratio",
    "nps",
)
OF_SHOPS = ("revenue", "active_customers", "new_inflow", "order_value", "nps", "csat")
"""Metrics of the trend."""
BY_GROUP = (
    "mrr",
    "revenue",
    "paying_customers",
    "active_customers",
    "arpa",
    "order_value",
    "customer_churn_rate",
    "grr_12m",
    "nrr_12m",
    "ltv_residual",
)
_SMALL = 0.1


def report(result: Kpis, settings: Settings, say: Words, last: int = 13) -> Report:
    """Put key figures into words; the `last` periods are listed, all of them are in the table."""
    basis = result.standing.basis if result.standing else ""
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *_notes(result, say),
        *_board(result, say),
        *_benchmarks(result, say),
        *_trend(result, say, last),
        *_channels(result, say),
        *_concentration(result, say),
        *_groups(result, say),
        *_lacking(result, say),
    ]
    return Report(
        title=say("kpi.title"),
        first_line=first_line(result.book, settings, basis, say),
        blocks=tuple(blocks),
        data=plain(result, settings),
    )


def label(metric_id: str, say: Words) -> str:
    """Return what a metric is called: in short, or as its definition has it."""
    key = f"kpi.{metric_id}"
    return say(key) if key in say.keys else definition(metric_id).words[say.language].label


def told(one: Measured | None, value: float | None, currency: str, say: Words) -> str:
    """Return a value in the unit of its metric."""
    if one is None or value is None:
        return NOTHING
    match one.metric.unit:
        case "money":
            text = amount(value, currency)
        case "share":
            text = share(value, 2 if 0 < abs(value) < _SMALL else 1)
        case "points":
            text = points(value)
        case "count":
            text = count(round(value))
        case "months":
            text = say("kpi.months", n=count(round(value)))
        case _:
            text = number(value)
    return text


def _notes(result: Kpis, say: Words) -> list[Block]:
    span = result.book.span
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    return [Note(text, "warn") for text in notes]


def _board(result: Kpis, say: Words) -> list[Block]:
    has_target = any(line.target is not None for line in result.lines)
    is_yearly = result.motion.period_months == YEAR
    has_year = not is_yearly and any(line.year_ago for line in result.lines)
    rows, tones = [], []
    for line in result.lines:
        rows.append(
            (
                _label(line, result, say),
                _now(line, result, say),
                _between(line.now, result, say),
                _before(line, result, say),
                *([_was(line.year_ago, result, say)] * has_year),
                *([_target(line, result, say)] * has_target),
            )
        )
        tone: Tone = {True: "good", False: "bad", None: "plain"}[line.is_met]  # type: ignore[assignment] # a Tone each
        tones.append(tone)
    columns = (
        GridColumn(say("kpi.metric")),
        GridColumn(say("kpi.now"), "right"),
        GridColumn(say("kpi.interval"), "right", priority=2),
        GridColumn(say(f"kpi.before_{result.motion.period_months}"), "right"),
        *([GridColumn(say("kpi.year_ago"), "right", priority=1)] * has_year),
        *([GridColumn(say("kpi.target"), "right")] * has_target),
    )
    keys = ("metric", "now", "interval", "before", "year_ago", "target")
    shown = {line.now.metric_id for line in result.lines}
    captions = [
        *([say("kpi.stands", day=result.stands_on.isoformat())] * (result.standing is not None)),
        *([say("kpi.costs")] * ("ltv_cac" in shown)),
    ]
    caption = " ".join(captions)
    grid = Grid("", columns, tuple(rows), keys[: len(columns)], tones=tuple(tones), caption=caption)
    return [Heading(say("kpi.latest", period=_period(result, say))), grid]


def _label(line: Line, result: Kpis, say: Words) -> str:
    name, now = label(line.now.metric_id, say), line.now
    if now.metric.when != "answer":
        return name
    if now.period_on != result.latest_on:
        name = say("kpi.of_period", metric=name, period=f"{now.period_on:%Y-%m}")
    return say("kpi.of_answers", metric=name, n=count(now.n or 0))


def _now(line: Line, result: Kpis, say: Words) -> str:
    if line.now.value is None:
        return say("kpi.not_reached")
    return told(line.now, line.now.value, result.book.currency, say)


def _was(one: Measured | None, result: Kpis, say: Words) -> str:
    return told(one, one.value if one else None, result.book.currency, say)


def _before(line: Line, result: Kpis, say: Words) -> str:
    """Return the value before; of answers it may be that of a period further back."""
    text = _was(line.before, result, say)
    expected = plus_months(line.now.period_on, -result.motion.period_months)
    if line.before is None or line.before.period_on == expected:
        return text
    return say("kpi.was_in", value=text, period=f"{line.before.period_on:%Y-%m}")


def _between(one: Measured, result: Kpis, say: Words) -> str:
    if one.low is None or one.high is None:
        return NOTHING
    low, high = (told(one, end, result.book.currency, say) for end in (one.low, one.high))
    return say("kpi.between", low=low, high=high)


def _target(line: Line, result: Kpis, say: Words) -> str:
    if line.target is None:
        return ""
    aim = told(line.now, line.target, result.book.currency, say)
    if line.is_met is None:
        return aim
    return say("kpi.met" if line.is_met else "kpi.missed", target=aim)


def _benchmarks(result: Kpis, say: Words) -> list[Block]:
    """Return what metrics are elsewhere, with who says so and when."""
    rows = []
    for line in result.lines:
        one = line.benchmark
        if one is None:
            continue
        value, low, high = (
            told(
                line.now,
                None if v is None else in_unit(one.metric_id, v),
                result.book.currency,
                say,
            )
            for v in (one.value, one.low, one.high)
        )
        between = say("kpi.between", low=low, high=high) if one.low is not None else NOTHING
        when = one.as_of.isoformat() if one.as_of else NOTHING
        name = label(one.metric_id, say)
        rows.append((name, _now(line, result, say), value, between, one.source, when))
    if not rows:
        return []
    columns = (
        GridColumn(say("kpi.metric")),
        GridColumn(say("kpi.now"), "right"),
        GridColumn(say("kpi.elsewhere"), "right"),
        GridColumn(say("kpi.range"), "right", priority=1),
        GridColumn(say("kpi.source")),
        GridColumn(say("kpi.as_of")),
    )
    keys = ("metric", "now", "benchmark", "range", "source", "as_of")
    return [Heading(say("kpi.benchmarks")), Grid("", columns, tuple(rows), keys)]


def _trend(result: Kpis, say: Words, last: int) -> list[Block]:
    wanted = OF_CONTRACTS if result.book.is_contractual else OF_SHOPS
    of_whole = {(o.metric_id, o.period_on): o for o in result.measured if not o.dimension}
    main = wanted[0]
    days = sorted(day for name, day in of_whole if name == main)[-last:]
    names = [name for name in wanted if any((name, day) in of_whole for day in days)]
    rows = tuple(
        (_named(day, result), *(_was(of_whole.get((name, day)), result, say) for name in names))
        for day in days
    )
    late = {"quick_ratio": 3, "csat": 3, "nps": 2, "grr": 1}
    columns = (
        GridColumn(say("kpi.period")),
        *(
            GridColumn(say(f"kpi.short_{name}"), "right", priority=late.get(name, 0))
            for name in names
        ),
    )
    is_whole = [of_whole[main, day].is_complete for day in days]
    tones: tuple[Tone, ...] = tuple("plain" if whole else "muted" for whole in is_whole)
    caption = "" if all(is_whole) else say("kpi.incomplete")
    grid = Grid("", columns, rows, ("period_on", *names), tones=tones, caption=caption)
    return [Heading(say("kpi.trend")), grid] if rows else []


def _channels(result: Kpis, say: Words) -> list[Block]:
    """Return who came through which channel, in the last period and in the last year."""
    day, year = result.latest_on, plus_months(result.latest_on, -YEAR)
    came: dict[str, dict[str, float]] = {}
    for one in result.measured:
        if (one.dimension, one.metric_id) != (CHANNEL, "new_inflow") or not one.value:
            continue
        of = came.setdefault(one.group, dict.fromkeys(("now", "before", "then", "year"), 0.0))
        of["now"] += one.value * (one.period_on == day)
        of["before"] += one.value * (
            one.period_on == plus_months(day, -result.motion.period_months)
        )
        of["then"] += one.value * (one.period_on == year)
        of["year"] += one.value * (year < one.period_on <= day)
    whole = sum(of["year"] for of in came.values())
    order = sorted(
        (name for name in came if came[name]["year"]), key=lambda name: (-came[name]["year"], name)
    )
    if not order:
        return []
    names = ("now", "before", "then", "year")
    rows = [
        (
            name or NOTHING,
            *(count(round(came[name][key])) for key in names),
            share(came[name]["year"] / whole),
        )
        for name in order[:MOST_GROUPS]
    ]
    sums = (count(round(sum(of[key] for of in came.values()))) for key in names)
    rows.append((say("kpi.all"), *sums, share(1.0)))
    columns = (
        GridColumn(say("kpi.channel")),
        GridColumn(say("kpi.now"), "right"),
        GridColumn(say(f"kpi.before_{result.motion.period_months}"), "right"),
        GridColumn(say("kpi.year_ago"), "right"),
        GridColumn(say("kpi.of_year"), "right"),
        GridColumn(say("kpi.share"), bar=True),
    )
    most = came[order[0]]["year"]
    bars = (*(came[name]["year"] / most for name in order[:MOST_GROUPS]), 0.0)
    keys = ("channel", *names, "share")
    grid = Grid("", columns, tuple(rows), keys, bars=bars, total=True)
    return [Heading(say("kpi.channels", period=_period(result, say))), grid]


def _concentration(result: Kpis, say: Words) -> list[Block]:
    n, whole = sum(one.n for one in result.abc), sum(one.amount for one in result.abc)
    if not whole:
        return []
    currency = result.book.currency
    rows = tuple(
        (
            say(f"kpi.class_{one.name.lower()}"),
            count(one.n),
            share(one.n / n),
            amount(one.amount, currency),
            share(one.amount / whole),
        )
        for one in result.abc
    )
    money = "kpi.mrr_now" if result.book.is_contractual else "kpi.spent"
    columns = (
        GridColumn(say("kpi.class")),
        GridColumn(say("kpi.customers"), "right"),
        GridColumn(say("kpi.of_customers"), "right"),
        GridColumn(say(money), "right"),
        GridColumn(say("kpi.of_money"), bar=True),
    )
    bars = tuple(one.amount / whole for one in result.abc)
    keys = ("class", "n", "n_share", "amount", "amount_share")
    grid = Grid("", columns, rows, keys, bars=bars, caption=say("kpi.abc_caption"))
    return [Heading(say("kpi.concentration")), grid]


def _groups(result: Kpis, say: Words) -> list[Block]:
    if not result.by:
        return []
    days = {line.now.metric_id: line.now.period_on for line in result.lines}
    names = [name for name in BY_GROUP if name in days]
    found: dict[str, dict[str, Measured]] = {}
    for one in result.measured:
        if one.dimension == result.by and one.period_on == days.get(one.metric_id):
            found.setdefault(one.group, {})[one.metric_id] = one
    order = sorted(
        found, key=lambda group: (-_money(found[group].get(names[0]) if names else None), group)
    )
    rows = [
        (group or NOTHING, *(_was(found[group].get(name), result, say) for name in names))
        for group in order[:MOST_GROUPS]
    ]
    of_whole = {line.now.metric_id: line.now for line in result.lines}
    rows.append((say("kpi.all"), *(_was(of_whole[name], result, say) for name in names)))
    late = {"grr_12m": 2, "arpa": 3, "order_value": 1}
    columns = (
        GridColumn(result.by),
        *(
            GridColumn(say(f"kpi.short_{name}"), "right", priority=late.get(name, 0))
            for name in names
        ),
    )
    grid = Grid("", columns, tuple(rows), ("group", *names), total=True)
    more = len(order) - MOST_GROUPS
    notes = [Note(say("kpi.more_groups", n=count(more)))] if more > 0 else []
    return [Heading(say("kpi.groups", by=result.by, period=_period(result, say))), grid, *notes]


def _money(one: Measured | None) -> float:
    return one.value if one is not None and one.value is not None else 0.0


def _lacking(result: Kpis, say: Words) -> list[Block]:
    """Return, in one line, what is not told and what it would need."""
    if not result.lacking:
        return []
    parts = [
        say(
            "kpi.lack",
            metrics=", ".join(label(name, say) for name in NEEDS[key]) or say(f"kpi.lack_{key}"),
            what=say(f"kpi.needs_{key}"),
        )
        for key in result.lacking
    ]
    return [Note(say("kpi.lacking", what="; ".join(parts)))]


def _period(result: Kpis, say: Words) -> str:
    first, months = result.latest_on, result.motion.period_months
    last = plus_months(first, months - 1)
    if months == 1:
        return f"{first:%Y-%m}"
    return say("kpi.from_to", first=f"{first:%Y-%m}", last=f"{last:%Y-%m}")


def _named(day: object, result: Kpis) -> str:
    text = str(day)
    return text[:7] if result.motion.period_months == 1 else text
