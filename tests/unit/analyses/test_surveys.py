from datetime import date, timedelta

import polars as pl
import pytest

from csk.analyses.surveys import measured, surveys
from csk.engine.local import LocalEngine
from csk.errors import UsageError
from csk.models.measures import table
from csk.models.rates import Rate
from csk.schema import KPI
from csk.tables.movements import Motion

FROM, AS_OF = date(2022, 1, 1), date(2024, 1, 1)
DAY = timedelta(days=1)


def answer(customer, day, score, kind="nps"):
    return {"customer_id": customer, "answered_on": day, "kind": kind, "score": float(score)}


def contract(customer, start=FROM, end=None, plan="a"):
    return {
        "customer_id": customer,
        "started_on": start,
        "ended_on": end,
        "mrr_amount": 10,
        "plan": plan,
    }


@pytest.fixture
def asked(book_of):
    def found(said, contracts=None, by="", customers=None, months=1, **more):
        tables = {"surveys": said}
        if contracts is None:
            tables["payments"] = [{"customer_id": "c0", "paid_on": FROM, "amount": 1}]
        else:
            tables["subscriptions"] = contracts
        motion = Motion(as_of=AS_OF, period_months=months)
        book = book_of(tables, 2, AS_OF)
        scale = more.pop("scale", 5)
        window = more.pop("window", (None, None))
        return surveys(book, LocalEngine(), motion, scale, by, window, customers)

    return found


def test_a_book_without_answers_says_what_it_needs(book_of):
    book = book_of({"payments": [{"customer_id": "c", "paid_on": FROM, "amount": 1}]}, 1, AS_OF)
    with pytest.raises(UsageError, match="no survey answers"):
        surveys(book, LocalEngine(), Motion(as_of=AS_OF), 5)


def test_the_whole_is_of_the_last_year(asked):
    said = [answer("c1", AS_OF - 365 * DAY, 10), answer("c1", AS_OF - 366 * DAY, 0)]
    found = asked(said)
    assert (found.since, found.until) == (AS_OF - 365 * DAY, AS_OF)
    assert (found.whole.nps.value, found.whole.nps.n) == (1.0, 1)
    assert sum(one.nps.n for one in found.periods) == 2


def test_a_window_is_kept_to(asked):
    said = [answer("c1", FROM + 40 * i * DAY, i % 11) for i in range(18)]
    first, last = date(2022, 6, 1), date(2022, 12, 1)
    found = asked(said, window=(first, last))
    inside = [one for one in said if first <= one["answered_on"] < last]
    assert found.whole.nps.n == len(inside) == sum(one.nps.n for one in found.periods)
    assert sum(found.scores.values()) == len(inside)
    assert {one.starts_on for one in found.periods} == {date(2022, m, 1) for m in range(6, 12)}


def test_periods_follow_each_other_without_a_gap(asked):
    said = [answer("c1", date(2023, 1, 5), 9), answer("c1", date(2023, 11, 5), 3)]
    found = asked(said, months=3)
    assert [one.starts_on.month for one in found.periods] == [1, 4, 7, 10]
    assert [one.nps.n for one in found.periods] == [1, 0, 0, 1]


def test_scores_off_the_scale_are_named_and_count_nowhere(asked):
    said = [answer("c1", FROM + 400 * DAY, score) for score in (9, 11, -1, 11)]
    said += [answer("c1", FROM + 400 * DAY, score, "csat") for score in (5, 7, 0)]
    found = asked(said)
    assert [(one.kind, one.n, one.scores) for one in found.outside] == [
        ("nps", 3, (-1.0, 11.0)),
        ("csat", 2, (0.0, 7.0)),
    ]
    assert (found.whole.nps.n, found.whole.csat.n) == (1, 1)
    assert asked(said, scale=7).whole.csat.n == 2


def test_other_kinds_are_named_and_count_nowhere(asked):
    said = [answer("c1", FROM + 400 * DAY, 5, kind) for kind in ("ces", "CES", "pulse", "nps")]
    found = asked(said)
    assert [(one.kind, one.n) for one in found.others] == [("ces", 2), ("pulse", 1)]
    assert (found.whole.nps.n, found.whole.csat.n) == (1, 0)


def test_the_groups_are_all_answers(asked):
    said = [answer(f"c{i}", FROM + (400 + i) * DAY, i % 11) for i in range(20)]
    contracts = [contract(f"c{i}", plan="abc"[i % 3]) for i in range(18)]
    found = asked(said, contracts, by="plan")
    assert {one.group for one in found.groups} == {"a", "b", "c", ""}
    assert sum(one.nps.n for one in found.groups) == found.whole.nps.n == 20
    assert sum(one.promoters for one in found.groups) == found.whole.promoters
    assert sum(one.nps.n for one in found.group_periods) == 20


def test_who_left_after_an_answer_is_known_exactly(asked):
    # Ten detractors answer on one day, four leave 20 days later; nobody is censored before 365.
    day = date(2022, 6, 1)
    said = [answer(f"c{i}", day, 3) for i in range(10)]
    contracts = [contract(f"c{i}", end=day + 20 * DAY if i < 4 else None) for i in range(10)]
    (after,) = asked(said, contracts).after
    assert (after.group, after.n, after.n_customers, after.n_left) == ("detractor", 10, 10, 4)
    assert [(at.days, at.share, at.n_at_risk) for at in after.gone] == [
        (days, pytest.approx(0.4), 6) for days in (30, 90, 180, 365)
    ]
    assert all(at.low < at.share < at.high for at in after.gone)


def test_answers_given_twice_make_the_interval_no_narrower(asked):
    day = date(2022, 6, 1)
    once = [answer(f"c{i}", day, 3) for i in range(30)]
    contracts = [contract(f"c{i}", end=day + 20 * DAY if i < 9 else None) for i in range(30)]
    (single,), (double,) = (asked(said, contracts).after for said in (once, once * 2))
    for a, b in zip(single.gone, double.gone, strict=True):
        assert (b.low, b.share, b.high) == pytest.approx((a.low, a.share, a.high))


def test_an_age_that_nobody_has_reached_is_not_told(asked):
    said = [answer(f"c{i}", AS_OF - 100 * DAY, 3) for i in range(3)]
    (after,) = asked(said, [contract(f"c{i}") for i in range(3)]).after
    assert [at.days for at in after.gone] == [30, 90]


def test_the_response_rate_is_of_those_there(asked):
    # c0 to c3 are there all the time, c4 from May on, c5 until March.
    contracts = [contract(f"c{i}") for i in range(4)]
    contracts += [contract("c4", date(2023, 5, 1)), contract("c5", end=date(2023, 3, 1))]
    said = [answer("c0", date(2023, 2, 3), 9), answer("c5", date(2023, 2, 28), 2)]
    said += [answer("c5", date(2023, 3, 1), 2), answer("c0", date(2023, 5, 1), 2)]
    told = {one.starts_on.month: one.response for one in asked(said, contracts).periods}
    assert told[2] == Rate(2, 5)
    assert told[3] == Rate(0, 4)
    assert told[5] == Rate(1, 5)


def valued(*rows):
    return pl.DataFrame(
        rows,
        schema={
            "customer_id": pl.String,
            "is_alive": pl.Boolean,
            "ltv_amount": pl.Int64,
            "value_at_risk": pl.Int64,
        },
        orient="row",
    )


def test_worth_is_by_the_last_answer_of_those_alive(asked):
    said = [answer("c1", FROM + 10 * DAY, 2), answer("c1", FROM + 500 * DAY, 9)]
    said += [answer("c2", FROM + 20 * DAY, 7), answer("c3", FROM + 20 * DAY, 1)]
    customers = valued(
        ("c1", True, 100, 10), ("c2", True, 70, 7), ("c3", False, 0, 0), ("c4", True, 5, 1)
    )
    found = asked(said, customers=customers)
    assert [(one.group, one.n, one.ltv_amount, one.value_at_risk) for one in found.worth] == [
        ("promoter", 1, 100, 10),
        ("passive", 1, 70, 7),
        ("", 1, 5, 1),
    ]
    # Of the three alive, c1 alone has answered within a year.
    assert found.whole.response == Rate(1, 3)
    assert asked(said).worth == ()


def test_a_shop_tells_of_nobody_leaving(asked):
    assert asked([answer("c1", AS_OF - DAY, 3)]).after == ()


def test_the_table_has_each_figure_once(asked):
    said = [answer(f"c{i}", FROM + 30 * i * DAY, i % 11) for i in range(20)]
    said += [answer(f"c{i}", FROM + 30 * i * DAY, 1 + i % 5, "csat") for i in range(20)]
    contracts = [contract(f"c{i}", plan="ab"[i % 2]) for i in range(20)]
    found = asked(said, contracts, by="plan")
    rows = table(measured(found), found.book)
    assert rows.columns == list(KPI.names)
    assert not rows.select(KPI.key).is_duplicated().any()
    assert set(rows["metric_id"]) == {"nps", "csat", "csat_mean", "response_rate"}
    nps = rows.filter(pl.col("metric_id") == "nps", pl.col("dimension").is_null())
    assert nps["denominator"].sum() == 20
    assert nps["numerator"].to_list() == [float(x) for x in nps["numerator"].round(0)]
    assert set(rows["dimension"]) == {None, "plan"}
