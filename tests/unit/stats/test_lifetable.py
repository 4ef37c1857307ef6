import numpy as np
import pytest

from csk.errors import UsageError
from csk.stats.lifetable import life_table
from csk.stats.survival import at_risk, counts, merged


def test_anniversary_exits_make_exposure_the_number_at_risk():
    entry = [0, 0, 0, 0, 45, 62]
    exit_ = [31, 62, 93, 70, 93, 93]
    table = counts(entry, exit_, [1, 1, 0, 0, 1, 2])
    got = life_table(table, 31)
    assert got.profile.tolist() == [0.0] * 31 + [1.0]
    assert got.left.tolist() == [[1, 0], [1, 0], [1, 1]]
    # The one censored at 70 never reached the anniversary of its third period.
    assert got.exposed.tolist() == [4.0, 4.0, 3.0]
    assert got.exposed.tolist() == at_risk(table)[np.isin(table.age, [31, 62, 93])].tolist()


def test_an_exit_on_the_anniversary_belongs_to_the_period_before_it():
    got = life_table(counts([0, 0, 0], [10, 11, 20], [1, 1, 1], n_causes=1), 10)
    assert got.left[:, 0].tolist() == [1, 2]
    # Exits are whole customers, exposure is in parts of them.
    assert (got.left.dtype, got.exposed.dtype) == (np.int64, np.float64)


def test_daily_exits_make_the_actuarial_table():
    # 1000 enter, 10 leave and 5 are censored every day of 30: half of the censored count.
    days = np.repeat(np.arange(1, 31), 2)
    exits = counts(np.zeros(60), days, np.tile([1, 0], 30), np.tile([10, 5], 30), n_causes=1)
    rest = counts([0], [30], [0], [550])
    got = life_table(merged(exits, rest), 30)
    assert got.exposed[0] == pytest.approx(1000 - 150 / 2, rel=0.01)
    assert got.left.tolist() == [[300, 0]]
    # At risk falls in a straight line to 550: the hazard runs as the logarithm of it.
    assert got.profile[15] == pytest.approx(np.log(0.775) / np.log(0.55), abs=0.002)


def test_late_entry_in_a_period_counts_for_the_hazard_still_to_come():
    # Exits fall evenly on ticks 1 and 2 of periods of 2: whoever enters at tick 1 is worth half.
    entry, exit_ = [0, 0, 0, 0, 1, 1], [1, 2, 2, 3, 4, 4]
    got = life_table(counts(entry, exit_, [1, 1, 0, 0, 0, 0], n_causes=1), 2)
    share = got.profile[1]
    # Hazards pooled over periods: 1 of 4 + 3, then 1 of 5 + 2.
    assert share == pytest.approx(0.5)
    assert got.exposed == pytest.approx([4 + 2 * (1 - share), 2 + share])


def test_without_exits_the_profile_is_a_straight_line():
    got = life_table(counts([0, 1], [4, 3], [0, 0]), 4)
    assert got.profile.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert got.exposed == pytest.approx([1.0 + 0.75 - 0.25])


def test_before_the_first_entry_nobody_is_exposed():
    got = life_table(counts([45, 62], [70, 93], [1, 0], n_causes=1), 31)
    assert got.exposed[0] == 0.0
    assert got.left[:, 0].tolist() == [0, 0, 1]
    # All exits fall on the eighth tick of a period: both are there by then.
    assert got.profile.tolist() == [0.0] * 8 + [1.0] * 24
    assert got.exposed.tolist() == [0.0, 0.0, 2.0]


def test_the_profile_adds_up_hazards_not_exits():
    # One of two leaves on tick 1 and the other on tick 2: hazards 1/2 and 1.
    got = life_table(counts([0, 0], [1, 2], [1, 1], n_causes=1), 2)
    assert got.profile == pytest.approx([0.0, 1 / 3, 1.0])
    assert got.exposed.tolist() == [2.0]


def test_whole_periods_may_pass_before_anybody_is_there():
    got = life_table(counts([20, 21], [25, 24], [1, 0], n_causes=1), 10)
    assert got.left[:, 0].tolist() == [0, 0, 1]
    # The exit is on tick 5 of its period, after the other was last seen there on tick 4.
    assert got.profile.tolist() == [0.0] * 5 + [1.0] * 6
    assert got.exposed.tolist() == [0.0, 0.0, 1.0]


def test_who_is_last_seen_on_the_first_tick_is_exposed_to_that_tick_alone():
    got = life_table(counts([0, 0], [1, 2], [0, 0]), 2)
    assert got.exposed.tolist() == [0.5 + 1.0]


def test_ticks_before_the_first_entry_weigh_on_no_hazard():
    # Tick 1 of a period: 1 of 2 in the second, 0 of 1 in the third. Tick 2: 0 of 1, then 1 of 1.
    got = life_table(counts([10, 10], [11, 22], [1, 1], n_causes=1), 10)
    assert got.profile[:3] == pytest.approx([0.0, (1 / 3) / (1 / 3 + 1 / 2), 1.0])


def test_weights_are_whole_customers_in_every_part():
    one = counts([0, 3, 5], [9, 8, 9], [1, 0, 0], [2, 3, 1])
    rows = counts([0, 0, 3, 3, 3, 5], [9, 9, 8, 8, 8, 9], [1, 1, 0, 0, 0, 0])
    for here, there in zip(life_table(one, 4), life_table(rows, 4), strict=True):
        assert here.tolist() == there.tolist()


@pytest.mark.parametrize("length", [1, 2, 3, 7, 31])
def test_a_period_of_any_length_has_the_exits_of_all(length):
    table = counts([0, 0, 2, 5, 5], [1, 9, 9, 30, 31], [1, 2, 1, 0, 2])
    got = life_table(table, length)
    assert got.left.sum(axis=0).tolist() == [2, 2]
    assert len(got.left) == -(-31 // length)
    assert (got.profile[0], got.profile[-1]) == (0.0, 1.0)
    assert (np.diff(got.profile) >= 0).all()
    assert len(got.profile) == length + 1


def test_periods_of_one_tick_count_those_at_risk():
    table = counts([0, 0, 2, 5, 5], [1, 9, 9, 10, 11], [1, 2, 1, 0, 2])
    got = life_table(table, 1)
    known = dict(zip(table.age.tolist(), at_risk(table).tolist(), strict=True))
    exposed = dict(enumerate(got.exposed.tolist(), start=1))
    assert {age: exposed[age] for age in known if age} == {a: n for a, n in known.items() if a}


def test_exposure_is_never_below_the_exits():
    got = life_table(counts([0, 0, 3], [2, 2, 4], [1, 1, 1], n_causes=1), 4)
    assert (got.exposed >= got.left.sum(axis=1)).all()


@pytest.mark.parametrize("empty", [merged(), counts([0], [0], [0])])
def test_no_counts_make_no_periods(empty):
    got = life_table(empty, 31)
    assert got.exposed.tolist() == []
    assert len(got.profile) == 32


def test_a_period_of_no_ticks_is_refused():
    with pytest.raises(UsageError, match="at least one tick"):
        life_table(merged(), 0)
