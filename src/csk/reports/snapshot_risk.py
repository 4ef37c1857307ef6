"""The report of risk in a cross-section: who is like those that left, and how well that is told.

One rule: nowhere does it call a chance a forecast.
"""

from typing import Final

from csk.analyses.snapshot_risk import Alike
from csk.models.risk.snapshot_mode import SnapshotScore
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.churn_risk_checks import figure, finding, reliability
from csk.reports.figures import NOTHING, count, share
from csk.reports.reconciliation import reconciled, reconciliation
from csk.text import Words

_N_REASONS: Final = 3
_SIGNS: Final = {"up": "+", "down": "-"}


def report(result: Alike, say: Words, top: int = 10) -> Report:
    """Put the risks of a cross-section into words; `top` who stayed so far are named."""
    risk = result.risk
    of_base = share(risk.score.ece / risk.base_rate)
    figures = (
        Figure(say("cross.customers"), count(risk.n)),
        Figure(say("cross.churned"), f"{count(risk.n_events)} = {share(risk.base_rate)}"),
        Figure(say("alike.columns"), count(len(risk.used)), say("alike.columns_remark")),
        Figure(say("risk.ece"), share(risk.score.ece, 2), say("alike.ece_remark", share=of_base)),
    )
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        Note(say("risk.method_cross_section"), "warn"),
        Figures(figures),
        *_named(result, say, top),
        Heading(say("risk.validation")),
        *_verdict(result, say),
        *_models(result, say),
        *reliability(risk.reliability, say("alike.reliability_caption"), say),
        *(finding(one, say) for one in risk.findings),
    ]
    return Report(
        say("alike.title"),
        say("cross.line", n=count(risk.n)),
        tuple(blocks),
        _plain(result),
    )


def _named(result: Alike, say: Words, top: int) -> list[Block]:
    """Return those still there who are most like those that left."""
    there = result.customers.filter(~result.customers["is_churned"])
    found = there.sort("p_churn", "row_no", descending=[True, False]).head(top).to_dicts()
    if not found:
        return []
    rows: list[tuple[str, ...]] = []
    for row in found:
        name = row["customer_id"] or str(row["row_no"])
        why = [_reason(row, place, say) for place in range(1, _N_REASONS + 1)]
        told = [one for one in why if one] or [""]
        rows.append((name, share(row["p_churn"]), told[0]))
        rows += [("", "", one) for one in told[1:]]
    columns = (
        GridColumn(say("risk.customer")),
        GridColumn(say("alike.chance"), "right"),
        GridColumn(say("alike.why")),
    )
    caption = say("alike.top_caption")
    return [Heading(say("alike.top")), Grid("", columns, tuple(rows), caption=caption)]


def _reason(row: dict[str, object], place: int, say: Words) -> str:
    name = row[f"reason_{place}"]
    if name is None:
        return ""
    sign = _SIGNS[str(row[f"reason_{place}_direction"])]
    value, usual = row[f"reason_{place}_shown"], row[f"reason_{place}_usual"]
    shown = NOTHING if value is None else str(value)
    if value == usual:
        return f"{sign} {say('risk.reason_alone', what=str(name), value=shown)}"
    beside = NOTHING if usual is None else str(usual)
    return f"{sign} {say('risk.reason', what=str(name), value=shown, median=beside)}"


def _verdict(result: Alike, say: Words) -> list[Block]:
    """Say whether the columns tell anything of who left."""
    if result.risk.verdict == "sound":
        return []
    return [Note(say("alike.no_better_than_chance", auc=figure(result.risk.score.auc, 3)), "bad")]


def _models(result: Alike, say: Words) -> list[Block]:
    risk = result.risk
    keys = ("auc", "interval", "ap", "brier_skill", "lift_10", "slope", "ece")
    columns = (
        GridColumn(say("risk.model")),
        *(GridColumn(say(f"risk.{key}"), "right") for key in keys),
    )
    rows = tuple((say(f"risk.model_{one.model}"), *_cells(one)) for one in risk.scores)
    tones: tuple[Tone, ...] = tuple(
        "good" if one.model == risk.chosen else "plain" for one in risk.scores
    )
    caption = say("alike.models_caption", n=str(risk.n_repeats))
    return [Grid("", columns, rows, ("model", *keys), tones=tones, caption=caption)]


def _cells(one: SnapshotScore) -> tuple[str, ...]:
    reach = 1.959964 * one.auc_se
    return (
        figure(one.auc, 3),
        f"{one.auc - reach:.3f}–{min(one.auc + reach, 1.0):.3f}",
        figure(one.average_precision, 3),
        share(one.brier_skill),
        figure(one.lift_10, 1),
        figure(one.slope, 2),
        share(one.ece, 2),
    )


def _plain(result: Alike) -> dict[str, object]:
    risk = result.risk
    return {
        "reconciliation": reconciled(result.book),
        "is_forecast": False,
        "n": risk.n,
        "n_churned": risk.n_events,
        "base_rate": risk.base_rate,
        "chosen": risk.chosen,
        "columns": list(risk.used),
        "verdict": risk.verdict,
        "models": [
            {
                "model": one.model,
                "auc": one.auc,
                "auc_se": one.auc_se,
                "average_precision": one.average_precision,
                "log_loss": one.log_loss,
                "brier": one.brier,
                "brier_skill": one.brier_skill,
                "lift_10": one.lift_10,
                "intercept": one.intercept,
                "slope": one.slope,
                "ece": one.ece,
            }
            for one in risk.scores
        ],
        "findings": [
            {"check": one.check, "column": one.column, "is_fatal": one.is_fatal}
            for one in risk.findings
        ],
    }
