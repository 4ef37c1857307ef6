from datetime import UTC, date, datetime, timedelta

import pytest

from csk.tables.adoption import adoption_sums, landmarks
from csk.tables.usage import Watch

AS_OF = date(2024, 7, 1)
DAY = timedelta(days=1)
FROM = AS_OF - 84 * DAY
WATCH = Watch(AS_OF, FROM, is_contractual=True)


def used(customer, days_ago, feature="x", quantity=1.0):
    day = AS_OF - days_ago * DAY
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return {"customer_id": customer, "used_at": at, "feature": feature, "quantity": quantity}


def contract(customer, started=500, ended=None, plan="a"):
    return {
        "customer_id": customer,
        "started_on": AS_OF - started * DAY,
        "ended_on": None if ended is None else AS_OF - ended * DAY,
        "mrr_amount": 10,
        "plan": plan,
    }


def sums(tables_of, contracts, usage, days=None):
    tables = tables_of(subscriptions=contracts, usage=usage)
    days = landmarks(WATCH, FROM) if days is None else days
    found = adoption_sums(WATCH, days)(tables).collect()
    names = ["n", "n_left", "n_level", "n_level_left"]
    key = ["feature", "plan", "tenure_no", "level_no"]
    return found.group_by(key).sum().sort(key).select(*key, *names).rows()


@pytest.mark.parametrize(
    ("data_from", "back"),
    [(FROM, [56, 28]), (FROM + 28 * DAY, [56, 28]), (FROM + 29 * DAY, [28]), (AS_OF - DAY, [])],
)
def test_landmarks_have_known_days_on_both_sides(data_from, back):
    assert landmarks(WATCH, data_from) == tuple(AS_OF - ago * DAY for ago in back)


def test_who_uses_is_told_from_who_does_not(tables_of):
    day = (AS_OF - 28 * DAY,)
    contracts = [contract("a"), contract("b", ended=10), contract("c", ended=28)]
    # a used x twice and y once, b y alone, c nothing: of the 28 days before the landmark. The
    # level of a user of x is that of y: 1 and one more is one doubling.
    usage = [used("a", 29, quantity=2.0), used("a", 56, "y"), used("b", 40, "y")]
    usage += [used("b", 28), used("b", 57), used("c", 60)]
    assert sums(tables_of, contracts, usage, day) == [
        ("", "a", 3, 0, 1, 1, 0, 0),
        ("", "a", 3, 1, 1, 1, 0, 0),
        ("", "a", 3, 2, 1, 0, 0, 0),
        ("x", "a", 3, 1, 1, 0, 0, 0),
        ("x", "a", 3, 2, 0, 0, 1, 0),
        ("y", "a", 3, 0, 1, 1, 0, 0),
        ("y", "a", 3, 1, 1, 0, 1, 1),
        ("y", "a", 3, 2, 0, 0, 1, 0),
    ]


@pytest.mark.parametrize(
    ("started", "ended", "n", "left"),
    [
        # In service at the start of the landmark, and begun before it.
        (29, None, 1, 0),
        (28, None, 0, 0),
        (100, 28, 1, 1),
        (100, 29, 0, 0),
        # 28 days are half-open: the end at as_of is not yet known.
        (100, 1, 1, 1),
        (100, 0, 1, 0),
    ],
)
def test_days_are_half_open(tables_of, started, ended, n, left):
    rows = sums(tables_of, [contract("a", started, ended)], [used("z", 40)], (AS_OF - 28 * DAY,))
    everybody = [row for row in rows if row[0] == ""]
    assert (sum(row[4] for row in everybody), sum(row[5] for row in everybody)) == (n, left)


def test_the_plan_is_that_of_then(tables_of):
    contracts = [contract("a", 500, 30, "old"), contract("a", 30, None, "new")]
    rows = sums(tables_of, contracts, [used("z", 40)])
    assert [(row[1], row[4]) for row in rows if row[0] == ""] == [("new", 1), ("old", 1)]
