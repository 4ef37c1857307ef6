"""The report of `csk reconcile`: why two people who count the same contracts differ.

One rule: every table reads from our figure to theirs, and what lies between adds up to the
difference; what nobody can name is called unexplained.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from csk.analyses.reconcile import Reconciled
from csk.definitions import preset
from csk.models.causes import Candidate, Found
from csk.models.reconcile import MOVED, ROUNDING, UNEXPLAINED, Figure, Line, Step, is_money, metric
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.figures import NOTHING, amount, count, share
from csk.reports.reconcile_data import plain
from csk.reports.reconciliation import first_line, reconciliation
from csk.settings import Settings
from csk.text import DEFAULT, Words

MOST_STAIRS = 6
_ALSO = 3


class _Page:
    """One report under way: the result, the words, and how numbers are said."""

    def __init__(self, result: Reconciled, say: Words, language: str) -> None:
        self.result, self.say, self.language = result, say, language
        self.currency = result.book.currency

    def label(self, metric_id: str) -> str:
        """Return what a figure is called."""
        if metric_id in MOVED:
            return self.say(f"reconcile.metric.{metric_id}")
        return metric(metric_id).words[self.language].label

    def value(self, metric_id: str, value: Fraction | None, *, signed: bool = False) -> str:
        """Return a value in its unit; changes of a share in points."""
        if value is None:
            return NOTHING
        unit, number = metric(metric_id).unit, float(value)
        if unit == "money":
            text = amount(number, self.currency)
        elif unit == "share":
            text = (
                f"{number * 100:.3f} {self.say('reconcile.points')}" if signed else share(number, 2)
            )
        else:
            text = count(round(number)) if value.denominator == 1 else f"{number:,.3f}"
        return f"+{text}" if signed and value > 0 else text

    def part(self, value: Fraction | None, *, money: bool) -> str:
        """Return the change of a numerator or denominator."""
        if value is None:
            return NOTHING
        text = amount(float(value), self.currency) if money else count(round(value))
        return f"+{text}" if value > 0 else text

    def cause(self, cause: str, detail: str) -> str:
        """Return a cause with what it was."""
        name = self.say(f"reconcile.cause.{cause}")
        told = self.detail(cause, detail)
        return f"{name}: {told}" if told else name

    def detail(self, cause: str, detail: str) -> str:
        """Return what a cause was, in words where there are some."""
        key = f"reconcile.detail.{cause}_{detail}"
        if key in self.say.keys:  # words are no dict
            return self.say(key)
        if cause == "rounding_of_lines":
            unit = int(detail.rpartition(" > ")[2])
            shown = amount(unit, self.currency)
            return (
                self.say("reconcile.detail.rounded", unit=shown)
                if unit > 1
                else self.say("reconcile.detail.not_rounded")
            )
        return detail.replace(" > ", " → ")


def report(
    result: Reconciled,
    settings: Settings,
    say: Words,
    focus: tuple[str, int] = ("", 13),
    language: str = DEFAULT,
) -> Report:
    """Put a reconciliation into words; `focus` is the figure told month by month, and how many.

    Without a figure it is the first that differs.
    """
    page = _Page(result, say, language)
    metric_id, last = focus
    differing = [line for line in result.lines if not _is_alike(line)]
    month = max((line.period_on for line in differing), default=result.months[-1])
    followed = metric_id or next((one.metric_id for one in differing), result.metric_ids[0])
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *_found(page),
        *_figures(page, month),
        *_stairs(page, month),
        *_months(page, followed, last),
        *_notes(page),
    ]
    return Report(
        title=say("reconcile.title", ours=result.ours, theirs=result.theirs),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data=plain(result, settings),
    )


def _is_alike(line: Line) -> bool:
    """Whether there is nothing between the two but rounding."""
    return all(step.cause == ROUNDING for step in line.steps)


def _found(page: _Page) -> list[Block]:
    """Return what explains figures that are only told, and how many of them."""
    found, say = page.result.found, page.say
    if found is None:
        return []
    blocks: list[Block] = [Heading(say("reconcile.found"))]
    if not found.differing:
        return [*blocks, Note(say("reconcile.all_alike", n=count(len(page.result.lines))), "good")]
    if not found.chosen:
        words = say(
            "reconcile.nothing_found", n=count(len(found.differing)), tried=count(found.n_tried)
        )
        return [*blocks, Note(words, "warn")]
    columns = (
        GridColumn(say("reconcile.figure")),
        *(GridColumn(say(f"reconcile.{key}"), "right") for key in ("differ", "explained", "rest")),
    )
    rows = _explained(page, found)
    keys = ("metric_id", "differing", "explained", "unexplained")
    names = "; ".join(page.cause(one.cause, one.detail) for one in found.chosen)
    blocks += [
        Note(say("reconcile.chosen", causes=names), "plain"),
        Grid("", columns, rows, keys, total=len(rows) > 1),
    ]
    if found.broken:
        blocks.append(Note(say("reconcile.broken", n=count(len(found.broken))), "warn"))
    if found.also:
        blocks.append(Note(say("reconcile.also", causes=_others(page, found.also))))
    return blocks


def _explained(page: _Page, found: Found) -> tuple[tuple[str, ...], ...]:
    differing = Counter(name for name, _ in found.differing)
    explained = Counter(name for name, _ in found.explained)
    rows = [
        (page.label(name), differing[name], explained[name])
        for name in page.result.metric_ids
        if differing[name]
    ]
    if len(rows) > 1:
        rows.append((page.say("reconcile.all"), len(found.differing), len(found.explained)))
    return tuple((label, count(n), count(of), count(n - of)) for label, n, of in rows)


def _others(page: _Page, also: Sequence[tuple[Candidate, ...]]) -> str:
    told = [" + ".join(page.cause(one.cause, one.detail) for one in of) for of in also[:_ALSO]]
    more = [NOTHING + f" +{len(also) - _ALSO}"] if len(also) > _ALSO else []
    return "; ".join([*told, *more])


def _figures(page: _Page, month: date) -> list[Block]:
    """Return all figures of a month side by side."""
    say, result = page.say, page.result
    lines = [line for line in result.lines if line.period_on == month]
    rows = tuple(
        (
            page.label(line.metric_id),
            page.value(line.metric_id, line.ours.value),
            page.value(line.metric_id, line.theirs.value),
            _difference(page, line),
        )
        for line in lines
    )
    tones: tuple[Tone, ...] = tuple("muted" if _is_alike(line) else "plain" for line in lines)
    columns = (
        GridColumn(say("reconcile.figure")),
        GridColumn(result.ours, "right"),
        GridColumn(result.theirs, "right"),
        GridColumn(say("reconcile.difference"), "right"),
    )
    keys = ("metric_id", "ours", "theirs", "difference")
    return [
        Heading(say("reconcile.side_by_side", month=f"{month:%Y-%m}")),
        Grid("", columns, rows, keys, tones=tones),
    ]


def _difference(page: _Page, line: Line) -> str:
    if _is_alike(line) and line.difference is not None:
        return page.say("reconcile.alike")
    return page.value(line.metric_id, line.difference, signed=True)


def _stairs(page: _Page, month: date) -> list[Block]:
    """Return the causes of each figure that differs in a month, from ours to theirs."""
    lines = [line for line in page.result.lines if line.period_on == month and not _is_alike(line)]
    blocks: list[Block] = []
    for line in lines[:MOST_STAIRS]:
        blocks += [_staircase(page, line)]
    if len(lines) > MOST_STAIRS:
        blocks.append(Note(page.say("reconcile.more", n=count(len(lines) - MOST_STAIRS))))
    heading = Heading(page.say("reconcile.causes", month=f"{month:%Y-%m}"))
    return [heading, *blocks] if blocks else []


def _staircase(page: _Page, line: Line) -> Grid:
    say, of = page.say, metric(line.metric_id)
    divides = line.ours.denominator is not None
    up, down = is_money(of.variant.numerator), is_money(of.variant.denominator)

    def level(name: str, figure: Figure) -> tuple[str, ...]:
        parts = _level_parts(page, figure, money=(up, down)) if divides else ()
        return (name, "", *parts, page.value(line.metric_id, figure.value))

    def stair(step: Step) -> tuple[str, ...]:
        parts = (
            (page.part(step.numerator, money=up), page.part(step.denominator, money=down))
            if divides
            else ()
        )
        n = NOTHING if step.n_customers is None else count(step.n_customers)
        change = page.value(line.metric_id, step.value, signed=True)
        return (page.cause(step.cause, step.detail), n, *parts, change)

    parts = (
        (
            GridColumn(say("reconcile.numerator"), "right", priority=1),
            GridColumn(say("reconcile.denominator"), "right", priority=1),
        )
        if divides
        else ()
    )
    columns = (
        GridColumn(page.label(line.metric_id)),
        GridColumn(say("reconcile.customers"), "right"),
        *parts,
        GridColumn(say("reconcile.change"), "right"),
    )
    rows = (
        level(page.result.ours, line.ours),
        *(stair(step) for step in line.steps),
        level(page.result.theirs, line.theirs),
    )
    keys = ("cause", "n_customers", *(("numerator", "denominator") if divides else ()), "value")
    tones: tuple[Tone, ...] = (
        "plain",
        *("warn" if step.cause == UNEXPLAINED else "plain" for step in line.steps),
        "plain",
    )
    caption = _formulas(page, line) if any(s.cause == "formula" for s in line.steps) else ""
    return Grid("", columns, rows, keys, tones=tones, total=True, caption=caption)


def _formulas(page: _Page, line: Line) -> str:
    """Say what each side's formula does otherwise than csk's own."""
    of = metric(line.metric_id)
    told = [
        f"{preset(name).title}: {of.presets[name].says}"
        for name in page.result.presets
        if name in of.presets
    ]
    return " ".join(told)


def _level_parts(page: _Page, figure: Figure, money: tuple[bool, bool]) -> tuple[str, str]:
    if figure.denominator is None:
        return NOTHING, NOTHING
    both = zip((figure.numerator, figure.denominator), money, strict=True)
    numerator, denominator = (
        page.part(value, money=is_sum).removeprefix("+") for value, is_sum in both
    )
    return numerator, denominator


def _months(page: _Page, metric_id: str, last: int) -> list[Block]:
    """Return one figure month by month, with what each cause does to it."""
    say, result = page.say, page.result
    lines = [line for line in result.lines if line.metric_id == metric_id][-last:]
    causes = [
        cause
        for cause in dict.fromkeys(step.cause for line in lines for step in line.steps)
        if any(step.value for line in lines for step in line.steps if step.cause == cause)
    ]
    rows = tuple(
        (
            f"{line.period_on:%Y-%m}",
            page.value(metric_id, line.ours.value),
            *(page.value(metric_id, _of_cause(line, cause), signed=True) for cause in causes),
            page.value(metric_id, line.theirs.value),
        )
        for line in lines
    )
    columns = (
        GridColumn(say("reconcile.month")),
        GridColumn(result.ours, "right"),
        *(GridColumn(say(f"reconcile.cause.{cause}"), "right") for cause in causes),
        GridColumn(result.theirs, "right"),
    )
    heading = Heading(say("reconcile.by_month", figure=page.label(metric_id)))
    return [heading, Grid("", columns, rows, ("period_on", "ours", *causes, "theirs"))]


def _of_cause(line: Line, cause: str) -> Fraction | None:
    values = [step.value for step in line.steps if step.cause == cause and step.value is not None]
    return sum(values, Fraction(0)) if values else None


def _notes(page: _Page) -> list[Block]:
    say, result = page.say, page.result
    walked = [say(f"reconcile.cause.{cause}") for cause in result.order]
    notes = (
        [say("reconcile.order", causes=" → ".join(walked))] if walked else [say("reconcile.same")]
    )
    if result.not_tried:
        causes = ", ".join(say(f"reconcile.cause.{cause}") for cause in result.not_tried)
        notes.append(say("reconcile.not_tried", causes=causes))
    if result.outside:
        months = ", ".join(f"{day:%Y-%m}" for day in result.outside[:6])
        more = " ..." if len(result.outside) > 6 else ""  # noqa: PLR2004 - months that fit a line
        notes.append(say("reconcile.outside", months=months + more))
    return [*_understood(page), *(Note(text) for text in notes)]


def _understood(page: _Page) -> list[Block]:
    """Say how the columns of a file of theirs were understood."""
    say, result = page.say, page.result
    if not result.columns:
        return []
    pairs = ", ".join(f"{title} = {page.label(name)}" for title, name in result.columns)
    blocks: list[Block] = [Note(say("reconcile.columns", columns=pairs))]
    if result.untold:
        blocks.append(Note(say("reconcile.untold", columns=", ".join(result.untold)), "warn"))
    if result.in_per_cent:
        titles = ", ".join(result.in_per_cent)
        blocks.append(Note(say("reconcile.in_per_cent", columns=titles), "warn"))
    return blocks
