"""The report of `csk segment`: figures, tiers, the customers most worth saving, stages, cells."""

from typing import Any

from csk.analyses.segment import STAGE_HORIZON, Segmentation, most_at_risk, sums_by
from csk.models.repeat import RepeatFit
from csk.reports import kinds, segment_data, tiers
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import NOTHING, amount, count, share
from csk.reports.reconciliation import first_line, reconciliation
from csk.settings import Settings
from csk.text import Words

STAGES = ("onboarding", "adopting", "retained", "expanding", "at-risk", "churned")
CELLS = ("save", "protect-and-expand", "automate", "maintain")
FEW_EVENTS = 100


def report(result: Segmentation, settings: Settings, say: Words, top: int = 10) -> Report:
    """Put a segmentation into words; `top` customers are named by value at risk."""
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *_warnings(result, say),
        *_book(result, say),
        *tiers.tiers(result, say),
        *tiers.changed(result, say),
        *_top(result, settings, say, top),
        *tiers.formula(result, settings, say),
        *_stages(result, settings, say),
        *_cells(result, say),
        *kinds.kind(result, settings, say),
    ]
    return Report(
        title=say("segment.title"),
        first_line=first_line(result.book, settings, result.ltv_basis, say),
        blocks=tuple(blocks),
        data=segment_data.plain(result, settings, top),
    )


def _warnings(result: Segmentation, say: Words) -> list[Block]:
    span, fit = result.book.span, result.fit
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    if fit.n_events < FEW_EVENTS:
        kind = "few_purchases" if isinstance(fit, RepeatFit) else "few_ends"
        notes.append(say(f"note.{kind}", n=count(fit.n_events)))
    if isinstance(fit, RepeatFit) and any(w.is_extrapolated for w in fit.silence.limits):
        notes.append(say("note.extrapolated"))
    return [Note(text, "warn") for text in notes]


def _book(result: Segmentation, say: Words) -> list[Block]:
    f, currency = result.figures, result.book.currency
    interval = say("segment.no_interval")
    if f.ltv_low is not None and f.ltv_high is not None:
        low, high = amount(f.ltv_low, currency), amount(f.ltv_high, currency)
        interval = say("segment.interval", low=low, high=high)
    who = say("segment.customers_remark", alive=count(f.n_alive), churned=count(f.n_churned))
    *sooner, (_, leave) = f.p_churn
    before = ", ".join(say("segment.leave_sooner", p=share(p), days=str(d)) for d, p in sooner)
    figures = [
        Figure(say("segment.customers"), count(f.n_customers), who),
        Figure(say("segment.realised"), amount(f.realised_amount, currency)),
        Figure(say("segment.ltv"), amount(f.ltv.ltv_amount, currency), interval),
        Figure(say("segment.ltv_mean"), amount(f.ltv.mean_ltv, currency), say("segment.ltv_whose")),
        Figure(
            say("segment.value_at_risk"),
            amount(f.value_at_risk, currency),
            say("segment.value_at_risk_remark", days=str(result.risk_days)),
        ),
        Figure(say("segment.leave", days=str(result.risk_days)), share(leave), before),
    ]
    if f.churn_rate is not None:
        bounds = say("segment.interval", low=share(f.churn_low), high=share(f.churn_high))
        figures.append(Figure(say("segment.left"), share(f.churn_rate), bounds))
    if f.mrr_amount is not None:
        figures.insert(1, Figure(say("segment.mrr"), amount(f.mrr_amount, currency)))
    return [Heading(say("segment.book")), Figures(tuple(figures))]


def _top(result: Segmentation, settings: Settings, say: Words, top: int) -> list[Block]:
    currency = result.book.currency
    keep = [name for name in settings.keep if name in result.customers.columns]
    shown = keep, f"p_churn_{result.risk_days}d"
    rows = tuple(_named(row, *shown, currency) for row in most_at_risk(result, top))
    if not rows:
        return []
    days = str(result.risk_days)
    columns = (
        GridColumn(say("segment.customer")),
        *(GridColumn(name) for name in keep),
        GridColumn(say("segment.tier"), priority=2),
        GridColumn(say("segment.stage"), priority=3),
        GridColumn(say("segment.risk", days=days), "right", priority=1),
        GridColumn(say("segment.if_retained"), "right"),
        GridColumn(say("segment.at_risk"), "right"),
    )
    caption = say("segment.top_caption", days=days)
    return [Heading(say("segment.top")), Grid("", columns, rows, caption=caption)]


def _named(row: dict[str, Any], keep: list[str], risk: str, currency: str) -> tuple[str, ...]:
    return (
        row["customer_id"],
        *(str(row[name] or "") for name in keep),
        row["tier"] or NOTHING,
        row["lifecycle_stage"],
        share(row[risk]),
        amount(row["ltv_if_retained"], currency),
        amount(row["value_at_risk"], currency),
    )


def _stages(result: Segmentation, settings: Settings, say: Words) -> list[Block]:
    days = min(result.horizons.risk_days, key=lambda horizon: abs(horizon - STAGE_HORIZON))
    caption = say(
        "segment.stages_caption", days=str(days), lift=f"{settings.stages.at_risk_lift:g}"
    )
    return [_groups(result, say, "stage", STAGES, days, caption)]


def _cells(result: Segmentation, say: Words) -> list[Block]:
    return [_groups(result, say, "cell", CELLS, result.risk_days, say("segment.cells_caption"))]


def _groups(
    result: Segmentation, say: Words, what: str, names: tuple[str, ...], days: int, caption: str
) -> Grid:
    """Return size, mean risk, value and value at risk of those alive, by stage or cell."""
    column = {"stage": "lifecycle_stage", "cell": "value_risk_cell"}[what]
    currency = result.book.currency
    found = sums_by(result, column, days)
    rows = tuple(
        (
            name,
            count(of.n),
            share(of.p_churn),
            amount(of.ltv_amount, currency),
            amount(of.value_at_risk, currency),
        )
        for name in names
        if (of := found.get(name))
    )
    columns = (
        GridColumn(say(f"segment.{what}")),
        GridColumn(say("segment.n"), "right"),
        GridColumn(say("segment.risk", days=str(days)), "right", priority=1),
        GridColumn(say("segment.ltv"), "right"),
        GridColumn(say("segment.at_risk"), "right"),
    )
    return Grid(say(f"segment.{what}s"), columns, rows, caption=caption)
