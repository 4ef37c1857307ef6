"""The report of `csk usage`: who uses the product less, what lies unused, how customers begin.

One rule: a fall stands with the customer's own level and an interval, and what goes with leaving
stands with how many were looked at.
"""

from datetime import timedelta
from math import isfinite
from typing import Any

from csk.analyses.usage import RECENT_DAYS, UsageTrends, Used, worst
from csk.models.usage_trends import FALSE_ALARMS
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.figures import NOTHING, amount, count, number, share
from csk.reports.reconciliation import first_line, reconciliation
from csk.reports.usage_data import plain
from csk.reports.usage_features import features, hazards, milestones
from csk.settings import Settings
from csk.text import Words

MOST_GROUPS = 20
MOST_NAMED = 12
LATE_DAYS = 7
"""A log that ends so many days before `as_of` makes customers look silent who are not."""
_LARGE = 100
_TONES: dict[str, Tone] = {"severe": "bad", "marked": "warn"}


def report(result: UsageTrends, settings: Settings, say: Words, top: int = 10) -> Report:
    """Put usage into words; `top` falling customers are named by what is at stake."""
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *_warnings(result, say),
        *_whole(result, say),
        *_groups(result, say),
        *_falling(result, settings, say, top),
        *features(result, say),
        *hazards(result, say),
        *milestones(result, say),
    ]
    return Report(
        title=say("usage.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data=plain(result, settings, top),
    )


def quantity(value: float | None) -> str:
    """Return an amount of usage: whole where it is large, with a decimal where it is small."""
    if value is None or not isfinite(value):
        return NOTHING
    return number(value, 0 if abs(value) >= _LARGE else 1)


def change(value: float | None) -> str:
    """Return a change as per cent with its sign."""
    if value is None or not isfinite(value):
        return NOTHING
    return f"{value:+.0%}" if round(value * 100) else "0%"


def between(low: float | None, high: float | None, say: Words) -> str:
    """Return the interval of a change."""
    if low is None or high is None:
        return NOTHING
    return say("line.between", low=change(low), high=change(high))


def _warnings(result: UsageTrends, say: Words) -> list[Block]:
    span, edges = result.book.span, result.edges
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    for name, n in (
        ("before", edges.n_before),
        ("after", edges.n_after),
        ("stranger", edges.n_stranger),
    ):
        if n:
            notes.append(say(f"usage.n_{name}", n=count(n), of=count(edges.n_rows)))
    if result.usage_through < span.as_of - timedelta(LATE_DAYS):
        notes.append(say("usage.ends_early", day=result.usage_through.isoformat()))
    if not result.book.is_contractual:
        notes.append(say("usage.no_contracts"))
    for one in result.unknown:
        known = ", ".join(one.known[:MOST_NAMED])
        known += ", ..." if len(one.known) > MOST_NAMED else ""
        notes.append(
            say(f"usage.unknown_{one.what}", names=", ".join(one.names), known=known or NOTHING)
        )
    return [Note(text, "warn") for text in notes]


def _whole(result: UsageTrends, say: Words) -> list[Block]:
    one, currency = result.whole, result.book.currency
    if not one.n:
        return [Heading(say("usage.whole")), Note(say("usage.nobody"))]
    judged = one.n - one.n_new
    who = say("usage.customers_remark", silent=count(one.n_silent), new=count(one.n_new))
    figures = [Figure(say("usage.customers"), count(one.n), who)]
    if one.usage_previous_28d:
        rate = one.usage_28d / one.usage_previous_28d - 1
        remark = say("usage.level_remark", previous=quantity(one.usage_previous_28d))
        told = f"{quantity(one.usage_28d)} ({change(rate)})"
        figures.append(Figure(say("usage.level"), told, remark))
    chance = say(
        "usage.falling_remark",
        judged=count(judged),
        chance=count(round(FALSE_ALARMS * judged)),
        rate=share(FALSE_ALARMS, 0),
    )
    if judged:
        figures.append(Figure(say("usage.falling"), count(one.n_falling), chance))
    if one.n_falling:
        kinds = ", ".join(
            say("usage.n_of", n=count(n), what=say(f"usage.{name}"))
            for name, n in reversed(one.by_severity)
            if n and name != "none"
        )
        remark = say("usage.recent", n=count(one.n_recent), days=str(RECENT_DAYS))
        figures.append(Figure(say("usage.severities"), kinds, remark))
    if judged and result.book.is_contractual and one.mrr_amount:
        of = say("usage.mrr_remark", share=share(one.mrr_falling_amount / one.mrr_amount))
        figures.append(Figure(say("usage.mrr"), amount(one.mrr_falling_amount, currency), of))
    if len(set(result.week.worth)) > 1:
        figures.append(_week(result, say))
    return [Heading(say("usage.whole")), Figures(tuple(figures))]


def _week(result: UsageTrends, say: Words) -> Figure:
    """Return the busiest and the quietest weekday."""
    worth = result.week.worth
    most, least = worth.index(max(worth)), worth.index(min(worth))
    value = say(
        "usage.week_value",
        most=say(f"usage.day_{most + 1}"),
        high=share(worth[most], 0),
        least=say(f"usage.day_{least + 1}"),
        low=share(worth[least], 0),
    )
    return Figure(say("usage.week"), value, say("usage.week_remark"))


def _groups(result: UsageTrends, say: Words) -> list[Block]:
    if not result.groups:
        return []
    rows = [(one.group or NOTHING, *_cells(one, result)) for one in result.groups[:MOST_GROUPS]]
    rows.append((say("usage.all"), *_cells(result.whole, result)))
    names = ("customers", "silent", "level", "change", "falling", "mrr_falling")
    drop = {"silent": 3, "level": 2}
    shown = names if result.book.is_contractual else names[:-1]
    columns = (
        GridColumn(result.by),
        *(GridColumn(say(f"usage.short_{n}"), "right", priority=drop.get(n, 0)) for n in shown),
    )
    grid = Grid("", columns, tuple(rows), ("group", *shown), total=True)
    more = len(result.groups) - MOST_GROUPS
    notes = [Note(say("usage.more_groups", n=count(more)))] if more > 0 else []
    return [Heading(say("usage.groups", by=result.by)), grid, *notes]


def _cells(one: Used, result: UsageTrends) -> tuple[str, ...]:
    previous = one.usage_previous_28d
    rate = one.usage_28d / previous - 1 if previous else None
    cells = (
        count(one.n),
        count(one.n_silent),
        quantity(one.usage_28d),
        change(rate),
        count(one.n_falling),
    )
    if not result.book.is_contractual:
        return cells
    return (*cells, amount(one.mrr_falling_amount, result.book.currency))


def _falling(result: UsageTrends, settings: Settings, say: Words, top: int) -> list[Block]:
    found = worst(result, top)
    if not found:
        return []
    keep = [name for name in settings.keep if name in result.attributes.columns]
    kept = {row["customer_id"]: row for row in result.attributes.to_dicts()} if keep else {}
    is_contractual = result.book.is_contractual
    titles: list[tuple[str, int]] = [("since", 0), ("before", 0), ("now", 0), ("change", 0)]
    titles += [("interval", 2), ("severity", 3), ("last_use", 4)]
    titles += [("mrr", 1), ("stake", 0)] if is_contractual else []
    rows = tuple(
        (
            str(row["customer_id"]),
            *(str(kept.get(row["customer_id"], {}).get(name) or "") for name in keep),
            *((str(row["plan"] or ""),) if is_contractual else ()),
            *_fall(row, result, say),
        )
        for row in found
    )
    columns = (
        GridColumn(say("usage.customer")),
        *(GridColumn(name) for name in keep),
        *((GridColumn(say("usage.plan"), priority=5),) if is_contractual else ()),
        *(
            GridColumn(
                say(f"usage.short_{name}"),
                "left" if name in ("since", "severity") else "right",
                priority=late,
            )
            for name, late in titles
        ),
    )
    keys = (
        "customer_id",
        *keep,
        *(("plan",) if is_contractual else ()),
        *(name for name, _ in titles),
    )
    tones = tuple(_TONES.get(str(row["severity"]), "plain") for row in found)
    least = [share(v, 0) for v in settings.usage.severity_shares]
    captions = [say("usage.falling_caption", mild=least[0], marked=least[1], severe=least[2])]
    captions += [say("usage.stake_caption")] if is_contractual else []
    grid = Grid("", columns, rows, keys, tones=tones, caption=" ".join(captions))
    more = result.whole.n_falling - len(found)
    notes = [Note(say("usage.more", n=count(more)))] if more > 0 else []
    title = say("usage.worst" if is_contractual else "usage.worst_shop")
    return [Heading(title), grid, *notes]


def _fall(row: dict[str, Any], result: UsageTrends, say: Words) -> tuple[str, ...]:
    before, rate = row["usage_baseline_28d"], row["change_rate"]
    days = row["days_since_last_use"]
    cells = (
        row["changed_on"].isoformat(),
        quantity(before),
        quantity(before * (1 + rate)),
        change(rate),
        between(row["change_low"], row["change_high"], say),
        say(f"usage.{row['severity']}"),
        say("usage.days", n=count(days)) if days is not None else NOTHING,
    )
    if not result.book.is_contractual:
        return cells
    currency = result.book.currency
    return (*cells, amount(row["mrr_amount"], currency), amount(row["lost_amount"], currency))
