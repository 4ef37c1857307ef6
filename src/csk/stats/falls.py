"""Whether counts fell for good, and since when: one fall of level in counts by day.

One rule: the day is looked for everywhere, so it is judged by how large the largest of so many
comparisons is where nothing changes, not by how large one of them is.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.stats.intervals import Interval, wilson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_BEFORE: Final = 28
LEAST_AFTER: Final = 14
"""Days that a level lasts at the least, before a fall and after it."""
PRIOR_DEGREES: Final = 4.0
"""Weeks that the spread of all counts weighs beside a row's own."""
SPANS: Final = (7, 28)
"""Days over which counts are added up to see how far they spread."""
_LASTING: Final = (0.25, 4.0)
"""How much wider sums of four weeks may spread than weeks do."""
_ENOUGH: Final = 4.0
"""Degrees of freedom under which a spread says nothing."""
_ROWS: Final = 2_048
"""Rows looked at together, so that memory does not grow with them."""


class Falls(NamedTuple):
    """The most likely fall of each row, whether or not it is one; all are (n,)."""

    day: Ints
    """First day of the lower level; -1 where the days are too few or no split shows a fall."""
    deviance: Floats
    """Twice the gain in log-likelihood of Poisson counts; 0 where there is no fall."""
    before: Floats
    """Sum of the counts before `day`; of all, where there is none."""
    after: Floats
    before_days: Floats
    """Days that they stand for, each weighted by what its weekday is worth."""
    after_days: Floats
    pearson: Floats
    """(n, 2) squared departures of weeks, and of four weeks, from the levels, over expected."""
    degrees: Floats
    """(n, 2) weeks, and four weeks, less the two levels."""
    reach: Floats
    """Log of the odds between the latest and the earliest split that was tried."""


def dense(row: ArrayLike, day: ArrayLike, n: ArrayLike, shape: tuple[int, int]) -> Floats:
    """Return counts as a matrix of rows and days; several of one place are added."""
    found = np.zeros(shape)
    np.add.at(found, (np.asarray(row, np.int64), np.asarray(day, np.int64)), np.asarray(n, float))
    return found


def falls(counts: Floats, weight: ArrayLike, first: ArrayLike) -> Falls:
    """Find the day from which each row's counts are lowest against those before.

    `counts` (n, D) by day, the last column being the eve of today; `weight` (D,) what each day is
    worth by its weekday, 1 on the mean; `first` (n,) the first day that is watched. Each split
    that leaves `LEAST_BEFORE` and `LEAST_AFTER` days is tried: the likelihood ratio of two Poisson
    levels over one (Worsley 1986, Biometrika 73, eq. 2), falls only. Overdispersion divides every
    ratio of a row alike, so that it moves no day; `p_values` allows for it.
    """
    weights, begun = np.asarray(weight, float), np.asarray(first, np.int64)
    parts = [
        _falls(counts[at : at + _ROWS], weights, begun[at : at + _ROWS])
        for at in range(0, max(len(counts), 1), _ROWS)
    ]
    return Falls(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _falls(counts: Floats, weight: Floats, first: Ints) -> Falls:
    n_days = counts.shape[1]
    days = np.arange(n_days)
    is_watched = days >= first[:, None]
    watched = np.where(is_watched, counts, 0.0)
    worth = np.where(is_watched, weight, 0.0)
    done, spent = np.cumsum(watched, axis=1), np.cumsum(worth, axis=1)
    total, whole = done[:, -1:], spent[:, -1:]
    # Split before day d: column d - 1 of the running sums is what lies before it.
    before, before_days = done[:, :-1], spent[:, :-1]
    after, after_days = total - before, whole - before_days
    split = days[1:]
    may = (split - first[:, None] >= LEAST_BEFORE) & (n_days - split >= LEAST_AFTER)
    falls_there = may & (before * after_days > after * before_days)
    gain = _entropy(before, before_days) + _entropy(after, after_days) - _entropy(total, whole)
    deviance = np.where(falls_there, 2.0 * np.maximum(gain, 0.0), 0.0)
    at = np.argmax(deviance, axis=1)
    best = np.take_along_axis(deviance, at[:, None], axis=1)[:, 0]
    found = best > 0.0
    day = np.where(found, split[at], -1)
    there = _at(before, at, total, found), _at(after, at, np.zeros_like(total), found)
    stands = _at(before_days, at, whole, found), _at(after_days, at, np.zeros_like(whole), found)
    pearson, degrees = _spread(watched, worth, day, there, stands)
    earliest = np.clip(first + LEAST_BEFORE - 1, 0, n_days - 2)
    low = np.take_along_axis(before_days, earliest[:, None], axis=1)[:, 0]
    high = before_days[:, max(n_days - LEAST_AFTER - 1, 0)]
    reach = _log_odds(high, whole[:, 0]) - _log_odds(low, whole[:, 0])
    return Falls(day, best, *there, *stands, pearson, degrees, np.maximum(reach, 0.0))


def _entropy(n: Floats, days: Floats) -> Floats:
    """Return n log(n / days), 0 for no count."""
    some = (n > 0.0) & (days > 0.0)
    return np.where(some, n * np.log(np.where(some, n, 1.0) / np.where(some, days, 1.0)), 0.0)


def _at(values: Floats, at: Ints, other: Floats, found: NDArray[np.bool_]) -> Floats:
    chosen = np.take_along_axis(values, at[:, None], axis=1)[:, 0]
    return np.where(found, chosen, other[:, 0])


def _log_odds(part: Floats, whole: Floats) -> Floats:
    share = np.clip(part / np.where(whole > 0.0, whole, 1.0), 1e-6, 1.0 - 1e-6)
    return np.asarray(np.log(share / (1.0 - share)))


def _spread(
    watched: Floats,
    worth: Floats,
    day: Ints,
    sums: tuple[Floats, Floats],
    stands: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """Return how far weeks, counted back from the last day, lie from the levels they are of."""
    n, n_days = watched.shape
    levels = [
        np.where(d > 0.0, s / np.where(d > 0.0, d, 1.0), 0.0)
        for s, d in zip(sums, stands, strict=True)
    ]
    is_after = (np.arange(n_days) >= day[:, None]) & (day >= 0)[:, None]
    expected = worth * np.where(is_after, levels[1][:, None], levels[0][:, None])
    found = []
    for span in SPANS:
        cut, shape = n_days % span, (n, n_days // span, span)
        seen, meant = (v[:, cut:].reshape(shape).sum(axis=2) for v in (watched, expected))
        some = meant > 0.0
        away = np.where(some, (seen - meant) ** 2 / np.where(some, meant, 1.0), 0.0)
        found.append((away.sum(axis=1), np.maximum(some.sum(axis=1) - 2.0, 0.0)))
    pearson, degrees = (np.stack(values, axis=1) for values in zip(*found, strict=True))
    return pearson, degrees


def dispersions(of: Falls) -> Floats:
    """Return by how much the variance of each row's counts is larger than that of Poisson ones.

    At least 1. Weeks tell a row's own spread: its own, and where that is larger, what it and the
    median of all rows say together (as the moderated variance of Smyth 2004, with
    `PRIOR_DEGREES`), as a few calm weeks are no proof of calm. What one week says of the next
    makes sums of four weeks spread wider, or less wide, than weeks: by as much as all rows show on
    the median, or by more where the row's own four weeks say so.
    """
    own, usual, drawn = zip(*(_told(of, at) for at in range(len(SPANS))), strict=True)
    lasting = 1.0 if usual[1] is None else np.clip(usual[1] / (usual[0] or 1.0), *_LASTING)
    least = np.ones(len(of.day))
    return np.asarray(np.maximum.reduce([own[0] * lasting, drawn[0] * lasting, drawn[1], least]))


def _told(of: Falls, at: int) -> tuple[Floats, float | None, Floats]:
    """Return the spread of each row, the median of those that tell it, and the two together."""
    pearson, degrees = of.pearson[:, at], of.degrees[:, at]
    told = degrees > 0.0
    own = np.where(told, pearson / np.where(told, degrees, 1.0), 0.0)
    known = (degrees >= _ENOUGH) & (of.before > 0.0)
    if not known.any():
        return own, None, np.where(degrees >= _ENOUGH, own, 0.0)
    # The median of chi-squared over its degrees lies below 1 (Wilson and Hilferty 1931).
    usual = float(np.median(own[known] / (1.0 - 2.0 / (9.0 * degrees[known])) ** 3))
    drawn = (PRIOR_DEGREES * usual + pearson) / (PRIOR_DEGREES + degrees)
    return own, usual, np.where(degrees >= _ENOUGH, drawn, 0.0)


def p_values(of: Falls, dispersion: Floats) -> Floats:
    """Return the chance of a fall as plain as this one, on any day, where nothing changes.

    The tail of the largest of standardised gaps over all splits (Miller and Siegmund 1982,
    Biometrics 38, eq. 4), half of it, as rises do not count; a spread that is estimated makes the
    gap one of Student's, taken over to the normal scale. 1 where no fall was found.
    """
    from scipy.special import ndtri, stdtr  # noqa: PLC0415 - only a report of usage pays for it

    degrees = of.degrees[:, 0] + PRIOR_DEGREES
    gap = np.sqrt(of.deviance / dispersion)
    x = -ndtri(np.maximum(stdtr(degrees, -gap), 1e-300))
    safe = np.maximum(x, 1.0)
    density = np.exp(-0.5 * safe**2) / np.sqrt(2.0 * np.pi)
    tail = 0.5 * density * (4.0 / safe + (safe - 1.0 / safe) * of.reach)
    return np.asarray(np.where((of.day >= 0) & (x > 1.0), np.clip(tail, 0.0, 1.0), 1.0))


def ratios(
    after: tuple[ArrayLike, ArrayLike],
    before: tuple[ArrayLike, ArrayLike],
    dispersion: ArrayLike,
    level: float = 0.95,
) -> Interval:
    """Return the two ends of the level after over the level before; both are counts and days.

    Of all counts the share that lies after is a share of as many draws as the counts are worth
    with their overdispersion (Wilson's interval, which has two ends where nothing is left too).
    That the day was looked for is not in it. NaN where nothing was before.
    """
    phi = np.asarray(dispersion, float)
    n, days, m, other = (np.asarray(v, float) for pair in (after, before) for v in pair)
    some = (m > 0.0) & (days > 0.0)
    share = wilson(np.where(some, n / phi, 0.0), np.where(some, (n + m) / phi, 0.0), level)
    scale = np.where(some, other / np.where(some, days, 1.0), np.nan)
    low, high = (np.minimum(end, 1.0 - 1e-12) for end in share)
    return Interval(low / (1.0 - low) * scale, high / (1.0 - high) * scale)
