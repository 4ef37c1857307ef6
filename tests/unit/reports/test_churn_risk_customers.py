"""Reasons and figures of single customers, as people read them."""

import math
from types import SimpleNamespace

import polars as pl
import pytest

from csk.reports.churn_risk_customers import customers, feature_name, feature_value, reasons
from csk.reports.figures import NOTHING, amount
from csk.settings import Settings
from csk.text import words

SAY = words()

VALUES = [
    ("usage_to_baseline", math.log(0.5), "-50%"),
    ("price_to_list", math.log(1.1), "+10%"),
    ("mrr_change_28d", 0.0, "+0%"),
    ("usage_to_previous", 1e6, feature_value("usage_to_previous", 20.0, "USD")),
    ("top_feature_share_28d", 0.756, "76%"),
    ("mrr", 1234.5, amount(12_345_000, "USD")),
    ("tickets_open", 3.0, "3"),
    ("usage_28d", 3.25, "3.2"),
    ("usage_28d", 12.75, "13"),
    ("usage_28d", 12_345.6, "12,346"),
    ("seats", float("inf"), NOTHING),
    ("seats", float("nan"), NOTHING),
]


@pytest.mark.parametrize(("name", "value", "shown"), VALUES)
def test_a_value_is_shown_in_the_units_of_people(name, value, shown):
    assert feature_value(name, value, "USD") == shown


def test_a_feature_without_words_goes_by_its_name():
    assert feature_name("horoscope", SAY) == "horoscope"
    assert feature_name("usage_28d", SAY) == SAY("risk.feature.usage_28d")
    assert feature_name("usage", SAY) == SAY("risk.group.usage")


def reason(place, group, feature=None, value=None, median=None, direction="up"):
    named = {"": group, "_feature": feature, "_value": value, "_median": median}
    return {f"reason_{place}{part}": x for part, x in {**named, "_direction": direction}.items()}


TOLD = [
    ({}, []),
    (reason(1, "tickets", "tickets_open", 3.0, 1.0), ["+ {tickets_open} 3 (1)"]),
    (reason(1, "tickets", "tickets_open", 3.0), ["+ {tickets_open} 3"]),
    (reason(1, "tickets", "tickets_open"), ["+ {tickets_open} unknown"]),
    (reason(1, "tickets", "tickets_open", 0.0, 1.0, "down"), ["- {tickets_open} 0 (1)"]),
    ({**reason(1, "plan"), "plan": "basic"}, ["+ plan basic"]),
    (reason(2, "seats", "seats", 5.0, 9.0), ["+ {seats} 5 (9)"]),
    (
        {**reason(1, "seats", "seats", 5.0), **reason(3, "tickets", "tickets_open", 1.0)},
        ["+ {seats} 5", "+ {tickets_open} 1"],
    ),
]


@pytest.mark.parametrize(("row", "expected"), TOLD)
def test_reasons_are_told_in_order_with_what_is_usual(row, expected):
    names = {name: feature_name(name, SAY) for name in ("tickets_open", "seats")}
    assert reasons(row, "USD", SAY) == [line.format(**names) for line in expected]


def result(**changed):
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "owner": ["Kim", None, "Lee"],
            "p_churn_90d": [0.5, 0.25, 0.125],
            "p_churn_change": pl.Series([None, 0.051, -0.2], dtype=pl.Float64),
            "value_at_risk": [30_000, 20_000, 10_000],
            "net_benefit_amount": [20_000, 10_000, -10_000],
            "is_control": [False, True, False],
            **{
                name: [None, value, None]
                for name, value in reason(1, "seats", "seats", 5.0).items()
            },
            **{name: [None, value, None] for name, value in reason(2, "plan").items()},
            "plan": ["x", "y", "z"],
            **changed,
        }
    )
    return SimpleNamespace(
        customers=frame,
        book=SimpleNamespace(currency="USD", is_contractual=True),
        horizons=SimpleNamespace(retained_days=90),
        method="landmarks",
        model=None,
    )


def grid(of, top=10):
    return customers(of, Settings(keep=("owner", "nowhere")), SAY, top)[-1]


def test_every_customer_has_a_line_and_each_further_reason_one_more():
    rows = grid(result()).rows
    assert [row[0] for row in rows] == ["a", "b", "", "c"]
    assert [row[1] for row in rows] == ["Kim", "", "", "Lee"]
    assert rows[1][-1] == f"+ {feature_name('seats', SAY)} 5"
    assert rows[2][:-1] == ("",) * (len(rows[2]) - 1)


def test_a_change_is_told_in_points_where_there_is_one_at_all():
    titles = [column.title for column in grid(result()).columns]
    at = titles.index(SAY("risk.change"))
    assert [row[at] for row in grid(result()).rows if row[0]][1:] == ["+5.1", "-20.0"]
    first = result(p_churn_change=pl.Series([None] * 3, dtype=pl.Float64))
    assert SAY("risk.change") not in [column.title for column in grid(first).columns]


def test_who_is_left_alone_has_that_in_place_of_what_a_contact_brings():
    rows = [row for row in grid(result()).rows if row[0]]
    assert [SAY("risk.left_alone") in row for row in rows] == [False, True, False]


@pytest.mark.parametrize("top", [1, 2, 3, 9])
def test_no_more_are_named_than_asked_for(top):
    assert len([row for row in grid(result(), top).rows if row[0]]) == min(top, 3)


def test_nobody_is_no_table():
    assert customers(result(), Settings(), SAY, 0) == []
