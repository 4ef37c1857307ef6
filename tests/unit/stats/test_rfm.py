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


def test_ranks_are_fifths_unless_told():
    assert rank_scores(range(10)).tolist() == rank_scores(range(10), 5).tolist()
    assert len(rank_edges(range(10))) == 4


def test_whole_counts_beyond_double_precision_are_ranked_exactly():
    # The lower value's average rank is a third of all, and one more of it would be above.
    often = 2**53
    assert rank_edges([0, 1, 0], [often, often, often - 3], bins=3)[0] == 1
    assert rank_edges([0, 1, 0], [often, often, often - 2], bins=3)[0] == 0


def test_values_that_nobody_has_move_no_edge():
    values, counts = [1, 2, 3, 4, 9], [5, 5, 5, 5, 0]
    assert rank_edges(values, counts, bins=4).tolist() == [2, 3, 4]


def test_the_total_of_abc_classes_may_exceed_what_an_integer_holds():
    values = np.array([2**62, 2**62, 2**62, 2**61])
    assert scores(values, share_edges(values)).tolist() == [3, 3, 3, 2]


def test_abc_edges_from_counts_equal_those_from_rows():
    # Rows 9, 5, 5, 5, 1 x 7: of 31, 9 + 15 = 24 lie above the ones.
    values, counts = [5, 1, 5, 9], [2, 7, 1, 1]
    assert share_edges(values, counts).tolist() == [1, 5]
    assert share_edges(np.repeat(values, counts)).tolist() == [1, 5]


def test_a_table_of_values_is_ranked_as_a_list_of_them():
    assert rank_edges([[4, 1], [3, 2]], bins=2).tolist() == rank_edges([1, 2, 3, 4], bins=2)


def test_a_score_no_value_reaches_has_an_infinite_edge():
    assert rank_edges([7] * 20).tolist() == [7, 7, np.inf, np.inf]


def test_fixed_recency_is_best_within_thirty_days():
    days = np.array([0, 30, 31, 90, 91, 180, 181, 365, 366])
    assert scores(-days, rfm.FIXED_RECENCY_EDGES).tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1]


def test_fixed_frequency_goes_by_purchase_days():
    days = [1, 2, 3, 5, 6, 9, 10, 200]
    assert scores(days, rfm.FIXED_FREQUENCY_EDGES).tolist() == [1, 2, 3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize(("edges", "listed"), [([3, 2], "3, 2"), ([0.5, 3, 2], "0.5, 3, 2")])
def test_edges_that_do_not_ascend_are_refused(edges, listed):
    with pytest.raises(UsageError) as refused:
        scores([1, 2], edges)
    assert str(refused.value) == f"Score thresholds must ascend: {listed}."


def test_equal_edges_leave_out_the_score_between_them():
    assert scores([1, 2, 3], [2, 2]).tolist() == [1, 3, 3]


def test_a_score_is_one_byte():
    assert scores([5.0], [1, 2]).dtype == segment_of([5], [5], [5]).dtype == np.int8


ABC = [
    ([80, 10, 5, 5], [3, 2, 1, 1]),
    ([100], [3]),
    ([50, 50], [3, 3]),
    ([0, 0], [1, 1]),
    ([10, -5, 0], [3, 1, 1]),
    # Shares do not depend on the unit: what is held may be fractions of one.
    ([0.8, 0.1, 0.05, 0.05], [3, 2, 1, 1]),
    # A value at the cut exactly is beyond it: 7 of 10 lie above 2, and 9 of 10 above 1.
    ([7, 2, 1], [3, 2, 1]),
    ([], []),
    ([40, 30, 20, 10], [3, 3, 2, 1]),
]


@pytest.mark.parametrize(("values", "expected"), ABC)
def test_abc_classes_go_by_the_share_held_above(values, expected):
    assert scores(values, share_edges(values)).tolist() == expected


def test_the_built_in_map_is_a_partition_of_all_cells():
    built = segment_map()
    sizes = np.bincount(built.cell.ravel(), minlength=11)
    assert dict(zip(built.names, sizes.tolist(), strict=True)) == {
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


def test_scores_kept_as_bytes_or_as_floats_are_looked_up_alike():
    for kind in (np.uint8, np.int8, np.float64):
        r, f, m = np.array([[5, 1], [2, 1], [2, 3]], kind)
        assert segment_of(r, f, m).tolist() == segment_of([5, 1], [2, 1], [2, 3]).tolist()


@pytest.mark.parametrize("score", [0, 6, 10])
@pytest.mark.parametrize(("place", "name"), [(0, "recency"), (1, "frequency"), (2, "money")])
def test_scores_outside_one_to_five_have_no_segment(place, name, score):
    asked = [[1], [1], [1]]
    asked[place] = [score]
    with pytest.raises(UsageError, match=rf"^The .* 1 to 5; {name} has others\.$"):
        segment_of(*asked)


def test_a_map_with_holes_overlaps_and_nonsense_names_every_fault():
    cells = dict(rfm.SEGMENT_CELLS)
    cells["lost"] = "111 112 9x 121 131 141 555"
    with pytest.raises(UsageError, match=r"^The .* not a partition of the 125 cells\.$") as refused:
        segment_map(cells)
    assert refused.value.details == (
        "lost: '9x' is not three digits of 1 to 5",
        "555 is in both champions and lost",
        "151 is in no segment",
    )
    assert refused.value.hint == "Every cell from 111 to 555 must be listed exactly once."


def test_the_first_segment_may_overlap_too():
    cells = {"all": " ".join(f"{r}{f}{m}" for r, f, m in np.ndindex(5, 5, 5)), "some": "111"}
    cells["all"] = cells["all"].translate(str.maketrans("01234", "12345"))
    with pytest.raises(UsageError) as refused:
        segment_map(cells)
    assert refused.value.details == ("111 is in both all and some",)


def test_a_map_cannot_be_written_to():
    built = segment_map()
    assert built.cell.shape == (5, 5, 5)
    assert built.cell.dtype == np.int8
    with pytest.raises(ValueError, match="read-only"):
        built.cell[0, 0, 0] = 1
