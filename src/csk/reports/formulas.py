"""Other ways to say LTV in words: what each says of the same customers, and why not the same.

One rule: a formula never stands alone; its difference to ours and the reason stand beside it.
"""

from csk.analyses.ltv import Ltv
from csk.models.formulas import Formulas
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note
from csk.reports.figures import NOTHING, amount, count, share
from csk.settings import Settings
from csk.text import Words

_GROWING = 0.1
"""Share of those alive who came within a year, above which growth is worth a word."""
_WAYS = ("simple", "arpa_churn", "recurly", "way_realised", "gone")


def formulas(result: Ltv, settings: Settings, say: Words) -> list[Block]:
    """Return each formula with its difference to ours, the steps to ARPA / churn, and its range."""
    of, currency = result.formulas, result.book.currency
    if not result.whole.n_alive:
        return []
    why = say("ltv.expected_why", months=str(settings.ltv_horizon))
    ours = Figure(say("ltv.expected"), amount(of.expected, currency), why)
    notes = [] if of.arpa_churn is not None else [Note(say("ltv.no_year"))]
    return [
        Heading(say("ltv.otherwise")),
        Figures((ours, *_others(result, say))),
        *_steps(result, settings, say),
        *notes,
    ]


def _others(result: Ltv, say: Words) -> list[Figure]:
    of, one = result.formulas, result.whole
    values = (of.simple, of.arpa_churn, of.recurly, of.realised, of.realised_gone)
    places = {
        "way_realised": {"n": count(one.n), "share": share(one.n_alive / one.n if one.n else 0.0)}
    }
    found = []
    for way, value in zip(_WAYS, values, strict=True):
        if value is None:
            continue
        why = say(f"ltv.{way}_why", **places.get(way, {}))
        remark = say("ltv.against", change=_against(value, of.expected), why=why)
        found.append(Figure(say(f"ltv.{way}"), amount(value, result.book.currency), remark))
    return found


def _against(value: float, ours: float) -> str:
    return f"{value / ours - 1:+.0%}" if ours else NOTHING


def _steps(result: Ltv, settings: Settings, say: Words) -> list[Block]:
    """Return what changes LTV, step by step, from ours to ARPA / churn."""
    of, currency = result.formulas, result.book.currency
    if not of.steps or of.arpa_churn is None or of.monthly_margin is None:
        return []
    rate = share(of.monthly_margin / of.arpa_churn, 2)
    places = {"constant": {"rate": rate}, "endless": {"months": str(settings.ltv_horizon)}}
    sum_ = of.expected
    rows = [(say("ltv.step_start"), "", amount(sum_, currency))]
    for name, change in of.steps:
        sum_ += change
        if name == "discount" and not settings.discount_rate:
            continue
        sign = "+" if change >= 0 else ""
        text = say(f"ltv.step_{name}", **places.get(name, {}))
        rows.append((text, f"{sign}{amount(change, currency)}", amount(sum_, currency)))
    columns = (
        GridColumn(say("ltv.step")),
        GridColumn(say("ltv.by_step"), "right"),
        GridColumn(say("ltv.comes_to"), "right"),
    )
    keys, caption = ("step", "change", "ltv"), say("ltv.steps_caption")
    grid = Grid(say("ltv.steps"), columns, tuple(rows), keys, caption=caption)
    return [grid, *_counted(of, currency, say)]


def _counted(of: Formulas, currency: str, say: Words) -> list[Block]:
    values = [one.amount for one in of.counted if one.amount is not None]
    if not values:
        return []
    what = "; ".join(
        say(f"ltv.counted_{one.name}", rate=share(one.yearly), amount=amount(one.amount, currency))
        for one in of.counted
        if one.amount is not None
    )
    notes: list[Block] = []
    if min(values) < max(values):
        low, high = amount(min(values), currency), amount(max(values), currency)
        notes.append(Note(say("ltv.counted", low=low, high=high, what=what)))
    if of.new_share is not None and of.new_share > _GROWING:
        notes.append(Note(say("ltv.growing", new=share(of.new_share, 0))))
    return notes
