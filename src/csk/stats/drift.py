"""Whether customers are still like those of whom a model was made.

One rule: an alarm needs a change that matters and that chance does not explain, given how many
customers were counted and how many questions were asked in the same night.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, chdtri, gammaln, ndtri

from csk.errors import UsageError
from csk.stats.blocks import Floats
from csk.stats.calibration import InTheLarge

Ints = NDArray[np.int64]

LEVEL: Final = 0.05
"""Chance of any false alarm in a night."""

RELEVANT_PSI: Final = 0.1
RELEVANT_RATE: Final = 0.02
"""A share that moves by less changes no list."""

RELEVANT_RATIO: Final = 0.1
"""Events may differ from the sum of chances by this part."""

FEWEST_EVENTS: Final = 10
"""Below, so few events are expected that their normal law does not hold."""

_LEAST_EXPECTED: Final = 8.0
"""Cochran's 5 hold at a level of .05; of a tenth of it, with fewer, an empty bin is an alarm."""


class Drift(NamedTuple):
    """One question of one night: what was measured, and whether it is cause for alarm."""

    value: float
    """PSI, a difference of shares, or observed over expected events less 1."""
    critical: float
    """What the absolute value exceeds by chance with the level of this question; NaN: not known."""
    p_value: float
    alert_above: float
    """The critical value, or what matters at least where that is more."""
    is_alert: bool
    """Whether the change matters and is not by chance."""


def level_of_each(n_questions: int, level: float = LEVEL) -> float:
    """Return the level of each of a night's questions, so that `level` holds for all together.

    Bonferroni: whatever features have to do with one another.
    """
    if n_questions < 1:
        raise UsageError("A night has at least one question.")
    return level / n_questions


def psi(reference: ArrayLike, current: ArrayLike) -> float:
    """Return the population stability index of two samples, given their counts by bin.

    Sum of (a - e) ln(a / e) over the bins, shares with half a customer more in each bin, so that an
    empty bin is not infinitely far. Bins empty in both do not count.
    """
    e, a = _counted(reference, current)
    return _psi(e, a)


def psi_critical(n_reference: float, n_current: float, n_bins: int, level: float = LEVEL) -> float:
    """Return what PSI exceeds with chance `level` where nothing changed.

    PSI / (1/n + 1/m) is chi-square with bins - 1 degrees of freedom (Yurdakul and Naranjo 2020). Of
    ten bins .338 at n = m = 100 and 3.4e-5 at a million; 0 of one bin, which cannot move. Bins cut
    at quantiles of a reference of few customers are more even than chance: 3 % at n = 100.
    """
    if n_bins <= 1:
        return 0.0
    return float(chdtri(n_bins - 1, level)) * (1.0 / n_reference + 1.0 / n_current)


def psi_drift(
    reference: ArrayLike,
    current: ArrayLike,
    n_questions: int = 1,
    least: float = RELEVANT_PSI,
    level: float = LEVEL,
) -> Drift:
    """Return the drift of one feature, given its counts by bin in both samples.

    Bins in which either sample may expect fewer than 8 are taken together (Cochran 1954): there
    the law of chi-square does not hold.
    """
    e, a = _together(*_counted(reference, current))
    value, unit = _psi(e, a), 1.0 / float(e.sum()) + 1.0 / float(a.sum())
    each = level_of_each(n_questions, level)
    critical = psi_critical(float(e.sum()), float(a.sum()), len(e), each)
    p_value = float(chdtrc(len(e) - 1, value / unit)) if len(e) > 1 else 1.0
    above = max(least, critical)
    return Drift(value, critical, p_value, above, value > above)


def rate_drift(
    reference: tuple[int, int],
    current: tuple[int, int],
    n_questions: int = 1,
    least: float = RELEVANT_RATE,
    level: float = LEVEL,
) -> Drift:
    """Return how far a share moved, given (how many, of how many) before and now: missing values.

    The p-value is Fisher's exact test, both ways, twice the smaller tail; `critical` is that of the
    normal law, but for an alarm both must be passed.
    """
    return _rate(reference, current, (n_questions, least, level), both_ways=True)


def unseen_drift(
    seen_once: int,
    n_reference: int,
    unseen: int,
    n_current: int,
    n_questions: int = 1,
    least: float = RELEVANT_RATE,
    level: float = LEVEL,
) -> Drift:
    """Return by how much more customers have a category that the reference does not know.

    Some have one by chance: as many, by share, as were alone with theirs in the reference (Good
    1953, eq. 9), whose number is `seen_once`. Only more is an alarm.
    """
    before, now = (seen_once, n_reference), (unseen, n_current)
    return _rate(before, now, (n_questions, least, level), both_ways=False)


def calibration_drift(
    of: InTheLarge,
    n_questions: int = 1,
    least: float = RELEVANT_RATIO,
    fewest: float = FEWEST_EVENTS,
    level: float = LEVEL,
) -> Drift:
    """Return how far matured events lie from the sum of their chances, as a part of it.

    No alarm is possible where fewer than `fewest` events are expected, or come.
    """
    value = of.ratio - 1.0
    if not of.expected > 0:
        return Drift(float("nan"), float("nan"), of.p_value, least, is_alert=False)
    each = level_of_each(n_questions, level)
    critical = float(-ndtri(each / 2.0)) * of.std_error / of.expected
    enough = max(of.expected, of.observed) >= fewest
    above = max(least, critical)
    return Drift(value, critical, of.p_value, above, enough and abs(value) > above)


def alerts(of: Sequence[Drift]) -> tuple[int, ...]:
    """Return which questions of a night are cause for alarm, the least explained by chance first.

    Each must have been asked with the number of all as `n_questions`.
    """
    return tuple(
        sorted(
            (at for at, one in enumerate(of) if one.is_alert), key=lambda at: (of[at].p_value, at)
        )
    )


def _rate(
    reference: tuple[int, int],
    current: tuple[int, int],
    settings: tuple[int, float, float],
    *,
    both_ways: bool,
) -> Drift:
    (k, n), (j, m) = reference, current
    n_questions, least, level = settings
    if not (0 <= k <= n and 0 <= j <= m and n > 0 and m > 0):
        raise UsageError("A share needs somebody, and cannot count more than all.")
    each = level_of_each(n_questions, level)
    value, pooled = j / m - k / n, (k + j) / (n + m)
    error = float(np.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)))
    critical = float(-ndtri(each / (2.0 if both_ways else 1.0))) * error
    more, fewer = _tails(j, k + j, m, n + m)
    p_value = min(1.0, 2.0 * min(more, fewer)) if both_ways else more
    above = max(least, critical)
    far = abs(value) if both_ways else value
    return Drift(value, critical, p_value, above, far > above and p_value <= each)


def _tails(j: int, k: int, m: int, n: int) -> tuple[float, float]:
    """Return P(X >= j) and P(X <= j), X of k marked ones being among m drawn of n."""
    lowest, highest = max(0, m - (n - k)), min(k, m)
    spread = float(np.sqrt(m * (k / n) * (1.0 - k / n))) + 1.0
    # Terms fall off faster than those of a normal law; what lies this far out adds nothing.
    reach = int(40.0 * spread) + 40
    x = np.arange(max(lowest, j - reach), min(highest, j + reach) + 1)
    marked = _log_choose(k, x) + _log_choose(n - k, m - x) - _log_choose(n, np.array([m]))
    terms = np.exp(marked)
    return min(1.0, float(terms[x >= j].sum())), min(1.0, float(terms[x <= j].sum()))


def _log_choose(n: int, k: Ints) -> Floats:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


def _psi(e: Floats, a: Floats) -> float:
    expected, actual = ((v + 0.5) / (v.sum() + 0.5 * len(v)) for v in (e, a))
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _counted(reference: ArrayLike, current: ArrayLike) -> tuple[Floats, Floats]:
    """Return counts of bins that hold somebody."""
    e, a = (np.asarray(v, np.float64).ravel() for v in (reference, current))
    if len(e) != len(a):
        raise UsageError(f"{len(e)} bins cannot be held against {len(a)}.")
    if not (np.isfinite(e).all() and np.isfinite(a).all() and (e >= 0).all() and (a >= 0).all()):
        raise UsageError("Counts of bins must be known, and none may be negative.")
    if not (e.any() and a.any()):
        raise UsageError("Drift needs somebody in both samples.")
    held = (e > 0) | (a > 0)
    return e[held], a[held]


def _together(e: Floats, a: Floats) -> tuple[Floats, Floats]:
    """Return counts with rare bins as one, by what both samples hold together."""
    whole = e + a
    least = _LEAST_EXPECTED * float(whole.sum()) / min(float(e.sum()), float(a.sum()))
    order = np.argsort(whole, kind="stable")
    # The rarest bins, as many as it takes for the one they make to be large enough.
    grown = np.cumsum(whole[order])
    n_rare = int((whole < least).sum())
    if not n_rare:
        return e, a
    n_one = max(n_rare, int(np.searchsorted(grown, least)) + 1)
    one, kept = order[:n_one], np.sort(order[n_one:])
    return np.r_[e[one].sum(), e[kept]], np.r_[a[one].sum(), a[kept]]
