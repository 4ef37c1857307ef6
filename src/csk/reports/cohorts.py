"""The report of `csk cohorts`: the triangle as a heat map, and the mean of what has been reached.

One rule: a cell that is no whole period is marked, and stands in no mean.
"""

from csk.analyses.cohorts import Cell, Cohort, Cohorts
from csk.reports.blocks import Block, Grid, GridColumn, Heading, HeatMap, Note, Report
from csk.reports.figures import NOTHING, amount, count, share
from csk.reports.reconciliation import exact, first_line, reconciled, reconciliation
from csk.settings import Settings
from csk.text import Words


def report(result: Cohorts, settings: Settings, say: Words, of: str, last: int) -> Report:
    """Put cohorts into words; `of` is customers, revenue or net, the `last` cohorts are drawn."""
    shown = result.cohorts[-last:]
    notes = [say(f"cohorts.{key}") for key in _remarks(result, shown)]
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        _triangle(result, shown, say, of),
        *(Note(text) for text in notes),
        *_means(result, say),
    ]
    return Report(
        title=say("cohorts.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data=_plain(result),
    )


def _remarks(result: Cohorts, shown: tuple[Cohort, ...]) -> list[str]:
    keys = ["contract" if result.is_contractual else "shop"]
    if any(not cell.is_complete for one in shown for cell in one.cells):
        keys.append("incomplete")
    if not all(one.is_whole for one in shown):
        keys.append("late")
    return keys


def _triangle(result: Cohorts, shown: tuple[Cohort, ...], say: Words, of: str) -> HeatMap:
    currency = result.book.currency
    ages = max(len(one.cells) for one in shown)
    cells, values = [], []
    for one in shown:
        texts = [_cell(cell, one, of, currency) for cell in one.cells]
        shares = [_share(cell, one, of) for cell in one.cells]
        pad = ages - len(texts)
        cells.append((_size(one, of, currency), *texts, *[""] * pad))
        values.append((None, *shares, *[None] * pad))
    return HeatMap(
        title=say(f"cohorts.of_{of}"),
        row_title=say("cohorts.cohort"),
        column_title=say("cohorts.age"),
        row_labels=tuple(_name(one, result) for one in shown),
        column_labels=(say(f"cohorts.size_{of}"), *(str(age) for age in range(ages))),
        cells=tuple(cells),
        values=tuple(values),
        hidden=say("line.hidden"),
    )


def _size(one: Cohort, of: str, currency: str) -> str:
    return count(one.n) if of == "customers" else amount(one.cells[0].amount, currency)


def _cell(cell: Cell, one: Cohort, of: str, currency: str) -> str:
    if of == "revenue":
        text = amount(cell.amount, currency)
    else:
        value = _share(cell, one, of)
        text = NOTHING if value is None else share(value, 0)
    return text if cell.is_complete else f"{text}*"


def _share(cell: Cell, one: Cohort, of: str) -> float | None:
    if of == "customers":
        return cell.n / one.n if one.n else None
    first = one.cells[0].amount
    return cell.amount / first if first > 0 else None


def _means(result: Cohorts, say: Words) -> list[Block]:
    rows = tuple(
        (
            str(mean.age),
            count(mean.n_cohorts),
            count(mean.customers.denominator or 0),
            share(mean.customers.value),
            share(mean.money.value),
        )
        for mean in result.means
        if mean.age <= 12 or mean.age % 6 == 0  # noqa: PLR2004 # every age of a year, then halves
    )
    columns = (
        GridColumn(say("cohorts.age")),
        GridColumn(say("cohorts.n_cohorts"), "right", priority=1),
        GridColumn(say("cohorts.at_risk"), "right"),
        GridColumn(say("cohorts.customers"), "right"),
        GridColumn(say("cohorts.money"), "right"),
    )
    grid = Grid("", columns, rows, caption=say("cohorts.means_caption"))
    return [Heading(say("cohorts.means")), grid] if rows else []


def _name(one: Cohort, result: Cohorts) -> str:
    day = f"{one.starts_on:%Y-%m}" if result.motion.period_months < 12 else f"{one.starts_on:%Y}"  # noqa: PLR2004 # a year
    return day if one.is_whole else f"{day} †"


def _plain(result: Cohorts) -> dict[str, object]:
    return {
        "as_of": result.book.span.as_of.isoformat(),
        "currency": result.book.currency or None,
        "is_contractual": result.is_contractual,
        "period_months": result.motion.period_months,
        "reconciliation": reconciled(result.book),
        "cohorts": [
            {
                "starts_on": one.starts_on.isoformat(),
                "n": one.n,
                "is_whole": one.is_whole,
                "cells": [
                    {
                        "age": cell.age,
                        "n": cell.n,
                        "amount": exact(cell.amount),
                        "is_complete": cell.is_complete,
                    }
                    for cell in one.cells
                ],
            }
            for one in result.cohorts
        ],
        "means": [
            {
                "age": mean.age,
                "n_cohorts": mean.n_cohorts,
                "customers_share": mean.customers.value,
                "n_at_risk": mean.customers.denominator,
                "amount_share": mean.money.value,
            }
            for mean in result.means
        ],
    }
