import numpy as np
import pytest

from csk.errors import DataError, UsageError
from csk.stats.survival import (
    _band_critical,
    at_risk,
    counts,
    kaplan_meier,
    median,
    merged,
    restricted_mean,
    simultaneous_band,
    starts_at,
    survival_at,
)

# Ten spells, worked by hand: two enter late, one of them is censored at the age of an exit.
ENTRY = [0, 0, 0, 0, 0, 0, 0, 0, 2, 3]
EXIT = [1, 2, 2, 3, 4, 4, 5, 5, 4, 5]
CAUSE = [1, 1, 2, 0, 1, 0, 1, 0, 0, 2]


def test_counts_are_those_done_by_hand():
    table = counts(ENTRY, EXIT, CAUSE)
    assert table.age.tolist() == [0, 1, 2, 3, 4, 5]
    assert table.entered.tolist() == [8, 0, 1, 1, 0, 0]
    assert table.left.tolist() == [[0, 0], [1, 0], [1, 1], [0, 0], [1, 0], [1, 1]]
    assert table.censored.tolist() == [0, 0, 0, 1, 2, 1]
    assert at_risk(table).tolist() == [0, 8, 7, 6, 6, 3]


def test_the_curve_is_the_product_done_by_hand():
    curve = kaplan_meier(counts(ENTRY, EXIT, CAUSE))
    expected = np.cumprod([1, 7 / 8, 5 / 7, 1, 5 / 6, 1 / 3])
    assert curve.survival == pytest.approx(expected)
    assert curve.at_risk.tolist() == [8, 8, 7, 6, 6, 3]
    assert curve.events.tolist() == [0, 1, 2, 0, 1, 2]
    greenwood = 1 / (8 * 7) + 2 / (7 * 5) + 1 / (6 * 5) + 2 / (3 * 1)
    assert curve.std_error[-1] == pytest.approx(expected[-1] * greenwood**0.5)
    assert median(curve).value == 5


def test_log_log_interval_at_one_half():
    # 20 of 40: log S = -.6931, relative error .1581, exp(1.96 * .1581 / .6931) = 1.56375
    curve = kaplan_meier(counts([0] * 40, [1] * 20 + [2] * 20, [1] * 20 + [0] * 20))
    assert curve.low[1] == pytest.approx(0.5**1.563755, abs=1e-5)
    assert curve.high[1] == pytest.approx(0.5 ** (1 / 1.563755), abs=1e-5)


def test_everybody_leaving_ends_in_zero_without_nan():
    curve = kaplan_meier(counts([0] * 4, [1, 2, 3, 3], [1, 1, 1, 2]))
    assert curve.survival[-1] == 0.0
    assert curve.std_error[-1] == 0.0
    assert (curve.low[-1], curve.high[-1]) == (0.0, curve.high[-2])
    assert np.isfinite(np.array(curve[3:])).all()
    assert survival_at(curve, 99) == 0.0


def test_nobody_leaving_keeps_one():
    curve = kaplan_meier(counts([0, 0], [5, 9], [0, 0]))
    assert curve.survival.tolist() == curve.low.tolist() == curve.high.tolist() == [1.0, 1.0, 1.0]
    assert median(curve) == (np.inf, np.inf, np.inf)
    assert len(simultaneous_band(curve).age) == 0


def test_the_curve_may_start_late():
    spells = [0, 0, 10, 10, 10, 10], [12, 3, 11, 12, 13, 14], [1, 1, 1, 1, 0, 0]
    curve = kaplan_meier(counts(*spells, n_causes=1), from_age=10)
    assert curve.age.tolist() == [10, 11, 12, 13, 14]
    assert curve.at_risk[0] == 5
    assert curve.survival[:3] == pytest.approx([1, 4 / 5, 4 / 5 * 2 / 4])


def test_nothing_is_known_past_the_last_age():
    curve = kaplan_meier(counts(ENTRY, EXIT, CAUSE), from_age=1)
    read = survival_at(curve, [[0, 1], [2, 6]])
    assert read[0].tolist() == [1.0, 1.0]
    assert read[1, 0] == pytest.approx(5 / 7)
    assert np.isnan(read[1, 1])


@pytest.mark.parametrize(
    ("entry", "enough", "age"),
    [([0] * 30, 30, 0), ([0] * 29, 30, None), ([0] * 20 + [7] * 15, 30, 7), ([], 30, None)],
)
def test_a_curve_starts_where_enough_are_at_risk(entry, enough, age):
    assert starts_at(counts(entry, [9] * len(entry), [0] * len(entry)), enough) == age


def test_restricted_mean_is_the_area():
    curve = kaplan_meier(counts([0] * 4, [1, 2, 3, 4], [1, 1, 1, 1]))
    assert restricted_mean(curve, 4).value == pytest.approx(1 + 3 / 4 + 2 / 4 + 1 / 4)
    assert restricted_mean(curve, 2).value == pytest.approx(1.75)
    assert restricted_mean(curve, 0) == (0.0, 0.0, 0.0)
    # Var = .75^2 * 1/(4*3) for the one exit before age 2
    reach = 1.959964 * 0.75 / 12**0.5
    assert restricted_mean(curve, 2).low == pytest.approx(1.75 - reach)
    assert restricted_mean(curve, 2).high == 2.0


def test_the_band_is_wider_than_the_interval_and_wider_over_more_ages():
    exits = np.arange(1, 201)
    curve = kaplan_meier(counts(np.zeros(200), exits, exits % 3 > 0, n_causes=1))
    long, short = simultaneous_band(curve, 0.95, 10, 150), simultaneous_band(curve, 0.95, 90, 150)
    inside = (curve.age >= 90) & (curve.age <= 150)
    narrow = curve.high[inside] - curve.low[inside]
    assert (short.high - short.low > narrow).all()
    assert ((long.high - long.low)[long.age >= 90] > short.high - short.low).all()
    assert (long.age.min(), long.age.max()) == (10, 150)


def test_the_band_of_one_age_is_the_interval():
    curve = kaplan_meier(counts([0] * 9, [3] * 4 + [5] * 5, [1] * 4 + [0] * 5))
    band = simultaneous_band(curve, 0.95, 3, 3)
    assert (band.low[0], band.high[0]) == (curve.low[1], curve.high[1])


def test_a_band_is_over_the_whole_curve_with_95_percent_unless_told():
    exits = np.arange(1, 101)
    curve = kaplan_meier(counts(np.zeros(100), exits, exits % 4 > 0, n_causes=1))
    for one, other in zip(
        simultaneous_band(curve), simultaneous_band(curve, 0.95, 0, 100), strict=True
    ):
        assert one.tolist() == other.tolist()
    wide, narrow = simultaneous_band(curve, 0.99), simultaneous_band(curve, 0.8)
    assert (wide.high - wide.low > narrow.high - narrow.low).all()
    # Rows without an exit before them, and those where all have gone, are no part of it.
    assert wide.age.tolist() == curve.age[(curve.survival < 1) & (curve.survival > 0)].tolist()


def test_the_critical_value_is_that_of_miller_and_siegmund():
    # At c = 3 and a log ratio of 4: phi(3) (4/3 + (3 - 1/3) 4) = .004431848 x 12.
    assert _band_critical(1 - 0.004431848 * 12, 4.0) == pytest.approx(3.0, abs=1e-6)
    assert _band_critical(0.95, 0.0) == pytest.approx(1.959964, abs=1e-6)
    assert _band_critical(0.5, 1e-9) >= 0.6744
    lengths = [_band_critical(0.95, ratio) for ratio in (0.5, 1.0, 4.0, 20.0)]
    assert (np.diff(lengths) > 0).all()


def test_a_curve_is_known_up_to_its_last_age():
    curve = kaplan_meier(counts([0] * 4, [2, 10, 20, 20], [1, 1, 0, 0]))
    read = survival_at(curve, [0, 1.5, 2, 9, 10, 15, 20])
    assert read.tolist() == [1.0, 1.0, 0.75, 0.75, 0.5, 0.5, 0.5]
    assert np.isnan(survival_at(curve, 20.5))


def test_any_share_has_its_age():
    curve = kaplan_meier(counts([0] * 10, range(1, 11), [1] * 10))
    found = {share: median(curve, share).value for share in (0.9, 0.75, 0.3, 0.0)}
    # 1 - 0.1 x 7 is a rounding above 0.3, and counts as it.
    assert found == {0.9: 1.0, 0.75: 3.0, 0.3: 7.0, 0.0: 10.0}


def test_a_higher_level_is_wider_in_every_figure():
    table = counts(ENTRY * 9, EXIT * 9, CAUSE * 9)
    low, high = kaplan_meier(table, 0.8), kaplan_meier(table, 0.99)
    inside = (low.survival > 0) & (low.survival < 1)
    assert (high.high - high.low > low.high - low.low)[inside].all()
    assert restricted_mean(low, 4, 0.99).low < restricted_mean(low, 4, 0.8).low
    wider = restricted_mean(low, 4), restricted_mean(low, 4, 0.95)
    assert wider[0] == wider[1]
    same = zip(kaplan_meier(table), kaplan_meier(table, 0.95, 0), strict=True)
    assert all(one.tolist() == other.tolist() for one, other in same)


def test_the_mean_carries_the_last_value_and_never_leaves_its_range():
    curve = kaplan_meier(counts([0] * 4, [1, 4, 4, 4], [1, 0, 0, 0]))
    found = restricted_mean(curve, 10)
    assert found.value == pytest.approx(1 + 9 * 0.75)
    assert (found.low, found.high) == (pytest.approx(7.75 - 1.959964 * 9 * 0.75 / 12**0.5), 10.0)
    few = kaplan_meier(counts([0, 0], [1, 100], [1, 1]))
    assert restricted_mean(few, 100) == (50.5, 0.0, 100.0)


def test_parts_with_fewer_causes_add_to_those_with_more():
    one = counts([0], [3], [1], n_causes=1)
    two = counts([0, 1], [3, 4], [2, 0], [5, 7], n_causes=2)
    both = merged(one, two)
    assert both.age.tolist() == [0, 1, 3, 4]
    assert both.entered.tolist() == [6, 7, 0, 0]
    assert both.left.tolist() == [[0, 0], [0, 0], [1, 5], [0, 0]]
    assert both.censored.tolist() == [0, 0, 0, 7]
    assert merged().left.shape == (0, 1)
    assert counts([0], [1], [1]).left.shape == (2, 2)


def test_every_fault_of_the_spells_is_named():
    with pytest.raises(DataError) as refusal:
        counts([-1, 5, 4, 0, 0, 0], [4, 3, 4, 1, 1, 2], [0, 0, 1, 2, -1, 1], [1, 1, 1, 1, 1, -2], 1)
    assert str(refusal.value) == "Some spells cannot be counted."
    assert refusal.value.details == (
        "1 spells enter at a negative age",
        "1 spells are last seen before they enter",
        "1 spells end at the very age at which they enter",
        "2 spells end by a cause other than 0 to 1",
        "1 spells have a negative weight",
    )


@pytest.mark.parametrize(
    ("spell", "words"),
    [
        ((-1, 4, 0), "negative age"),
        ((5, 4, 0), "before they enter"),
        ((4, 4, 1), "at the very age"),
        ((0, 4, 3), "a cause other than 0 to 2"),
    ],
)
def test_impossible_spells_are_refused_with_their_number(spell, words):
    e, x, c = spell
    with pytest.raises(DataError) as refusal:
        counts([e, 0], [x, 1], [c, 0])
    assert len(refusal.value.details) == 1
    assert refusal.value.details[0].startswith("1 spells")
    assert words in refusal.value.details[0]


def test_columns_of_different_length_are_refused():
    with pytest.raises(UsageError, match="one value per spell"):
        counts([0, 0], [1], [1])


def test_nothing_merged_is_nothing():
    assert len(merged().age) == 0
    curve = kaplan_meier(merged())
    assert curve.survival.tolist() == [1.0]
    assert curve.at_risk.tolist() == [0]


def test_a_spell_censored_at_its_entry_weighs_nothing():
    alone, both = counts([0, 0], [3, 4], [1, 1]), counts([0, 0, 3], [3, 4, 3], [1, 1, 0])
    assert kaplan_meier(both).survival.tolist() == kaplan_meier(alone).survival.tolist()
