"""A segmentation as plain JSON types, for `--report json`.

One rule: money is exact text in major units, shares and factors are unrounded numbers.
"""

from dataclasses import asdict

from csk.analyses.segment import Segmentation, most_at_risk
from csk.models.contract import ContractFit
from csk.models.value import Factors
from csk.reports.reconciliation import exact, reconciled
from csk.settings import Settings


def plain(result: Segmentation, settings: Settings, top: int) -> dict[str, object]:
    """Return figures, tiers, groups and the customers most at risk."""
    f, span = result.figures, result.book.span
    return {
        "as_of": span.as_of.isoformat(),
        "data_from": span.data_from.isoformat(),
        "data_through": span.data_through.isoformat(),
        "is_complete": span.is_complete,
        "is_late_entry": span.is_late_entry,
        "warnings": list(span.notes),
        "currency": result.book.currency or None,
        "tax": settings.tax,
        "ltv_basis": result.ltv_basis,
        "ltv_horizon_months": settings.ltv_horizon,
        "discount_rate": settings.discount_rate,
        "risk_horizon_days": list(result.horizons.risk_days),
        "reconciliation": reconciled(result.book),
        "customers": {"n": f.n_customers, "alive": f.n_alive, "churned": f.n_churned},
        "mrr_amount": None if f.mrr_amount is None else exact(f.mrr_amount),
        "realised_amount": exact(f.realised_amount),
        "residual_ltv": {
            **_factors(f.ltv),
            "low": None if f.ltv_low is None else exact(round(f.ltv_low)),
            "high": None if f.ltv_high is None else exact(round(f.ltv_high)),
        },
        "total_ltv_amount": exact(f.total_ltv_amount),
        "value_at_risk": exact(f.value_at_risk),
        "p_churn": {f"{days}d": p for days, p in f.p_churn},
        "churn_rate_365d": {"value": f.churn_rate, "low": f.churn_low, "high": f.churn_high},
        "simple_ltv": None if f.simple_ltv is None else exact(round(f.simple_ltv)),
        "arpa_churn_ltv": None if f.arpa_churn_ltv is None else exact(round(f.arpa_churn_ltv)),
        "new_customers": [
            {**asdict(new), "ltv_amount": exact(round(new.ltv_amount))} for new in f.new_customers
        ],
        "tiers": _tiers(result),
        "model": _model(result),
        "rfm": None if result.rfm is None else asdict(result.rfm),
        "change": None if result.change is None else _change(result),
        "most_at_risk": _most_at_risk(result, top),
    }


def _factors(factors: Factors) -> dict[str, object]:
    return {**asdict(factors), "ltv_amount": exact(factors.ltv_amount)}


def _tiers(result: Segmentation) -> dict[str, object]:
    plan = result.plan
    return {
        "method": plan.method,
        "budget_amount": None if plan.budget is None else exact(plan.budget),
        "spend_amount": exact(plan.spend) if plan.costs else None,
        "gain_amount": exact(round(plan.gain)) if plan.costs else None,
        "bound_amount": exact(round(plan.bound)) if plan.costs else None,
        "rows": [
            {
                "tier": None if row.tier == "none" else row.tier,
                "n": row.n,
                "ltv_share": row.ltv_share,
                "factors": _factors(row.factors),
                "value_at_risk": exact(row.value_at_risk),
                "spend_amount": None if row.spend is None else exact(row.spend),
            }
            for row in result.tier_rows
        ],
    }


def _model(result: Segmentation) -> dict[str, object]:
    fit = result.fit
    if isinstance(fit, ContractFit):
        curves = [
            {
                "group": curve.group or None,
                "term_months": curve.term_months,
                "n_events": curve.n_events,
                "family": curve.family,
                "weights": dict(curve.weights),
            }
            for curve in fit.curves
        ]
        return {"kind": "contract", "n_events": fit.n_events, "curves": curves}
    limits = [
        {"days": w.days, "is_extrapolated": w.is_extrapolated, "is_pooled": w.is_pooled}
        for w in fit.silence.limits
    ]
    p = fit.purchases
    return {
        "kind": "repeat",
        "n_events": fit.n_events,
        "silence_limits": limits,
        "bg_nbd": {"r": p.r, "alpha_days": p.alpha, "a": p.a, "b": p.b},
        "is_at_bound": p.is_at_bound,
    }


def _change(result: Segmentation) -> dict[str, object]:
    change = result.change
    if change is None:
        return {}
    return {
        "as_of": change.as_of.isoformat(),
        "ltv_before": exact(change.ltv_before),
        "ltv_now": exact(change.ltv_now),
        "n_new": change.n_new,
        "n_missing": change.n_missing,
        "moves": [list(move) for move in change.moves],
    }


def _most_at_risk(result: Segmentation, top: int) -> list[dict[str, object]]:
    risk = f"p_churn_{result.risk_days}d"
    return [
        {
            "customer_id": row["customer_id"],
            "tier": row["tier"],
            "lifecycle_stage": row["lifecycle_stage"],
            risk: row[risk],
            "ltv_if_retained": exact(row["ltv_if_retained"]),
            "value_at_risk": exact(row["value_at_risk"]),
        }
        for row in most_at_risk(result, top)
    ]
