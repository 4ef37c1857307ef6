"""The self-test in words: one table a source, then all sources, then the verdict.

One rule: what is printed has the digits of the publication, and two more of what was reckoned.
"""

import math
from collections.abc import Sequence
from typing import Final

from csk.analyses.selftest import Check, SelfTest
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.figures import NOTHING, count, share
from csk.text import Words

_MORE_DIGITS: Final = 2
_SMALL: Final = 1e-5
_GROUPS: Final = {True: ",", False: ""}
"""Thousands are parted in whole numbers only: a log-likelihood is long enough."""


def report(result: SelfTest, say: Words) -> Report:
    """Return the report of a self-test."""
    verdict = say("selftest.verdict", held=count(result.n_held), n=count(len(result.checks)))
    tone: Tone = "bad" if result.missed else "good"
    blocks: list[Block] = []
    for source, checks in result.by_source.items():
        blocks += [Heading(f"{source}: {checks[0].table.title}"), _figures(checks, say)]
    blocks += [
        Heading(say("selftest.sources")),
        _sources(result, say),
        *(Note(line, "bad") for line in _reasons(result.missed, say)),
        Note(say("selftest.tolerance")),
        Note(verdict, tone),
    ]
    return Report(say("selftest.title"), verdict, tuple(blocks), _plain(result))


def _figures(checks: Sequence[Check], say: Words) -> Grid:
    names = [table_name(check, say) for check in checks]
    rows = tuple(
        (
            name if not place or names[place - 1] != name else "",
            figure_name(check, say),
            _printed(check),
            _computed(check),
            _tolerance(check),
            _verdict(check, say),
        )
        for place, (check, name) in enumerate(zip(checks, names, strict=True))
    )
    return Grid(
        "",
        (
            GridColumn(say("selftest.table")),
            GridColumn(say("selftest.figure")),
            GridColumn(say("selftest.published"), "right"),
            GridColumn(say("selftest.computed"), "right"),
            GridColumn(say("selftest.within"), "right", priority=1),
            GridColumn("", "right"),
        ),
        rows,
        ("table", "figure", "published", "computed", "tolerance", "is_held"),
        tones=tuple("plain" if check.is_held else "bad" for check in checks),
    )


def _sources(result: SelfTest, say: Words) -> Grid:
    rows: list[tuple[str, ...]] = []
    tones: list[Tone] = []
    for source, checks in result.by_source.items():
        missed = sum(not check.is_held for check in checks)
        verdict = say("selftest.n_off", n=count(missed)) if missed else say("selftest.ok")
        farthest = max(check.deviation for check in checks)
        away = NOTHING if math.isinf(farthest) else share(farthest, 0)
        rows.append((source, count(len(checks)), away, verdict))
        tones.append("bad" if missed else "plain")
    return Grid(
        "",
        (
            GridColumn(say("selftest.source")),
            GridColumn(say("selftest.figures"), "right"),
            GridColumn(say("selftest.farthest"), "right"),
            GridColumn("", "right"),
        ),
        tuple(rows),
        ("source", "figures", "largest_deviation", "is_held"),
        tones=tuple(tones),
    )


def _reasons(missed: Sequence[Check], say: Words) -> list[str]:
    """Return why figures could not be reckoned, each table once."""
    why = {table_name(check, say): check.why_not for check in missed if check.why_not}
    return [say("selftest.failed", table=table, why=reason) for table, reason in why.items()]


def table_name(check: Check, say: Words) -> str:
    """Return what the table of a check is called."""
    return say(f"selftest.of.{check.table.subject}.{check.table.name}")


def figure_name(check: Check, say: Words) -> str:
    """Return what a figure is called: a word where there is one, else its symbol."""
    key = f"selftest.name.{check.figure.name}"
    return say(key) if key in say.keys else check.figure.name


def _printed(check: Check) -> str:
    digits = check.figure.digits
    return f"{check.figure.published:{_GROUPS[not digits]}.{digits}f}"


def _computed(check: Check) -> str:
    if math.isnan(check.computed):
        return NOTHING
    if _is_a_bound(check):
        return _short(f"{check.computed:.1e}")
    digits = check.figure.digits
    if not digits and check.computed.is_integer():
        return count(int(check.computed))
    return f"{check.computed:{_GROUPS[not digits]}.{digits + _MORE_DIGITS}f}"


def _tolerance(check: Check) -> str:
    return _short(f"{check.figure.tolerance:g}")


def _short(power: str) -> str:
    return power.replace("e-0", "e-")


def _is_a_bound(check: Check) -> bool:
    """Whether 0 is printed for what need only be small."""
    return check.figure.published == 0 and check.figure.tolerance < _SMALL


def _verdict(check: Check, say: Words) -> str:
    return say("selftest.ok" if check.is_held else "selftest.off")


def _plain(result: SelfTest) -> dict[str, object]:
    return {
        "n": len(result.checks),
        "n_held": result.n_held,
        "figures": [
            {
                "source": check.table.source,
                "title": check.table.title,
                "table": f"{check.table.subject}.{check.table.name}",
                "figure": check.figure.name,
                "published": check.figure.published,
                "computed": None if math.isnan(check.computed) else check.computed,
                "tolerance": check.figure.tolerance,
                "is_held": check.is_held,
            }
            for check in result.checks
        ],
    }
