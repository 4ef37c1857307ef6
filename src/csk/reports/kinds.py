"""What only one kind of book has: survival and new customers (contracts), RFM and silence (shops).

One rule: a curve is shown as it was seen, by whole months, never beyond the longest time seen.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import isfinite

from csk.analyses.segment import Segmentation, sums_by
from csk.calendar import TICKS_PER_MONTH
from csk.models.contract import OTHERS, POOLED, ContractFit, GroupCurve
from csk.models.repeat import RepeatFit
from csk.models.rfm import RfmScores
from csk.reports.blocks import Block, Curve, Grid, GridColumn, HeatMap, Note
from csk.reports.figures import NOTHING, amount, count, major, number, share
from csk.settings import Settings
from csk.stats.inactivity import GROUPS
from csk.stats.survival import median, survival_at
from csk.text import Words

_MONTHS = (3, 6, 12, 24, 36)
_CURVES = 8


def kind(result: Segmentation, settings: Settings, say: Words) -> list[Block]:
    """Return the blocks of the kind of book that was segmented."""
    if isinstance(result.fit, ContractFit):
        off = Note(say("segment.rfm_off"))
        return [*_new_customers(result, say), *_curves(result.fit, say), off]
    return [*_rfm(result, say), _silence(result.fit, settings, say)]


def _new_customers(result: Segmentation, say: Words) -> list[Block]:
    currency = result.book.currency
    rows = tuple(
        (
            _named(new.group, new.term_months, say),
            count(new.n),
            major(new.unit_price_amount, currency),
            share(new.margin_share),
            number(new.frequency),
            number(new.duration_months, 1),
            amount(new.ltv_amount, currency),
        )
        for new in result.figures.new_customers
    )
    columns = (
        GridColumn(say("segment.group")),
        GridColumn(say("segment.n"), "right", priority=1),
        GridColumn(say("segment.price"), "right"),
        GridColumn(say("segment.margin"), "right", priority=2),
        GridColumn(say("segment.frequency"), "right"),
        GridColumn(say("segment.duration"), "right"),
        GridColumn(say("segment.product"), "right"),
    )
    return [Grid(say("segment.new"), columns, rows, caption=say("segment.new_caption"))]


def _named(group: str, term_months: int, say: Words) -> str:
    """Return the name of a group of one term: terms of a month go without saying."""
    names = {"": say("segment.all"), POOLED: say("segment.all"), OTHERS: say("segment.others")}
    name = names.get(group, group)
    return name if term_months == 1 else say("segment.term", group=name, months=str(term_months))


def _curves(fit: ContractFit, say: Words) -> list[Block]:
    shown = sorted(fit.curves, key=lambda curve: -curve.n_events)[:_CURVES]
    drawn = [_monthly(one, _named(one.group, one.term_months, say), say) for one in shown]
    reached = [month for month in _MONTHS if any(curve.x[-1] >= month for curve in drawn)]
    rows = tuple(
        (curve.group, count(one.n_events), *_shares(one, reached), _half(one))
        for one, curve in zip(shown, drawn, strict=True)
    )
    columns = (
        GridColumn(say("segment.group")),
        GridColumn(say("segment.ends"), "right", priority=1),
        *(GridColumn(say("segment.month", month=str(m)), "right") for m in reached),
        GridColumn(say("segment.median"), "right", priority=2),
    )
    return [*drawn, Grid("", columns, rows, caption=say("segment.survival_caption"))]


def _monthly(one: GroupCurve, name: str, say: Words) -> Curve:
    """Read the observed curve at whole months."""
    seen = one.observed
    months = range(int(seen.age[-1]) // TICKS_PER_MONTH + 1)
    ages = list(map(int, seen.age))
    at = [bisect_right(ages, month * TICKS_PER_MONTH) - 1 for month in months]

    def read(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(1.0 if place < 0 else float(values[place]) for place in at)

    return Curve(
        title=say("segment.survival"),
        x_title=say("segment.months"),
        x=tuple(map(float, months)),
        y=read(seen.survival.tolist()),
        low=read(seen.low.tolist()),
        high=read(seen.high.tolist()),
        group=name,
        between=say("line.between"),
    )


def _shares(one: GroupCurve, months: list[int]) -> list[str]:
    values = survival_at(one.observed, [month * TICKS_PER_MONTH for month in months])
    return [share(float(value)) if isfinite(value) else NOTHING for value in values]


def _half(one: GroupCurve) -> str:
    ticks = median(one.observed).value
    return number(ticks / TICKS_PER_MONTH, 1) if isfinite(ticks) else NOTHING


def _rfm(result: Segmentation, say: Words) -> list[Block]:
    rfm = result.rfm
    if rfm is None:
        return []
    labels = ("5", "4", "3", "2", "1")
    caption = say("segment.rfm_caption", method=rfm.method)
    if rfm.n_without:
        caption += " " + say("segment.rfm_without", n=count(rfm.n_without))
    heat = HeatMap(
        title=say("segment.rfm"),
        row_title=say("segment.rfm_recency"),
        column_title=say("segment.rfm_frequency"),
        row_labels=labels,
        column_labels=tuple(reversed(labels)),
        cells=tuple(tuple(count(n) if n else "" for n in row) for row in rfm.map),
        values=tuple(tuple(float(n) if n else None for n in row) for row in rfm.map),
        caption=caption,
        hidden=say("line.hidden"),
    )
    return [heat, _segments(result, rfm, say)]


def _segments(result: Segmentation, rfm: RfmScores, say: Words) -> Grid:
    currency = result.book.currency
    sums = sums_by(result, "rfm_segment", result.risk_days)
    rows = []
    for name, n, paid in rfm.segments:
        of = sums.get(name)
        money = (paid, of.ltv_amount if of else 0, of.value_at_risk if of else 0)
        rows.append((name.replace("_", " "), count(n), *(amount(m, currency) for m in money)))
    columns = (
        GridColumn(say("segment.rfm_segment")),
        GridColumn(say("segment.n"), "right"),
        GridColumn(say("segment.realised"), "right"),
        GridColumn(say("segment.ltv"), "right"),
        GridColumn(say("segment.at_risk"), "right", priority=1),
    )
    return Grid(say("segment.rfm_segments"), columns, tuple(rows))


def _silence(fit: RepeatFit, settings: Settings, say: Words) -> Grid:
    rows = []
    for group, limit in zip(GROUPS, fit.silence.limits, strict=True):
        keys = [key for key in ("extrapolated", "pooled") if getattr(limit, f"is_{key}")]
        remark = "; ".join(say(f"segment.silence_{key}") for key in keys)
        rows.append((group, say("segment.silence_days", days=count(limit.days)), remark))
    columns = (
        GridColumn(say("segment.silence_purchases")),
        GridColumn(say("segment.silence_gone"), "right"),
        GridColumn(""),
    )
    within, rate = str(settings.purchase_within_days), share(settings.silence_share, 0)
    caption = say("segment.silence_caption", share=rate, within=within)
    return Grid(say("segment.silence"), columns, tuple(rows), caption=caption)
