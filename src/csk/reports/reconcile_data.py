"""A reconciliation as plain JSON types, for `--report json`.

One rule: money is exact text in major units wherever it is a sum; quotients are numbers.
"""

from fractions import Fraction

from csk.analyses.reconcile import Reconciled
from csk.models.causes import Candidate
from csk.models.reconcile import Figure, Line, Step, is_money, metric
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings


def plain(result: Reconciled, settings: Settings) -> dict[str, object]:
    """Return every figure of every month with its causes."""
    span, found = result.book.span, result.found
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "currency": result.book.currency or None,
        "tax": settings.tax,
        "reconciliation": reconciled(result.book),
        "ours": result.ours,
        "theirs": result.theirs,
        "order": list(result.order),
        "found": None
        if found is None
        else {
            "causes": [_candidate(one) for one in found.chosen],
            "also": [[_candidate(one) for one in of] for of in found.also],
            "n_tried": found.n_tried,
            "n_told": len(result.lines),
            "n_differing": len(found.differing),
            "n_explained": len(found.explained),
            "n_broken": len(found.broken),
        },
        "not_tried": list(result.not_tried),
        "outside": [day.isoformat() for day in result.outside],
        "figures": [_line(line) for line in result.lines],
    }


def _candidate(one: Candidate) -> dict[str, object]:
    return {"cause": one.cause, "detail": one.detail or None}


def _line(line: Line) -> dict[str, object]:
    of = metric(line.metric_id)
    is_sum = of.unit == "money" and not of.variant.denominator
    up, down = is_money(of.variant.numerator), is_money(of.variant.denominator)
    return {
        "metric_id": line.metric_id,
        "period_on": line.period_on.isoformat(),
        "unit": of.unit,
        "ours": _figure(line.ours, is_sum=is_sum, up=up, down=down),
        "theirs": _figure(line.theirs, is_sum=is_sum, up=up, down=down),
        "difference": _number(line.difference, is_sum=is_sum),
        "causes": [_step(step, is_sum=is_sum, up=up, down=down) for step in line.steps],
    }


def _figure(figure: Figure, *, is_sum: bool, up: bool, down: bool) -> dict[str, object]:
    return {
        "value": _number(figure.value, is_sum=is_sum),
        "numerator": _number(figure.numerator, is_sum=up),
        "denominator": _number(figure.denominator, is_sum=down),
    }


def _step(step: Step, *, is_sum: bool, up: bool, down: bool) -> dict[str, object]:
    return {
        "cause": step.cause,
        "detail": step.detail or None,
        "n_customers": step.n_customers,
        "value": _number(step.value, is_sum=is_sum),
        "numerator": _number(step.numerator, is_sum=up),
        "denominator": _number(step.denominator, is_sum=down),
    }


def _number(value: Fraction | None, *, is_sum: bool) -> object:
    if value is None:
        return None
    if is_sum:
        return exact(round(value))
    return int(value) if value.denominator == 1 else float(value)
