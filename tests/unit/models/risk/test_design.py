"""Columns of numbers from columns of a panel: each is checked on rows made for it."""

import numpy as np
import polars as pl
import pytest

from csk.errors import DataError
from csk.models.risk import design
from csk.models.risk.ranges import MOST_SPAN
from csk.schema.features import Feature

N = 400
RNG = np.random.default_rng(5)
LINE = Feature("line", "usage", "", "higher")
COUNT = Feature("count", "tickets", "", "lower", "log")
BASE = pl.DataFrame(
    {
        "line": RNG.normal(size=N),
        "count": RNG.poisson(3, N).astype(float),
        "plan": ["basic"] * 300 + ["plus"] * 80 + ["rare"] * 20,
    }
)


def found(panel, features=(LINE, COUNT), left=None):
    of = design.recipe(panel, left, features)
    return of, design.matrix(of, panel)


def test_columns_have_mean_nothing_and_lines_a_deviation_of_one():
    of, x = found(BASE)
    assert x.mean(axis=1) == pytest.approx(np.zeros(len(x)), abs=1e-12)
    for kind, column in zip(of.columns, x, strict=True):
        if kind.kind in {"line", "bend"}:
            assert column.std() == pytest.approx(1.0, abs=1e-9)


def test_bends_say_what_the_line_does_not():
    of, x = found(BASE, (LINE,))
    assert [c.kind for c in of.columns] == ["line", "bend", "bend", "bend", "level", "level"]
    assert x[1:4] @ x[0] == pytest.approx(np.zeros(3), abs=1e-9)


def test_a_rare_plan_and_one_that_is_new_are_pooled_and_counted():
    of, _ = found(BASE)
    assert (of.levels, of.shares) == (("basic", "plus"), (0.75, 0.2))
    new = BASE.with_columns(plan=pl.Series(["new"] * 10 + ["basic"] * 389 + [None]))
    assert design.n_pooled(of, new) == 11
    rows = design.matrix(of, new)[-2:]
    assert rows[:, 0].tolist() == [-0.75, -0.2]
    assert rows[:, 20].tolist() == [0.25, -0.2]


def test_one_plan_is_no_column():
    of, _ = found(BASE.with_columns(plan=pl.lit("basic")))
    assert of.levels == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None] * N, design.Dropped("line", "empty")),
        ([2.5] * N, design.Dropped("line", "constant")),
        (np.log1p(BASE["count"].to_numpy()) * -3.0, design.Dropped("count", "same", "line")),
        ([1.0] * 30 + [0.0] * 370, design.Dropped("line", "separates")),
        ([None] * 30 + [0.0, 1.0] * 185, design.Dropped("line", "separates")),
        ([0.0] * 30 + [None] * 370, design.Dropped("line", "separates")),
    ],
)
def test_a_column_that_is_not_used_is_named(values, expected):
    left = np.arange(N) < 30
    panel = BASE.with_columns(line=pl.Series(values, dtype=pl.Float64))
    of, x = found(panel, left=left)
    assert expected in of.dropped
    assert np.isfinite(x).all()


def test_what_is_missing_is_the_median_and_says_so():
    values = BASE["line"].to_list()
    panel = BASE.with_columns(line=pl.Series([None] * 100 + values[100:], dtype=pl.Float64))
    of, x = found(panel, (LINE,))
    kinds = [c.kind for c in of.columns]
    flag = x[kinds.index("missing")]
    assert (flag[0], flag[100]) == (0.75, -0.25)
    line = x[0, 0] * of.measures[0].size + of.measures[0].centre
    assert line == pytest.approx(float(np.quantile(values[100:], 0.5, method="inverted_cdf")))


def test_features_that_are_missing_together_say_so_once():
    gaps = pl.Series([None] * 100 + [1.0, 2.0, 3.0] * 100, dtype=pl.Float64)
    more = pl.Series([None] * 100 + RNG.normal(size=300).tolist(), dtype=pl.Float64)
    of, _ = found(BASE.with_columns(line=gaps, count=more))
    assert [c.feature for c in of.columns if c.kind == "missing"] == ["line"]


def test_a_value_beyond_the_rows_of_the_fit_counts_as_their_edge():
    of, _ = found(BASE)
    far = BASE.head(2).with_columns(line=pl.Series([1e9, of.measures[0].high]))
    x = design.matrix(of, far)
    assert x[:4, 0].tolist() == x[:4, 1].tolist()


def test_a_weight_of_three_is_the_row_three_times():
    weight = RNG.integers(1, 4, N).astype(float)
    weighed = design.recipe(BASE.with_columns(weight=weight), None, (LINE, COUNT))
    repeated = design.recipe(BASE[np.repeat(np.arange(N), weight.astype(int))], None, (LINE, COUNT))
    assert weighed.levels == repeated.levels
    for one, other in zip(weighed.measures, repeated.measures, strict=True):
        assert one.quartiles == other.quartiles
        for name in ("low", "high", "typical", "centre", "size", "knots", "means", "sizes"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9, abs=1e-12)


def test_quartiles_are_those_of_the_plan():
    of, _ = found(BASE)
    plus = BASE.filter(plan="plus")["line"].to_numpy()
    middle = np.quantile(plus, [0.25, 0.5, 0.75], method="inverted_cdf")
    assert of.measures[0].quartiles[1] == pytest.approx(middle)


def test_rows_without_a_feature_of_the_model_are_refused_by_name():
    of, _ = found(BASE)
    with pytest.raises(DataError) as refused:
        design.matrix(of, BASE.drop("count"))
    assert refused.value.details == ("count",)


RARE = [
    # (values that differ from those of all others, bounds)
    ([1.0] * 9, (0.0, 0.0)),
    ([1.0] * 12, (0.0, 1.0)),
    ([1.0] * 30 + [1e9], (0.0, 1.0)),
    ([-1e9] + [-1.0] * 12 + [1.0] * 12 + [1e9], (-1.0, 1.0)),
]


@pytest.mark.parametrize(("values", "expected"), RARE)
def test_of_values_that_few_have_one_row_sets_no_bound(values, expected):
    panel = pl.DataFrame({"line": [0.0] * (10_000 - len(values)) + values})
    of, x = found(panel, (LINE,))
    if expected[0] == expected[1]:
        assert of.dropped == (design.Dropped("line", "constant"),)
    else:
        assert (of.measures[0].low, of.measures[0].high) == expected
        assert np.ptp(x[0]) <= MOST_SPAN * (1.0 + 1e-12)


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("share", [0.002, 0.01, 0.3])
def test_a_line_spans_so_many_deviations_at_most(scale, share):
    panel = pl.DataFrame({"line": (RNG.random(20_000) < share) * RNG.lognormal(3, 2, 20_000)})
    _, x = found(panel, (Feature("line", "usage", "", "higher", scale),))
    assert np.ptp(x[0]) <= MOST_SPAN * (1.0 + 1e-12)
    assert x[0].std() <= 1.0 + 1e-9
