"""Money in another unit is the same money."""

import polars as pl
import pytest

from csk.settings import Settings

MONEY = ("ltv_amount", "ltv_if_retained", "value_at_risk", "total_ltv_amount", "realised_amount")
TIMES = 100


@pytest.mark.parametrize(("kind", "error"), [("contract", 1e-9), ("shop", 1e-4)])
def test_scaling_money_scales_ltv_and_nothing_else(kind, error, book_of, company, value, as_of):
    tables = company(kind, 3)
    column = {"contract": "mrr_amount", "shop": "amount"}[kind]
    scaled = {
        name: [{k: v * TIMES if k == column else v for k, v in row.items()} for row in rows]
        for name, rows in tables.items()
    }
    chosen = Settings(as_of=as_of, discount_rate=0.08)
    here, there = (value(book_of(t), chosen).customers for t in (tables, scaled))
    for name in MONEY:
        left, right = here[name].cast(pl.Float64) * TIMES, there[name].cast(pl.Float64)
        assert ((left - right).abs() <= TIMES + error * right.abs()).all(), name
    assert (there["unit_price_amount"] / here["unit_price_amount"] / TIMES - 1).abs().max() <= error
    same = ["is_alive", "churned_on", "frequency", "duration_months", "discount_factor"]
    same += ["p_churn_30d", "p_churn_365d", "lifecycle_stage"]
    assert here.select(same).equals(there.select(same))
    assert there["ltv_amount"].sum() > 0
