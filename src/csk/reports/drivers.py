"""The report of `csk retention --model cox` and `--model aft`: what goes with leaving sooner.

One rule: a ratio stands with its interval, with what it is compared with, and with what was left
out before it.
"""

from dataclasses import asdict
from typing import Final

from csk.analyses.drivers import Drivers
from csk.models.accelerated import TERM, Accelerated
from csk.models.covariates import USAGE, LeftOut, Term
from csk.models.hazards import Effect, Hazards
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import NOTHING, count, number
from csk.reports.reconciliation import first_line, reconciled, reconciliation
from csk.settings import Settings
from csk.tables.drivers import FIRST_DAYS
from csk.text import Words

USUAL: Final = 0.05
"""Level at which a test is said to have found something."""
_LEAST: Final = 0.001


def report(result: Drivers, settings: Settings, say: Words) -> Report:
    """Put ratios, what they rest on and what speaks against them into words."""
    span, fitted = result.book.span, result.fitted
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    own = _cox(fitted, say) if isinstance(fitted, Hazards) else _aft(fitted, say)
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *(Note(text, "warn") for text in notes),
        *own,
        *_left_out(result, say),
    ]
    kind = "cox" if isinstance(fitted, Hazards) else "aft"
    return Report(
        title=say("drivers.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data={
            "as_of": span.as_of.isoformat(),
            "data_from": span.data_from.isoformat(),
            "warnings": list(span.notes),
            "model": kind,
            "one_in": result.one_in,
            **_plain(fitted),
            "reconciliation": reconciled(result.book),
        },
    )


def _cox(fitted: Hazards, say: Words) -> list[Block]:
    figures = (
        *_sizes(fitted, say),
        Figure(
            say("drivers.concordance"),
            number(fitted.concordance, 3),
            say("drivers.concordance_remark"),
        ),
        Figure(say("drivers.together"), _p(fitted.p_value, say), say("drivers.together_remark")),
    )
    blocks: list[Block] = [
        Heading(say("drivers.rests_on")),
        Figures(figures),
        Heading(say("drivers.hazards")),
        _ratios(fitted, "drivers.hazard_ratio", "drivers.hazards_caption", say),
        *_readings(fitted, say),
    ]
    if len(fitted.strata) > 1:
        months = ", ".join(str(term) for term in fitted.strata)
        blocks.append(Note(say("drivers.strata", months=months)))
    return [*blocks, *_steady(fitted, say)]


def _aft(fitted: Accelerated, say: Words) -> list[Block]:
    rows = tuple(
        (
            say(f"tails.family.{one.family}"),
            number(one.log_likelihood, 2),
            number(one.aic, 2),
            say("tails.chosen") if one is fitted.candidates[0] else "",
        )
        for one in fitted.candidates
    )
    columns = (
        GridColumn(say("drivers.law")),
        GridColumn(say("tails.log_likelihood"), "right"),
        GridColumn(say("tails.aic"), "right"),
        GridColumn(""),
    )
    keys = ("family", "log_likelihood", "aic", "chosen")
    return [
        Heading(say("drivers.rests_on")),
        Figures(_sizes(fitted, say)),
        Heading(say("drivers.laws")),
        Grid("", columns, rows, keys),
        Heading(say("drivers.times")),
        _ratios(fitted, "drivers.time_ratio", "drivers.times_caption", say),
        *_readings(fitted, say),
    ]


def _sizes(fitted: Hazards | Accelerated, say: Words) -> tuple[Figure, ...]:
    customers = say("drivers.of_customers", n=count(fitted.n_customers))
    return (
        Figure(say("drivers.n"), count(fitted.n), customers),
        Figure(say("drivers.left"), count(fitted.n_left)),
    )


def _ratios(fitted: Hazards | Accelerated, ratio: str, caption: str, say: Words) -> Grid:
    rows = tuple(
        (
            covariate(one.term.covariate, say),
            _level(one.term.level, say) if one.term.level else say("drivers.doubling"),
            _level(one.term.against, say) if one.term.against else NOTHING,
            count(one.term.n),
            count(one.term.n_left),
            number(one.ratio),
            say("retention.between", low=number(one.low), high=number(one.high)),
            _p(one.p_value, say),
        )
        for one in fitted.effects
    )
    columns = (
        GridColumn(say("drivers.covariate")),
        GridColumn(say("drivers.value")),
        GridColumn(say("drivers.against"), priority=2),
        GridColumn(say("drivers.n_short"), "right", priority=3),
        GridColumn(say("retention.left"), "right", priority=1),
        GridColumn(say(ratio), "right"),
        GridColumn(say("retention.interval"), "right"),
        GridColumn(say("drivers.p"), "right"),
    )
    keys = ("covariate", "value", "against", "n", "n_left", "ratio", "interval", "p_value")
    return Grid("", columns, rows, keys, caption=say(caption))


def _readings(fitted: Hazards | Accelerated, say: Words) -> list[Block]:
    """Say what ratios are of."""
    notes = []
    against = dict.fromkeys((term.covariate, term.level) for term in fitted.references)
    told = ", ".join(f"{covariate(name, say)} = {_level(level, say)}" for name, level in against)
    if told:
        notes.append(say("drivers.against_caption", values=told))
    if any(one.term.covariate == USAGE for one in fitted.effects):
        notes.append(say("drivers.usage_caption", days=str(FIRST_DAYS)))
    return [Note(text) for text in (*notes, say("drivers.not_why"))]


def _steady(fitted: Hazards, say: Words) -> list[Block]:
    """Say whether ratios stay as they are as contracts grow older."""
    rows = [(covariate(one.covariate, say), _p(one.p_value, say)) for one in fitted.steady]
    rows.append((say("drivers.all"), _p(fitted.steady_p_value, say)))
    columns = (GridColumn(say("drivers.covariate")), GridColumn(say("drivers.p"), "right"))
    blocks: list[Block] = [
        Heading(say("drivers.steady")),
        Grid("", columns, tuple(rows), ("covariate", "p_value"), total=True),
    ]
    moving = [one.covariate for one in fitted.steady if one.p_value < USUAL]
    if not moving:
        return [*blocks, Note(say("drivers.is_steady"))]
    names = ", ".join(covariate(name, say) for name in moving)
    return [*blocks, Note(say("drivers.is_moving", names=names), "warn")]


def _left_out(result: Drivers, say: Words) -> list[Block]:
    notes = [_why(one, say) for one in result.fitted.left_out]
    if result.one_in > 1:
        notes.append(say("drivers.one_in", n=count(result.one_in)))
    return [Note(text) for text in notes]


def _why(one: LeftOut, say: Words) -> str:
    name = covariate(one.covariate, say)
    what = f"{name} = {_level(one.level, say)}" if one.level else name
    same = " / ".join(covariate(name, say) for name in one.with_)
    key = "unknown_usage" if (one.why, one.covariate) == ("unknown", USAGE) else one.why
    return say(f"drivers.{key}", what=what, n=count(one.n), same=same, days=str(FIRST_DAYS))


def covariate(name: str, say: Words) -> str:
    """Return the word for a covariate; columns of the user's keep their name."""
    known = {USAGE: "drivers.usage", TERM: "drivers.term", "plan": "drivers.plan"}
    return say(known[name]) if name in known else name


def _level(level: str, say: Words) -> str:
    return {"": NOTHING, "(others)": say("drivers.others")}.get(level, level)


def _p(value: float, say: Words) -> str:
    return say("drivers.tiny_p") if value < _LEAST else number(value, 3)


def _plain(fitted: Hazards | Accelerated) -> dict[str, object]:
    plain: dict[str, object] = {
        "n": fitted.n,
        "n_customers": fitted.n_customers,
        "n_left": fitted.n_left,
        "effects": [_effect(one) for one in fitted.effects],
        "references": [_term(one) for one in fitted.references],
        "left_out": [
            {"covariate": one.covariate, "value": one.level, "why": one.why, "n": one.n}
            for one in fitted.left_out
        ],
    }
    if isinstance(fitted, Accelerated):
        return {**plain, "candidates": [asdict(one) for one in fitted.candidates]}
    return {
        **plain,
        "concordance": fitted.concordance,
        "likelihood_ratio": fitted.likelihood_ratio,
        "p_value": fitted.p_value,
        "terms_months": list(fitted.strata),
        "proportional": {one.covariate: one.p_value for one in fitted.steady},
        "proportional_all": fitted.steady_p_value,
    }


def _effect(one: Effect) -> dict[str, object]:
    figures = {"ratio": one.ratio, "low": one.low, "high": one.high, "p_value": one.p_value}
    return {**_term(one.term), "against": one.term.against or None, **figures}


def _term(one: Term) -> dict[str, object]:
    return {
        "covariate": one.covariate,
        "value": one.level or None,
        "n": one.n,
        "n_left": one.n_left,
    }
