import polars as pl
import pytest

from csk.models.risk.listing import at_stake, to_look_at

ROWS = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d", "e"],
        "mrr_amount": [10, 20, 30, None, 0],
        "value_at_risk": [5, 50, 9, None, 9],
        "net_benefit_amount": [7, -1, 3, None, 3],
        "p_churn_90d": [0.5, 0.25, 0.1, 0.9, 0.2],
        "is_control": [True, False, False, False, True],
    }
)


def test_whom_a_contact_pays_comes_first():
    # a and then, of equal benefit and value, the riskier; then by value at risk.
    found = [row["customer_id"] for row in to_look_at(ROWS, 9, 90)]
    assert found == ["a", "e", "c", "b", "d"]
    assert [row["customer_id"] for row in to_look_at(ROWS.reverse(), 2, 90)] == ["a", "e"]
    assert to_look_at(ROWS, 0, 90) == []


def test_what_is_at_stake_is_summed():
    found = at_stake(ROWS, 90)
    assert (found.mrr_amount, found.value_at_risk, found.n_control) == (60, 73, 2)
    assert found.mrr_expected_lost == pytest.approx(5 + 5 + 3)
    assert (found.n_paying, found.net_benefit_amount) == (3, 13)


def test_what_nobody_has_is_not_zero():
    names = ("mrr_amount", "value_at_risk", "net_benefit_amount")
    found = at_stake(ROWS.with_columns(pl.lit(None, pl.Int64).alias(name) for name in names), 90)
    assert [found.mrr_amount, found.value_at_risk, found.n_paying] == [None] * 3
    assert (found.net_benefit_amount, found.mrr_expected_lost) == (None, None)
