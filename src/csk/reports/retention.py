"""The report of `csk retention`: who stays, drawn and told.

One rule: every share stands with its interval or with how many it is a share of.
"""

from math import isfinite

from csk.analyses.retention import At, Repeat, Retention, Staying
from csk.calendar import TICKS_PER_MONTH
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
)
from csk.reports.figures import NOTHING, count, number, share
from csk.reports.reconciliation import first_line, reconciled, reconciliation
from csk.settings import Settings
from csk.stats.logrank import LogRank
from csk.stats.survival import Estimate
from csk.text import Words

MOST_GROUPS = 12
MOST_CURVES = 5
SELDOM = 60
"""Days of another purchase that are told only where the page has room."""


def report(result: Retention, settings: Settings, say: Words) -> Report:
    """Put survival by age into words, curves and a table of ages."""
    span = result.book.span
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *(Note(text, "warn") for text in notes),
        *_readings(result, say),
        *_whole(result, say),
        *_curves(result, say),
        *_ages(result, say),
        *_groups(result, say),
    ]
    return Report(
        title=say("retention.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data={**_plain(result, settings), "reconciliation": reconciled(result.book)},
    )


def _readings(result: Retention, say: Words) -> list[Block]:
    """Say how the curves are to be read, where that is not as usual."""
    notes = []
    if result.from_months:
        key = "thin" if result.is_thin else "from_age"
        notes.append(say(f"retention.{key}", n=str(result.from_months)))
    if result.is_band:
        notes.append(say("retention.band"))
    return [Note(text) for text in notes]


def _whole(result: Retention, say: Words) -> list[Block]:
    one = result.whole
    median, mean = one.median_months, one.mean_months
    figures = [
        Figure(say("retention.spells"), count(one.n), say("retention.ended", n=count(one.n_ended))),
        Figure(say("retention.median"), _months(median.value, say), _bounds(median, say)),
        Figure(
            say("retention.mean", months=str(result.mean_to_months)),
            _months(mean.value, say),
            _bounds(mean, say),
        ),
    ]
    figures += [
        Figure(
            say(f"retention.{cause}"),
            share(left),
            say("retention.cause_remark", months=str(result.mean_to_months)),
        )
        for cause, left in one.causes.items()
        if left
    ]
    return [Heading(say("retention.whole")), Figures(tuple(figures))]


def _curves(result: Retention, say: Words) -> list[Block]:
    shown = result.groups[:MOST_CURVES] or (result.whole,)
    return [
        Heading(say("retention.curves")),
        *(_curve(one, result, say, with_band=len(shown) == 1) for one in shown),
    ]


def _curve(one: Staying, result: Retention, say: Words, *, with_band: bool) -> Curve:
    keep = one.curve.age <= result.mean_to_months * TICKS_PER_MONTH
    months = tuple((one.curve.age[keep] / TICKS_PER_MONTH).tolist())
    low = tuple(one.curve.low[keep].tolist()) if with_band else ()
    high = tuple(one.curve.high[keep].tolist()) if with_band else ()
    y = tuple(one.curve.survival[keep].tolist())
    return Curve("", say("retention.months"), months, y, low, high, one.group, say("line.between"))


def _ages(result: Retention, say: Words) -> list[Block]:
    rows = tuple(
        (
            say("retention.month", n=str(at.age)),
            count(at.n_at_risk),
            share(at.share),
            say("retention.between", low=share(at.low), high=share(at.high)),
        )
        for at in result.whole.at
    )
    columns = (
        GridColumn(say("retention.age")),
        GridColumn(say("retention.at_risk"), "right"),
        GridColumn(say("retention.stays"), "right"),
        GridColumn(say("retention.interval"), "right"),
    )
    keys = ("age_months", "n_at_risk", "survival", "interval")
    caption = say("retention.ages_caption")
    return [Heading(say("retention.ages")), Grid("", columns, rows, keys, caption=caption)]


def _groups(result: Retention, say: Words) -> list[Block]:
    if not result.groups:
        return []
    ages = [at.age for at in result.whole.at if at.age in (3, 6, 12, 24, 36)]
    rows = tuple(
        (
            one.group or NOTHING,
            count(one.n),
            count(one.n_ended),
            *(_at(one, age) for age in ages),
            _months(one.median_months.value, say),
            number(one.mean_months.value, 1),
        )
        for one in result.groups[:MOST_GROUPS]
    )
    columns = (
        GridColumn(say("retention.group")),
        GridColumn(say("retention.n"), "right"),
        GridColumn(say("retention.left"), "right", priority=1),
        *(GridColumn(say("retention.month", n=str(age)), "right") for age in ages),
        GridColumn(say("retention.median_short"), "right"),
        GridColumn(say("retention.mean_short"), "right", priority=2),
    )
    blocks: list[Block] = [Heading(say("retention.groups")), Grid("", columns, rows)]
    if result.test is not None:
        key = "alike" if result.test.p_value >= 0.05 else "apart"  # noqa: PLR2004 # the usual level
        told = {**_test(result.test), "df": str(result.test.degrees)}
        blocks.append(Note(say(f"retention.{key}", **told)))
    if result.weighted is not None:
        blocks.append(Note(say("retention.weighted", **_test(result.weighted))))
    return blocks


def _test(test: LogRank) -> dict[str, str]:
    p = "< 0.001" if test.p_value < 0.001 else f"= {test.p_value:.3f}"  # noqa: PLR2004 # nobody reads more digits
    return {"p": p, "chi": number(test.statistic, 1)}


def _at(one: Staying, age: int) -> str:
    return next((share(at.share) for at in one.at if at.age == age), NOTHING)


def repeat_report(result: Repeat, settings: Settings, say: Words) -> Report:
    """Put the chance of another purchase into words."""
    first = result.steps[0].at if result.steps else ()
    figures = tuple(
        Figure(
            say("repeat.second", n=str(at.age)),
            share(at.share),
            say("retention.between", low=share(at.low), high=share(at.high)),
        )
        for at in first
    )
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        Heading(say("repeat.rates")),
        Figures(figures),
        Heading(say("repeat.steps")),
        _steps(result, say),
    ]
    return Report(
        title=say("repeat.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data={
            "as_of": result.book.span.as_of.isoformat(),
            "steps": [
                {"purchases": one.group, "n": one.n, "again": [at_plain(at) for at in one.at]}
                for one in result.steps
            ],
            "reconciliation": reconciled(result.book),
        },
    )


def _steps(result: Repeat, say: Words) -> Grid:
    days = [at.age for at in max((one.at for one in result.steps), key=len, default=())]
    reach = 1.0
    rows = []
    for one in result.steps:
        last = one.at[-1].share if one.at else float("nan")
        rows.append(
            (
                say("repeat.nth", n=one.group),
                count(one.n),
                *(_within(one.at, day) for day in days),
                share(reach),
            )
        )
        reach *= last
    columns = (
        GridColumn(say("repeat.after")),
        GridColumn(say("repeat.n"), "right"),
        *(
            GridColumn(say("repeat.within", n=str(day)), "right", priority=day == SELDOM)
            for day in days
        ),
        GridColumn(say("repeat.reach"), "right"),
    )
    return Grid("", columns, tuple(rows), caption=say("repeat.caption"))


def _within(told: tuple[At, ...], day: int) -> str:
    return next((share(at.share) for at in told if at.age == day), NOTHING)


def at_plain(at: At) -> dict[str, object]:
    """Return a share at an age as plain types."""
    return {
        "age": at.age,
        "share": at.share,
        "low": at.low,
        "high": at.high,
        "n_at_risk": at.n_at_risk,
    }


def _plain(result: Retention, settings: Settings) -> dict[str, object]:
    span = result.book.span
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "warnings": list(span.notes),
        "grace_days": settings.grace_days,
        "mean_to_months": result.mean_to_months,
        "whole": _staying(result.whole),
        "dimension": result.by or None,
        "groups": {one.group: _staying(one) for one in result.groups},
        "from_months": result.from_months,
        "is_band": result.is_band,
        "log_rank": _test_plain(result.test),
        "log_rank_weighted": _test_plain(result.weighted),
    }


def _test_plain(test: LogRank | None) -> dict[str, float] | None:
    if test is None:
        return None
    return {"statistic": test.statistic, "degrees": test.degrees, "p_value": test.p_value}


def _staying(one: Staying) -> dict[str, object]:
    return {
        "n": one.n,
        "n_ended": one.n_ended,
        "survival": [at_plain(at) for at in one.at],
        "median_months": _finite(one.median_months),
        "mean_months": _finite(one.mean_months),
        "left_by_cause": dict(one.causes),
    }


def _finite(of: Estimate) -> dict[str, float | None]:
    return {name: value if isfinite(value) else None for name, value in of._asdict().items()}


def _months(value: float, say: Words) -> str:
    return (
        say("retention.n_months", n=number(value, 1))
        if isfinite(value)
        else say("retention.not_reached")
    )


def _bounds(of: Estimate, say: Words) -> str:
    high = number(of.high, 1) if isfinite(of.high) else say("retention.not_reached")
    low = number(of.low, 1) if isfinite(of.low) else say("retention.not_reached")
    return say("retention.between", low=low, high=high)
