import numpy as np
import pytest

from csk.errors import ModelError, UsageError
from csk.stats import censored as known

# Six customers: ends at 2, 3 and 3, watching ends at 3, 4 and 6.
TIME, END = [2, 3, 3, 3, 4, 6], [1, 1, 1, 0, 0, 0]


def test_watching_is_a_curve_in_which_ends_come_first():
    found = known.censoring(TIME, END)
    # At 3 two leave first: one of three is lost; at 4 one of two; at 6 the last.
    assert found.time.tolist() == [3, 4, 6]
    assert found.watched == pytest.approx([1, 2 / 3, 1 / 3, 0])


def test_the_chance_of_being_watched_is_the_one_just_before():
    curve = known.censoring(TIME, END)
    assert known.watched_until(curve, [0, 3, 3.5, 4, 5, 6, 7]) == pytest.approx(
        [1, 1, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 0]
    )


def test_the_score_of_few_customers_is_that_by_hand():
    p = np.array([[0.5, 0.6], [0.4, 0.7], [0.2, 0.3], [0.1, 0.2], [0.3, 0.4], [0.1, 0.2]])
    found = known.ipcw_brier(TIME, END, p, [3, 4])
    at_3 = 0.5**2 + 0.6**2 + 0.8**2 + 0.1**2 + 0.3**2 + 0.1**2
    # At 4 the fourth is not known; the last two count for 3 of the 3 who stayed beyond 3.
    at_4 = 0.4**2 + 0.3**2 + 0.7**2 + 1.5 * (0.4**2 + 0.2**2)
    assert found == pytest.approx([at_3 / 6, at_4 / 6])


def test_without_censoring_it_is_the_brier_score():
    rng = np.random.default_rng(1)
    time, p = rng.integers(1, 30, 200), rng.random((200, 2))
    ends = np.ones(200)
    found = known.ipcw_brier(time, ends, p, [10, 20])
    came = time[:, None] <= [10, 20]
    assert found == pytest.approx(((came - p) ** 2).mean(0))


def test_those_watched_exactly_to_the_horizon_count_whole():
    found = known.ipcw_brier([30, 30, 12], [0, 0, 1], [[0.1], [0.2], [0.7]], [30])
    assert found == pytest.approx([(0.01 + 0.04 + 0.09) / 3])


def test_another_end_is_known_not_to_be_the_event():
    p = [[0.5], [0.5], [0.5], [0.9]]
    assert known.ipcw_brier([1, 2, 5, 3], [1, 2, 0, 2], p, [4]) == pytest.approx(
        [(0.75 + 0.81) / 4]
    )


def test_weights_undo_the_watching_on_average():
    rng, gaps = np.random.default_rng(2), []
    for _ in range(200):
        risk = rng.choice([0.5, 2.0], 400)
        gone, lost = rng.exponential(50 / risk), rng.uniform(0, 120, 400)
        p = (1 - np.exp(-40 * risk / 60))[:, None]
        seen = known.ipcw_brier(np.minimum(gone, lost), gone <= lost, p, [40])
        gaps.append(seen[0] - np.mean(((gone <= 40) - p[:, 0]) ** 2))
    assert abs(np.mean(gaps)) < 2.5 * np.std(gaps) / np.sqrt(200)


def test_the_integrated_score_is_a_mean_over_time():
    assert known.integrated_brier([10, 20, 40], [0.1, 0.2, 0.2]) == pytest.approx(5.5 / 30)
    assert known.integrated_brier(30, 0.2) == 0.2


@pytest.mark.parametrize("horizons", [[20, 10], [10, 10], [10, 20, 30], []])
def test_horizons_ascend(horizons):
    with pytest.raises(UsageError, match="ascending"):
        known.integrated_brier(horizons, [0.1, 0.2])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"time": [1, 2]}, "2 times, 3 ends, 3 scores and 2 weights"),
        ({"time": [1, 2, np.nan]}, "Times must be known"),
        ({"time": [1, 2, -1]}, "Times must be known"),
        ({"end": [0, 1, 0.5]}, "An end is 0"),
        ({"p": [[0.1], [0.2], [np.nan]]}, "1 scores are not known"),
        ({"p": [[0.1], [0.2], [1.2]]}, "between 0 and 1"),
        ({"p": [[0.1, 0.1]] * 3}, "2 chances a customer and 1 horizons"),
        ({"weight": [0, 0, 0]}, "not all 0"),
    ],
)
def test_rows_that_cannot_be_judged_are_refused(changed, says):
    rows = {"time": [1, 2, 3], "end": [0, 1, 0], "p": [[0.1]] * 3, "horizons": [2]}
    with pytest.raises(UsageError, match=says):
        known.ipcw_brier(**{**rows, **changed})


def test_late_entry_is_refused():
    with pytest.raises(ModelError, match="1 customers came under observation late"):
        known.ipcw_brier([3, 4], [1, 0], [[0.5], [0.5]], [2], entry=[0, 1])
    assert known.ipcw_brier([3, 4], [1, 0], [[0.5], [0.5]], [2], entry=[0, 0]) == 0.25


def test_a_horizon_to_which_nobody_was_watched_is_refused():
    with pytest.raises(ModelError, match="Nobody was watched up to 9"):
        known.ipcw_brier([3, 4], [0, 0], [[0.5], [0.5]], [9])
    short = known.censoring([1, 2], [0, 0])
    with pytest.raises(ModelError, match="Nobody was watched up to 5"):
        known.ipcw_brier([3, 6], [1, 0], [[0.5], [0.5]], [5], by=short)
