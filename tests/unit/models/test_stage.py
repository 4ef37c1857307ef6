from datetime import date, timedelta

import polars as pl
import pytest

from csk.models.stage import staged
from csk.settings import Stages

AS_OF = date(2024, 1, 1)
OTHERS = [{"is_alive": True, "p_churn_90d": 0.1, "days": 900} for _ in range(8)]


def contracts(*rows):
    """Stage customers under contract; the last are eight ordinary ones at a risk of 0.1."""
    defaults = {"is_alive": True, "p_churn_90d": 0.1, "mrr_amount": 5, "earlier_mrr_amount": 5}
    frame = pl.DataFrame([{**defaults, **row} for row in [*rows, *OTHERS]]).with_columns(
        customer_since_on=AS_OF - pl.duration(days=pl.col("days")), spell_no=1
    )
    return staged(frame, Stages(), "p_churn_90d", AS_OF)["lifecycle_stage"][: len(rows)].to_list()


@pytest.mark.parametrize(
    ("row", "stage"),
    [
        ({"days": 10, "is_alive": False, "p_churn_90d": None}, "churned"),
        ({"days": 10, "p_churn_90d": 0.9}, "at-risk"),
        ({"days": 0}, "onboarding"),
        ({"days": 89}, "onboarding"),
        ({"days": 90}, "adopting"),
        ({"days": 179}, "adopting"),
        ({"days": 180}, "retained"),
        ({"days": 100, "mrr_amount": 6}, "expanding"),
        ({"days": 500, "mrr_amount": 6}, "expanding"),
        ({"days": 10, "mrr_amount": 6}, "onboarding"),
        ({"days": 500, "mrr_amount": 4}, "retained"),
        ({"days": 500, "earlier_mrr_amount": None}, "retained"),
    ],
)
def test_the_first_stage_that_fits_is_taken(row, stage):
    assert contracts(row) == [stage]


def shops(*rows):
    defaults = {"is_alive": True, "p_churn_90d": 0.1, "n_purchases": 5}
    frame = pl.DataFrame([{**defaults, **row} for row in rows]).with_columns(
        customer_since_on=pl.lit(AS_OF - timedelta(days=900))
    )
    return staged(frame, Stages(), "p_churn_90d", AS_OF)["lifecycle_stage"].to_list()


@pytest.mark.parametrize(
    ("n", "stage"), [(0, "onboarding"), (1, "onboarding"), (2, "adopting"), (3, "retained")]
)
def test_purchases_tell_the_stage_of_a_buyer(n, stage):
    assert shops({"n_purchases": n}) == [stage]


def test_nobody_is_at_risk_where_nobody_leaves():
    assert shops(*[{"p_churn_90d": 0.0}] * 3) == ["retained"] * 3


def test_a_threshold_of_risk_is_a_multiple_of_the_mean():
    """The mean over those alive is 0.2, and twice that is at risk."""
    risks = [0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 0.4, 0.3]
    found = shops(*({"p_churn_90d": risk} for risk in risks), {"is_alive": False, "p_churn_90d": 1})
    assert found == ["retained"] * 5 + ["at-risk"] * 2 + ["retained", "churned"]
