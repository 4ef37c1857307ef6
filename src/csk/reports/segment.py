"""The report of `csk segment`: figures, tiers, stages, map and the customers most worth saving."""

import polars as pl

from csk.analyses.segment import Segmentation
from csk.models.contract import OTHERS, POOLED, ContractFit
from csk.models.repeat import RepeatFit
from csk.models.value import Factors
from csk.reports import segment_data
from csk.reports.blocks import (
    Block,
    Curve,
    Figure,
    Figures,
    Grid,
    GridColumn,
    Heading,
    HeatMap,
    Note,
    Report,
)
from csk.reports.figures import NOTHING, amount, count, major, months, number, share
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
        *_formula(result, settings, say),
        Heading(say("segment.tiers")),
        *_tiers(result, say),
        *_changed(result, say),
        *_top(result, settings, say, top),
        *_groups(result, say),
        *_kind(result, settings, say),
    ]
    return Report(
        title=say("segment.title"),
        first_line=first_line(result.book, settings, result.ltv_basis, say),
        blocks=tuple(blocks),
        data=segment_data.plain(result, settings, top),
    )


def _book(result: Segmentation, say: Words) -> list[Block]:
    f, currency = result.figures, result.book.currency
    interval = say("segment.no_interval")
    if f.ltv_low is not None and f.ltv_high is not None:
        low, high = amount(f.ltv_low, currency), amount(f.ltv_high, currency)
        interval = say("segment.ltv_remark", low=low, high=high)
    who = say("segment.customers_remark", alive=count(f.n_alive), churned=count(f.n_churned))
    left = ""
    if f.churn_rate is not None:
        left = say("segment.ltv_remark", low=share(f.churn_low), high=share(f.churn_high))
    figures = [
        Figure(say("segment.customers"), count(f.n_customers), who),
        Figure(say("segment.realised"), amount(f.realised_amount, currency)),
        Figure(say("segment.ltv"), amount(f.ltv.ltv_amount, currency), interval),
        Figure(say("segment.ltv_mean"), amount(f.ltv.mean_ltv, currency)),
        Figure(
            say("segment.risk_value"),
            amount(f.value_at_risk, currency),
            say("segment.risk_remark", days=str(result.risk_days)),
        ),
        *(Figure(say("segment.p_churn", days=str(days)), share(p)) for days, p in f.p_churn),
    ]
    if f.churn_rate is not None:
        figures.append(Figure(say("segment.churn"), share(f.churn_rate), left))
    if f.mrr_amount is not None:
        figures.insert(1, Figure(say("segment.mrr"), amount(f.mrr_amount, currency)))
    return [Heading(say("segment.book")), Figures(tuple(figures))]


def _formula(result: Segmentation, settings: Settings, say: Words) -> list[Block]:
    f, currency = result.figures, result.book.currency
    whole = f.ltv
    if whole.unit_price_amount is None:
        return []
    factor = whole.discount_factor
    text = say(
        "segment.formula_text",
        price=major(whole.unit_price_amount, currency),
        margin=share(whole.margin_share),
        frequency=number(whole.frequency),
        duration=number(whole.duration_months, 1),
        discount=f" x {factor:.3f}" if factor is not None and settings.discount_rate else "",
        ltv=amount(whole.mean_ltv, currency),
    )
    blocks: list[Block] = [Heading(say("segment.formula")), Note(text, "plain")]
    if f.simple_ltv is not None:
        blocks.append(Note(say("segment.simple", simple=amount(f.simple_ltv, currency))))
    if f.arpa_churn_ltv is not None:
        arpa = amount(f.arpa_churn_ltv, currency)
        blocks.append(Note(say("segment.arpa_churn", arpa=arpa, months=str(settings.ltv_horizon))))
    return blocks


def _tiers(result: Segmentation, say: Words) -> list[Block]:
    plan, currency = result.plan, result.book.currency
    with_cost = plan.method == "budget"
    rows = []
    for row in result.tier_rows:
        name = say("segment.none") if row.tier == "none" else row.tier
        cells = [name, count(row.n), share(row.ltv_share), *_factor_cells(row.factors, currency)]
        cells += [amount(row.value_at_risk, currency) if row.factors.n else NOTHING]
        if with_cost:
            cells += [amount(row.spend, currency) if row.spend is not None else NOTHING]
            ratio = row.factors.ltv_amount / row.spend if row.spend else None
            cells += [number(ratio, 1)]
        rows.append(tuple(cells))
    titles = [
        GridColumn(say("segment.tier")),
        GridColumn(say("segment.n"), "right"),
        GridColumn(say("segment.ltv_share"), bar=True, priority=0),
        GridColumn(say("segment.ltv_each"), "right"),
        GridColumn(say("segment.price"), "right", priority=2),
        GridColumn(say("segment.frequency"), "right", priority=3),
        GridColumn(say("segment.duration"), "right", priority=2),
        GridColumn(say("segment.at_risk"), "right", priority=1),
    ]
    keys = ["tier", "n", "ltv_share", "ltv", "unit_price", "frequency", "duration", "value_at_risk"]
    if with_cost:
        titles += [
            GridColumn(say("segment.spend"), "right"),
            GridColumn(say("segment.ltv_cost"), "right", priority=1),
        ]
        keys += ["spend", "ltv_cost"]
    grid = Grid(
        title="",
        columns=tuple(titles),
        rows=tuple(rows),
        keys=tuple(keys),
        bars=tuple(row.ltv_share for row in result.tier_rows),
    )
    return [Note(_how(result, say)), grid]


def _factor_cells(f: Factors, currency: str) -> list[str]:
    if f.n == 0:
        return [NOTHING] * 4
    return [
        amount(f.mean_ltv, currency),
        major(f.unit_price_amount, currency),
        number(f.frequency),
        number(f.duration_months, 1),
    ]


def _how(result: Segmentation, say: Words) -> str:
    plan, currency = result.plan, result.book.currency
    if plan.method == "budget":
        return say(
            "segment.tiers_budget",
            spend=amount(plan.spend, currency),
            budget=amount(plan.budget, currency),
            gain=amount(plan.gain, currency),
            bound=amount(plan.bound, currency),
        )
    first, second = (share(cut, 0) for cut in plan.shares)
    text = say("segment.tiers_share", first=first, second=second)
    if plan.n_kept:
        text += " " + say("segment.tiers_kept", n=count(plan.n_kept))
    return text


def _changed(result: Segmentation, say: Words) -> list[Block]:
    change = result.change
    if change is None:
        return []
    currency = result.book.currency
    text = say(
        "segment.changed_text",
        before=amount(change.ltv_before, currency),
        after=amount(change.ltv_now, currency),
        delta=amount(change.ltv_now - change.ltv_before, currency),
        gained=count(change.n_new),
        lost=count(change.n_missing),
    )
    names = list(dict.fromkeys(name for move in change.moves for name in move[:2]))
    cells = {(then, now): n for then, now, n in change.moves}
    rows = [
        (then, *(count(cells[then, now]) if (then, now) in cells else NOTHING for now in names))
        for then in names
        if any(key[0] == then for key in cells)
    ]
    grid = Grid(
        title=say("segment.changed_moves"),
        columns=(
            GridColumn(say("segment.changed_tier")),
            *(GridColumn(name, "right") for name in names),
        ),
        rows=tuple(rows),
    )
    heading = Heading(say("segment.changed", day=change.as_of.isoformat()))
    return [heading, Note(text, "plain"), grid]


def _top(result: Segmentation, settings: Settings, say: Words, top: int) -> list[Block]:
    risk, currency = f"p_churn_{result.risk_days}d", result.book.currency
    keep = [name for name in settings.keep if name in result.customers.columns]
    rows = (
        result.customers.filter(pl.col("value_at_risk") > 0)
        .sort("value_at_risk", "customer_id", descending=[True, False])
        .head(top)
        .select(
            "customer_id", *keep, "tier", "lifecycle_stage", risk, "ltv_if_retained", "value_at_risk"
        )
    )
    if rows.is_empty():
        return []
    cells = [
        (
            row[0],
            *(str(v or "") for v in row[1 : 1 + len(keep)]),
            str(row[-5] or NOTHING),
            str(row[-4]),
            share(row[-3]),
            amount(row[-2], currency),
            amount(row[-1], currency),
        )
        for row in rows.iter_rows()
    ]
    grid = Grid(
        title="",
        columns=(
            GridColumn(say("segment.customer")),
            *(GridColumn(name) for name in keep),
            GridColumn(say("segment.tier"), priority=2),
            GridColumn(say("segment.stage"), priority=3),
            GridColumn(say("segment.p_churn", days=str(result.risk_days)), "right", priority=1),
            GridColumn(say("segment.if_retained"), "right"),
            GridColumn(say("segment.risk_value"), "right"),
        ),
        rows=tuple(cells),
    )
    return [Heading(say("segment.top")), grid]


def _groups(result: Segmentation, say: Words) -> list[Block]:
    """Lifecycle stages, and value x risk."""
    risk = f"p_churn_{result.risk_days}d"
    tables: list[Block] = []
    for title, first, column, names in (
        ("segment.stages", "segment.stage", "lifecycle_stage", STAGES),
        ("segment.cells", "segment.cell", "value_risk_cell", CELLS),
    ):
        found = dict(
            (row[0], row[1:])
            for row in result.customers.group_by(column)
            .agg(pl.len(), pl.col(risk).mean(), pl.col("ltv_amount", "value_at_risk").sum())
            .iter_rows()
        )
        rows = [
            (name, count(n), share(p), amount(ltv, result.book.currency), amount(v, result.book.currency))
            for name in names
            if name in found
            for n, p, ltv, v in [found[name]]
        ]
        columns = (
            GridColumn(say(first)),
            GridColumn(say("segment.n"), "right"),
            GridColumn(say("segment.p_churn", days=str(result.risk_days)), "right", priority=1),
            GridColumn(say("segment.ltv"), "right"),
            GridColumn(say("segment.risk_value"), "right"),
        )
        tables += [Grid(say(title), columns, tuple(rows))]
    return tables


def _kind(result: Segmentation, settings: Settings, say: Words) -> list[Block]:
    if isinstance(result.fit, ContractFit):
        return [*_new_customers(result, say), *_curves(result.fit, say), Note(say("segment.rfm_off"))]
    return [*_rfm(result, say), Note(_silence(result.fit, settings, say))]


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
        GridColumn(say("segment.new_group")),
        GridColumn(say("segment.n"), "right", priority=1),
        GridColumn(say("segment.price"), "right"),
        GridColumn(say("segment.margin"), "right", priority=2),
        GridColumn(say("segment.frequency"), "right"),
        GridColumn(say("segment.duration"), "right"),
        GridColumn(say("segment.ltv_each"), "right"),
    )
    return [Grid(say("segment.new"), columns, rows, caption=say("segment.new_caption"))]


def _named(group: str, term_months: int, say: Words) -> str:
    """Return the name of a group of one term: terms of a month go without saying."""
    names = {"": say("segment.all"), POOLED: say("segment.all"), OTHERS: say("segment.others")}
    name = names.get(group, group)
    return name if term_months == 1 else say("segment.term", group=name, months=str(term_months))


def _curves(fit: ContractFit, say: Words) -> list[Block]:
    blocks: list[Block] = []
    for one in sorted(fit.curves, key=lambda curve: -curve.n_events)[:4]:
        seen = one.observed
        blocks.append(
            Curve(
                title=say("segment.survival"),
                x_title="",
                x=tuple(months(int(age)) for age in seen.age),
                y=tuple(map(float, seen.survival)),
                low=tuple(map(float, seen.low)),
                high=tuple(map(float, seen.high)),
                group=_named(one.group, one.term_months, say),
            )
        )
    return blocks


def _rfm(result: Segmentation, say: Words) -> list[Block]:
    rfm = result.rfm
    if rfm is None:
        return []
    labels = ("5", "4", "3", "2", "1")
    rows = tuple(
        (name.replace("_", " "), count(n), amount(money, result.book.currency))
        for name, n, money in rfm.segments
    )
    return [
        HeatMap(
            title=say("segment.rfm"),
            row_title=say("segment.rfm_recency"),
            column_title=say("segment.rfm_frequency"),
            row_labels=labels,
            column_labels=tuple(reversed(labels)),
            cells=tuple(tuple(count(n) for n in row) for row in rfm.map),
            values=tuple(tuple(float(n) for n in row) for row in rfm.map),
            caption=say("segment.rfm_caption", method=rfm.method, n=count(rfm.n_without)),
        ),
        Grid(
            say("segment.rfm_segments"),
            (
                GridColumn(say("segment.rfm_segment")),
                GridColumn(say("segment.n"), "right"),
                GridColumn(say("segment.realised"), "right"),
            ),
            rows,
        ),
    ]


def _silence(fit: RepeatFit, settings: Settings, say: Words) -> str:
    limits = "/".join(str(limit.days) for limit in fit.silence.limits)
    within = str(settings.purchase_within_days)
    return say(
        "segment.silence", limits=limits, share=share(settings.silence_share, 0), within=within
    )


def _warnings(result: Segmentation, say: Words) -> list[Block]:
    span = result.book.span
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    if result.fit.n_events < FEW_EVENTS:
        notes.append(say("note.few_events", n=count(result.fit.n_events)))
    if isinstance(result.fit, RepeatFit) and any(w.is_extrapolated for w in result.fit.silence.limits):
        notes.append(say("note.extrapolated"))
    return [Note(text, "warn") for text in notes]
