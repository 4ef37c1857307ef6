"""Proportional hazards: what multiplies the rate of leaving, with late entry throughout.

One rule: whoever is compared at an age was watched just before it. The likelihood, its slopes,
the residuals, the test of proportionality, the concordance and the baseline all start from the
same sums over those at risk, so none of them can forget an entry.

Sums are kept by distinct age of an exit, of which there are a few thousand however many rows.
Ties as by Efron (1977) or Breslow (1974).
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csk.errors import ModelError, UsageError
from csk.stats.survival import Floats, Ints

Ties = Literal["efron", "breslow"]

NORMAL_95: Final = 1.959963984540054
"""Standard errors to either side of an interval of 95 %."""

_MOST_STEPS: Final = 40
_MOST_HALVES: Final = 30
_CLOSE, _NEAR = 1e-18, 1e-8
_TOO_FAR: Final = 25.0
"""A coefficient that sets the ends of its column so many logarithms apart has no end."""


class Spells(NamedTuple):
    """Rows watched from after `entry` to `exit`; their stratum, if any, is in the ages."""

    entry: Floats
    exit: Floats
    left: NDArray[np.bool_]
    design: Floats
    """(n, p) covariates."""


class CoxFit(NamedTuple):
    """Coefficients and what is not known of them."""

    coefficients: Floats
    """(p,) logarithms of hazard ratios."""
    covariance: Floats
    """(p, p) inverse of the observed information."""
    log_likelihood: float
    null_log_likelihood: float
    n_events: int
    gradient: float
    """Largest slope left, in standard errors."""


class _AtAges(NamedTuple):
    """Sums over those at risk and over those who left, by age of an exit."""

    risk: tuple[Floats, Floats, Floats]
    """(K,), (K, p), (K, p, p): of exp(bx), x exp(bx), xx' exp(bx) at risk."""
    gone: tuple[Floats, Floats, Floats]
    """The same of those who left."""
    moments: tuple[Floats, Floats, Floats, Floats, Floats]
    """(K,) sums over tied exits of c, fc, c^2, fc^2, f^2 c^2; c is 1 over what was at risk."""
    log_at_risk: float
    """Sum of the logarithms of what was at risk."""


class _Places(NamedTuple):
    """Where rows stand among the ages of exits."""

    ages: Floats
    low: Ints
    high: Ints
    """Row i is at risk at ages[low[i]:high[i]]."""
    events: Ints
    """Rows that left, in the order of the rows."""
    at: Ints
    """Place of their age."""
    tied: Ints
    """(K,) exits at each age."""


def stratified(ages: Floats, stratum: Ints, width: float) -> Floats:
    """Move ages of each stratum to where no other is at risk; `width` is above every age."""
    return np.asarray(ages + stratum * width, np.float64)


def _places(of: Spells) -> _Places:
    events = np.flatnonzero(of.left)
    ages, at, tied = np.unique(of.exit[events], return_inverse=True, return_counts=True)
    low = np.searchsorted(ages, of.entry, side="right")
    high = np.searchsorted(ages, of.exit, side="right")
    return _Places(ages, low, high, events, at.ravel(), tied)


def _at_ages(of: Spells, at: _Places, beta: Floats, ties: Ties) -> _AtAges:
    k = len(at.ages)
    relative = np.exp(of.design @ beta)
    gone_design, gone_relative = of.design[at.events], relative[at.events]

    def at_risk(values: Floats) -> Floats:
        joins = np.bincount(at.low, values, k + 1) - np.bincount(at.high, values, k + 1)
        return np.asarray(np.cumsum(joins)[:k])

    def gone(values: Floats) -> Floats:
        return np.bincount(at.at, values, k).astype(np.float64)

    risk = _moments(of.design, relative, at_risk, k)
    left = _moments(gone_design, gone_relative, gone, k)
    place = np.repeat(np.arange(k), at.tied)
    order = np.arange(len(place)) - np.repeat(np.cumsum(at.tied) - at.tied, at.tied)
    share = order / at.tied[place] if ties == "efron" else np.zeros(len(place))
    there = risk[0][place] - share * left[0][place]
    c = 1.0 / there
    sums = tuple(
        np.bincount(place, values, k)
        for values in (c, share * c, c * c, share * c * c, share * share * c * c)
    )
    return _AtAges(risk, left, sums, float(np.log(there).sum()))  # type: ignore[arg-type] # five


def _moments(
    design: Floats, relative: Floats, summed: Callable[[Floats], Floats], k: int
) -> tuple[Floats, Floats, Floats]:
    p = design.shape[1]
    first, second = np.zeros((k, p)), np.zeros((k, p, p))
    for i in range(p):
        weighted = design[:, i] * relative
        first[:, i] = summed(weighted)
        for j in range(i + 1):
            second[:, i, j] = second[:, j, i] = summed(weighted * design[:, j])
    return summed(relative), first, second


def _score(of: Spells, at: _Places, sums: _AtAges) -> tuple[Floats, Floats]:
    """Return slopes (K, p) and information (K, p, p) of each age."""
    (_, s1, s2), (_, d1, d2) = sums.risk, sums.gone
    a, b, c, d, e = sums.moments
    k, p = s1.shape
    chosen = np.stack([np.bincount(at.at, x, k) for x in of.design[at.events].T], axis=1)
    slopes = chosen - s1 * a[:, None] + d1 * b[:, None]
    cross = np.einsum("ki,kj->kij", s1, d1)
    spread = np.einsum("k,ki,kj->kij", c, s1, s1) + np.einsum("k,ki,kj->kij", e, d1, d1)
    spread -= d[:, None, None] * (cross + cross.transpose(0, 2, 1))
    information = s2 * a[:, None, None] - d2 * b[:, None, None] - spread
    return slopes, information.reshape(k, p, p)


def fit(of: Spells, ties: Ties = "efron") -> CoxFit:
    """Maximise the partial likelihood by Newton's method, halved until each step gains.

    Columns must vary and must not be sums of others. ModelError where nobody left, or where a
    column separates who left from who stayed, so that its coefficient has no end; the number of
    that column is the error's only detail.
    """
    if not of.left.any():
        raise ModelError("Nobody has left, so nothing can be said of what makes people leave.")
    if of.design.shape[1] == 0:
        raise UsageError("a model needs at least one covariate")
    scale = of.design.std(axis=0)
    scaled = of._replace(design=(of.design - of.design.mean(axis=0)) / scale)
    at, reach = _places(scaled), np.ptp(scaled.design, axis=0)
    beta = np.zeros(of.design.shape[1])
    sums = _at_ages(scaled, at, beta, ties)
    null = value = _likelihood(scaled, at, beta, sums)
    for _ in range(_MOST_STEPS):
        slopes, information = (part.sum(axis=0) for part in _score(scaled, at, sums))
        step = _newton(information, slopes)
        promised = float(step @ slopes)
        if promised < _CLOSE or (np.abs(beta) * reach).max() > _TOO_FAR:
            break
        for _ in range(_MOST_HALVES):
            trial = _at_ages(scaled, at, beta + step, ties)
            found = _likelihood(scaled, at, beta + step, trial)
            # So near the top, rounding hides the gain that the slopes promise.
            if found >= value or promised < _NEAR:
                break
            step = step / 2.0
        beta, sums, value = beta + step, trial, found
    if (np.abs(beta) * reach).max() > _TOO_FAR or promised >= _NEAR:
        raise ModelError(
            "A covariate separates who left from who stayed.",
            details=[str(int((np.abs(beta) * reach).argmax()))],
        )
    covariance = np.linalg.inv(information)
    slack = float(np.abs(slopes * np.sqrt(np.diag(covariance))).max())
    covariance = 0.5 * (covariance + covariance.T) / np.outer(scale, scale)
    return CoxFit(beta / scale, covariance, value, null, len(at.events), slack)


def _newton(information: Floats, slopes: Floats) -> Floats:
    ridge = 1e-12 * np.trace(information) * np.eye(len(slopes))
    return np.asarray(np.linalg.solve(information + ridge, slopes))


def _likelihood(of: Spells, at: _Places, beta: Floats, sums: _AtAges) -> float:
    return float((of.design[at.events] @ beta).sum() - sums.log_at_risk)


def score_residuals(of: Spells, beta: Floats, ties: Ties = "efron") -> Floats:
    """Return (n, p): what each row adds to the slopes, less what was expected of it.

    Lin and Wei (1989), the tied as in Therneau and Grambsch (2000, section 4.3), entries kept.
    """
    at = _places(of)
    sums = _at_ages(of, at, beta, ties)
    (_, s1, _), (_, d1, _) = sums.risk, sums.gone
    a, b, c, d, e = (m[:, None] for m in sums.moments)
    relative = np.exp(of.design @ beta)[:, None]
    pace, drift = _running(a), _running(s1 * c - d1 * d)
    expected = of.design * (pace[at.high] - pace[at.low]) - (drift[at.high] - drift[at.low])
    residual = -relative * expected
    mean = (s1 * a - d1 * b) / at.tied[:, None]
    back = of.design[at.events] * b[at.at] - (s1 * d - d1 * e)[at.at]
    residual[at.events] += of.design[at.events] - mean[at.at] + relative[at.events] * back
    return np.asarray(residual)


def _running(values: Floats) -> Floats:
    return np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def robust_covariance(of: Spells, found: CoxFit, cluster: Ints, ties: Ties = "efron") -> Floats:
    """Return the covariance that holds where rows of a cluster (0, 1, ...) depend on each other."""
    moved = score_residuals(of, found.coefficients, ties) @ found.covariance
    n = int(cluster.max()) + 1
    by_cluster = np.stack([np.bincount(cluster, column, n) for column in moved.T], axis=1)
    return np.asarray(by_cluster.T @ by_cluster)


class Proportionality(NamedTuple):
    """Whether hazard ratios stay as they are with age."""

    statistics: Floats
    """Chi-squared of each group of columns."""
    p_values: Floats
    statistic: float
    """Of all together."""
    p_value: float


def proportionality(
    of: Spells,
    beta: Floats,
    groups: tuple[tuple[int, ...], ...],
    scale: Literal["rank", "km"] = "rank",
    ties: Ties = "efron",
    width: float = np.inf,
) -> Proportionality:
    """Test whether coefficients change with age, by Schoenfeld residuals.

    The score test of x g(age) added to the model (Grambsch and Therneau 1994, as in R's cox.zph
    since 3.0), g the rank of an age among all that end or the share gone before it (without
    strata only). `groups` are the columns of each covariate, `width` that of strata. Under late
    entry the share gone may be 1 early: ranks go on.
    """
    at = _places(of)
    slopes, information = _score(of, at, _at_ages(of, at, beta, ties))
    g = _scaled_age(of, at, scale, width)
    g = g - np.average(g, weights=at.tied)
    drift = (slopes * g[:, None]).sum(axis=0)
    own = information.sum(axis=0)
    cross = np.einsum("k,kij->ij", g, information)
    spread = np.einsum("k,kij->ij", g * g, information) - cross.T @ np.linalg.solve(own, cross)

    def statistic(columns: tuple[int, ...]) -> float:
        rows = np.array(columns)
        part = _partial(information, g, rows) if len(rows) < len(beta) else spread
        return float(drift[rows] @ np.linalg.solve(part, drift[rows]))

    found = np.array([statistic(columns) for columns in groups])
    whole = statistic(tuple(range(len(beta))))
    p_values = [upper_tail(x, len(columns)) for x, columns in zip(found, groups, strict=True)]
    return Proportionality(found, np.array(p_values), whole, upper_tail(whole, len(beta)))


def upper_tail(statistic: float, degrees: int) -> float:
    """Return the chance of a chi-squared above a statistic."""
    from scipy.special import chdtrc  # noqa: PLC0415 - curves of a report that fits none stay cheap

    return float(chdtrc(degrees, statistic))


def two_sided(z: float) -> float:
    """Return the chance of a normal deviate as far from 0."""
    return upper_tail(z * z, 1)


def _partial(information: Floats, g: Floats, rows: Ints) -> Floats:
    """Return the variance of the drift of some columns, the coefficients of all being fitted."""
    own = information.sum(axis=0)
    cross = np.einsum("k,kij->ij", g, information)[:, rows]
    block = np.einsum("k,kij->ij", g * g, information)[np.ix_(rows, rows)]
    return np.asarray(block - cross.T @ np.linalg.solve(own, cross))


def _scaled_age(of: Spells, at: _Places, scale: str, width: float) -> Floats:
    ages = np.mod(at.ages, width)
    if scale == "rank":
        every, n = np.unique(np.mod(of.exit, width), return_counts=True)
        middle = np.cumsum(n) - (n - 1) / 2.0
        return np.asarray(middle[np.searchsorted(every, ages)], np.float64)
    k = len(at.ages)
    n = np.cumsum(np.bincount(at.low, minlength=k + 1) - np.bincount(at.high, minlength=k + 1))[:k]
    stays = np.cumprod(1.0 - at.tied / n)
    return np.asarray(1.0 - np.r_[1.0, stays[:-1]])


def baseline(of: Spells, beta: Floats) -> tuple[Floats, Floats]:
    """Return ages of exits and the cumulative hazard of a row of zeros, as by Breslow (1972)."""
    at = _places(of)
    k = len(at.ages)
    relative = np.exp(of.design @ beta)
    joins = np.bincount(at.low, relative, k + 1) - np.bincount(at.high, relative, k + 1)
    return at.ages, np.asarray(np.cumsum(at.tied / np.cumsum(joins)[:k]))


def concordance(of: Spells, predictor: Floats, most_levels: int = 1000) -> float:
    """Return how often who left had the higher predictor than those still there (Harrell 1982).

    Pairs are of one who left and one at risk at that age who did not leave then; equal predictors
    count half. Predictors beyond `most_levels` distinct ones are compared by their quantiles.
    """
    at = _places(of)
    level = np.unique(predictor, return_inverse=True)[1].ravel()
    if int(level.max()) >= most_levels:
        level = np.argsort(np.argsort(predictor, kind="stable"), kind="stable")
        level = level * most_levels // len(predictor)
    k, n = len(at.ages), int(level.max()) + 1
    there = np.zeros((k + 1, n))
    np.add.at(there, (at.low, level), 1.0)
    np.subtract.at(there, (at.high, level), 1.0)
    there = np.cumsum(there, axis=0)[:k]
    np.subtract.at(there, (at.at, level[at.events]), 1.0)
    below = np.cumsum(there, axis=1) - there
    mine = (at.at, level[at.events])
    pairs = float(there.sum(axis=1)[at.at].sum())
    return float((below[mine] + 0.5 * there[mine]).sum()) / pairs if pairs else float("nan")
