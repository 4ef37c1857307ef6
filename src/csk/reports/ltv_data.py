"""LTV as plain JSON types, for `--report json`.

One rule: money is exact text in major units, shares and factors are unrounded numbers.
"""

from dataclasses import asdict

from csk.analyses.ltv import Ltv, is_cut, most_worth
from csk.models.outlook import Bounds
from csk.models.value import Factors
from csk.models.worth import Worth
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings


def plain(result: Ltv, settings: Settings, top: int) -> dict[str, object]:
    """Return the book, the groups, the formulas and the customers with most LTV."""
    span, cut = result.book.span, is_cut(result)
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "warnings": list(span.notes),
        "payments_from": cut.isoformat() if cut else None,
        "currency": result.book.currency or None,
        "tax": settings.tax,
        "ltv_basis": result.standing.basis,
        "ltv_horizon_months": settings.ltv_horizon,
        "discount_rate": settings.discount_rate,
        "timing": "end" if result.choice.is_in_arrears else "start",
        "survival_by": settings.by if result.book.is_contractual else None,
        "reconciliation": reconciled(result.book),
        "book": _worth(result.whole),
        "dimension": result.choice.by or None,
        "groups": [_worth(one) for one in result.groups],
        "formulas": _formulas(result),
        "flags": dict(result.flags),
        "most_worth": _most_worth(result, top),
    }


def _worth(one: Worth) -> dict[str, object]:
    new, cost = one.newcomer, one.cost.value
    return {
        "group": one.group or None,
        "n": one.n,
        "n_alive": one.n_alive,
        "realised_amount": exact(one.realised_amount),
        "realised_margin_amount": exact(one.realised_margin_amount),
        "residual": {
            **_factors(one.factors),
            "parameter_interval": _bounds(one.bounds),
            "predictive_interval": _bounds(one.predicted),
            "tail_share": one.tail_share,
            "n_expected": one.n_expected,
        },
        "total_ltv_amount": exact(one.total_ltv_amount),
        "p_alive": one.p_alive,
        "new_customer": None
        if new is None
        else {
            **_factors(new.factors),
            "ltv_amount": exact(round(new.ltv_amount)),
            "own_share": new.own_share,
            "brought_by_month": [exact(round(sum_)) for sum_ in new.brought],
        },
        "cohort_brought_by_month": None
        if one.came is None
        else [exact(round(sum_)) for sum_ in one.came.brought],
        "cac_amount": None if cost is None else exact(round(cost)),
        "n_cac": one.cost.denominator,
        "ltv_cac": one.ltv_cac,
        "payback_months": one.payback_months,
    }


def _factors(of: Factors) -> dict[str, object]:
    return {**asdict(of), "ltv_amount": exact(of.ltv_amount)}


def _bounds(of: Bounds | None) -> dict[str, object] | None:
    if of is None:
        return None
    return {"low": exact(round(of.low)), "high": exact(round(of.high)), "level": 0.95}


def _formulas(result: Ltv) -> dict[str, object]:
    of = result.formulas
    values = {
        "expected": of.expected,
        "simple": of.simple,
        "arpa_churn": of.arpa_churn,
        "recurly": of.recurly,
        "realised": of.realised,
        "realised_gone": of.realised_gone,
        "monthly_margin": of.monthly_margin,
    }
    return {
        **{name: None if v is None else exact(round(v)) for name, v in values.items()},
        "steps_to_arpa_churn": {name: exact(round(change)) for name, change in of.steps},
        "arpa_churn_by_count": {
            one.name: {
                "churn_rate_365d": one.yearly,
                "amount": None if one.amount is None else exact(round(one.amount)),
            }
            for one in of.counted
        },
        "new_share": of.new_share,
    }


def _most_worth(result: Ltv, top: int) -> list[dict[str, object]]:
    money = ("ltv_amount", "ltv_low", "ltv_high", "total_ltv_amount")
    numbers = ("unit_price_amount", "duration_months", "n_expected", "tail_share")
    rows: list[dict[str, object]] = []
    for row in most_worth(result, top):
        next_on = row["next_purchase_on"]
        rows.append(
            {
                "customer_id": row["customer_id"],
                **{key: exact(v) if isinstance(v := row[key], int) else None for key in money},
                **{key: row[key] for key in numbers},
                "p_alive": row.get("p_alive"),
                "next_purchase_on": None if next_on is None else str(next_on),
                "flags": row["flags"],
            }
        )
    return rows
