"""Touch tiers in words: who is served how, what each tier is worth, and what has changed.

One rule: the factors of a row multiply to the LTV that stands beside them.
"""

from csk.analyses.segment import Change, Segmentation, without_tier
from csk.models.figures import TierRow
from csk.models.value import Factors
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Tone
from csk.reports.figures import NOTHING, amount, count, major, number, share
from csk.settings import Settings
from csk.text import Words


def tiers(result: Segmentation, say: Words) -> list[Block]:
    """Return how tiers were chosen and a row for each, for those without one, and for all."""
    currency = result.book.currency
    with_cost = result.plan.method == "budget"
    served = [row for row in result.tier_rows if row.tier != "none"]
    rows = [_served(row, currency, with_cost=with_cost) for row in served]
    tones: list[Tone] = ["plain"] * len(rows)
    width = 8 if with_cost else 6
    for key, n in zip(("worth_nothing", "gone"), without_tier(result), strict=True):
        if n:
            rows.append((say(f"segment.{key}"), count(n), *[NOTHING] * (width - 2)))
            tones.append("muted")
    rows.append(_all(result, say, with_cost=with_cost))
    columns = [
        GridColumn(say("segment.tier")),
        GridColumn(say("segment.n"), "right"),
        GridColumn(say("segment.ltv_share"), bar=True),
        GridColumn(say("segment.ltv"), "right", priority=1 if with_cost else 0),
        GridColumn(say("segment.ltv_each"), "right", priority=2),
        GridColumn(say("segment.at_risk"), "right"),
    ]
    keys = ["tier", "n", "ltv_share", "ltv", "ltv_each", "value_at_risk"]
    if with_cost:
        columns += [
            GridColumn(say("segment.spend"), "right"),
            GridColumn(say("segment.ltv_cost"), "right"),
        ]
        keys += ["spend", "ltv_cost"]
    grid = Grid(
        title="",
        columns=tuple(columns),
        rows=tuple(rows),
        keys=tuple(keys),
        bars=tuple(row.ltv_share for row in served),
        tones=(*tones, "plain"),
        total=True,
    )
    return [Heading(say("segment.tiers")), *_how(result, say), grid]


def _served(row: TierRow, currency: str, *, with_cost: bool) -> tuple[str, ...]:
    has = row.n > 0
    cells = [
        row.tier,
        count(row.n),
        share(row.ltv_share),
        amount(row.factors.ltv_amount, currency) if has else NOTHING,
        amount(row.factors.mean_ltv, currency) if has else NOTHING,
        amount(row.value_at_risk, currency) if has else NOTHING,
    ]
    if with_cost:
        ratio = row.factors.ltv_amount / row.spend if row.spend else None
        cells += [amount(row.spend, currency), number(ratio, 1)]
    return tuple(cells)


def _all(result: Segmentation, say: Words, *, with_cost: bool) -> tuple[str, ...]:
    f, currency = result.figures, result.book.currency
    cells = [
        say("segment.all_customers"),
        count(f.n_customers),
        share(1.0) if f.ltv.ltv_amount else NOTHING,
        amount(f.ltv.ltv_amount, currency),
        amount(f.ltv.mean_ltv, currency),
        amount(f.value_at_risk, currency),
    ]
    if with_cost:
        spend = result.plan.spend
        ratio = f.ltv.ltv_amount / spend if spend else None
        cells += [amount(spend, currency), number(ratio, 1)]
    return tuple(cells)


def _how(result: Segmentation, say: Words) -> list[Block]:
    plan, currency = result.plan, result.book.currency
    if plan.method == "budget":
        sums = {
            "budget": plan.budget,
            "spent": plan.spend,
            "gain": plan.gain,
            "bound": plan.bound,
        }
        figures = (
            Figure(say(f"segment.{key}"), amount(money, currency), say(f"segment.{key}_remark"))
            for key, money in sums.items()
        )
        return [Figures(tuple(figures))]
    first, second = (share(cut, 0) for cut in plan.shares)
    text = say("segment.tiers_share", first=first, second=second)
    if plan.n_kept:
        text += " " + say("segment.tiers_kept", n=count(plan.n_kept))
    return [Note(text)]


def formula(result: Segmentation, settings: Settings, say: Words) -> list[Block]:
    """Return the factors of every tier and of the book, and other ways to say LTV."""
    whole, currency = result.figures.ltv, result.book.currency
    if whole.unit_price_amount is None:
        return []
    is_discounted = settings.discount_rate > 0
    named = [(row.tier, row.factors) for row in result.tier_rows if row.tier != "none"]
    parts = [*named, (say("segment.all_alive"), whole)]
    rows = tuple(
        (name, *_factors(of, currency, is_discounted=is_discounted)) for name, of in parts if of.n
    )
    titles = ["price", "margin", "frequency", "duration"]
    titles += ["discount"] if is_discounted else []
    columns = (
        GridColumn(""),
        *(GridColumn(say(f"segment.{title}"), "right") for title in (*titles, "product")),
    )
    keys = ("tier", *titles, "ltv_each")
    grid = Grid("", columns, rows, keys, total=True)
    return [Heading(say("segment.formula")), grid, *_otherwise(result, settings, say)]


def _factors(of: Factors, currency: str, *, is_discounted: bool) -> list[str]:
    cells = [
        major(of.unit_price_amount, currency),
        share(of.margin_share),
        number(of.frequency),
        number(of.duration_months, 1),
    ]
    cells += [number(of.discount_factor, 3)] if is_discounted else []
    return [*cells, amount(of.mean_ltv, currency)]


def _otherwise(result: Segmentation, settings: Settings, say: Words) -> list[Block]:
    """Return the same customers by the formulas that others use, and why they differ."""
    f, currency = result.figures, result.book.currency
    months = str(settings.ltv_horizon)
    expected = say("segment.as_above_remark", months=months)
    figures = [Figure(say("segment.as_above"), amount(f.ltv.mean_ltv, currency), expected)]
    if f.simple_ltv is not None:
        why = say("segment.simple_remark")
        figures.append(Figure(say("segment.simple"), amount(f.simple_ltv, currency), why))
    if f.arpa_churn_ltv is not None:
        why = say("segment.arpa_churn_remark", months=months)
        figures.append(Figure(say("segment.arpa_churn"), amount(f.arpa_churn_ltv, currency), why))
    if len(figures) == 1:
        return []
    return [Heading(say("segment.otherwise")), Figures(tuple(figures))]


def changed(result: Segmentation, say: Words) -> list[Block]:
    """Return what is different from the earlier snapshot; nothing where there is none."""
    change = result.change
    if change is None:
        return []
    currency = result.book.currency
    delta = change.ltv_now - change.ltv_before
    relative = delta / change.ltv_before if change.ltv_before else None
    figures = (
        Figure(say("segment.ltv_then"), amount(change.ltv_before, currency)),
        Figure(
            say("segment.ltv_now"),
            amount(change.ltv_now, currency),
            f"{'+' if delta >= 0 else ''}{amount(delta, currency)}"
            + (f" ({relative:+.1%})" if relative is not None else ""),
        ),
        Figure(say("segment.joined"), count(change.n_new)),
        Figure(say("segment.missing"), count(change.n_missing)),
    )
    heading = Heading(say("segment.changed", day=change.as_of.isoformat()))
    return [heading, Figures(figures), _moves(change, result, say)]


def _moves(change: Change, result: Segmentation, say: Words) -> Grid:
    """From which tier (rows) customers came to which (columns), in the order of service."""
    order = [row.tier for row in result.tier_rows if row.tier != "none"]
    cells = {(then, now): n for then, now, n in change.moves}
    then = [name for name in (*order, "none", "new") if any(key[0] == name for key in cells)]
    now = [name for name in (*order, "none") if any(key[1] == name for key in cells)]
    words = {"none": say("segment.no_tier"), "new": say("segment.new_then")}
    found = {pair: count(n) for pair, n in cells.items()}
    rows = tuple(
        (words.get(before, before), *(found.get((before, after), NOTHING) for after in now))
        for before in then
    )
    columns = (
        GridColumn(say("segment.moves")),
        *(GridColumn(words.get(name, name), "right") for name in now),
    )
    return Grid("", columns, rows, caption=say("segment.moves_caption"))
