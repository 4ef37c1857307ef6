"""The report of `csk churn-risk`: how many will leave, whom to call and why, and how sure it is.

One rule: a chance is told with what was made of such chances before, or that nothing is known
of it.
"""

from typing import Final

from csk.analyses.churn_risk import ChurnRisk
from csk.models.risk.alerts import MISSING, UNSEEN, Alert, Night
from csk.models.risk.listing import AtStake, at_stake
from csk.models.risk.model import RiskModel
from csk.reports import churn_risk_checks as checks
from csk.reports import churn_risk_customers as customers
from csk.reports.blocks import Block, Figure, Figures, Heading, Note, Report
from csk.reports.churn_risk_data import plain
from csk.reports.figures import amount, count, number, share
from csk.reports.reconciliation import first_line, reconciliation
from csk.reports.wording import listed, running
from csk.schema.features import FEATURES, TOUCHES
from csk.settings import Settings
from csk.text import Words

LATE_DAYS: Final = 7
"""Days without data before the day as of which is scored that are let pass."""


def report(
    result: ChurnRisk,
    settings: Settings,
    say: Words,
    top: int = 10,
    night: Night | None = None,
    *,
    is_whole: bool = False,
) -> Report:
    """Put risks into words; `top` customers are named, and where `is_whole` every origin is."""
    blocks: list[Block] = [
        *reconciliation(result.book, say),
        *_alerts(night, say),
        *_warnings(result, say),
        *_book(result, settings, say, night),
        *customers.customers(result, settings, say, top),
        *checks.validation(result, say, is_whole=is_whole),
        *checks.live(night, say),
    ]
    return Report(
        title=say("risk.title"),
        first_line=first_line(result.book, settings, "", say),
        blocks=tuple(blocks),
        data=plain(result, settings, top, night, say),
    )


def summary(result: ChurnRisk, say: Words, night: Night | None = None) -> str:
    """Return the run in one line: customers, who is expected to leave, what is at stake, alerts."""
    days = result.horizons.retained_days
    text = say(
        "risk.summary",
        day=result.book.span.as_of.isoformat(),
        n=count(result.customers.height),
        left=number(expected(result, days), 1),
        days=str(days),
        amount=amount(at_stake(result.customers, days).value_at_risk, result.book.currency),
    )
    if night is None:
        return text
    held = [alert_words(one, say) for one in night.alerts] or [say("risk.no_alerts")]
    return running([text, *held], say)


def expected(result: ChurnRisk, days: int) -> float:
    """Return how many customers are expected to leave within a horizon."""
    return float(result.customers[f"p_churn_{days}d"].sum() or 0.0)


def alert_words(alert: Alert, say: Words) -> str:
    """Put an alert into a sentence."""
    key = alert.condition
    if key == "volume":
        key = "volume_customers" if alert.what == "customers" else "volume_events"
    if key == "drift" and alert.aspect in (MISSING, UNSEEN):
        return say(
            f"risk.alert_drift_{alert.aspect}",
            what=_what(alert, say),
            value=share(alert.value),
            expected=share(max(alert.expected, 0.0)),
        )
    is_share = key == "drift"
    is_sum = key == "calibration"
    return say(
        f"risk.alert_{key}",
        what=_what(alert, say),
        value=number(alert.value, 3) if is_share else count(round(alert.value)),
        expected=number(alert.expected, 1 if is_sum else 0),
        limit=number(alert.limit, 3) if is_share else count(round(alert.limit)),
        day=alert.on.isoformat() if alert.on else "",
    )


def _what(alert: Alert, say: Words) -> str:
    if alert.condition == "drift":
        return customers.feature_name(alert.what, say)
    return alert.what


def _alerts(night: Night | None, say: Words) -> list[Block]:
    if night is None:
        return []
    return [Note(alert_words(one, say), "warn") for one in night.alerts]


def _warnings(result: ChurnRisk, say: Words) -> list[Block]:
    span = result.book.span
    notes = [say(f"note.{key}", day=span.data_from.isoformat()) for key in span.notes]
    late = (span.as_of - span.data_through).days - 1
    if late > LATE_DAYS:
        notes.append(say("risk.ends_early", day=span.data_through.isoformat(), n=count(late)))
    notes += [say(f"risk.note_{key}", n=_ends(result)) for key in result.notes]
    of = count(result.early.get("n_rows", 0))
    for name in ("before", "stranger"):
        if n := result.early.get(f"n_{name}"):
            notes.append(say(f"risk.usage_{name}", n=count(n), of=of))
    return [Note(text, "warn") for text in notes]


def _ends(result: ChurnRisk) -> str:
    """Return how many ends the risks rest on."""
    known = result.customers["n_events"].drop_nulls()
    return count(0 if known.is_empty() else int(known[0]))


def _book(result: ChurnRisk, settings: Settings, say: Words, night: Night | None) -> list[Block]:
    currency, longest = result.book.currency, result.horizons.retained_days
    sums = at_stake(result.customers, longest)
    n = count(result.customers.height)
    figures = [Figure(say("risk.scored"), n, _control(sums, settings, say))]
    if sums.mrr_amount is not None:
        lost = amount(sums.mrr_expected_lost, currency)
        remark = say("risk.mrr_remark", amount=lost, days=str(longest))
        figures.append(Figure(say("risk.mrr"), amount(sums.mrr_amount, currency), remark))
    figures += [_leaving(result, days, say) for days in sorted(result.horizons.risk_days)]
    figures.append(
        Figure(
            say("risk.value_at_risk"),
            amount(sums.value_at_risk, currency),
            say("risk.value_at_risk_remark", days=str(longest)),
        )
    )
    if sums.n_paying is not None:
        is_free = not (settings.contact.offer_amount or settings.contact.contact_amount)
        key = "risk.pays_free" if is_free else "risk.pays_remark"
        brings = say(key, amount=amount(sums.net_benefit_amount, currency))
        figures.append(Figure(say("risk.pays"), count(sums.n_paying), brings))
    blocks: list[Block] = [Heading(say("risk.book")), Figures(tuple(figures))]
    return [*blocks, *_method(result, say, night)]


def _control(sums: AtStake, settings: Settings, say: Words) -> str:
    if not settings.control.share:
        return say("risk.no_control")
    return say("risk.control", n=count(sums.n_control))


def _leaving(result: ChurnRisk, days: int, say: Words) -> Figure:
    n = expected(result, days)
    mean = share(n / result.customers.height) if result.customers.height else share(None)
    return Figure(say("risk.leave", days=str(days)), number(n, 1), say("risk.leave_remark", p=mean))


def _groups(model: RiskModel, say: Words) -> str:
    """Name what the model knows of customers, in the order of the features."""
    known = {measure.name for measure in model.box.recipe.measures}
    groups = ["plan", *(one.group for one in (*FEATURES, *TOUCHES) if one.name in known)]
    return listed([say(f"risk.group.{name}") for name in dict.fromkeys(groups)], say)


def _method(result: ChurnRisk, say: Words, night: Night | None) -> list[Block]:
    """Say what scored, and since when it is kept."""
    if result.model is None:
        return [Note(say(f"risk.method_{result.method}")), Note(say("risk.no_bounds"), "warn")]
    method = say("risk.method_landmarks", groups=_groups(result.model, say))
    facts = result.model.facts
    fitted = say(
        "risk.fitted",
        n=count(facts.n_customers),
        events=count(facts.n_events),
        day=facts.as_of.isoformat(),
        model=say(f"risk.model_{result.model.chosen}"),
    )
    kept = []
    if night is not None:
        key = "risk.run_first" if night.previous is None else "risk.run_next"
        day = night.previous.isoformat() if night.previous else ""
        kept = [Note(say(key, n=count(night.n_runs), day=day))]
    return [Note(running([method, fitted], say)), *kept]
