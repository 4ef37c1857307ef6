"""The report of a backtest: which model wins, by how much, and how the default did in detail.

One rule: who wins is told by each measure, as one model seldom wins in all.
"""

from csk.analyses.backtest import Backtest
from csk.models.tracking import WEEKLY_MONTHS, Tracking
from csk.models.verdicts import DEFAULT, Bounds, Origin, Standing
from csk.reports.backtest_data import plain
from csk.reports.blocks import (
    Block,
    Curve,
    Figure,
    Figures,
    Grid,
    GridColumn,
    Heading,
    Note,
    Report,
    Tone,
)
from csk.reports.figures import NOTHING, amount, count, number, share
from csk.reports.reconciliation import first_line, reconciliation
from csk.settings import Settings
from csk.text import Words

BEST = "*"
"""Marks the best of a column."""
ALIKE = 0.02
"""Mean errors that are no farther apart than this are called alike."""


def report(result: Backtest, settings: Settings, say: Words) -> Report:
    """Put a backtest into words."""
    span = result.book.span
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *(Note(text, "warn") for text in notes),
        *_design(result, say),
        *_verdict(result, say),
        *_models(result, say),
        *_origins(result, say),
        *_tracking(result, say),
        *_deciles(result, say),
        *_chances(result, say),
    ]
    return Report(
        title=say("backtest.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data=plain(result, settings),
    )


def _design(result: Backtest, say: Words) -> list[Block]:
    days = ", ".join(one.on.isoformat() for one in result.origins)
    figures = (
        Figure(say("backtest.origins"), count(len(result.origins)), days),
        Figure(
            say("backtest.held_back"),
            say("backtest.months", n=str(result.months)),
            say("backtest.held_back_remark"),
        ),
        Figure(
            say("backtest.money"),
            say(f"backtest.{result.basis}"),
            say("backtest.money_remark"),
        ),
    )
    blocks: list[Block] = [Heading(say("backtest.design")), Figures(figures)]
    told = len(result.origins) + len(result.refused)
    if told < result.asked:
        blocks.append(Note(say("backtest.short", n=str(told), asked=str(result.asked)), "warn"))
    for day, why in result.refused:
        blocks.append(Note(say("backtest.refused", day=day.isoformat(), why=why), "warn"))
    return blocks


def _verdict(result: Backtest, say: Words) -> list[Block]:
    """Say whether the default wins, and what does where it does not."""
    default, best = result.default, result.best
    won = [name for name, winner in result.winners.items() if winner == DEFAULT]
    places = {
        "n": str(len(won)),
        "of": str(len(result.winners)),
        "model": model(best.model, say),
        "above": share(default.excess),
    }
    key, tone = "wins", "good"
    if best.model != DEFAULT:
        key, tone = ("alike", "plain") if default.excess <= ALIKE else ("loses", "warn")
    tones: dict[str, Tone] = {"good": "good", "plain": "plain", "warn": "warn"}
    return [
        Heading(say("backtest.verdict")),
        Note(say(f"backtest.{key}", **places), tones[tone]),
        Note(say("backtest.by_errors")),
    ]


def model(name: str, say: Words) -> str:
    """Return what a model is called; one that was added goes by its own name."""
    key = f"backtest.model.{name}"
    return say(key) if key in say.keys else name


def _models(result: Backtest, say: Words) -> list[Block]:
    """Return the table of models, the best first."""
    currency, is_contract = result.book.currency, result.book.is_contractual
    pays = "payments" if is_contract else "purchases"
    rows = tuple(
        (
            model(one.model, say),
            _cell(one, result, "money_mae", amount(one.money.mae, currency)),
            _cell(one, result, "money_rmse", amount(one.money.rmse, currency)),
            _cell(one, result, "money_bias", _signed(one.money.bias)),
            _cell(one, result, "purchases_mae", number(one.purchases.mae, 3)),
            _cell(one, result, "purchases_rmse", number(one.purchases.rmse, 3)),
            _cell(one, result, "purchases_bias", _signed(one.purchases.bias)),
            _cell(one, result, "gini", number(one.gini, 3)),
            _cell(one, result, "top_share", share(one.top_share)),
        )
        for one in result.standings
    )
    columns = (
        GridColumn(say("backtest.model_name")),
        GridColumn(say("backtest.money_mae"), "right"),
        GridColumn(say("backtest.money_rmse"), "right"),
        GridColumn(say("backtest.money_bias"), "right"),
        GridColumn(say(f"backtest.{pays}_mae"), "right"),
        GridColumn(say(f"backtest.{pays}_rmse"), "right", priority=2),
        GridColumn(say(f"backtest.{pays}_bias"), "right", priority=3),
        GridColumn(say("backtest.gini"), "right", priority=1),
        GridColumn(say("backtest.top_share"), "right", priority=4),
    )
    keys = (
        "model",
        *("money_mae", "money_rmse", "money_bias"),
        *("purchases_mae", "purchases_rmse", "purchases_bias"),
        *("gini", "top_share"),
    )
    n_seen = sum(one.n for one in result.origins)
    top = sum(one.best_top_share * one.n for one in result.origins) / max(n_seen, 1)
    caption = say("backtest.caption", best=BEST, n=count(n_seen), top=share(top))
    tones: tuple[Tone, ...] = tuple(
        "good" if at == 0 else "plain" for at in range(len(result.standings))
    )
    grid = Grid("", columns, rows, keys, tones=tones, caption=caption)
    return [Heading(say("backtest.models")), grid]


def _cell(one: Standing, result: Backtest, name: str, text: str) -> str:
    """Return a figure with a mark where no model is better."""
    return f"{text} {BEST}" if result.winners[name] == one.model else text


def _signed(value: float) -> str:
    return NOTHING if value != value else f"{value:+.1%}"  # noqa: PLR0124 # what is not itself is NaN


def _origins(result: Backtest, say: Words) -> list[Block]:
    """Return what the default foretold of each hold-out as a whole, with its bounds."""
    rows = tuple(_origin(one, result, say) for one in result.origins)
    columns = (
        GridColumn(say("backtest.from")),
        GridColumn(say("backtest.to"), priority=2),
        GridColumn(say("backtest.customers"), "right", priority=1),
        GridColumn(say("backtest.foretold"), "right"),
        GridColumn(say("backtest.interval"), "right"),
        GridColumn(say("backtest.came"), "right"),
        GridColumn(say("backtest.inside"), "right"),
    )
    keys = ("from", "to", "customers", "foretold", "interval", "came", "is_inside")
    caption = say("backtest.origins_caption")
    return [
        Heading(say("backtest.totals")),
        Grid("", columns, rows, keys, caption=caption),
    ]


def _origin(one: Origin, result: Backtest, say: Words) -> tuple[str, ...]:
    default, currency = one.judged(DEFAULT), result.book.currency
    bounds = default.total_with_chance
    return (
        one.on.isoformat(),
        one.end.isoformat(),
        count(one.n),
        amount(default.revenue.expected_sums[-1], currency),
        _between(bounds, currency, say),
        amount(default.revenue.actual_sums[-1], currency),
        NOTHING if bounds is None else say(f"backtest.{'yes' if bounds.is_inside else 'no'}"),
    )


def _between(of: Bounds | None, currency: str, say: Words) -> str:
    if of is None:
        return NOTHING
    return say("line.between", low=amount(of.low, currency), high=amount(of.high, currency))


def _tracking(result: Backtest, say: Words) -> list[Block]:
    """Draw what was expected and what came since the latest origin, by step and added up."""
    latest = result.origins[0].judged(DEFAULT)
    pays = "payments" if result.book.is_contractual else "purchases"
    is_weekly = not result.book.is_contractual and result.months <= WEEKLY_MONTHS
    steps = say("backtest.weeks" if is_weekly else "backtest.step_months")
    step = say("backtest.week" if is_weekly else "backtest.month")
    since = result.origins[0].on.isoformat()
    blocks: list[Block] = [Heading(say("backtest.tracking", day=since))]
    for name, of in ((pays, latest.number), ("revenue", latest.revenue)):
        titles = [say(f"backtest.{name}_{kind}", step=step) for kind in ("steps", "sums")]
        blocks += _drawn(titles[0], of.expected, of.actual, steps, say)
        blocks += _drawn(titles[1], of.expected_sums, of.actual_sums, steps, say)
        blocks.append(Note(_farthest(of, say)))
    return blocks


def _drawn(
    title: str, expected: tuple[float, ...], actual: tuple[float, ...], steps: str, say: Words
) -> list[Block]:
    """Return two curves of one scale, whose top is the largest value of both."""
    top = max(*expected, *actual)
    if len(actual) < 2 or top <= 0:  # noqa: PLR2004 # one point is no curve
        return []
    x = tuple(float(step) for step in range(1, len(actual) + 1))
    return [
        Curve(title, steps, x, tuple(max(v, 0.0) / top for v in values), group=say(key))
        for key, values in (("backtest.expected", expected), ("backtest.actual", actual))
    ]


def _farthest(of: Tracking, say: Words) -> str:
    return say("backtest.tracked", step=share(of.step_error), far=share(of.farthest))


def _deciles(result: Backtest, say: Words) -> list[Block]:
    """Return what was foretold and what came by tenths of the customers."""
    slices, currency = result.default.deciles, result.book.currency
    whole = sum(max(one.actual, 0.0) for one in slices)
    if not whole:
        return []
    rows = tuple(
        (
            str(at),
            amount(one.predicted, currency),
            amount(one.actual, currency),
            _signed(one.predicted / one.actual - 1) if one.actual > 0 else NOTHING,
            share(one.actual / whole),
            "",
        )
        for at, one in enumerate(slices, start=1)
    )
    columns = (
        GridColumn(say("backtest.tenth")),
        GridColumn(say("backtest.foretold_each"), "right"),
        GridColumn(say("backtest.came_each"), "right"),
        GridColumn(say("backtest.money_bias"), "right"),
        GridColumn(say("backtest.of_all"), "right"),
        GridColumn("", priority=1, bar=True),
    )
    bars = tuple(min(max(one.actual, 0.0) / whole, 1.0) for one in slices)
    keys = ("tenth", "foretold", "came", "bias", "share_of_money", "bar")
    caption = say("backtest.deciles_caption")
    return [
        Heading(say("backtest.deciles")),
        Grid("", columns, rows, keys, bars=bars, caption=caption),
    ]


def _chances(result: Backtest, say: Words) -> list[Block]:
    """Return how many did nothing, and how often outcomes lay within the customers' intervals."""
    kind = "gone" if result.book.is_contractual else "none"
    told = [one for one in result.standings if one.zero is not None]
    if not told:
        return []
    rows = tuple(
        (
            model(one.model, say),
            share(one.zero.expected / max(one.zero.n, 1)),
            share(one.zero.actual / max(one.zero.n, 1)),
            NOTHING
            if one.covered is None
            else f"{share(one.covered.share)} ({_shares(one.covered.low, one.covered.high, say)})",
        )
        for one in told
        if one.zero is not None
    )
    columns = (
        GridColumn(say("backtest.model_name")),
        GridColumn(say(f"backtest.{kind}_expected"), "right"),
        GridColumn(say(f"backtest.{kind}_actual"), "right"),
        GridColumn(say("backtest.covered"), "right"),
    )
    keys = ("model", "zero_expected", "zero_actual", "covered")
    caption = say("backtest.covered_caption")
    return [Heading(say("backtest.chances")), Grid("", columns, rows, keys, caption=caption)]


def _shares(low: float, high: float, say: Words) -> str:
    return say("line.between", low=share(low), high=share(high))
