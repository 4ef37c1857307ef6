"""The report of `csk explain METRIC PATH`: a number, its terms, the customers behind it.

One rule: the terms shown are those that were divided, so the value can be recounted from them.
"""

from datetime import timedelta

from csk.analyses.explain import Explained
from csk.definitions import Definition, Term, presets
from csk.models.periods import CAUSES
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report
from csk.reports.explain import definition_blocks, plain, terms_grid
from csk.reports.figures import NOTHING, amount, count, number, share
from csk.reports.mrr_data import rated
from csk.reports.reconciliation import exact, first_line, reconciliation
from csk.settings import Settings
from csk.text import DEFAULT, Words


def report(
    result: Explained, settings: Settings, say: Words, top: int, language: str = DEFAULT
) -> Report:
    """Put a number taken apart into words; the `top` largest movements are listed."""
    words = result.metric.words[language]
    one = result.period
    span = say(
        "explain.span",
        first=one.starts_on.isoformat(),
        last=(one.ends_on - timedelta(days=1)).isoformat(),
    )
    blocks: list[Block] = [
        *reconciliation(result.book, say, names_unneeded=False),
        *_notes(result, say),
        Heading(f"{words.label}, {span}"),
        _figures(result, say, language),
        terms_grid(result.variant, say, language, _values(result)),
        *_rows(result, say, top),
        Heading(say("explain.definition")),
        *definition_blocks(result.metric, result.preset, say, language)[1:2],
    ]
    return Report(
        title=words.label,
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data=_plain(result),
    )


def shown(metric: Definition, value: float | None, currency: str) -> str:
    """Return the value of a metric in its unit; a dash for null."""
    if metric.unit == "share":
        return share(value, 2)
    if metric.unit == "money":
        return amount(value, currency)
    if metric.unit == "count":
        return NOTHING if value is None else count(round(value))
    return number(value)


def _notes(result: Explained, say: Words) -> list[Block]:
    notes: list[Block] = [
        Note(say(f"note.{key}", day=result.book.span.data_from.isoformat()), "warn")
        for key in result.book.span.notes
    ]
    vendor = next((one for one in presets() if one.name == result.preset), None)
    if vendor is not None:
        notes.append(Note(say("mrr.preset", title=vendor.title, name=vendor.name)))
    if not result.period.is_complete:
        notes.append(Note(say("explain.incomplete"), "warn"))
    return notes


def _figures(result: Explained, say: Words, language: str) -> Figures:
    words, variant = result.metric.words[language], result.variant
    value = result.rate.value
    remark = words.formula if not variant.says else variant.says
    if value is None:
        remark = words.empty
    figures = [
        Figure(say("explain.value"), shown(result.metric, value, result.book.currency), remark),
        Figure(say("explain.numerator"), _sum(result, result.rate.numerator, variant.numerator)),
    ]
    if result.rate.denominator is not None:
        text = _sum(result, result.rate.denominator, variant.denominator)
        figures.append(Figure(say("explain.denominator"), text))
    return Figures(tuple(figures))


def _sum(result: Explained, value: int, terms: tuple[Term, ...]) -> str:
    is_money = any(term.name.startswith("money.") for term in terms)
    return amount(value, result.book.currency) if is_money else count(value)


def _values(result: Explained) -> tuple[str, ...]:
    sides = (*result.variant.numerator, *result.variant.denominator)
    return tuple(_sum(result, term.sign * result.terms[term.name], (term,)) for term in sides)


def _rows(result: Explained, say: Words, top: int) -> list[Block]:
    n, currency = result.rows.height, result.book.currency
    if not n:
        return [Heading(say("explain.rows")), Note(say("explain.no_rows"))]
    rows = tuple(
        (
            " ".join(str(row[name]) for name in result.motion.key if row[name] is not None),
            row["changed_on"].isoformat(),
            say("explain.flash") if row["is_flash"] else say(f"mrr.{row['kind']}"),
            _why(row, say),
            amount(row["before"], currency),
            amount(row["after"], currency),
            amount(_change(row), currency),
        )
        for row in result.rows.head(top).iter_rows(named=True)
    )
    titles = ("customer", "day", "kind", "why", "before", "after", "change")
    columns = tuple(
        GridColumn(
            say(f"explain.{title}"),
            "right" if title in ("before", "after", "change") else "left",
            priority={"why": 2, "before": 1, "after": 1}.get(title, 0),
        )
        for title in titles
    )
    grid = Grid("", columns, rows, titles)
    more = [Note(say("explain.more", n=count(n - top)))] if n > top else []
    return [Heading(say("explain.rows_of", n=count(n))), grid, *more]


def _why(row: dict[str, object], say: Words) -> str:
    if row["kind"] == "churn":
        return say(f"explain.{CAUSES.get(int(str(row['cause'])), 'unknown')}")
    return say(f"mrr.{row['kind']}_{row['how']}") if row["how"] else ""


def _change(row: dict[str, int]) -> int:
    return row["flash_amount"] if row["is_flash"] else row["after"] - row["before"]


def _plain(result: Explained) -> dict[str, object]:
    one = result.period
    return {
        "as_of": result.book.span.as_of.isoformat(),
        "currency": result.book.currency or None,
        "period": {
            "starts_on": one.starts_on.isoformat(),
            "ends_on": one.ends_on.isoformat(),
            "is_complete": one.is_complete,
        },
        "preset": result.preset or None,
        "definition": plain(result.metric, result.preset),
        "result": rated(result.metric.metric_id, result.rate, result.preset),
        "terms": {
            name: exact(value) if name.startswith("money.") else value
            for name, value in result.terms.items()
        },
        "n_rows": result.rows.height,
    }
