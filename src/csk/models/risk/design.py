"""From the columns of a panel to columns of numbers: splines, missing values, plans.

One rule: the recipe is found once, on the rows of a fit, and then never looks at data again; a
row is turned into numbers by it alone. All columns have mean 0 over the rows of the fit, so a
row of zeros is a customer in the middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import DataError
from csk.models.risk.ranges import bounds, deviation, weighted_quantiles
from csk.models.risk.stacked import Floats, Ints, weights
from csk.schema.features import FEATURES, TOUCHES, Feature

PLAN: Final = "plan"
FEWEST_OF_A_LEVEL: Final = 30
"""Rows below which a plan is pooled with the other rare ones."""
_KNOTS: Final = (0.2, 0.5, 0.8)
_KNOTS_OF_TENURE: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
_MOST_ROWS: Final = 200_000
"""Rows that quantiles are taken of, evenly spaced."""
_SAME: Final = 1e-8

Flags = NDArray[np.bool_]
Why = Literal["empty", "constant", "same", "separates"]


class Dropped(NamedTuple):
    """A column of the panel that is not used, and why."""

    column: str
    why: Why
    other: str = ""
    """The column whose equal it is."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How one feature becomes columns: a line, its bends, and whether it is missing.

    z is the value between `low` and `high`, its logarithm where `scale` says so, in standard
    deviations from its mean; one is taken for no less than an eighth of that range. Bend m is
    `max(z - knot, 0)` less its regression on z, scaled.
    """

    name: str
    group: str
    better: str
    scale: str
    low: float
    high: float
    typical: float
    """Weighted median; it stands in for what is missing."""
    centre: float
    size: float
    knots: tuple[float, ...]
    means: tuple[float, ...]
    slopes: tuple[float, ...]
    sizes: tuple[float, ...]
    missing: float
    """Share of rows without a value; above 0, there is a column that says so."""
    quartiles: tuple[tuple[float, float, float], ...]
    """Of each plan that has a column of its own; last of all rows."""

    @property
    def has_line(self) -> bool:
        """Return whether its values vary at all."""
        return self.size > 0.0


class Column(NamedTuple):
    """What one column of the matrix is."""

    feature: str
    group: str
    kind: Literal["line", "bend", "missing", "level"]
    level: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a panel becomes a matrix."""

    measures: tuple[Measure, ...]
    levels: tuple[str, ...]
    """Plans with a column of their own; all others are pooled."""
    shares: tuple[float, ...]
    """Of the rows, by level."""
    dropped: tuple[Dropped, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return what each column of the matrix is, in their order."""
        found: list[Column] = []
        for one in self.measures:
            place = (one.name, one.group)
            found += [Column(*place, "line")] * one.has_line
            found += [Column(*place, "bend")] * len(one.knots)
            found += [Column(*place, "missing")] * (one.missing > 0.0)
        return (*found, *(Column(PLAN, PLAN, "level", level) for level in self.levels))

    @property
    def features(self) -> tuple[tuple[str, str], ...]:
        """Return name and group of each feature used, the plan last."""
        found = tuple((one.name, one.group) for one in self.measures)
        return (*found, (PLAN, PLAN)) if self.levels else found


def recipe(
    panel: pl.DataFrame,
    left: Flags | None = None,
    features: Sequence[Feature] = (*FEATURES, *TOUCHES),
) -> Recipe:
    """Find how a panel becomes a matrix: bounds, medians, knots, levels, and what is left out.

    Of `features` those are taken that are columns of the panel; `weight` counts where it has
    one. `left` (n,) says who leaves: columns that tell all of them from all others are dropped.
    """
    every = max(-(-panel.height // _MOST_ROWS), 1)
    rows = panel.gather_every(every)
    gone = np.zeros(rows.height, np.bool_) if left is None else left[::every]
    weight = weights(rows)
    measures: list[Measure] = []
    dropped: list[Dropped] = []
    basis = _Basis(np.zeros((0, rows.height)), ())
    for feature in (one for one in features if one.name in panel.columns):
        values = _values(rows, feature.name)
        measure, why = _measure(feature, values, weight, gone)
        if measure is None or why:
            dropped.append(Dropped(feature.name, why or "constant"))
            continue
        measure, basis, other = _apart(measure, values, weight, basis)
        if other:
            dropped.append(Dropped(feature.name, "same", other))
        elif not measure.has_line:
            dropped.append(Dropped(feature.name, "constant"))
        if measure.has_line or measure.missing > 0.0:
            measures.append(measure)
    found = Recipe(tuple(measures), *_levels(rows, weight), tuple(dropped))
    return replace(found, measures=_by_plan(found, rows, weight))


def _by_plan(of: Recipe, rows: pl.DataFrame, weight: Floats) -> tuple[Measure, ...]:
    """Return the measures with their quartiles by plan."""
    plan = codes(of, rows)
    found = []
    for one in of.measures:
        values = _values(rows, one.name)
        order = np.argsort(values, kind="stable")
        order = order[~np.isnan(values[order])]
        x, w, homes = values[order], weight[order], plan[order]
        whole = _quartiles(x, w)
        own = [
            _quartiles(x[there], w[there]) if there.any() else whole
            for there in (homes == level for level in range(len(of.levels)))
        ]
        found.append(replace(one, quartiles=(*own, whole)))
    return tuple(found)


def _quartiles(values: Floats, weight: Floats) -> tuple[float, float, float]:
    low, middle, high = weighted_quantiles(values, weight, (0.25, 0.5, 0.75))
    return low, middle, high


def _values(rows: pl.DataFrame, name: str) -> Floats:
    """Return the values of a feature, NaN where it is not known."""
    return rows[name].cast(pl.Float64).to_numpy()


def _measure(
    feature: Feature, values: Floats, weight: Floats, gone: Flags
) -> tuple[Measure | None, Why | None]:
    known = ~np.isnan(values)
    total = float(weight.sum())
    if not known.any() or total <= 0.0:
        return None, "empty"
    if _separates(values, known, gone):
        return None, "separates"
    missing = float(weight[~known].sum()) / total
    x, w = values[known], weight[known]
    order = np.argsort(x, kind="stable")
    x, w = x[order], w[order]
    low, high = bounds(x, w)
    typical = float(np.clip(weighted_quantiles(x, w, (0.5,))[0], low, high))
    if low == high and missing == 0.0:
        return None, "constant"
    bare = Measure(
        feature.name,
        feature.group,
        feature.better,
        feature.scale,
        low,
        high,
        typical,
        centre=0.0,
        size=1.0,
        knots=(),
        means=(),
        slopes=(),
        sizes=(),
        missing=missing,
        quartiles=(),
    )
    centre, size = _moments(_bent(bare, values), weight)
    if low == high or size <= _SAME * max(abs(centre), 1.0):
        return replace(bare, centre=centre, size=0.0), None
    ends = _scaled(bare, np.array([low, high]))
    size = deviation(size, float(ends[1] - ends[0]))
    wanted = _KNOTS_OF_TENURE if feature.group == "tenure" else _KNOTS
    at = sorted({q for q in weighted_quantiles(x, w, wanted) if low < q < high})
    lined = replace(bare, centre=centre, size=size)
    z = _line(lined, values)
    knots = tuple(float(k) for k in (_scaled(lined, np.array(at)) - centre) / size)
    return _bending(lined, z, weight, knots), None


def _bending(of: Measure, z: Floats, weight: Floats, knots: tuple[float, ...]) -> Measure:
    """Add the bends: what a hinge at each knot says beyond the line itself."""
    kept, means, slopes, sizes = [], [], [], []
    spread = float(weight @ (z * z)) / float(weight.sum())
    for knot in knots:
        hinge = np.maximum(z - knot, 0.0)
        mean = float(weight @ hinge) / float(weight.sum())
        slope = float(weight @ (hinge * z)) / float(weight.sum()) / spread
        rest = hinge - mean - slope * z
        size = float(np.sqrt(weight @ (rest * rest) / weight.sum()))
        if size > 1e-4:  # noqa: PLR2004 - of a standard deviation: the line says it already
            kept.append(knot)
            means.append(mean)
            slopes.append(slope)
            sizes.append(size)
    return replace(
        of, knots=tuple(kept), means=tuple(means), slopes=tuple(slopes), sizes=tuple(sizes)
    )


def _moments(values: Floats, weight: Floats) -> tuple[float, float]:
    centre = float(weight @ values) / float(weight.sum())
    spread = float(weight @ (values - centre) ** 2) / float(weight.sum())
    return centre, float(np.sqrt(spread))


def _scaled(of: Measure, values: Floats) -> Floats:
    return np.asarray(np.log1p(np.maximum(values, 0.0)) if of.scale == "log" else values)


def _bent(of: Measure, values: Floats) -> Floats:
    found = np.clip(values, of.low, of.high)
    np.copyto(found, of.typical, where=np.isnan(found))
    return _scaled(of, found)


def _line(of: Measure, values: Floats) -> Floats:
    return np.asarray((_bent(of, values) - of.centre) / of.size)


def _separates(values: Floats, known: Flags, gone: Flags) -> bool:
    """Return whether a value, or its absence, tells all who leave from all who stay."""
    if gone.all() or not gone.any():
        return False
    if np.array_equal(known, gone) or np.array_equal(~known, gone):
        return True
    if not known.all() or len(values) < FEWEST_OF_A_LEVEL:
        return False
    left, stayed = values[gone], values[~gone]
    return bool(left.min() > stayed.max() or left.max() < stayed.min())


class _Basis(NamedTuple):
    """Columns so far, centred and of length 1, with the features that they are of."""

    rows: Floats
    names: tuple[str, ...]

    def equal(self, column: Floats) -> str:
        """Return the feature that has a column just like this one; empty where none has."""
        if not self.names:
            return ""
        alike = np.abs(self.rows @ column)
        at = int(alike.argmax())
        return self.names[at] if alike[at] > 1.0 - _SAME else ""

    def grown(self, column: Floats, name: str) -> "_Basis":
        """Return the basis with one more column."""
        return _Basis(np.concatenate([self.rows, column[None, :]]), (*self.names, name))


def _apart(
    of: Measure, values: Floats, weight: Floats, basis: _Basis
) -> tuple[Measure, _Basis, str]:
    """Return a measure less what those before it say, and whose equal its line is."""
    other = ""
    if of.has_line:
        line = _unit(_bent(of, values), weight)
        other = basis.equal(line)
        if other:
            of = replace(of, size=0.0, knots=(), means=(), slopes=(), sizes=())
        else:
            basis = basis.grown(line, of.name)
    if of.missing > 0.0:
        flag = _unit((np.isnan(values)).astype(np.float64), weight)
        # A table that says nothing of a customer leaves all of its features empty at once.
        if basis.equal(flag):
            of = replace(of, missing=0.0)
        else:
            basis = basis.grown(flag, of.name)
    return of, basis, other


def _unit(values: Floats, weight: Floats) -> Floats:
    own = (values - float(weight @ values) / float(weight.sum())) * np.sqrt(weight)
    return np.asarray(own / max(float(np.sqrt(own @ own)), 1e-300))


def _levels(rows: pl.DataFrame, weight: Floats) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return the plans with enough rows, by name, and their shares."""
    if PLAN not in rows.columns:
        return (), ()
    counted = (
        rows.select(pl.col(PLAN).cast(pl.String), pl.Series("n", weight))
        .drop_nulls(PLAN)
        .group_by(PLAN)
        .agg(pl.col("n").sum())
        .sort(PLAN)
    )
    total = float(weight.sum())
    kept = counted.filter(pl.col("n") >= FEWEST_OF_A_LEVEL)
    if kept.height == 1 and float(kept["n"][0]) >= total * (1.0 - _SAME):
        return (), ()
    return tuple(kept[PLAN].to_list()), tuple(float(n) / total for n in kept["n"])


def codes(of: Recipe, panel: pl.DataFrame) -> Ints:
    """Return (n,) the number of each row's plan among the levels; -1 where it is pooled."""
    if not of.levels or PLAN not in panel.columns:
        return np.full(panel.height, -1, np.int64)
    plan = panel[PLAN].cast(pl.String).cast(pl.Enum(of.levels), strict=False)
    return plan.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def n_pooled(of: Recipe, panel: pl.DataFrame) -> int:
    """Return the rows whose plan has no column of its own: rare in the fit, or new since."""
    return int((codes(of, panel) < 0).sum()) if of.levels else 0


def refuse_absent(of: Recipe, panel: pl.DataFrame) -> None:
    """Raise DataError where a feature of the recipe is no column of the panel."""
    absent = [one.name for one in of.measures if one.name not in panel.columns]
    if absent:
        raise DataError(
            "The model needs features that these rows do not have.",
            details=absent,
            hint="Score the tables that it was fitted on, or fit it again with --refit.",
        )


def matrix(of: Recipe, panel: pl.DataFrame) -> Floats:
    """Return (p, n) the columns of a panel's rows; DataError as `refuse_absent`."""
    refuse_absent(of, panel)
    found = np.empty((len(of.columns), panel.height))
    row = 0
    for one in of.measures:
        values = _values(panel, one.name)
        if one.has_line:
            z = found[row]
            np.copyto(z, _line(one, values))
            row += 1
            for knot, mean, slope, size in zip(
                one.knots, one.means, one.slopes, one.sizes, strict=True
            ):
                np.maximum(z - knot, 0.0, out=found[row])
                found[row] -= mean + slope * z
                found[row] /= size
                row += 1
        if one.missing > 0.0:
            found[row] = np.isnan(values) - one.missing
            row += 1
    plan = codes(of, panel)
    for number, share in enumerate(of.shares):
        found[row + number] = (plan == number) - share
    return found
