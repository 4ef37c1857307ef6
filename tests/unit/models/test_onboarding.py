from dataclasses import dataclass
from math import isnan

import polars as pl
import pytest

from csk.models.onboarding import onboarding


@dataclass(frozen=True)
class Asked:
    feature: str = "x"
    count: float = 1.0
    within_days: int = 10


def found(waits, after=(), asked=Asked()):
    names = ["milestone_no", "age", "n_entered", "n_done", "n_left", "n_censored"]
    later = ["milestone_no", "is_done", "age", "n_entered", "n_left", "n_censored"]
    (one,) = onboarding(
        (("first", asked),),
        pl.DataFrame(
            [(0, *row) for row in waits], schema=dict.fromkeys(names, pl.Int64), orient="row"
        ),
        pl.DataFrame(
            [(0, *row) for row in after],
            schema=dict.fromkeys(later, pl.Int64) | {"is_done": pl.Boolean},
            orient="row",
        ),
    )
    return one


def test_without_censoring_the_share_is_plain():
    one = found([(0, 10, 0, 0, 0), (1, 0, 4, 0, 0), (5, 0, 2, 1, 0), (20, 0, 1, 0, 2)])
    assert one.share == pytest.approx(0.6)
    assert one.low < 0.6 < one.high
    assert (one.n, one.n_watched, one.median_days) == (10, 10, 5)


def test_who_is_not_yet_so_old_counts_for_the_days_known():
    # Of ten, four done at 1; five are seen no longer than day 3; the one left is done on day 6.
    one = found([(0, 10, 0, 0, 0), (1, 0, 4, 0, 0), (3, 0, 0, 0, 5), (6, 0, 1, 0, 0)])
    assert one.share == pytest.approx(1.0)
    assert one.n_watched == 5


def test_who_left_before_never_did():
    one = found([(0, 4, 0, 0, 0), (2, 0, 0, 2, 0), (3, 0, 1, 0, 0), (40, 0, 0, 0, 1)])
    assert one.share == pytest.approx(0.25)
    assert one.median_days is None


def test_a_day_that_nobody_has_reached_has_no_share():
    one = found([(0, 3, 0, 0, 0), (4, 0, 0, 0, 3)])
    assert isnan(one.share)
    assert one.n_watched == 0


def test_nobody_new_has_no_share():
    one = found([])
    assert isnan(one.share)
    assert (one.n, one.sides) == (0, ())


def test_sides_are_kaplan_meier_from_the_day_on():
    after = [(True, 0, 20, 0, 0), (True, 40, 0, 2, 0), (True, 200, 0, 0, 18)]
    after += [(False, 0, 20, 0, 0), (False, 20, 0, 10, 0), (False, 200, 0, 0, 10)]
    one = found([(0, 40, 0, 0, 0), (1, 0, 40, 0, 0)], after)
    done, not_done = one.sides
    assert (done.is_done, done.n, done.n_left) == (True, 20, 2)
    assert [(at.days, at.share) for at in done.stays] == [
        (30, pytest.approx(1.0)),
        (90, pytest.approx(0.9)),
        (180, pytest.approx(0.9)),
    ]
    assert not_done.stays[0].share == pytest.approx(0.5)
    assert one.p_value < 0.05


def test_few_on_a_side_are_not_compared():
    after = [(True, 0, 9, 0, 0), (True, 40, 0, 9, 0), (False, 0, 90, 0, 0), (False, 99, 0, 0, 90)]
    assert isnan(found([(0, 9, 0, 0, 0), (1, 0, 9, 0, 0)], after).p_value)
