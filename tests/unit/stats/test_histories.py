import numpy as np
import pytest

from csk.errors import ModelError
from csk.stats.histories import broadcast, histories, moments


def test_columns_become_floats_of_one_shape():
    found = broadcast([[1], [2]], 3, [4, 5])
    assert [column.tolist() for column in found] == [[[1, 1], [2, 2]], [[3, 3]] * 2, [[4, 5]] * 2]
    assert {column.dtype for column in found} == {np.dtype(float)}


def test_equal_customers_are_one_cell():
    found = histories("BG/NBD", [1, 0, 1], [3, 0, 3], [9, 5, 9], [2, 1, 4])
    assert found.x.tolist() == [0, 1]
    assert found.weight.tolist() == [1, 6]


REFUSED = [
    (([1], [5], [4]), "Any/Model needs 0 <= t_x <= T", "must be left out"),
    (([1], [5], [np.inf]), "Any/Model needs", "must be left out"),
    (([], [], []), "no customer", ""),
    (([1], [0], [9], [0]), "no customer", ""),
    (([0, 1], [0, 0], [0, 9], [3, 0]), "last day of the log", "more than one day"),
    (([0, 1], [0, 3], [8, 9], [7, 0]), "None of 7 customers", "longer log"),
]


@pytest.mark.parametrize(("columns", "says", "hint"), REFUSED)
def test_histories_that_carry_no_model_are_refused(columns, says, hint):
    with pytest.raises(ModelError, match=says) as refused:
        histories("Any/Model", *columns)
    assert hint in refused.value.hint


def test_moments_give_the_mean_and_a_shape_within_reason():
    even = histories("NBD", [2, 2], 0.0, 9.0)
    assert moments(even) == (2.0, 10.0)
    skewed = histories("NBD", [0, 12], 0.0, 9.0, [3, 1])
    assert moments(skewed) == (3.0, pytest.approx(9 / 24))
    rare = histories("NBD", [0, 50], 0.0, 9.0, [9_999, 1])
    assert moments(rare)[1] == 0.05
