"""The report of `csk retention --model tails`: laws of staying, and what the chosen one foretells.

One rule: what is foretold stands beside what was seen, and says where nothing was.
"""

from math import isfinite
from typing import Final

from csk.analyses.tails import Tails, TooFew
from csk.calendar import TICKS_PER_MONTH
from csk.models.contract import ENOUGH_ENDS
from csk.models.tails import LONGEST, MEAN_TO, WITHIN, Candidate, Tail
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
from csk.text import Words

MOST_SHOWN: Final = 6
"""Kinds of contracts whose laws are listed."""


def report(result: Tails, settings: Settings, say: Words) -> Report:
    """Put the laws, what chose them and what they foretell into words."""
    span = result.book.span
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *(Note(text, "warn") for text in notes),
    ]
    for one in result.tails[:MOST_SHOWN]:
        blocks += _tail(one, result, say)
    enough = str(ENOUGH_ENDS)
    blocks += [
        Note(say("tails.few", what=_what(few, result, say), n=count(few.n_ended), enough=enough))
        for few in result.too_few[:MOST_SHOWN]
    ]
    return Report(
        title=say("tails.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data={
            "as_of": span.as_of.isoformat(),
            "data_from": span.data_from.isoformat(),
            "warnings": list(span.notes),
            "dimension": result.by or None,
            "tails": [_plain(one) for one in result.tails],
            "too_few": [
                {"group": few.group or None, "term_months": few.term_months, "n_ended": few.n_ended}
                for few in result.too_few
            ],
            "reconciliation": reconciled(result.book),
        },
    )


def _tail(one: Tail, result: Tails, say: Words) -> list[Block]:
    family = say(f"tails.family.{one.chosen.fit.family}")
    blocks: list[Block] = [
        Heading(say("tails.candidates", what=_what(one, result, say))),
        _laws(one, say),
        *_tried(one.chosen, family, say),
        Heading(say("tails.beyond", family=family)),
    ]
    if one.from_months:
        blocks.append(Note(say("retention.thin", n=str(one.from_months))))
    return [*blocks, _figures(one, say), _curve(one, say), _ahead(one, say)]


def _what(one: Tail | TooFew, result: Tails, say: Words) -> str:
    lengths = [tail.term_months for tail in result.tails]
    kinds = {max(months, 1) for months in (*lengths, *(few.term_months for few in result.too_few))}
    parts = [one.group or NOTHING] if result.by else []
    if len(kinds) > 1:
        parts.append(say("tails.of_term", months=str(max(one.term_months, 1))))
    return " · ".join(parts) or say("tails.whole")


def _laws(one: Tail, say: Words) -> Grid:
    rows = tuple(
        (
            say(f"tails.family.{law.fit.family}"),
            number(law.fit.log_likelihood, 2),
            number(law.fit.aic, 2),
            number(law.held_out, 2),
            NOTHING if law.miss is None else say("tails.points", n=number(100 * law.miss, 1)),
            say("tails.chosen") if law is one.chosen else "",
        )
        for law in one.candidates
    )
    columns = (
        GridColumn(say("tails.law")),
        GridColumn(say("tails.log_likelihood"), "right", priority=1),
        GridColumn(say("tails.aic"), "right"),
        GridColumn(say("tails.held_out"), "right"),
        GridColumn(say("tails.miss"), "right"),
        GridColumn(""),
    )
    keys = ("family", "log_likelihood", "aic", "held_out", "miss", "chosen")
    days = ", ".join(tried.origin.isoformat() for tried in one.chosen.tried)
    caption = (
        say("tails.caption", days=days, reach=number(WITHIN, 0))
        if days
        else say("tails.caption_short")
    )
    return Grid("", columns, rows, keys, caption=caption)


def _tried(chosen: Candidate, family: str, say: Words) -> list[Block]:
    if not chosen.tried:
        return []
    rows = tuple(
        (tried.origin.isoformat(), count(tried.n), share(tried.foretold), share(tried.came))
        for tried in chosen.tried
    )
    columns = (
        GridColumn(say("tails.origin")),
        GridColumn(say("tails.n"), "right"),
        GridColumn(say("tails.foretold"), "right"),
        GridColumn(say("tails.came"), "right"),
    )
    keys = ("origin", "n", "foretold", "came")
    return [Heading(say("tails.tried", family=family)), Grid("", columns, rows, keys)]


def _figures(one: Tail, say: Words) -> Figures:
    median = one.median_months
    rests = say("tails.watched", months=str(one.seen_months))
    return Figures(
        (
            Figure(say("drivers.left"), count(one.n_ended), rests),
            Figure(
                say("tails.median"),
                say("retention.n_months", n=number(median, 1))
                if isfinite(median)
                else say("tails.endless", months=str(LONGEST)),
                say("tails.not_seen") if median > one.seen_months else "",
            ),
            Figure(
                say("tails.mean", months=str(MEAN_TO)),
                say("retention.n_months", n=number(one.mean_months, 1)),
            ),
        )
    )


def _curve(one: Tail, say: Words) -> Curve:
    first, last = one.from_months, one.ahead[-1].months if one.ahead else one.seen_months
    months = tuple(float(month) for month in range(first, last + 1))
    ticks = [int(month - first) * TICKS_PER_MONTH for month in months]
    y = tuple(one.grid[ticks].tolist())
    return Curve("", say("retention.months"), months, y, between=say("line.between"))


def _ahead(one: Tail, say: Words) -> Grid:
    rows = tuple(
        (
            say("retention.month", n=str(at.months)),
            share(at.seen) if at.seen is not None else say("tails.not_seen"),
            share(at.share),
            say("retention.between", low=share(at.low), high=share(at.high)),
        )
        for at in one.ahead
    )
    columns = (
        GridColumn(say("retention.age")),
        GridColumn(say("tails.seen"), "right"),
        GridColumn(say("tails.foretold"), "right"),
        GridColumn(say("retention.interval"), "right"),
    )
    keys = ("age", "seen", "foretold", "interval")
    return Grid("", columns, rows, keys, caption=say("tails.ahead_caption"))


def _plain(one: Tail) -> dict[str, object]:
    return {
        "group": one.group or None,
        "term_months": one.term_months,
        "n_ended": one.n_ended,
        "seen_months": one.seen_months,
        "from_months": one.from_months,
        "chosen": one.chosen.fit.family,
        "candidates": [_candidate(law) for law in one.candidates],
        "survival": [
            {
                "months": at.months,
                "share": at.share,
                "low": at.low,
                "high": at.high,
                "seen": at.seen,
            }
            for at in one.ahead
        ],
        "median_months": one.median_months if isfinite(one.median_months) else None,
        "mean_months": one.mean_months,
        "mean_to_months": MEAN_TO,
    }


def _candidate(law: Candidate) -> dict[str, object]:
    return {
        "family": law.fit.family,
        "parameters": list(law.fit.params),
        "log_likelihood": law.fit.log_likelihood,
        "aic": law.fit.aic,
        "weight": law.fit.weight,
        "gradient": law.fit.gradient_norm,
        "held_out_log_likelihood": law.held_out,
        "miss": law.miss,
        "tried": [
            {
                "origin": tried.origin.isoformat(),
                "n": tried.n,
                "foretold": tried.foretold,
                "came": tried.came,
            }
            for tried in law.tried
        ],
    }
