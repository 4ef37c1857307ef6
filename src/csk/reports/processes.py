"""The part of a backtest on purchase processes: how well each fits all that was bought.

One rule: the AIC stands beside the number of parameters, and what is not identified is marked.
"""

from dataclasses import replace

from csk.analyses.processes import Processes
from csk.models.buying import Candidate
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import NOTHING, count, number
from csk.stats.regularity import Regularity
from csk.text import Words


def with_processes(page: Report, result: Processes, say: Words) -> Report:
    """Return a report with the table of processes at its end."""
    blocks: list[Block] = [Heading(say("processes.title")), _candidates(result, say)]
    if result.regularity is not None:
        blocks.append(Note(_regular(result.regularity, say)))
    told = {**page.data, "processes": [_plain(one) for one in result.tried]}
    if result.regularity is not None:
        found = result.regularity
        ends = {"k": found.k, "low": found.low, "high": found.high, "n": found.n}
        told["regularity"] = {name: _finite(value) for name, value in ends.items()}
    return replace(page, blocks=(*page.blocks, *blocks), data=told)


def _candidates(result: Processes, say: Words) -> Grid:
    least = result.tried[0].aic
    rows = tuple(
        (
            say(f"backtest.model.{one.name}"),
            str(one.n_parameters),
            number(one.log_likelihood, 1),
            number(one.aic, 1),
            f"+{number(one.aic - least, 1)}",
            say("processes.at_bound") if one.is_at_bound else "",
        )
        for one in result.tried
    )
    columns = (
        GridColumn(say("backtest.model_name")),
        GridColumn(say("processes.parameters"), "right"),
        GridColumn(say("processes.likelihood"), "right"),
        GridColumn(say("processes.aic"), "right"),
        GridColumn(say("processes.above"), "right"),
        GridColumn("", priority=1),
    )
    keys = ("model", "n_parameters", "log_likelihood", "aic", "above", "is_at_bound")
    told = {"buyers": count(result.n_buyers), "cells": count(result.n_cells)}
    caption = say("processes.caption", **told)
    if result.pooled_days > 1:
        caption += " " + say("processes.pooled", days=str(result.pooled_days))
    return Grid("", columns, rows, keys, caption=caption)


def _regular(found: Regularity, say: Words) -> str:
    key = "regular" if found.is_regular else "bursty" if found.is_bursty else "random"
    high = number(found.high, 2) if _finite(found.high) is not None else NOTHING
    k, low = number(found.k, 2), number(found.low, 2)
    return say(f"processes.{key}", k=k, low=low, high=high, n=count(int(found.n)))


def _plain(one: Candidate) -> dict[str, object]:
    return {
        "model": one.name,
        "n_parameters": one.n_parameters,
        "log_likelihood": _finite(one.log_likelihood),
        "aic": _finite(one.aic),
        "is_converged": one.is_converged,
        "is_at_bound": one.is_at_bound,
    }


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
