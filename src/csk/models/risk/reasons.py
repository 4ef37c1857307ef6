"""Why a customer is at risk: what each group of features adds to the logit of leaving.

One rule: contributions add up to the customer's logit less that of one in the middle, exactly.
They are the derivative of the logit along the straight path of linear predictors between the two
(Aumann and Shapley 1974), so nothing is left over for interactions.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from csk.models.risk import design, glass
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
_BLOCK: Final = 8192
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
    horizon: Horizon
    groups: tuple[str, ...]
    features: tuple[str, ...]
    members: tuple[Ints, ...]
    """Features of each group."""
    columns: tuple[slice, ...]
    """Those of each feature that has any; such features come first."""
    ahead_at: int
    """Feature that renewals ahead are counted with."""


def reasons(of: GlassBox, panel: pl.DataFrame, days: int, by: Calibration = IDENTITY) -> Reasons:
    """Return what each group of features adds to a customer's logit of leaving within `days`.

    The chance is the calibrated one, by any cause. A customer in the middle has columns of 0 and
    renewals ahead of average odds. UsageError beyond the model's last bin.
    """
    frame = _frame(of, Horizon(shares_of_bins(of.edges, days), by))
    n = panel.height
    none, nothing = np.full((n, TOP), -1, np.int64), np.full((n, TOP), np.nan)
    found = Reasons(
        frame.groups,
        frame.features,
        contributions=np.empty((n, len(frame.groups))),
        logit=np.empty(n),
        base=float(logits(of.ahead[:, :, None], frame.horizon)[0]),
        group=none,
        feature=none.copy(),
        contribution=nothing,
        value=nothing.copy(),
        typical=nothing.copy(),
        target=nothing.copy(),
    )
    for first in range(0, n, _BLOCK):
        part = panel.slice(first, _BLOCK)
        rows = slice(first, first + part.height)
        by_feature, found.logit[rows] = _contributions(frame, part, found.base)
        _rank(frame, part, by_feature, found, rows)
    return found


def _frame(of: GlassBox, horizon: Horizon) -> _Frame:
    names = list(of.recipe.features)
    columns = [column.feature for column in of.recipe.columns]
    slices = []
    for name, _ in names:
        first = columns.index(name)
        slices.append(slice(first, first + columns.count(name)))
    if DAYS_TO_RENEWAL not in columns:
        names.append((DAYS_TO_RENEWAL, RENEWAL))
    groups = tuple(dict.fromkeys(group for _, group in names))
    features = tuple(name for name, _ in names)
    home = np.array([groups.index(group) for _, group in names], np.int64)
    at = features.index(DAYS_TO_RENEWAL)
    members = tuple(np.flatnonzero(home == group) for group in range(len(groups)))
    return _Frame(of, horizon, groups, features, members, tuple(slices), at)


def _contributions(of: _Frame, part: pl.DataFrame, base: float) -> tuple[Floats, Floats]:
    """Return (features, n) contributions and (n,) logits of a block."""
    x = design.matrix(of.box.recipe, part)
    level, fade = glass.effects(of.box)
    u = fading(of.box.edges)
    ahead = glass.ahead(of.box, part)
    whole = ahead + (level @ x)[:, None, :] + u[:, None] * (fade @ x)[:, None, :]
    logit = logits(whole, of.horizon)
    mean = _mean_slopes(of, whole)
    weight = np.concatenate([mean.sum(axis=1), np.einsum("j,kjn->kn", u, mean)])
    shares = np.concatenate([level, fade]).T.astype(np.float32) @ weight.astype(np.float32)
    shares *= x.astype(np.float32)
    found = np.zeros((len(of.features), part.height))
    for row, columns in enumerate(of.columns):
        shares[columns].sum(axis=0, out=found[row])
    found[of.ahead_at] += np.einsum("kjn,kjn->n", mean, ahead - of.box.ahead[:, :, None])
    # What four nodes and short numbers leave over is shared out by size.
    weight = np.abs(found)
    rest = logit - base - found.sum(axis=0)
    found += weight * (rest / np.maximum(weight.sum(axis=0), 1e-300))
    return found, logit


def _mean_slopes(of: _Frame, whole: Floats) -> Floats:
    """Return (causes, bins, n) slopes averaged along the path, by Gauss and Legendre's nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    start = of.box.ahead.astype(np.float32)[:, :, None]
    way = (whole - of.box.ahead[:, :, None]).astype(np.float32)
    total = np.zeros(way.shape, np.float32)
    for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
        total += np.float32(weight) * slopes(start + np.float32(node) * way, of.horizon)
    return total.astype(np.float64)


def _rank(of: _Frame, part: pl.DataFrame, by_feature: Floats, into: Reasons, rows: slice) -> None:
    """Fill in the groups that raise the chance of a block's rows, and what to say of them."""
    by_group = np.stack([by_feature[at].sum(axis=0) for at in of.members])
    into.contributions[rows] = by_group.T
    worse = np.where(_is_worse(of, part), by_feature, -np.inf)
    leading = np.stack([at[worse[at].argmax(axis=0)] for at in of.members])
    told = np.stack([worse[at].max(axis=0) > 0.0 for at in of.members])
    ranked = np.where(told, by_group, -np.inf)
    top = min(TOP, len(of.groups))
    order = np.argsort(-ranked, axis=0, kind="stable")[:top]
    n = np.arange(part.height)
    rises = ranked[order, n]
    for rank in range(top):
        chosen = np.flatnonzero(rises[rank] > 0.0)
        at = chosen + rows.start
        into.group[at, rank] = order[rank, chosen]
        into.feature[at, rank] = leading[order[rank, chosen], chosen]
        into.contribution[at, rank] = rises[rank, chosen]
    _say(of, part, into, rows)


def _is_worse(of: _Frame, part: pl.DataFrame) -> Flags:
    """Tell (features, n) which values may be named: worse than the plan's median, or not known.

    Where neither end is better, what differs from it; a plan always.
    """
    plan = design.codes(of.box.recipe, part)
    found = np.ones((len(of.features), part.height), np.bool_)
    for row, one in enumerate(of.box.recipe.measures):
        value = part[one.name].cast(pl.Float64).to_numpy()
        middle = np.array(one.quartiles)[plan, _MIDDLE]
        if one.better == "neither":
            found[row] = value != middle
        else:
            sign = 1.0 if one.better == "higher" else -1.0
            found[row] = ~(sign * value >= sign * middle)
    return found


def _say(of: _Frame, part: pl.DataFrame, into: Reasons, rows: slice) -> None:
    """Fill in values, medians and targets of the features named."""
    measures = of.box.recipe.measures
    if not measures:
        return
    values = np.stack([part[one.name].cast(pl.Float64).to_numpy() for one in measures])
    quartiles = np.array([one.quartiles for one in measures])
    signs = np.array([_SIGNS[one.better] for one in measures])
    plan = design.codes(of.box.recipe, part)
    named = into.feature[rows]
    here, rank = np.nonzero((named >= 0) & (named < len(measures)))
    feature, at = named[here, rank], here + rows.start
    value, around = values[feature, here], quartiles[feature, plan[here]]
    into.value[at, rank] = value
    into.typical[at, rank] = around[:, _MIDDLE]
    into.target[at, rank] = targets(signs[feature], value, around)


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
