"""What monitoring reads of a run."""

import re
from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from csk.models.contract import Horizons
from csk.models.risk.alerts import Alert, Night
from csk.models.risk.ledger import Live
from csk.reports.churn_risk_metrics import log_entry, prometheus

DAY = date(2026, 1, 2)


@pytest.fixture
def result():
    """The parts of a result that monitoring reads."""
    money = {"value_at_risk": [10_000, 25_000], "mrr_amount": [1, 1], "net_benefit_amount": [1, 1]}
    customers = pl.DataFrame({"p_churn_30d": [0.25, 0.5], "is_control": [True, False], **money})
    span = SimpleNamespace(as_of=DAY, data_through=date(2026, 1, 1))
    return SimpleNamespace(
        book=SimpleNamespace(span=span, currency="JPY"),
        customers=customers,
        horizons=Horizons(DAY, (30,), 12),
        method="landmarks",
    )


@pytest.fixture
def night():
    """A night with an alert and one matured run of which the AUC cannot be told."""
    nan = float("nan")
    lived = Live(30, DAY, "m", False, 10, 0, 2.0, 3, 0.1, nan, nan, nan, nan, nan, 0.5)
    return Night((Alert("drift", "seats", 1, 0, 0),), (lived,), None, date(2025, 12, 1), False, 1)


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    pattern = r'(csk_churn_risk_[a-z_0-9]+)(\{[a-z]+="[^"]*"\})? (\S+)'
    found = [re.fullmatch(pattern, line) for line in lines]
    assert all(found), lines
    return {one[1] + (one[2] or ""): float(one[3]) for one in found}


def test_figures_are_gauges_with_help(result, night):
    text = prometheus(result, night)
    found = values(text)
    assert found["csk_churn_risk_customers"] == 2
    assert found['csk_churn_risk_expected_leavers{days="30"}'] == 0.75
    assert found['csk_churn_risk_value_at_risk{currency="JPY"}'] == 3.5
    assert found["csk_churn_risk_as_of_timestamp_seconds"] == 1767312000
    assert found["csk_churn_risk_as_of_timestamp_seconds"] % 86400 == 0
    assert found['csk_churn_risk_live_left_over_foretold{days="30"}'] == 1.5
    names = {name.split("{")[0] for name in found}
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} == names


def test_every_condition_has_its_line(result, night):
    found = values(prometheus(result, night))
    held = {name: v for name, v in found.items() if "_alert" in name}
    assert len(held) == 4
    assert [name for name, value in held.items() if value] == [
        'csk_churn_risk_alert{condition="drift"}'
    ]


def test_what_is_not_known_is_left_out(result, night):
    assert "live_auc" not in prometheus(result, night)
    alone = prometheus(result, None)
    assert "alert" not in alone
    assert "model_as_of" not in alone


def test_a_line_of_the_log_says_the_same(result, night):
    entry = log_entry(result, night)
    assert entry["alerts"] == ["drift"]
    assert (entry["as_of"], entry["customers"]) == ("2026-01-02", 2)
    assert entry["value_at_risk"] == "3.5000"
