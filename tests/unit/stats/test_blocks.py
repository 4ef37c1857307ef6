import numpy as np
import pytest

from csk.errors import ModelError, UsageError
from csk.stats import blocks as of


def test_equal_scores_are_one_block():
    found = of.blocks([0.2, 0.7, 0.2, -0.0, 0.0], [1, 1, 0, 0, 1], [1, 2, 3, 4, 0])
    assert found.score.tolist() == [0, 0.2, 0.7]
    assert found.events.tolist() == [0, 1, 2]
    assert found.others.tolist() == [4, 3, 0]
    assert (found.n_events, found.n_others, found.n) == (3, 7, 10)


@pytest.mark.parametrize(
    ("score", "event", "weight", "says"),
    [
        ([1, 2], [1], None, "2 scores, 1 outcomes and 2 weights"),
        ([1, 2], [1, 0], [1], "2 scores, 2 outcomes and 1 weights"),
        ([1, np.nan], [1, 0], None, "1 scores are not known"),
        ([1, 2], [1, np.nan], None, "came .1. or did not"),
        ([1, 2], [1, 2], None, "came .1. or did not"),
        ([1, 2], [1, 0], [1, -1], "none may be negative"),
        ([1, 2], [1, 0], [1, np.inf], "must be known"),
        ([1, 2], [1, 0], [0, 0], "nobody"),
        ([], [], None, "nobody"),
    ],
)
def test_rows_that_cannot_be_judged_are_refused(score, event, weight, says):
    with pytest.raises(UsageError, match=says):
        of.blocks(score, event, weight)


@pytest.mark.parametrize(("event", "says"), [([0, 0], "nobody"), ([1, 1], "everybody")])
def test_one_class_only_judges_no_score(event, says):
    with pytest.raises(ModelError, match=says):
        of.both_classes(of.blocks([1, 2], event))


@pytest.mark.parametrize("p", [[-0.1, 0.5], [0.5, 1.1]])
def test_what_is_no_chance_is_refused(p):
    with pytest.raises(UsageError, match="between 0 and 1"):
        of.chances(p, [0, 1])


def test_customers_need_one_name_a_row():
    with pytest.raises(UsageError, match="1 customers cannot be held against 2 outcomes"):
        of.rows(([1, 2],), [0, 1], None, ["a"])


def test_rows_that_weigh_nothing_leave_no_customer_behind():
    found = of.rows(([1, 2, 3],), [0, 1, 0], [1, 0, 1], ["a", "b", "c"])
    assert found.cluster.tolist() == [0, 1]
    assert found.event.tolist() == [False, False]
