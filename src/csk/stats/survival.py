"""Survival curves from counts.

One rule: rows are read once, into counts by age that add up; every estimator starts from them, so
a curve of a hundred customers and one of a hundred million cost the same.

Age is a whole number of ticks. A spell that enters at age e can be seen to leave at x > e only;
a spell censored at x was still at risk at x. Both are what late entry needs: nobody is counted
before the log could have seen them leave.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import DataError, UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ENOUGH_AT_RISK = 30
"""A curve drawn where fewer are at risk says more about them than about the group."""

_ROUNDING = 1e-12


class Counts(NamedTuple):
    """How many spells entered, left by cause and were censored at each age; they add up."""

    age: Ints
    """(k,) ticks, ascending, each age once."""
    entered: Ints
    """(k,) spells that come under observation at this age."""
    left: Ints
    """(k, n_causes) spells that end at this age; column 0 is cause 1."""
    censored: Ints
    """(k,) spells last seen, still running, at this age."""


class SurvivalCurve(NamedTuple):
    """A right-continuous step function from 1; the first row is where it starts."""

    age: Ints
    at_risk: Ints
    events: Ints
    survival: Floats
    std_error: Floats
    low: Floats
    high: Floats


class Estimate(NamedTuple):
    """A figure and its interval."""

    value: float
    low: float
    high: float


def counts(
    entry: ArrayLike,
    exit_: ArrayLike,
    cause: ArrayLike,
    weight: ArrayLike | None = None,
    n_causes: int = 2,
) -> Counts:
    """Count spells by age.

    All arrays are (n,); `weight` is a whole number of equal spells. Cause 0 is censored, 1 to
    `n_causes` are ends. Refused: an end at or before the entry, a negative age, an unknown cause.
    A spell censored at its entry is legal and weighs nothing.
    """
    e, x, c = (np.asarray(v, dtype=np.int64).ravel() for v in (entry, exit_, cause))
    w = np.ones(len(e), np.int64) if weight is None else np.asarray(weight, np.int64).ravel()
    if not len(e) == len(x) == len(c) == len(w):
        raise UsageError("entry, exit, cause and weight must have one value per spell")
    _refuse_impossible(e, x, c, w, n_causes)
    age = np.unique(np.concatenate([e, x]))
    k = len(age)
    entered, censored = np.zeros((2, k), np.int64)
    left = np.zeros((k, n_causes), np.int64)
    at_entry, at_exit = np.searchsorted(age, e), np.searchsorted(age, x)
    np.add.at(entered, at_entry, w)
    gone = c > 0
    np.add.at(left, (at_exit[gone], c[gone] - 1), w[gone])
    np.add.at(censored, at_exit[~gone], w[~gone])
    return Counts(age, entered, left, censored)


def _refuse_impossible(e: Ints, x: Ints, c: Ints, w: Ints, n_causes: int) -> None:
    rules = (
        ("enter at a negative age", e < 0),
        ("are last seen before they enter", x < e),
        ("end at the very age at which they enter", (c > 0) & (x == e)),
        (f"end by a cause other than 0 to {n_causes}", (c < 0) | (c > n_causes)),
        ("have a negative weight", w < 0),
    )
    broken = [f"{int(rows.sum())} spells {what}" for what, rows in rules if rows.any()]
    if broken:
        raise DataError("Some spells cannot be counted.", details=broken)


def merged(*parts: Counts) -> Counts:
    """Add counts up; no parts give empty counts, and the order does not matter."""
    n_causes = max((part.left.shape[1] for part in parts), default=1)
    age = np.unique(np.concatenate([np.zeros(0, np.int64), *(part.age for part in parts)]))
    entered, censored = np.zeros((2, len(age)), np.int64)
    left = np.zeros((len(age), n_causes), np.int64)
    for part in parts:
        at = np.searchsorted(age, part.age)
        entered[at] += part.entered
        censored[at] += part.censored
        left[at, : part.left.shape[1]] += part.left
    return Counts(age, entered, left, censored)


def at_risk(of: Counts) -> Ints:
    """Give the number at risk at each age of the counts: entered before it, not yet out."""
    out = of.left.sum(axis=1) + of.censored
    return np.asarray(np.cumsum(of.entered) - of.entered - np.cumsum(out) + out)


def starts_at(of: Counts, enough: int = ENOUGH_AT_RISK) -> int | None:
    """Find the first age after which at least `enough` are at risk; None when there is none."""
    after = np.cumsum(of.entered - of.left.sum(axis=1) - of.censored)
    hits = np.flatnonzero(after >= enough)
    return int(of.age[hits[0]]) if len(hits) else None


def kaplan_meier(of: Counts, level: float = 0.95, from_age: int = 0) -> SurvivalCurve:
    """Estimate survival past each age, given survival to `from_age`, over all causes.

    Product-limit with late entry; Greenwood's variance; log-log intervals (Kalbfleisch and
    Prentice 1980). Where everybody at risk leaves, survival and its error are 0 (the
    limit of Greenwood's form), and the upper bound stays where it was. Where nobody is at risk
    the curve stays level: begin at `starts_at` to keep away from thin early ages.
    """
    later = of.age > from_age
    n = at_risk(of)[later]
    d = of.left.sum(axis=1)[later]
    safe = np.maximum(n, 1).astype(np.float64)
    survival = np.cumprod(1.0 - d / safe)
    stays = n > d
    variance = np.cumsum(np.where(stays, d / (safe * np.where(stays, n - d, 1)), 0.0))
    first = np.array([from_age], np.int64)
    started = of.entered[~later].sum() - of.left[~later].sum() - of.censored[~later].sum()
    survival, variance = np.r_[1.0, survival], np.r_[0.0, variance]
    low, high = _log_log(survival, np.sqrt(variance), _normal_quantile(level))
    return SurvivalCurve(
        np.concatenate([first, of.age[later]]),
        np.r_[np.int64(started), n],
        np.r_[np.int64(0), d],
        survival,
        survival * np.sqrt(variance),
        low,
        high,
    )


def _normal_quantile(level: float) -> float:
    from scipy.special import ndtri  # noqa: PLC0415 - curves of a report that draws none stay cheap

    return float(ndtri(0.5 + level / 2.0))


def _log_log(survival: Floats, relative_error: Floats, critical: float) -> tuple[Floats, Floats]:
    """Give S ** exp(-+ c * error / log S), 1 where S is 1; where S is 0 the last bound holds."""
    inside = (survival > 0.0) & (survival < 1.0)
    log_s = np.log(np.where(inside, survival, 0.5))
    width = np.minimum(critical * relative_error / np.abs(log_s), 700.0)
    low = np.where(inside, np.exp(log_s * np.exp(width)), survival)
    high = np.where(inside, np.exp(log_s * np.exp(-width)), survival)
    return low, np.where(survival > 0.0, high, np.min(high, initial=1.0, where=survival > 0.0))


def simultaneous_band(
    curve: SurvivalCurve, level: float = 0.95, from_age: int = 0, to_age: int | None = None
) -> SurvivalCurve:
    """Widen the intervals so that the whole curve between two ages lies inside with `level`.

    Equal-precision band (Nair 1984, Technometrics 26:265) on the log-log scale. The critical
    value solves the boundary-crossing formula of Miller and Siegmund (1982, Biometrics 38:1011)
    for the standardised Brownian bridge. It needs the two ages only through the ratio of their
    Greenwood sums, so it holds under late entry as well. The rows returned are those between the
    ages where 0 < survival < 1; no row means that nobody left there.
    """
    last = int(curve.age[-1]) if to_age is None else to_age
    keep = (curve.age >= from_age) & (curve.age <= last)
    keep &= (curve.survival > 0.0) & (curve.std_error > 0.0)
    rows = SurvivalCurve._make(column[keep] for column in curve)
    if not len(rows.age):
        return rows
    error = rows.std_error / rows.survival
    critical = _band_critical(level, 2.0 * float(np.log(error[-1] / error[0])))
    low, high = _log_log(rows.survival, error, critical)
    return rows._replace(low=low, high=high)


def _band_critical(level: float, log_ratio: float) -> float:
    """Solve 4 phi(c)/c + phi(c) (c - 1/c) log_ratio = 1 - level; never below one age's value."""
    pointwise = _normal_quantile(level)
    low, high = max(pointwise, 1.0), 12.0
    for _ in range(60):
        c = 0.5 * (low + high)
        density = np.exp(-0.5 * c * c) / np.sqrt(2.0 * np.pi)
        crossing = density * (4.0 / c + (c - 1.0 / c) * log_ratio)
        low, high = (c, high) if crossing > 1.0 - level else (low, c)
    return max(pointwise, 0.5 * (low + high)) if log_ratio > 0.0 else pointwise


def survival_at(curve: SurvivalCurve, ages: ArrayLike) -> Floats:
    """Read the curve at ages of any shape: 1 before its start, NaN after its last age.

    A curve that has reached 0 stays there. Nothing else is known past the longest follow-up.
    """
    wanted = np.asarray(ages)
    at = np.searchsorted(curve.age, wanted, side="right") - 1
    value = np.where(at < 0, 1.0, curve.survival[np.maximum(at, 0)])
    unknown = (wanted > curve.age[-1]) & (curve.survival[-1] > 0.0)
    return np.where(unknown, np.nan, value)


def median(curve: SurvivalCurve, share: float = 0.5) -> Estimate:
    """Find the first age at which at most `share` survive, with the interval of the curve.

    Infinite where not reached (Brookmeyer and Crowley 1982 for the interval).
    """

    def first(bound: Floats) -> float:
        hits = np.flatnonzero(bound <= share + _ROUNDING)
        return float(curve.age[hits[0]]) if len(hits) else float("inf")

    return Estimate(first(curve.survival), first(curve.low), first(curve.high))


def restricted_mean(curve: SurvivalCurve, to_age: int, level: float = 0.95) -> Estimate:
    """Give the area under the curve from its start to `to_age`, in ticks.

    Variance as in Klein and Moeschberger (2003, eq. 4.5.2). The last value is carried to
    `to_age`; the caller says so where that lies past the last age.
    """
    inside = curve.age < to_age
    start = curve.age[inside]
    if not len(start):
        return Estimate(0.0, 0.0, 0.0)
    width = np.diff(np.r_[start, np.int64(to_age)])
    area = curve.survival[inside] * width
    still_to_come = np.cumsum(area[::-1])[::-1]
    n, d = curve.at_risk[inside], curve.events[inside]
    stays = n > d
    growth = np.where(stays, d / np.where(stays, n * (n - d), 1), 0.0)
    error = float(np.sqrt(np.sum(still_to_come**2 * growth)))
    value, reach = float(area.sum()), _normal_quantile(level) * error
    return Estimate(value, max(value - reach, 0.0), min(value + reach, float(width.sum())))
