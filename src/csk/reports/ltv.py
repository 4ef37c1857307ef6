"""The report of `csk ltv`: what customers have brought and will, by group, factor and formula.

One rule: an interval says which one it is, and a figure that rests on little says so beside it.
"""

from csk.analyses.ltv import COHORT, OUTCOMES, Ltv, costs_since, is_cut
from csk.models.outlook import ENOUGH_WATCHED, Bounds
from csk.models.value import Factors
from csk.models.worth import Worth
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import NOTHING, amount, count, major, number, share
from csk.reports.formulas import formulas
from csk.reports.ltv_customers import customers
from csk.reports.ltv_data import plain
from csk.reports.reconciliation import first_line, reconciliation
from csk.settings import Settings
from csk.text import Words

MOST_GROUPS = 20


def report(result: Ltv, settings: Settings, say: Words, top: int = 10) -> Report:
    """Put LTV into words; `top` customers are named by residual LTV."""
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *_warnings(result, say),
        *_book(result, settings, say),
        *_groups(result, settings, say),
        *_newcomers(result, settings, say),
        *_factors(result, settings, say),
        *formulas(result, settings, say),
        *customers(result, settings, say, top),
    ]
    return Report(
        title=say("ltv.title"),
        first_line=first_line(result.book, settings, result.standing.basis, say),
        blocks=tuple(blocks),
        data=plain(result, settings, top),
    )


def _warnings(result: Ltv, say: Words) -> list[Block]:
    span, flags = result.book.span, dict(result.flags)
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    cut = is_cut(result)
    if cut is not None:
        notes.append(say("ltv.is_cut", day=cut.isoformat()))
    if flags:
        what = "; ".join(say(f"ltv.flag_{name}", n=count(n)) for name, n in flags.items())
        notes.append(say("ltv.flags", what=what))
    return [Note(text, "warn") for text in notes]


def _book(result: Ltv, settings: Settings, say: Words) -> list[Block]:
    one, currency = result.whole, result.book.currency
    gone = say(
        "segment.customers_remark", alive=count(one.n_alive), churned=count(one.n - one.n_alive)
    )
    so_far = say("ltv.realised_revenue")
    if one.is_margin:
        so_far = say("ltv.realised_remark", amount=amount(one.realised_amount, currency))
    figures = [
        Figure(say("ltv.customers"), count(one.n), gone),
        Figure(say("ltv.realised"), amount(one.realised_margin_amount, currency), so_far),
        Figure(
            say("ltv.residual"),
            amount(one.factors.ltv_amount, currency),
            _interval(one, currency, say),
        ),
        Figure(say("ltv.total"), amount(one.total_ltv_amount, currency), say("ltv.total_remark")),
        Figure(
            say("ltv.each"),
            amount(one.factors.mean_ltv, currency),
            say("ltv.each_remark", n=count(one.n_alive)),
        ),
    ]
    if one.tail_share is not None:
        remark = say("ltv.tail_remark", n=str(ENOUGH_WATCHED))
        figures.append(Figure(say("ltv.tail"), share(one.tail_share), remark))
    figures += _new(result, settings, say)
    lacks = _lacking(one, say)
    return [Heading(say("ltv.book")), Figures(tuple(figures)), *lacks]


def _interval(one: Worth, currency: str, say: Words) -> str:
    """Return both intervals by name: of the parameters, and with what chance will do."""
    if one.bounds is None:
        return say("ltv.no_interval")
    low, high = (amount(end, currency) for end in one.bounds)
    text = say("ltv.interval", low=low, high=high)
    if one.predicted is None:
        return text
    low, high = (amount(end, currency) for end in one.predicted)
    return say("ltv.with_chance", interval=text, low=low, high=high)


def _new(result: Ltv, settings: Settings, say: Words) -> list[Figure]:
    """Return what a new customer is worth, and what winning one costs."""
    one, currency = result.whole, result.book.currency
    if one.newcomer is None:
        return []
    kind = "end" if result.choice.is_in_arrears else "start"
    timing = say(f"ltv.timing_{kind if result.book.is_contractual else 'shop'}")
    remark = timing if not result.book.is_contractual else say("ltv.new_remark", timing=timing)
    figures = [Figure(say("ltv.new"), amount(one.newcomer.ltv_amount, currency), remark)]
    if not one.cost.value:
        return figures
    since = costs_since(result.horizons.as_of).isoformat()
    who = say("ltv.cac_remark", n=count(one.cost.denominator or 0), day=since)
    figures.append(Figure(say("ltv.cac"), amount(one.cost.value, currency), who))
    if one.ltv_cac is not None:
        ratio = number(one.ltv_cac, 1)
        figures.append(Figure(say("ltv.ltv_cac"), ratio, say("ltv.ltv_cac_remark")))
        paid = _paid_back(one, settings, say)
        figures.append(Figure(say("ltv.payback"), paid, say("ltv.payback_remark")))
    return figures


def _lacking(one: Worth, say: Words) -> list[Block]:
    if not one.cost.value:
        return [Note(say("ltv.no_cost"))]
    return [] if one.is_margin else [Note(say("ltv.no_margin"))]


def _paid_back(one: Worth, settings: Settings, say: Words) -> str:
    if one.ltv_cac is None:
        return NOTHING
    if one.payback_months is not None:
        return say("ltv.month", n=count(one.payback_months))
    if one.came is not None:
        return say("ltv.not_yet") if len(one.came.brought) else NOTHING
    return say("ltv.never", n=str(settings.ltv_horizon))


def _name(one: Worth, say: Words) -> str:
    return one.group or say("ltv.nobody")


def _shown(result: Ltv) -> tuple[Worth, ...]:
    """Return the groups that the page has room for: the largest, of cohorts the latest."""
    groups = result.groups
    return groups[-MOST_GROUPS:] if result.choice.by == COHORT else groups[:MOST_GROUPS]


def _groups(result: Ltv, settings: Settings, say: Words) -> list[Block]:
    if not result.groups:
        return []
    currency, whole = result.book.currency, result.whole.factors.ltv_amount
    shown = _shown(result)
    rows = [_worth(one, _name(one, say), currency, whole, say) for one in shown]
    rows.append(_worth(result.whole, say("ltv.all"), currency, whole, say))
    columns = (
        GridColumn(result.choice.by),
        GridColumn(say("ltv.n"), "right", priority=2),
        GridColumn(say("ltv.alive"), "right"),
        GridColumn(say("ltv.short_realised"), "right", priority=1),
        GridColumn(say("ltv.short_residual"), "right"),
        GridColumn(say("ltv.short_interval"), "right"),
        GridColumn(say("ltv.short_chance"), "right", priority=3),
        GridColumn(say("ltv.share"), "right", priority=4),
        GridColumn(say("ltv.short_total"), "right"),
        GridColumn(say("ltv.short_tail"), "right", priority=5),
    )
    keys = (
        "group", "n", "n_alive", "realised", "residual", "interval", "predictive", "share",
        "total", "tail_share",
    )  # fmt: skip
    caption = say("ltv.groups_caption_shop")
    if result.book.is_contractual:
        caption = say("ltv.groups_caption", curves=settings.by)
    more = len(result.groups) - len(shown)
    notes = [Note(say("ltv.more", n=count(more)))] if more else []
    grid = Grid("", columns, tuple(rows), keys, total=True, caption=caption)
    return [Heading(say("ltv.groups", by=result.choice.by)), grid, *notes]


def _worth(one: Worth, name: str, currency: str, whole: int, say: Words) -> tuple[str, ...]:
    return (
        name,
        count(one.n),
        count(one.n_alive),
        amount(one.realised_margin_amount, currency),
        amount(one.factors.ltv_amount, currency),
        _around(one.bounds, one.factors.ltv_amount, say),
        _around(one.predicted, one.factors.ltv_amount, say),
        share(one.factors.ltv_amount / whole if whole else None),
        amount(one.total_ltv_amount, currency),
        share(one.tail_share),
    )


def _around(bounds: Bounds | None, whole: int, say: Words) -> str:
    """Return bounds as how far they lie below and above what they are bounds of."""
    if bounds is None or not whole:
        return NOTHING
    low, high = (f"{end / whole - 1:+.0%}" for end in bounds)
    return say("line.between", low=low, high=high)


def _newcomers(result: Ltv, settings: Settings, say: Words) -> list[Block]:
    """Return what those who come next are worth; of cohorts, what those who came were."""
    is_cohort, currency = result.choice.by == COHORT, result.book.currency
    shown = () if result.choice.by in OUTCOMES else _shown(result)
    has_cost = any(one.cost.value for one in shown)
    if not shown or (is_cohort and not has_cost):
        return []
    rows = []
    for one in shown:
        held = (
            amount(one.cost.value, currency),
            number(one.ltv_cac, 1),
            _paid_back(one, settings, say),
        )
        told = () if is_cohort else (_told(one, say),)
        row = (_name(one, say), amount(one.held, currency), *(held if has_cost else ()), *told)
        rows.append(row)
    costs = [GridColumn(say(f"ltv.short_{key}"), "right") for key in ("cac", "ltv_cac", "payback")]
    columns = (
        GridColumn(result.choice.by),
        GridColumn(say("ltv.short_held" if is_cohort else "ltv.short_new"), "right"),
        *(costs if has_cost else []),
        *([] if is_cohort else [GridColumn("", priority=1)]),
    )
    kind = "came" if is_cohort else "newcomers" if has_cost else "newcomers_alone"
    grid = Grid("", columns, tuple(rows), caption=_caption(result, say, has_cost=has_cost))
    return [Heading(say(f"ltv.{kind}")), grid]


def _told(one: Worth, say: Words) -> str:
    """Say where a new customer is told by others than the group's own."""
    if one.newcomer is None or one.newcomer.own_share >= 1:
        return ""
    return say("ltv.partly" if one.newcomer.own_share else "ltv.shared")


def _caption(result: Ltv, say: Words, *, has_cost: bool) -> str:
    if result.choice.by == COHORT:
        return say("ltv.cohorts_caption")
    caption = say(f"ltv.newcomers_caption{'' if result.book.is_contractual else '_shop'}")
    # Words of Japanese are not parted by blanks.
    between = " " if caption.endswith(".") else ""
    return f"{caption}{between}{say('ltv.cac_caption')}" if has_cost else caption


def _factors(result: Ltv, settings: Settings, say: Words) -> list[Block]:
    """Return the factors of groups, of all alive and of a new customer."""
    currency, is_discounted = result.book.currency, settings.discount_rate > 0
    named = [(_name(one, say), one.factors) for one in _shown(result)]
    named.append((say("ltv.all_alive"), result.whole.factors))
    if result.whole.newcomer is not None:
        named.append((say("ltv.new_row"), result.whole.newcomer.factors))
    rows = tuple(
        (name, *_five(of, currency, is_discounted=is_discounted)) for name, of in named if of.n
    )
    titles = ["price", "margin", "frequency", "duration", *(["discount"] if is_discounted else [])]
    columns = (
        GridColumn(result.choice.by if result.groups else ""),
        *(GridColumn(say(f"segment.{title}"), "right") for title in (*titles, "product")),
    )
    grid = Grid(
        "", columns, rows, ("group", *titles, "ltv_each"), caption=say("ltv.formula_caption")
    )
    return [Heading(say("ltv.formula")), grid] if rows else []


def _five(of: Factors, currency: str, *, is_discounted: bool) -> list[str]:
    cells = [
        major(of.unit_price_amount, currency),
        share(of.margin_share),
        number(of.frequency, 3),
        number(of.duration_months, 1),
    ]
    cells += [number(of.discount_factor, 3)] if is_discounted else []
    return [*cells, amount(of.mean_ltv, currency)]
