"""Floors of snapshot mode on cross-sections that nobody here wrote; docs name all five seeds."""

import pytest

from csk.cli.session import opened_book
from csk.models.risk.snapshot_mode import snapshot_risk
from csk.settings import Settings

LENGTH = {"cross_section": {"tenure_months": "account_length"}}


@pytest.fixture(scope="module")
def sections(real):
    def sections(name, columns=None):
        with opened_book(
            [str(real / name)], Settings(columns=columns or {}), quiet=True
        ) as session:
            book = session.book
            rows = session.engine.collect(
                book, lambda tables: tables["cross_section"], ["customer_id"]
            )
        return snapshot_risk(rows, seeds=(0,))

    return sections


def test_telco_reaches_its_floors(sections):
    found = sections("telco/Telco-Customer-Churn.csv")
    assert (found.n, found.n_events, len(found.used)) == (7_043, 1_869, 19)
    assert found.score.auc >= 0.847
    assert found.score.brier <= 0.1345
    assert found.score.ece / found.base_rate < 0.12
    # Above this it would be leakage.
    assert found.score.auc < 0.87
    assert [(one.check, one.column) for one in found.findings] == [
        ("encodes_tenure", "total_amount")
    ]


def test_phone_churn_is_left_to_the_trees(sections):
    found = sections("mlc_churn/mlc_churn.csv", LENGTH)
    assert (found.n, found.n_events, found.chosen) == (5_000, 707, "trees")
    assert found.score.auc >= 0.91
    said = {(one.check, one.column) for one in found.findings}
    charges = ("day", "eve", "night", "intl")
    assert said == {
        ("row_number", "rownames"),
        *(("collinear", f"total_{part}_charge") for part in charges),
    }


def test_saas_customers_are_told_apart(sections):
    found = sections("saas_snapshot/churn.csv")
    assert (found.n, found.n_events, found.verdict) == (2_000, 932, "sound")
    assert found.score.auc >= 0.90
