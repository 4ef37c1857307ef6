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
