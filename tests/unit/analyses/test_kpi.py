from datetime import date

import pytest

from csk.analyses.kpi import Line, in_unit, period_of, refuse_unknown
from csk.errors import UsageError
from csk.models.measures import Measured
from csk.tables.movements import Motion

DAY = date(2024, 1, 1)


def held(metric_id, value, target):
    now = Measured(metric_id, DAY, value)
    return Line(now, None, None, None if target is None else in_unit(metric_id, target))


@pytest.mark.parametrize(
    ("metric_id", "value", "target", "is_met"),
    [
        ("grr", 0.95, 0.9, True),
        ("grr", 0.9, 0.9, True),
        ("grr", 0.89, 0.9, False),
        ("customer_churn_rate", 0.02, 0.03, True),
        ("customer_churn_rate", 0.04, 0.03, False),
        ("mrr", 12 * 10_000, 11.5, True),
        ("cac", 12 * 10_000, 11.5, False),
        ("nps", 0.32, 30, True),
        ("nps", 0.32, 0.3, True),
        ("nps", 0.32, 35, False),
        ("nps", -0.1, 0, False),
        ("cac_payback", 10, 12, True),
        ("cac_payback", 13, 12, False),
        ("cac_payback", None, 12, False),
        ("quick_ratio", None, 4, None),
        ("grr", 0.9, None, None),
    ],
)
def test_a_target_is_met_or_missed(metric_id, value, target, is_met):
    assert held(metric_id, value, target).is_met is is_met


@pytest.mark.parametrize(
    ("day", "months", "year_starts", "wanted"),
    [
        ("2024-01-01", 1, 1, "2023-12-01"),
        ("2024-01-02", 1, 1, "2024-01-01"),
        ("2024-01-01", 3, 1, "2023-10-01"),
        ("2024-05-20", 3, 4, "2024-04-01"),
        ("2024-03-20", 12, 4, "2023-04-01"),
        ("2024-04-01", 12, 4, "2023-04-01"),
        ("2024-04-02", 12, 4, "2024-04-01"),
    ],
)
def test_a_day_stands_in_the_period_of_its_eve(day, months, year_starts, wanted):
    day = date.fromisoformat(day)
    motion = Motion(as_of=day, period_months=months, year_starts=year_starts)
    assert period_of(day, motion) == date.fromisoformat(wanted)


def test_a_metric_that_there_is_not_is_refused():
    refuse_unknown(["mrr", "nps"])
    with pytest.raises(UsageError, match="'churn'"):
        refuse_unknown(["mrr", "churn"])
