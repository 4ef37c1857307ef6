"""A cross-section as a table of its customers, by row."""

import numpy as np
import pytest

from csk.analyses.snapshot_risk import snapshot_risk
from csk.engine.local import LocalEngine
from csk.errors import ModelError
from csk.models.risk import snapshot_mode

N = 500


def people(n=N, named=True):
    """Customers of whom those with fewer seats have left; ids are not in the order of the rows."""
    draw = np.random.default_rng(1)
    seats = draw.normal(10.0, 3.0, n)
    left = draw.random(n) < 1.0 / (1.0 + np.exp(0.8 * (seats - 8.0)))
    return [
        {
            **({"customer_id": f"c{(i * 7) % n:04d}"} if named else {}),
            "is_churned": bool(left[i]),
            "seats": str(seats[i]),
        }
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def told(book_of):
    """Give the risks of rows; folds are drawn once, which is enough for what is asked here."""

    def of(rows, shards=1):
        book = book_of({"cross_section": rows}, shards)
        with pytest.MonkeyPatch.context() as changed:
            changed.setattr(snapshot_mode, "_REPEATED_UP_TO", 0)
            return snapshot_risk(book, LocalEngine())

    return of


@pytest.fixture(scope="module")
def found(told):
    return told(people())


def test_rows_are_numbered_by_customer(found):
    assert found.customers.columns == list(found.table.names)
    assert found.customers["row_no"].to_list() == list(range(1, N + 1))
    assert found.customers["customer_id"].to_list() == [f"c{i:04d}" for i in range(N)]


def test_outcomes_stay_with_their_customers(found):
    left = {row["customer_id"]: row["is_churned"] for row in people()}
    assert dict(found.customers.select("customer_id", "is_churned").iter_rows()) == left
    assert found.risk.n_events == sum(left.values())


def test_who_is_like_those_that_left_has_the_higher_chance(found):
    seats = {row["customer_id"]: float(row["seats"]) for row in people()}
    of = np.array([seats[name] for name in found.customers["customer_id"]])
    p = found.customers["p_churn"].to_numpy()
    assert p[of < 7].min() > p[of > 13].max()
    assert set(found.customers["reason_1"]) == {"seats"}


def test_shards_change_nothing(told, found):
    assert told(people(), 3).customers.equals(found.customers)


def test_too_few_of_one_kind_are_refused(told):
    with pytest.raises(ModelError):
        told(people(60))
