"""Contracts out of a log of changes of recurring revenue."""

from datetime import date

import polars as pl

from csk.intake.canonical.changes import contracts

JAN, MAR, JUN = date(2023, 1, 5), date(2023, 3, 5), date(2023, 6, 1)


def log(*rows: tuple[str, str, date, int, str]) -> pl.DataFrame:
    """Return changes of (customer, contract, day, counts, plan)."""
    names = ("customer_id", "subscription_id", "changed_on", "mrr_change_amount", "plan")
    return pl.DataFrame(rows, schema=names, orient="row")


def told(changes: pl.DataFrame) -> list[tuple[object, ...]]:
    return contracts(changes).select("started_on", "ended_on", "mrr_amount", "plan").rows()


def test_end_and_start_on_one_day_are_a_change_of_price() -> None:
    changes = log(
        ("a", "s", JAN, 5000, "basic"),
        ("a", "s", MAR, -5000, "basic"),
        ("a", "s", MAR, 9000, "pro"),
    )
    assert told(changes) == [(JAN, MAR, 5000, "basic"), (MAR, None, 9000, "pro")]


def test_the_plan_of_a_day_is_the_one_that_rose_most_in_all() -> None:
    changes = log(
        ("a", "s", JAN, 5000, "basic"),
        ("a", "s", MAR, 700, "seat"),
        # In two steps, and one that was taken back.
        ("a", "s", MAR, 600, "pro"),
        ("a", "s", MAR, 600, "pro"),
        ("a", "s", MAR, 9000, "basic"),
        ("a", "s", MAR, -9000, "basic"),
    )
    assert told(changes)[1] == (MAR, None, 6900, "pro")


def test_a_contract_that_falls_to_nothing_has_ended() -> None:
    changes = log(("a", "s", JAN, 5000, "basic"), ("a", "s", MAR, -5000, "basic"))
    assert told(changes) == [(JAN, MAR, 5000, "basic")]


def test_a_contract_that_rises_again_begins_again() -> None:
    changes = log(
        ("a", "s", JUN, 7000, "pro"),
        ("a", "s", JAN, 5000, "basic"),
        ("a", "s", MAR, -5000, "basic"),
    )
    assert told(changes) == [(JAN, MAR, 5000, "basic"), (JUN, None, 7000, "pro")]


def test_contracts_of_one_customer_are_apart() -> None:
    changes = log(("a", "s", JAN, 5000, "basic"), ("a", "t", MAR, 100, "seat"))
    assert told(changes) == [(JAN, None, 5000, "basic"), (MAR, None, 100, "seat")]


def test_what_starts_and_ends_on_one_day_was_never_served() -> None:
    changes = log(("a", "s", JAN, 5000, "basic"), ("a", "s", JAN, -5000, "basic"))
    assert told(changes) == []


def test_a_customer_without_contract_ids_has_one_contract() -> None:
    changes = log(("a", "s", JAN, 5000, "x"), ("a", "t", MAR, 100, "x")).drop("subscription_id")
    assert contracts(changes)["mrr_amount"].to_list() == [5000, 5100]


def test_customers_keep_the_order_of_the_log() -> None:
    changes = log(("z", "1", JAN, 1, "x"), ("a", "2", JAN, 1, "x"), ("m", "3", JAN, 1, "x"))
    assert contracts(changes)["customer_id"].to_list() == ["z", "a", "m"]


def test_an_empty_log_has_no_contracts() -> None:
    empty = log(("a", "s", JAN, 1, "x")).clear()
    assert contracts(empty).shape == (0, 8)
