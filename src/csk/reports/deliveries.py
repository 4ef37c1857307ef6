"""The part of `csk retention` on deliveries: who goes on from one to the next.

One rule: every share stands with its interval and with how many it is a share of.
"""

from dataclasses import replace

from csk.analyses.deliveries import Deliveries, Step
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import count, share
from csk.text import Words

MOST_STEPS = 12


def with_deliveries(page: Report, result: Deliveries, say: Words) -> Report:
    """Return a report with the steps from delivery to delivery at its end."""
    blocks: tuple[Block, ...] = (
        Heading(say("deliveries.title")),
        _steps(result, say),
    )
    more = len(result.steps) - MOST_STEPS
    if more > 0:
        blocks = (*blocks, Note(say("deliveries.more", n=count(more))))
    told = {"due_days": result.due_days, "steps": [_plain(one) for one in result.steps]}
    plain = {**page.data, "deliveries": told}
    return replace(page, blocks=(*page.blocks, *blocks), data=plain)


def _steps(result: Deliveries, say: Words) -> Grid:
    rows = tuple(
        (
            say("deliveries.step", n=str(one.number), next=str(one.number + 1)),
            count(one.n),
            count(one.n_due),
            share(one.share),
            say("retention.between", low=share(one.low), high=share(one.high)),
            share(one.reach * one.share),
        )
        for one in result.steps[:MOST_STEPS]
    )
    columns = (
        GridColumn(say("deliveries.from_to")),
        GridColumn(say("deliveries.n"), "right", priority=2),
        GridColumn(say("deliveries.due"), "right"),
        GridColumn(say("deliveries.went_on"), "right"),
        GridColumn(say("retention.interval"), "right", priority=1),
        GridColumn(say("deliveries.reach"), "right"),
    )
    keys = ("n_delivery", "n", "n_due", "share", "interval", "reach")
    caption = say("deliveries.caption", days=str(result.due_days))
    return Grid("", columns, rows, keys, caption=caption)


def _plain(one: Step) -> dict[str, object]:
    return {
        "n_delivery": one.number,
        "n": one.n,
        "n_due": one.n_due,
        "n_went_on": one.n_went_on,
        "share": one.share,
        "low": one.low,
        "high": one.high,
        "reach": one.reach * one.share,
    }
