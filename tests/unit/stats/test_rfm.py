import numpy as np
import pytest

from csk.errors import UsageError
from csk.stats import rfm
from csk.stats.rfm import rank_edges, rank_scores, scores, segment_map, segment_of, share_edges

RANKS = [
    (list(range(10)), 5, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
    ([0, 0, 0, 0, 0, 0, 1, 1, 2, 3], 5, [2, 2, 2, 2, 2, 2, 4, 4, 5, 5]),
    ([7] * 20, 5, [3] * 20),
    ([4], 5, [5]),
    ([3, 1, 2], 3, [3, 1, 2]),
    (list(range(20, 0, -2)), 10, list(range(10, 0, -1))),
    ([], 5, []),
]


@pytest.mark.parametrize(("values", "bins", "expected"), RANKS)
def test_rank_scores_go_by_average_rank(values, bins, expected):
    assert rank_scores(values, bins).tolist() == expected


def test_edges_from_counts_equal_edges_from_rows():
    values, counts = [5, 1, 5, 9], [2, 7, 1, 3]
    assert rank_edges(values, counts).tolist() == rank_edges(np.repeat(values, counts)).tolist()


def test_a_score_no_value_reaches_has_an_infinite_edge():
    assert rank_edges([7] * 20).tolist() == [7, 7, np.inf, np.inf]


def test_fixed_recency_is_best_within_thirty_days():
    days = np.array([0, 30, 31, 90, 91, 180, 181, 365, 366])
    assert scores(-days, rfm.FIXED_RECENCY_EDGES).tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1]


def test_fixed_frequency_goes_by_purchase_days():
    days = [1, 2, 3, 5, 6, 9, 10, 200]
    assert scores(days, rfm.FIXED_FREQUENCY_EDGES).tolist() == [1, 2, 3, 3, 4, 4, 5, 5]


def test_edges_that_do_not_ascend_are_refused():
    with pytest.raises(UsageError, match="ascend"):
        scores([1, 2], [3, 2])


ABC = [
    ([80, 10, 5, 5], [3, 2, 1, 1]),
    ([100], [3]),
    ([50, 50], [3, 3]),
    ([0, 0], [1, 1]),
    ([10, -5, 0], [3, 1, 1]),
    ([40, 30, 20, 10], [3, 3, 2, 1]),
]


@pytest.mark.parametrize(("values", "expected"), ABC)
def test_abc_classes_go_by_the_share_held_above(values, expected):
    assert scores(values, share_edges(values)).tolist() == expected


def test_the_built_in_map_is_a_partition_of_all_cells():
    sizes = np.bincount(rfm.SEGMENTS.cell.ravel(), minlength=11)
    assert dict(zip(rfm.SEGMENTS.names, sizes.tolist(), strict=True)) == {
        "champions": 7,
        "loyal": 8,
        "potential_loyalist": 24,
        "new": 7,
        "promising": 16,
        "need_attention": 8,
        "about_to_sleep": 8,
        "at_risk": 22,
        "cannot_lose": 8,
        "hibernating": 11,
        "lost": 6,
    }


CELLS = [
    (5, 5, 5, "champions"),
    (1, 1, 1, "lost"),
    (1, 5, 5, "cannot_lose"),
    (5, 1, 1, "new"),
    (5, 2, 2, "promising"),
    (2, 5, 5, "at_risk"),
    (3, 3, 2, "hibernating"),
    (3, 3, 1, "about_to_sleep"),
]


@pytest.mark.parametrize(("r", "f", "m", "name"), CELLS)
def test_a_cell_has_its_segment(r, f, m, name):
    assert rfm.SEGMENTS.names[int(segment_of(r, f, m))] == name


def test_segments_are_looked_up_for_whole_columns():
    found = segment_of([5, 1], [5, 1], [5, 1])
    assert [rfm.SEGMENTS.names[index] for index in found] == ["champions", "lost"]


@pytest.mark.parametrize("score", [0, 6, 10])
def test_scores_outside_one_to_five_have_no_segment(score):
    with pytest.raises(UsageError, match="frequency"):
        segment_of([1], [score], [1])


def test_a_map_with_holes_overlaps_and_nonsense_names_every_fault():
    cells = dict(rfm.SEGMENT_CELLS)
    cells["lost"] = "111 112 121 131 141 555 9x"
    with pytest.raises(UsageError) as refused:
        segment_map(cells)
    assert refused.value.details == (
        "555 is in both champions and lost",
        "lost: '9x' is not three digits of 1 to 5",
        "151 is in no segment",
    )


def test_the_built_in_map_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        rfm.SEGMENTS.cell[0, 0, 0] = 1
