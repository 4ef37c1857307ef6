"""Why a customer is at risk: what each group of features adds to the logit of leaving.

One rule: contributions add up to the customer's logit less that of one in the middle, exactly.
They are the derivative of the logit along the straight path of linear predictors between the two
(Aumann and Shapley 1974), so nothing is left over for interactions.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.risk import glass
from csk.models.risk.adding import Additions, Rows, additions, blocks, shared, spread, summed
from csk.models.risk.calibrating import IDENTITY, Calibration
from csk.models.risk.curve import shares_of_bins
from csk.models.risk.design import Flags
from csk.models.risk.glass import GlassBox
from csk.models.risk.leads import fading
from csk.models.risk.logits import Horizon, logits, slopes
from csk.models.risk.stacked import Floats, Ints

TOP: Final = 3
RENEWAL, DAYS_TO_RENEWAL = "renewal", "days_to_renewal"
"""Where renewals that fall into the bins ahead belong."""
_NODES: Final = 4
_LOWER, _MIDDLE, _UPPER = 0, 1, 2
_SIGNS: Final = {"higher": 1.0, "lower": -1.0, "neither": 0.0}


class Reasons(NamedTuple):
    """What moves each customer's chance; ranks are of the groups that raise it, strongest first.

    Only a group with a feature that raises the chance and is worse than usual in the plan is
    ranked: that a customer is like all others is no reason.
    """

    groups: tuple[str, ...]
    features: tuple[str, ...]
    contributions: Floats
    """(n, groups) of logit, those that lower it below 0."""
    logit: Floats
    """(n,)."""
    base: float
    """Logit of a customer in the middle; `base + contributions.sum(axis=1)` is `logit`."""
    group: Ints
    """(n, 3) number of the group; -1 where fewer raise the chance."""
    feature: Ints
    """(n, 3) number of the feature that raises it most within the group; -1 as well."""
    contribution: Floats
    """(n, 3) of the group; NaN where there is none, as in the rest."""
    value: Floats
    """(n, 3) of the feature; NaN for a plan, and where it is not known."""
    typical: Floats
    """(n, 3) median of the customers of the plan."""
    target: Floats
    """(n, 3) the median where the value is worse, otherwise the better quartile.

    NaN where the value is as good already, and where neither end is better."""


class _Frame(NamedTuple):
    """What is the same for every block."""

    box: GlassBox
    known: Additions
    horizon: Horizon
    groups: tuple[str, ...]
    features: tuple[str, ...]
    members: tuple[Ints, ...]
    """Features of each group."""
    ahead_at: int
    """Feature that renewals ahead are counted with."""
    quartiles: Floats
    """(measures, plans and all others, 3)."""
    signs: Floats
    """(measures,) as of `targets`."""


def reasons(of: GlassBox, panel: pl.DataFrame, days: int, by: Calibration = IDENTITY) -> Reasons:
    """Return what each group of features adds to a customer's logit of leaving within `days`.

    The chance is the calibrated one, by any cause. A customer in the middle has columns of 0 and
    renewals ahead of average odds. UsageError beyond the model's last bin.
    """
    frame = _frame(of, Horizon(shares_of_bins(of.edges, days), by))
    n = panel.height
    found = Reasons(
        frame.groups,
        frame.features,
        contributions=np.empty((len(frame.groups), n)).T,
        logit=np.empty(n),
        base=float(logits(of.ahead[:, :, None], frame.horizon)[0]),
        group=_filled(-1, n),
        feature=_filled(-1, n),
        contribution=_filled(np.nan, n),
        value=_filled(np.nan, n),
        typical=_filled(np.nan, n),
        target=_filled(np.nan, n),
    )
    for rows in blocks(of.recipe, of.edges, panel):
        by_feature, found.logit[rows.place] = _contributions(frame, rows, found.base)
        _rank(frame, rows, by_feature, found)
    return found


def _filled(value: float, n: int) -> NDArray[Any]:
    """Return (n, 3), by rank in memory."""
    return np.full((TOP, n), value).T


def _frame(of: GlassBox, horizon: Horizon) -> _Frame:
    names = list(of.recipe.features)
    if DAYS_TO_RENEWAL not in (name for name, _ in names):
        names.append((DAYS_TO_RENEWAL, RENEWAL))
    groups = tuple(dict.fromkeys(group for _, group in names))
    features = tuple(name for name, _ in names)
    home = np.array([groups.index(group) for _, group in names], np.int64)
    measures = of.recipe.measures
    n_plans = len(of.recipe.levels) + 1
    return _Frame(
        of,
        additions(of.recipe, glass.folded(of)),
        horizon,
        groups,
        features,
        members=tuple(np.flatnonzero(home == group) for group in range(len(groups))),
        ahead_at=features.index(DAYS_TO_RENEWAL),
        quartiles=np.array([one.quartiles for one in measures]).reshape(-1, n_plans, 3),
        signs=np.array([_SIGNS[one.better] for one in measures]),
    )


def _contributions(of: _Frame, rows: Rows, base: float) -> tuple[Floats, Floats]:
    """Return (features, n) contributions and (n,) logits of a block."""
    # Bins beyond the horizon count for nothing.
    n_bins = int(np.count_nonzero(of.horizon.within))
    near, u = of.horizon._replace(within=of.horizon.within[:n_bins]), fading(of.box.edges)[:n_bins]
    start = of.box.ahead[:, :n_bins, None]
    ahead = glass.ahead_by(of.box, rows.due[:n_bins], rows.term)
    columns = spread(of.known, rows)
    whole = glass.predictors(summed(of.known, rows, columns), u, ahead.copy())
    mean = _mean_slopes(near, whole, start)
    weight = np.concatenate([mean.sum(axis=1), np.einsum("j,kjn->kn", u, mean)])
    found = np.zeros((len(of.features), len(rows.plan)))
    told = shared(of.known, rows, columns, weight)
    found[: len(told)] = told
    ahead -= start
    found[of.ahead_at] += np.einsum("kjn,kjn->n", mean, ahead)
    logit = logits(whole, near)
    # What four nodes and short numbers leave over is shared out by size.
    size = np.abs(found)
    size *= (logit - base - found.sum(axis=0)) / np.maximum(size.sum(axis=0), 1e-300)
    found += size
    return found, logit


def _mean_slopes(horizon: Horizon, whole: Floats, start: Floats) -> Floats:
    """Return (causes, bins, n) slopes averaged along the path, by Gauss and Legendre's nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    begun = start.astype(np.float32)
    way = (whole - start).astype(np.float32)
    total = np.zeros(way.shape, np.float32)
    for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
        total += np.float32(weight) * slopes(begun + np.float32(node) * way, horizon)
    return total.astype(np.float64)


def _rank(of: _Frame, rows: Rows, by_feature: Floats, into: Reasons) -> None:
    """Fill in the groups that raise the chance of a block's rows, and what to say of them."""
    n, n_groups = len(rows.plan), len(of.groups)
    ranked, leading = np.zeros((n_groups, n)), np.empty((n_groups, n), np.int64)
    is_worse = _is_worse(of, rows)
    for group, members in enumerate(of.members):
        whole, most = ranked[group], np.zeros(n)
        for feature in members:
            whole += by_feature[feature]
            _raise(most, leading[group], by_feature[feature] * is_worse[feature], feature)
        into.contributions.T[group, rows.place] = whole
        whole *= most > 0.0
    for rank in range(min(TOP, n_groups)):
        rises, order = np.zeros(n), np.zeros(n, np.int64)
        for group, whole in enumerate(ranked):
            _raise(rises, order, whole, group)
        here = np.flatnonzero(rises > 0.0)
        at, best = here + rows.place.start, order[here]
        into.group[at, rank] = best
        into.contribution[at, rank] = rises[here]
        into.feature[at, rank] = named = leading[best, here]
        ranked[best, here] = 0.0
        _say(of, rows, (here, named, rank), into)


def _raise(most: Floats, at: Ints, values: Floats, number: int) -> None:
    """Put the number of a row of values where it is above all before it, and above 0."""
    np.copyto(at, number, where=values > most)
    np.maximum(most, values, out=most)


def _is_worse(of: _Frame, rows: Rows) -> Flags:
    """Tell (features, n) which values may be named: worse than the plan's median, or not known.

    Where neither end is better, what differs from it; a plan always.
    """
    found = np.ones((len(of.features), len(rows.plan)), np.bool_)
    for row, value, around, sign in zip(found, rows.values, of.quartiles, of.signs, strict=False):
        middle = around[:, _MIDDLE].take(rows.plan)
        if sign == 0.0:
            np.not_equal(value, middle, out=row)
        else:
            as_good = np.greater_equal if sign > 0.0 else np.less_equal
            np.logical_not(as_good(value, middle), out=row)
    return found


def _say(of: _Frame, rows: Rows, named: tuple[Ints, Ints, int], into: Reasons) -> None:
    """Fill in values, medians and targets of the features named: whose, which, and their rank."""
    here, feature, rank = named
    has_value = feature < len(of.signs)
    here, feature = here[has_value], feature[has_value]
    at, plan = here + rows.place.start, rows.plan[here]
    value, around = rows.values[feature, here], of.quartiles[feature, plan]
    into.value[at, rank] = value
    into.typical[at, rank] = around[:, _MIDDLE]
    into.target[at, rank] = targets(of.signs[feature], value, around)


def targets(sign: Floats, value: Floats, quartiles: Floats) -> Floats:
    """Return what to aim at: the median for the worse half, the better quartile for the rest.

    `sign` (n,) is 1 where higher is better, -1 where lower is, 0 where neither; `quartiles` is
    (n, 3). NaN where neither is better, or the value is not known or as good already.
    """
    middle = quartiles[:, _MIDDLE]
    best = np.where(sign > 0.0, quartiles[:, _UPPER], quartiles[:, _LOWER])
    aim = np.where(sign * value < sign * middle, middle, best)
    return np.asarray(np.where(sign * value < sign * best, aim, np.nan))


def words_of(of: Reasons) -> pl.DataFrame:
    """Return the top three as columns `reason_1`, `reason_1_feature` and so on, null for none."""
    columns: dict[str, pl.Series] = {}
    groups, features = np.array([*of.groups, ""]), np.array([*of.features, ""])
    for rank in range(TOP):
        name = f"reason_{rank + 1}"
        group, feature = of.group[:, rank], of.feature[:, rank]
        columns[name] = pl.Series(groups[group]).replace("", None)
        columns[f"{name}_feature"] = pl.Series(features[feature]).replace("", None)
        for part in ("contribution", "value", "typical", "target"):
            columns[f"{name}_{part}"] = pl.Series(getattr(of, part)[:, rank]).fill_nan(None)
    return pl.DataFrame(columns)
