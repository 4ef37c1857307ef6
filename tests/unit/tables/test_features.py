from datetime import UTC, date, datetime, timedelta
from math import log

import polars as pl
import pytest

from csk.schema.features import FEATURES, GROUPS, TOUCHES
from csk.tables.known import Known
from csk.tables.landmarks import panel
from csk.tables.market import feature_users, list_prices, popular_features, unit_prices

FROM, DAY = date(2022, 1, 1), date(2024, 1, 1)
CONTRACT = {
    "customer_id": "c",
    "started_on": date(2023, 1, 1),
    "ended_on": None,
    "mrr_amount": 300_000,
    "plan": "a",
    "term_months": 1,
    "cancel_reason": None,
}


def ago(days):
    return DAY - timedelta(days=days)


def instant(days, hour=0):
    on = ago(days)
    return datetime(on.year, on.month, on.day, hour, tzinfo=UTC)


@pytest.fixture
def told(tables_of):
    """Give the features of one customer on DAY; `contract` changes its one contract."""

    def found(contract=None, contracts=(), known=None, failed=(), **tables):
        rows = [{**CONTRACT, **(contract or {})}, *({**CONTRACT, **one} for one in contracts)]
        given = {
            name: [{"customer_id": "c", **one} for one in events] for name, events in tables.items()
        }
        opened = tables_of(subscriptions=rows, **given)
        if failed:
            opened["failed_payments"] = pl.LazyFrame(
                {"customer_id": "c", "failed_on": list(failed)}
            )
        return (
            panel(opened, (DAY,), DAY, FROM, 1, (), known or Known()).collect().row(0, named=True)
        )

    return found


def used(*events):
    return [{"used_at": instant(days), "feature": f, "quantity": q} for days, f, q in events]


def near(value):
    return pytest.approx(value, rel=1e-9)


def test_every_feature_is_of_a_group_and_has_a_meaning():
    assert {one.group for one in FEATURES} == set(GROUPS)
    assert len({one.name for one in (*FEATURES, *TOUCHES)}) == len(FEATURES) + len(TOUCHES)
    for one in (*FEATURES, *TOUCHES):
        assert one.better in ("higher", "lower", "neither")
        assert one.scale in ("linear", "log")
        assert one.definition.endswith(".")


def test_what_the_book_lacks_is_no_column(told):
    groups = {one.group for one in FEATURES if one.name in told()}
    assert groups == {"price", "renewal", "tenure"}


def test_usage_is_held_against_the_period_before_and_the_own_baseline(told):
    found = told(usage=used((1, "x", 6.0), (28, "y", 3.0), (29, "x", 4.0), (57, "x", 2.0)))
    assert found["usage_28d"] == 9
    assert found["usage_to_previous"] == near(log(10 / 5))
    # Six periods before, of which four are empty.
    assert found["usage_to_baseline"] == near(log(10 / 2))
    assert found["days_since_use"] == 1
    assert found["features_used_28d"] == 2
    assert found["top_feature_share_28d"] == near(6 / 9)


@pytest.mark.parametrize(
    ("started", "expected"),
    [(28, 6.0), (14, 12.0), (7, 24.0), (1, 24.0), (400, 6.0)],
)
def test_usage_of_a_short_history_is_scaled_to_28_days(told, started, expected):
    found = told({"started_on": ago(started)}, usage=used((1, "x", 6.0)))
    assert found["usage_28d"] == near(expected)


def test_usage_before_the_contract_counts_its_days(told):
    # On trial for 20 days before the contract began: 21 days of use, not 1.
    found = told({"started_on": ago(1)}, usage=used((21, "x", 3.0), (1, "x", 3.0)))
    assert found["usage_28d"] == near(6 * 28 / 21)


def test_nothing_is_compared_with_a_time_before_the_spell_or_the_log(told):
    events = used((1, "x", 6.0), (40, "x", 5.0))
    assert told({"started_on": ago(30)}, usage=events)["usage_to_previous"] is None
    young = Known(begun={"usage": ago(30)})
    assert told(usage=events, known=young)["usage_to_baseline"] is None
    assert told(usage=events, known=Known(begun={"usage": ago(3)}))["usage_28d"] is None


@pytest.mark.parametrize(
    ("started", "last", "days"),
    [(300, 1, 1), (300, 100, 100), (300, 196, 196), (300, 250, 196), (50, 100, 50)],
)
def test_days_since_use_end_at_196_or_with_the_spell(told, started, last, days):
    found = told({"started_on": ago(started)}, usage=used((last, "x", 1.0)))
    assert found["days_since_use"] == days


def test_a_customer_who_never_used_anything_is_told_so(told):
    events = [{**one, "customer_id": "other"} for one in used((1, "x", 1.0))]
    found = told(usage=events)
    assert found["usage_28d"] == 0
    assert found["days_since_use"] == 196
    assert found["top_feature_share_28d"] is None


def test_popular_features_of_the_plan_that_were_not_used_are_counted(told):
    known = Known(popular={"a": ("login", "report", "export"), "b": ("other",)})
    # Used 150 days before is used; 200 days before is forgotten.
    events = used((150, "login", 1.0), (200, "report", 1.0), (2, "rare", 1.0))
    assert told(usage=events, known=known)["features_unused"] == 2
    assert told({"plan": None}, usage=events, known=known)["features_unused"] == 0


def test_people_are_counted_once_and_per_seat(told):
    events = [{**one, "user_id": user} for one, user in
              zip(used(*[(n, "x", 2.0) for n in (1, 2, 3, 40)]), "uuvw", strict=True)]  # fmt: skip
    found = told({"quantity": 4.0}, usage=events)
    assert [found["active_users_28d"], found["active_users_per_seat"]] == [2, 0.5]
    assert [found["seats"], found["usage_per_seat_28d"]] == [4, 1.5]


def test_tickets_are_open_until_the_day_on_which_they_are_closed_is_over(told):
    tickets = [
        {"opened_at": instant(1, 9), "closed_at": None, "severity": "P1"},
        {"opened_at": instant(28), "closed_at": instant(-5), "severity": "low"},
        {"opened_at": instant(80), "closed_at": instant(0), "severity": "Critical"},
        {"opened_at": instant(90), "closed_at": instant(1, 23), "severity": "high"},
        {"opened_at": instant(91), "closed_at": None, "severity": None},
        {"opened_at": instant(0), "closed_at": None, "severity": "high"},
    ]
    found = told(tickets=tickets)
    names = ("tickets_28d", "tickets_90d", "tickets_open", "oldest_ticket_days", "severe_open")
    assert [found[name] for name in names] == [2, 4, 4, 91, 2]


def test_counts_of_a_young_log_are_scaled(told):
    tickets = [{"opened_at": instant(3), "closed_at": instant(2), "severity": "low"}]
    found = told(tickets=tickets, known=Known(begun={"tickets": ago(45)}))
    assert [found["tickets_28d"], found["tickets_90d"]] == [1, 2]


def test_payments_tell_the_last_one_refunds_and_failures(told):
    paid = [(200, 5), (40, 5), (89, -5), (90, -1), (91, -1), (0, 5)]
    payments = [{"paid_on": ago(days), "amount": amount} for days, amount in paid]
    failed = [ago(days) for days in (1, 1, 35, 36, 90, 91, 0)]
    found = told(payments=payments, failed=failed)
    names = ("days_since_payment", "refunds_90d", "failed_payments_35d", "failed_payments_90d")
    assert [found[name] for name in names] == [40, 2, 2, 4]


def test_price_is_held_against_the_list_and_the_past(told):
    known = Known(list_prices={"a": 50_000})
    past = {"started_on": date(2022, 6, 1), "ended_on": ago(100), "mrr_amount": 150_000}
    found = told(
        {"started_on": ago(100), "quantity": 3.0}, [{**past, "quantity": 1.0}], known=known
    )
    assert found["mrr"] == 30
    assert found["price_to_list"] == near(log(100_000 / 50_000))
    assert found["mrr_change_28d"] == 0
    assert found["mrr_change_180d"] == near(log(2))
    assert found["seats_change_180d"] == near(log(3))
    assert found["days_since_price_change"] == 100


def test_a_contract_renewed_at_its_price_is_no_change(told):
    past = {"started_on": date(2022, 6, 1), "ended_on": CONTRACT["started_on"]}
    found = told(contracts=[past])
    assert found["days_since_price_change"] == (DAY - date(2022, 6, 1)).days
    assert found["tenure_days"] == found["days_since_price_change"]


@pytest.mark.parametrize(
    ("started_on", "term", "to_renewal", "so_far"),
    [
        (date(2023, 1, 1), 1, 0, 11),
        (date(2023, 12, 31), 1, 30, 0),
        (date(2023, 11, 30), 1, 29, 1),
        (date(2023, 8, 31), 6, 59, 0),
        (date(2022, 1, 1), 12, 0, 1),
        (date(2021, 12, 31), 12, 365, 2),
    ],
)
def test_the_renewal_ahead_is_that_of_the_calendar(told, started_on, term, to_renewal, so_far):
    found = told({"started_on": started_on, "term_months": term})
    assert [found["days_to_renewal"], found["renewals_so_far"]] == [to_renewal, so_far]
    assert found["term_length"] == term


def test_whoever_came_back_is_told_how_long_they_were_away(told):
    past = {"started_on": date(2022, 1, 1), "ended_on": date(2022, 12, 2)}
    found = told(contracts=[past])
    assert [found["returns"], found["days_away"], found["tenure_days"]] == [1, 30, 365]
    assert told()["days_away"] == 0


def test_the_last_answer_of_each_kind_counts(told):
    answers = [
        (50, "nps", 3.0),
        (9, "NPS ", 8.0),
        (9, "nps", 7.0),
        (0, "nps", 1.0),
        (4, "csat", 2.0),
    ]
    surveys = [{"answered_on": ago(d), "kind": kind, "score": score} for d, kind, score in answers]
    found = told(surveys=surveys)
    names = ("last_nps", "nps_age_days", "last_csat", "csat_age_days")
    assert [found[name] for name in names] == [7, 9, 2, 4]


SURVEY = {"answered_on": ago(29), "kind": "nps", "score": 3.0}
EARLIER = {"answered_on": ago(60), "kind": "nps", "score": 9.0}
LATER = {"answered_on": ago(20), "kind": "nps", "score": 6.0}
KNOWN_LATE = [
    # (days before the landmark on which the answer of 29 days ago was known, the last one)
    (-10, [9, 60]),
    (0, [9, 60]),
    (1, [3, 29]),
    (40, [3, 29]),
    (None, [3, 29]),
]


@pytest.mark.parametrize(("days", "expected"), KNOWN_LATE)
def test_an_answer_counts_from_the_day_on_which_it_was_known(told, days, expected):
    known_at = None if days is None else instant(days, 9)
    found = told(surveys=[{**EARLIER, "known_at": None}, {**SURVEY, "known_at": known_at}])
    assert [found["last_nps"], found["nps_age_days"]] == expected


def test_an_answer_that_was_known_late_does_not_take_the_place_of_a_later_one(tables_of):
    known = [(EARLIER, 60), (SURVEY, 5), (LATER, 15)]
    rows = [{"customer_id": "c", **one, "known_at": instant(days)} for one, days in known]
    days = [ago(n) for n in (28, 0)]
    tables = tables_of(subscriptions=[CONTRACT], surveys=rows)
    found = panel(tables, days, DAY, FROM, 1, ()).sort("landmark_on").collect()
    assert found["last_nps"].to_list() == [9, 6]


def test_of_answers_of_one_day_the_lowest_that_is_known_counts(told):
    def last(*known):
        answers = [(4.0, known[0]), (2.0, known[1])]
        return told(
            surveys=[{**SURVEY, "score": score, "known_at": instant(n)} for score, n in answers]
        )["last_nps"]

    assert [last(20, 10), last(10, 20), last(20, 0), last(0, 20)] == [2, 2, 4, 2]


def test_tickets_and_touches_count_from_the_day_on_which_they_were_known(told):
    tickets = [
        {"opened_at": instant(9), "closed_at": None, "severity": "high", "known_at": instant(n)}
        for n in (-3, 0, 4, 20)
    ]
    found = told(tickets=tickets)
    assert [found[name] for name in ("tickets_28d", "tickets_open", "severe_open")] == [2, 2, 2]
    touches = [
        {"touched_on": ago(n), "action": "call", "known_at": instant(known)}
        for n, known in ((30, 30), (3, -1))
    ]
    found = told(touches=touches, known=Known(with_touches=True))
    assert [found["touches_90d"], found["days_since_touch"]] == [1, 30]


def test_touches_are_features_only_where_they_are_asked_for(told):
    touches = [{"touched_on": ago(3), "action": "call"}, {"touched_on": ago(1), "action": "none"}]
    assert "touches_90d" not in told(touches=touches)
    found = told(touches=touches, known=Known(with_touches=True))
    assert [found["touches_90d"], found["days_since_touch"]] == [1, 3]


def test_popular_features_and_list_prices_are_those_of_most_customers(tables_of):
    ids = [f"c{n:02d}" for n in range(30)]
    contracts = [
        {**CONTRACT, "customer_id": one, "plan": "a" if n < 25 else "b", "mrr_amount": 10 + n}
        for n, one in enumerate(ids)
    ]
    usage = [{**used((3, "login", 1.0))[0], "customer_id": one} for one in ids]
    usage += [{**used((9, "report", 1.0))[0], "customer_id": one} for one in ids[:13]]
    usage += [{**used((9, "export", 1.0))[0], "customer_id": one} for one in ids[:12]]
    tables = tables_of(subscriptions=contracts, usage=usage)
    users = feature_users(DAY, DAY, 1)(tables).collect()
    # 13 of 25 are most; plan b has too few customers to tell.
    assert popular_features(users) == {"a": ("login", "report")}
    prices = unit_prices((DAY,), DAY, 1)(tables).collect()
    assert list_prices(prices) == {"a": 22}
