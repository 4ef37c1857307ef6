"""Who is up for renewal in May 2024, contract by contract."""

from datetime import date

import polars as pl
import pytest

from csk.tables.movements import Motion
from csk.tables.renewals import renewals

AS_OF = date(2024, 7, 1)
MAY, JUNE = date(2024, 5, 1), date(2024, 6, 1)


def due(contracts, end_on=JUNE, as_of=AS_OF, level="customer", plan="a"):
    """Return who was up and who of them left, of contracts (customer, start, end, term)."""
    schema = {
        "customer_id": pl.String,
        "started_on": pl.Date,
        "ended_on": pl.Date,
        "term_months": pl.Int64,
        "mrr_amount": pl.Int64,
        "plan": pl.String,
        "cancel_reason": pl.String,
    }
    rows = [(*contract, 10, plan, None) for contract in contracts]
    frame = pl.DataFrame(rows, schema=schema, orient="row").lazy()
    summary = renewals(Motion(as_of, level=level), MAY, end_on)
    found = summary({"subscriptions": frame}).collect()
    return found.select("n_due", "n_due_churn").sum().row(0)


@pytest.mark.parametrize(
    ("contract", "wanted"),
    [
        (("p", date(2023, 5, 17), None, 12), (1, 0)),  # the year ends on 17 May
        (("p", date(2023, 6, 17), None, 12), (0, 0)),  # not yet
        (("p", date(2022, 5, 17), None, 12), (1, 0)),  # the second year does
        (("p", date(2024, 4, 17), None, 1), (1, 0)),  # every month
        (("p", date(2024, 5, 2), None, 1), (0, 0)),  # not there at the start
        (("p", date(2024, 2, 17), None, 3), (1, 0)),
        (("p", date(2024, 3, 17), None, 3), (0, 0)),
        (("p", date(2024, 1, 31), None, 4), (1, 0)),  # 31 May
        (("p", date(2023, 11, 30), None, 3), (1, 0)),  # 30 May
        (("p", date(2023, 5, 17), date(2024, 5, 17), 12), (1, 1)),  # left as it ended
        (("p", date(2023, 5, 17), date(2024, 5, 28), 12), (1, 1)),
        (("p", date(2023, 5, 17), date(2024, 5, 9), 12), (0, 0)),  # left before it did
        (("p", date(2023, 5, 17), date(2024, 6, 9), 12), (1, 0)),
    ],
)
def test_a_contract_is_up_when_a_term_of_it_ends(contract, wanted):
    assert due([contract]) == wanted


def test_a_customer_with_two_contracts_is_up_once():
    contracts = [("p", date(2023, 5, 17), None, 12), ("p", date(2024, 1, 2), None, 1)]
    assert due([*contracts, ("q", date(2023, 5, 17), None, 12)]) == (2, 0)


def test_who_keeps_another_contract_did_not_leave():
    gone = ("p", date(2023, 5, 17), date(2024, 5, 17), 12)
    assert due([gone, ("p", date(2023, 8, 2), None, 12)]) == (1, 0)


@pytest.mark.parametrize("level", ["customer", "subscription", "product"])
@pytest.mark.parametrize("plan", ["a", None])
def test_files_without_plans_or_contract_ids_have_renewals_too(level, plan):
    gone = ("p", date(2023, 5, 17), date(2024, 5, 17), 12)
    contracts = [gone, ("q", date(2023, 5, 17), None, 12)]
    assert due(contracts, level=level, plan=plan) == (2, 1)


def test_a_longer_time_has_more_renewals():
    contracts = [(f"p{month}", date(2023, month, 9), None, 12) for month in range(5, 11)]
    assert [due(contracts, end) for end in (JUNE, date(2024, 8, 1))] == [(1, 0), (2, 0)]
    assert due(contracts, date(2024, 8, 1), date(2024, 9, 1)) == (3, 0)
