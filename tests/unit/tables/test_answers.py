from datetime import date, timedelta

import polars as pl
import pytest

from csk.engine.local import LocalEngine
from csk.tables.answers import (
    after_answers,
    answer_sums,
    answers_each,
    last_answers,
    presence,
    score_counts,
)
from csk.tables.movements import Motion

FROM, AS_OF = date(2023, 1, 1), date(2024, 1, 1)
MOTION = Motion(as_of=AS_OF)


def d(text):
    return date.fromisoformat(text)


def answer(customer, day, score, kind="nps"):
    return {"customer_id": customer, "answered_on": d(day), "kind": kind, "score": float(score)}


def contract(customer, start, end=None, plan="a"):
    return {
        "customer_id": customer,
        "started_on": d(start),
        "ended_on": d(end) if end else None,
        "mrr_amount": 10,
        "plan": plan,
    }


@pytest.fixture
def rows_of(tables_of):
    def found(plan, order, **tables):
        return plan(tables_of(**tables)).collect().sort(order)

    return found


SAID = [
    answer("c1", "2023-02-01", 10),
    answer("c1", "2023-03-05", 6),
    answer("c2", "2023-02-03", 8),
    answer("c3", "2023-02-04", 9),
    answer("c2", "2023-02-10", 4, "csat"),
    answer("c3", "2023-02-11", 5, "CSAT"),
    answer("c3", "2023-03-11", 2, "csat"),
]


@pytest.mark.parametrize(
    ("score", "is_in"), [(-1, False), (0, True), (10, True), (10.5, False), (95, False)]
)
def test_an_answer_counts_on_its_scale_only(rows_of, score, is_in):
    said = [answer("c1", "2023-02-01", score)]
    found = rows_of(answer_sums(MOTION, 5), "kind", surveys=said)
    assert (found.height == 1) == is_in
    counted = rows_of(score_counts(MOTION), "cents", surveys=said)
    assert counted.select("kind", "cents", "n").rows() == [("nps", round(score * 100), 1)]


@pytest.mark.parametrize(("scale", "n"), [(4, 2), (5, 3), (10, 3)])
def test_the_csat_scale_is_as_declared(rows_of, scale, n):
    found = rows_of(answer_sums(MOTION, scale), "kind", surveys=SAID)
    assert found.filter(kind="csat")["n"].to_list() == [n]


def test_answers_add_up_by_what_they_count(rows_of):
    found = rows_of(answer_sums(MOTION, 5), "kind", surveys=SAID)
    told = {row["kind"]: row for row in found.iter_rows(named=True)}
    nps, csat, mean = told["nps"], told["csat"], told["csat_mean"]
    # Two promoters, one passive, one detractor; c1 gave two answers.
    assert (nps["n"], nps["n_customers"], nps["total"], nps["squares"]) == (4, 3, 1, 3)
    # c1: m 2, s 0; c2: m 1, s 0; c3: m 1, s 1.
    assert (nps["n_squares"], nps["products"], nps["total_squares"]) == (6, 1, 1)
    assert (csat["n"], csat["n_customers"], csat["total"]) == (3, 2, 2)
    assert (mean["total"], mean["squares"]) == (1100, 400**2 + 500**2 + 200**2)


def test_a_score_between_two_points_is_of_the_lower_class(rows_of):
    said = [answer("c1", "2023-02-01", 8.9), answer("c2", "2023-02-01", 6.5)]
    said += [answer("c3", "2023-02-01", 3.9, "csat")]
    found = rows_of(answer_sums(MOTION, 5), "kind", surveys=said)
    assert dict(found.select("kind", "total").iter_rows()) == {
        "nps": -1,
        "csat": 0,
        "csat_mean": 390,
    }


def test_answers_are_of_their_period(rows_of):
    found = rows_of(answer_sums(MOTION, 5, by_period=True), ["kind", "period_on"], surveys=SAID)
    nps = found.filter(kind="nps").select("period_on", "n", "total").rows()
    assert nps == [(d("2023-02-01"), 3, 2), (d("2023-03-01"), 1, -1)]


@pytest.mark.parametrize(
    ("window", "n"),
    [
        ((None, None), 4),
        ((d("2023-02-03"), None), 3),
        ((None, d("2023-02-04")), 2),
        ((d("2023-02-03"), d("2023-02-04")), 1),
    ],
)
def test_a_window_has_its_first_day_and_not_its_last(rows_of, window, n):
    found = rows_of(answer_sums(MOTION, 5, window=window), "kind", surveys=SAID)
    assert found.filter(kind="nps")["n"].to_list() == [n]


def test_nothing_is_read_from_as_of_on(rows_of):
    early = Motion(as_of=d("2023-02-04"))
    found = rows_of(score_counts(early), "cents", surveys=SAID)
    assert found["n"].sum() == 2


def test_answers_of_no_kind_are_taken_for_nps_and_counted(rows_of):
    said = [{**answer("c1", "2023-02-01", 9), "kind": None}, answer("c2", "2023-02-01", 9)]
    found = rows_of(score_counts(MOTION), "cents", surveys=said)
    assert found.rows(named=True) == [{"kind": "nps", "cents": 900, "n": 2, "n_unnamed": 1}]


def test_a_file_without_kinds_is_nps(rows_of):
    said = pl.DataFrame([answer("c1", "2023-02-01", 9)]).drop("kind")
    found = rows_of(score_counts(MOTION), "cents", surveys=said)
    assert found["n_unnamed"].to_list() == [1]


def test_a_plan_is_that_of_the_day_of_the_answer(rows_of):
    contracts = [
        contract("c1", "2023-01-01", "2023-03-01", "small"),
        contract("c1", "2023-03-01", None, "large"),
        contract("c2", "2023-02-04", None, "large"),
    ]
    found = rows_of(
        answer_sums(MOTION, 5, "plan"), ["kind", "group"], surveys=SAID, subscriptions=contracts
    )
    # c1 on small, then on large; c2 answered a day before its first contract, c3 has none.
    nps = found.filter(kind="nps").select("group", "n", "total").rows()
    assert nps == [("", 2, 1), ("large", 1, -1), ("small", 1, 1)]


def test_groups_are_attributes_of_customers(rows_of):
    customers = [
        {"customer_id": name, "created_on": None, "region": region}
        for name, region in (("c1", "north"), ("c2", None))
    ]
    found = rows_of(
        answer_sums(MOTION, 5, "region"), ["kind", "group"], surveys=SAID, customers=customers
    )
    nps = found.filter(kind="nps").select("group", "n").rows()
    assert nps == [("", 2), ("north", 2)]


def test_what_comes_after_an_answer_is_counted_in_days(rows_of):
    contracts = [
        contract("c1", "2023-01-01", "2023-03-15"),
        contract("c2", "2023-01-01"),
        contract("c3", "2023-02-05"),
    ]
    found = rows_of(
        after_answers(MOTION, FROM), ["group", "age"], surveys=SAID, subscriptions=contracts
    )
    told = found.select("group", "age", "n_entered", "n_left", "n_censored").rows()
    # c3 gave a 9 on the day before it was a customer, which is not counted.
    assert told == [
        ("detractor", 0, 1, 0, 0),
        ("detractor", 10, 0, 1, 0),
        ("passive", 0, 1, 0, 0),
        ("passive", (AS_OF - d("2023-02-03")).days, 0, 0, 1),
        ("promoter", 0, 1, 0, 0),
        ("promoter", 42, 0, 1, 0),
    ]


def test_an_answer_on_the_day_of_the_end_comes_too_late(rows_of):
    contracts = [contract("c1", "2023-01-01", "2023-02-01")]
    found = rows_of(after_answers(MOTION, FROM), "age", surveys=SAID, subscriptions=contracts)
    assert found.height == 0


def test_answers_before_the_log_of_ends_are_left_out(rows_of):
    # Who answered in 2022 and left before 2023 is not in the data, so nobody of then may be.
    said = [answer("c1", "2022-12-31", 9), answer("c1", "2023-01-01", 9)]
    contracts = [contract("c1", "2022-01-01")]
    tables = {"surveys": said, "subscriptions": contracts}
    found = rows_of(after_answers(MOTION, FROM), "age", **tables)
    assert found["n_entered"].sum() == 1
    assert rows_of(answers_each(MOTION, FROM), "group", **tables)["n"].to_list() == [1]


def test_an_answer_belongs_to_the_spell_it_was_given_in(rows_of):
    contracts = [contract("c1", "2023-01-01", "2023-02-10"), contract("c1", "2023-03-01")]
    found = rows_of(after_answers(MOTION, FROM), "age", surveys=SAID, subscriptions=contracts)
    assert found["n_entered"].sum() == 2
    assert found.filter(pl.col("n_left") > 0).select("group", "age").rows() == [("promoter", 9)]


def test_each_customers_answers_are_counted(rows_of):
    said = [*SAID, answer("c1", "2023-04-01", 10)]
    contracts = [contract(name, "2023-01-01") for name in ("c1", "c2", "c3")]
    found = rows_of(answers_each(MOTION, FROM), "group", surveys=said, subscriptions=contracts)
    told = found.select("group", "n", "n_customers", "n_squares").rows()
    assert told == [("detractor", 1, 1, 1), ("passive", 1, 1, 1), ("promoter", 3, 2, 5)]


def test_the_last_answer_is_the_latest_of_nps(rows_of):
    found = rows_of(last_answers(MOTION, 5), "customer_id", surveys=SAID)
    assert found.select("customer_id", "answered_on", "group").rows() == [
        ("c1", d("2023-03-05"), "detractor"),
        ("c2", d("2023-02-10"), "passive"),
        ("c3", d("2023-03-11"), "promoter"),
    ]


def test_who_was_there_and_who_answered_is_told_by_period(rows_of):
    contracts = [
        contract("c1", "2023-01-15", "2023-03-01"),
        contract("c2", "2023-02-01"),
        contract("c4", "2023-03-31", "2023-04-02"),
    ]
    found = rows_of(presence(MOTION, 5), "period_on", surveys=SAID, subscriptions=contracts)
    sums = found.group_by("period_on", maintain_order=True).agg(pl.exclude("period_on").sum())
    # The last day served of c1 is in February, so March has never seen it; its answer of then,
    # after it had left, is of nobody there. c2 answered twice and is one customer.
    assert sums.rows() == [
        (d("2023-01-01"), 1, 0, 0),
        (d("2023-02-01"), 1, 1, 2),
        (d("2023-03-01"), 1, 0, 0),
        (d("2023-04-01"), 0, 1, 0),
    ]


def test_sums_are_the_same_however_the_book_is_cut(book_of):
    day = FROM
    said = [
        answer(f"c{i % 13}", (day + timedelta(days=i * 7 % 360)).isoformat(), i * 5 % 11)
        for i in range(80)
    ]
    contracts = [
        contract(f"c{i}", "2023-01-01", "2023-09-01" if i % 3 else None, "ab"[i % 2])
        for i in range(13)
    ]
    tables = {"surveys": said, "subscriptions": contracts}
    plans = [
        (answer_sums(MOTION, 5, "plan", by_period=True), ("group", "kind", "period_on")),
        (presence(MOTION, 5), ("period_on",)),
        (after_answers(MOTION, FROM), ("group", "age")),
        (answers_each(MOTION, FROM), ("group",)),
    ]
    for plan, key in plans:
        whole, cut = (
            LocalEngine().total(book_of(tables, shards, AS_OF), plan, key) for shards in (1, 4)
        )
        assert whole.height
        assert whole.equals(cut)
