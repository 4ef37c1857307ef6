"""How good the chances are: foretold from earlier days, and as earlier runs came true.

One rule: each figure says over how many customers and ends it was taken.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Final

from csk.analyses.churn_risk import ChurnRisk
from csk.models.risk.alerts import Night
from csk.models.risk.design import Dropped
from csk.models.risk.ledger import Live
from csk.models.risk.verdict import (
    CURVES,
    AgeScore,
    Finding,
    OriginScore,
    ReliabilityBin,
    Validation,
)
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Tone
from csk.reports.churn_risk_customers import feature_name
from csk.reports.figures import NOTHING, count, number, share
from csk.reports.wording import listed, running
from csk.text import Words

_Z: Final = 1.959964
_TONES: Final[dict[str, Tone]] = {
    "sound": "good",
    "no_better_than_chance": "bad",
    "not_validated": "warn",
}


def validation(result: ChurnRisk, say: Words, *, is_whole: bool) -> list[Block]:
    """Return the verdict, the models held against each other, and a plot of reliability."""
    found = result.validation
    if found is None:
        return []
    blocks: list[Block] = [Heading(say("risk.validation")), *_verdict(found, say)]
    if found.rows:
        blocks += _models(found, say)
        blocks += _origins(found, say) if is_whole else []
        blocks += _ages(found, say, is_whole=is_whole)
        blocks += _reliability(found, say)
    dropped = () if result.model is None else result.model.box.dropped
    return [*blocks, *(finding(one, say) for one in found.findings), *_left_out(dropped, say)]


def _left_out(dropped: Sequence[Dropped], say: Words) -> list[Block]:
    """Name the columns that no model of customers can learn from, each with its reason."""
    if not dropped:
        return []
    told = [
        say(
            f"risk.left_out_{one.why}",
            column=feature_name(one.column, say),
            **({"other": feature_name(one.other, say)} if one.why == "same" else {}),
        )
        for one in dropped
    ]
    is_odd = any(one.why == "separates" for one in dropped)
    return [Note(say("risk.left_out", what=listed(told, say)), "warn" if is_odd else "plain")]


def _reliability(found: Validation, say: Words) -> list[Block]:
    caption = say("risk.reliability_caption", n="{n}", of="{of}", days=str(found.main_days))
    return reliability(found.reliability, caption, say)


def _verdict(found: Validation, say: Words) -> list[Block]:
    """Say how good the chances are in one sentence, and on how many earlier days that rests."""
    pooled = found.pooled(found.chosen, found.main_days)
    places = {"days": str(found.main_days)}
    if pooled is not None:
        places |= {
            "auc": figure(pooled.auc, 3),
            "lift": figure(pooled.lift_10, 1),
            "left": count(pooled.n_events),
            "n": count(pooled.n),
            "slope": figure(pooled.slope, 2),
        }
    key = "not_validated" if pooled is None else found.verdict
    text = say(f"risk.verdict_{key}", **(places if key != "not_validated" else {}))
    notes: list[Block] = [Note(text, _TONES[key])]
    notes += _against_curves(found, pooled, say)
    n = len(found.origins)
    if 0 < n < found.n_origins_wanted:
        short = say("risk.few_origins", n=str(n), wanted=str(found.n_origins_wanted))
        notes.append(Note(short, "warn"))
    if found.is_overlapping:
        notes.append(Note(say("risk.overlapping")))
    return notes


def _against_curves(found: Validation, own: OriginScore | None, say: Words) -> list[Block]:
    """Say so where plan and age alone foretold as well: then it is they that rank customers."""
    other = found.pooled(CURVES, found.main_days)
    if own is None or other is None or other.log_loss > own.log_loss:
        return []
    places = {"other": figure(other.log_loss, 3), "own": figure(own.log_loss, 3)}
    text = say("risk.no_better_than_curves", model=_model(own.model, say), **places)
    return [Note(text, "warn")]


def _models(found: Validation, say: Words) -> list[Block]:
    names = list(dict.fromkeys(row.model for row in found.rows))
    pooled = [one for name in names if (one := found.pooled(name, found.main_days))]
    rows = tuple((_model(one.model, say), *_cells(one)) for one in pooled)
    tones: tuple[Tone, ...] = tuple(
        "good" if one.model == found.chosen else "plain" for one in pooled
    )
    days = ", ".join(day.isoformat() for day in found.origins)
    caption = say("risk.models_caption", days=str(found.main_days), origins=days)
    columns = (GridColumn(say("risk.model"), is_whole=True), *_columns(say))
    return [Grid("", columns, rows, ("model", *_KEYS), tones=tones, caption=caption)]


def _origins(found: Validation, say: Words) -> list[Block]:
    """Return every origin, model and horizon, for those who asked for the backtest."""
    ordered = sorted(found.rows, key=lambda row: (row.origin_on, row.days, row.model))
    rows = tuple(
        (
            row.origin_on.isoformat(),
            str(row.days),
            _model(row.model, say),
            count(row.n),
            count(row.n_events),
            *_cells(row),
            str(row.age_days),
        )
        for row in ordered
    )
    columns = (
        GridColumn(say("risk.origin"), is_whole=True),
        GridColumn(say("risk.days"), "right"),
        GridColumn(say("risk.model"), is_whole=True),
        GridColumn(say("risk.n"), "right", priority=4),
        GridColumn(say("risk.n_left"), "right"),
        *_columns(say),
        GridColumn(say("risk.age"), "right", priority=5),
    )
    keys = ("origin_on", "days", "model", "n", "n_events", *_KEYS, "age_days")
    return [Grid(say("risk.origins"), columns, rows, keys, caption=say("risk.origins_caption"))]


def _ages(found: Validation, say: Words, *, is_whole: bool) -> list[Block]:
    """Return how the chosen kind of model did at each age, once there are two, or on request."""
    shown = [one for one in found.ages if is_whole or one.days == found.main_days]
    is_aged = len({one.since_fit_days for one in shown}) > 1
    if not shown or not (is_aged or is_whole):
        return []
    late = {"n_landmarks": 3, "interval": 1, "n": 2}
    columns = tuple(
        GridColumn(say(f"risk.{key}"), "right", priority=late.get(key, 0)) for key in _AGE_KEYS
    )
    caption = say("risk.ages_caption", model=_model(found.chosen, say))
    if not is_aged:
        caption = running([caption, say("risk.ages_one")], say)
    rows = tuple(_aged(one) for one in shown)
    return [Grid(say("risk.ages"), columns, rows, _AGE_KEYS, caption=caption)]


_AGE_KEYS: Final = (
    "days",
    "since_fit_days",
    "n_landmarks",
    "n",
    "n_events",
    "auc",
    "interval",
    "uno_c",
    "log_loss",
    "ipcw_brier",
    "slope",
)


def _aged(one: AgeScore) -> tuple[str, ...]:
    return (
        str(one.days),
        str(one.since_fit_days),
        count(one.n_landmarks),
        count(one.n),
        count(one.n_events),
        figure(one.auc, 3),
        _interval(one.auc, one.auc_se),
        figure(one.uno_c, 3),
        figure(one.log_loss, 3),
        figure(one.ipcw_brier, 3),
        figure(one.slope, 2),
    )


_KEYS: Final = (
    "auc",
    "interval",
    "uno_c",
    "ap",
    "brier_skill",
    "integrated_brier",
    "lift_1",
    "lift_10",
    "slope",
    "ece",
)


def _columns(say: Words) -> tuple[GridColumn, ...]:
    late = {"interval": 1, "brier_skill": 1, "integrated_brier": 2, "ece": 2, "ap": 3, "lift_1": 3}
    return tuple(
        GridColumn(say(f"risk.{key}"), "right", priority=late.get(key, 0)) for key in _KEYS
    )


def _cells(row: OriginScore) -> tuple[str, ...]:
    return (
        figure(row.auc, 3),
        _interval(row.auc, row.auc_se),
        figure(row.uno_c, 3),
        figure(row.average_precision, 3),
        share(row.brier_skill) if isfinite(row.brier_skill) else NOTHING,
        figure(row.integrated_brier, 3),
        figure(row.lift_1, 1),
        figure(row.lift_10, 1),
        figure(row.slope, 2),
        share(row.ece, 2) if isfinite(row.ece) else NOTHING,
    )


def _interval(auc: float, error: float) -> str:
    low, high = max(auc - _Z * error, 0.0), min(auc + _Z * error, 1.0)
    return f"{low:.3f}–{high:.3f}" if isfinite(error) else NOTHING


def figure(value: float, digits: int) -> str:
    """Return a number, or a dash for one that could not be told."""
    return number(value, digits) if isfinite(value) else NOTHING


def _model(name: str, say: Words) -> str:
    key = f"risk.model_{name}"
    return say(key) if key in say.keys else name


def reliability(bins: Sequence[ReliabilityBin], caption: str, say: Words) -> list[Block]:
    """Draw what came of like chances, beside what was foretold; `caption` has places n and of."""
    if not bins:
        return []
    top = max(max(one.observed, one.mean_p, one.high) for one in bins) or 1.0
    rows = tuple(
        (
            count(one.n),
            share(one.mean_p),
            share(one.observed),
            say("line.between", low=share(one.low), high=share(one.high)),
            say("risk.inside" if one.low <= one.mean_p <= one.high else "risk.outside"),
            "",
        )
        for one in bins
    )
    columns = (
        GridColumn(say("risk.n"), "right", priority=2),
        GridColumn(say("risk.foretold"), "right"),
        GridColumn(say("risk.came"), "right"),
        GridColumn(say("risk.between"), "right", priority=1),
        GridColumn(say("risk.is_inside"), "right"),
        GridColumn("", bar=True),
    )
    keys = ("n", "mean_p", "observed", "interval", "is_inside", "bar")
    bars = tuple(min(one.observed / top, 1.0) for one in bins)
    inside = sum(one.low <= one.mean_p <= one.high for one in bins)
    told = caption.format(n=inside, of=len(bins))
    return [Grid(say("risk.reliability"), columns, rows, keys, bars=bars, caption=told)]


def finding(one: Finding, say: Words) -> Note:
    """Say what a check found of a column."""
    key = f"risk.finding_{one.check}"
    places = {"column": feature_name(one.column, say), "value": figure(one.value, 3)}
    text = say(key, **places) if key in say.keys else f"{one.check}: {one.column}"
    return Note(text, "bad" if one.is_fatal else "warn")


def live(night: Night | None, say: Words) -> list[Block]:
    """Return how earlier runs came true; nothing where none has matured."""
    if night is None:
        return []
    if not night.live:
        return [Heading(say("risk.live")), Note(say("risk.live_none"))]
    rows = tuple(_lived(one) for one in night.live)
    titles = ("days", "scored_on", "n", "foretold_n", "left_n", "brier_skill", "auc")
    late = {"n": 2, "lift_10": 1, "slope": 3}
    columns = tuple(
        GridColumn(say(f"risk.{key}"), "right", priority=late.get(key, 0))
        for key in (*titles, "lift_10", "slope")
    )
    key = "risk.live_control" if night.live[0].of_control else "risk.live_all"
    return [Heading(say("risk.live")), Grid("", columns, rows, caption=say(key))]


def _lived(one: Live) -> tuple[str, ...]:
    return (
        str(one.days),
        one.scored_on.isoformat(),
        count(one.n),
        number(one.n_foretold, 1),
        count(one.n_left),
        share(one.brier_skill) if isfinite(one.brier_skill) else NOTHING,
        figure(one.auc, 3),
        figure(one.lift_10, 1),
        figure(one.slope, 2),
    )
