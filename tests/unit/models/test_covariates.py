"""What can be told apart is in the design; what cannot is named with its reason."""

import numpy as np
import polars as pl
import pytest

from csk.errors import ModelError
from csk.models.covariates import OTHERS, design


def rows(n_left=6, n=10, **values):
    """Return `n` rows of each combination of values in order, of which the first have left."""
    length = max(len(column) for column in values.values())
    columns = {
        name: [value for value in column for _ in range(n)] for name, column in values.items()
    }
    return pl.DataFrame({"cause": ([1] * n_left + [0] * (n - n_left)) * length, **columns})


def told(of, names=None, stratum=None, *, is_asked=False):
    names = names or [name for name in of.columns if name != "cause"]
    names = ["usage" if name == "n" else name for name in names]
    strata = np.zeros(of.height, int) if stratum is None else np.array(stratum)
    return design(of, names, strata, is_asked=is_asked)


def test_values_are_compared_with_the_one_that_most_left_with():
    of = pl.concat([rows(plan=["a", "b"]), rows(n_left=9, plan=["c"])])
    found = told(of)
    assert [(term.level, term.against, term.n, term.n_left) for term in found.terms] == [
        ("a", "c", 10, 6),
        ("b", "c", 10, 6),
    ]
    assert [(term.level, term.n_left) for term in found.references] == [("c", 9)]
    assert found.matrix.sum(axis=0).tolist() == [10, 10]
    assert found.keep.all()


def test_values_that_few_left_with_are_told_together():
    of = pl.concat([rows(plan=["a", "b"]), rows(n_left=2, plan=["c", "d", "e"])])
    found = told(of)
    assert {(term.level, term.n_left) for term in found.terms} == {("b", 6), (OTHERS, 6)}


def test_usage_counts_in_doublings_and_what_is_not_known_is_left_out():
    found = told(usage([0.0, 1.0, 3.0, None]))
    assert np.unique(found.matrix).tolist() == [0.0, 1.0, 2.0]
    assert found.matrix.shape == (30, 1)
    assert int((~found.keep).sum()) == 10
    assert [(one.covariate, one.why, one.n) for one in found.left_out] == [("usage", "unknown", 10)]


def usage(values):
    base = rows(plan=["a"] * len(values))
    return base.with_columns(n=pl.Series([v for v in values for _ in range(10)])).drop("plan")


def test_a_value_that_nobody_left_with_takes_its_rows_along():
    of = pl.concat([rows(plan=["a", "b"]), rows(n_left=0, n=40, plan=["free"])])
    found = told(of)
    assert [(one.level, one.why, one.n) for one in found.left_out] == [("free", "separates", 40)]
    assert int(found.keep.sum()) == 20


@pytest.mark.parametrize(
    ("of", "why", "name"),
    [
        (rows(plan=["a", "b"], channel=["x", "x"]), "constant", "channel"),
        (rows(plan=["a", "b"], channel=["x", "y"]), "same", "channel"),
        (rows(plan=["a", "b"] * 30, owner=[f"o{n}" for n in range(60)]), "many", "owner"),
    ],
)
def test_columns_that_say_nothing_are_left_out_or_refused_by_name(of, why, name):
    found = told(of)
    assert [(one.covariate, one.why) for one in found.left_out] == [(name, why)]
    assert found.covariates == ("plan",)
    with pytest.raises(ModelError, match="cannot be in the model") as refused:
        told(of, is_asked=True)
    assert name in refused.value.details[0]


def test_where_nothing_varies_there_is_no_model():
    with pytest.raises(ModelError, match="No covariate varies"):
        told(rows(plan=["a", "a"]))


def test_a_value_alone_in_its_kind_of_contract_has_nothing_to_compare_with():
    of = rows(plan=["a", "b", "year"])
    found = told(of, stratum=[0] * 20 + [1] * 10)
    assert [term.level for term in found.terms] == ["b"]
    assert [(one.level, one.why) for one in found.left_out] == [("year", "alone")]
    assert found.keep.all()


def test_kinds_that_share_no_value_have_references_of_their_own():
    of = rows(plan=["a", "b", "c", "d"])
    found = told(of, stratum=[0] * 20 + [1] * 20)
    assert [(term.level, term.against) for term in found.terms] == [("b", "a"), ("d", "c")]
    joined = told(of, stratum=[0] * 15 + [1] * 25)
    assert {term.against for term in joined.terms} == {"a"}
