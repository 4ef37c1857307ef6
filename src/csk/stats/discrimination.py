"""How well a score puts those first to whom the event comes: AUC, average precision, lift.

One rule: only the order of scores counts, and of tied customers each has an equal part of what
came to all of them; so a constant score has an AUC of 1/2 and a lift of exactly 1.

Weights are frequencies, unless rows are named by customer (`cluster`): then they may be of any
kind, such as inverse sampling probabilities, and errors are those of customers.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, ndtri

from csk.errors import UsageError
from csk.stats.blocks import (
    Blocks,
    Estimated,
    Floats,
    Rows,
    blocks,
    blocks_of,
    both_classes,
    estimated,
    rows,
)
from csk.stats.intervals import wilson

N_DRAWS: Final = 1_000
SEED: Final = 20_240_229


def auc(score: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Return the chance that an event is scored above a non-event, ties counting half.

    Hanley and McNeil (1982), eq. 1. Needs both events and others.
    """
    return _auc(both_classes(blocks(score, event, weight)))


def estimated_auc(
    score: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimated:
    """Return the AUC with the error of DeLong, DeLong and Clarke-Pearson (1988), eq. 5.

    With `cluster` that of Obuchowski (1997), eq. 5. The interval is symmetric in the logit; a
    score without a single mistake has Wilson's, of as many as the smaller class has.
    """
    of = rows((score,), event, weight, cluster)
    value, placement = _placed(of, 0)
    error = _error(placement, of)
    if value in (0.0, 1.0):
        n = min(float(of.weight[of.event].sum()), float(of.weight[~of.event].sum()))
        low, high = wilson(value * n, n, level)
        return Estimated(value, error, float(low), float(high))
    reach = float(ndtri(0.5 + level / 2)) * error / (value * (1.0 - value))
    ends = expit(logit(value) + np.array([-reach, reach])) if error else np.full(2, value)
    return Estimated(value, error, float(ends[0]), float(ends[1]))


def paired_auc_difference(
    first: ArrayLike,
    second: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimated:
    """Return the AUC of the first score less that of the second, both of the same rows.

    The error holds their covariance: DeLong et al. (1988), eq. 6, or with `cluster` Obuchowski
    (1997), eq. 9. Scores of the same order differ by 0 with an error of 0.
    """
    of = rows((first, second), event, weight, cluster)
    (one, its), (other, theirs) = _placed(of, 0), _placed(of, 1)
    return estimated(one - other, _error(its - theirs, of), level)


def bootstrap_auc_difference(
    first: ArrayLike,
    second: ArrayLike,
    event: ArrayLike,
    cluster: ArrayLike | None = None,
    n_draws: int = N_DRAWS,
    level: float = 0.95,
) -> Estimated:
    """Return the paired difference with the percentiles of a bootstrap over customers.

    Whole customers are drawn (Field and Welsh 2007), rows where no `cluster` is given, with a
    fixed seed; draws that hold one class only are left out. Costs about as much as 2 `n_draws`
    AUCs of rows that are already sorted.
    """
    of = rows((first, second), event, None, cluster)
    whole = [both_classes(blocks_of(of, column)) for column in (0, 1)]
    at = [np.searchsorted(part.score, of.scores[:, k]) for k, part in enumerate(whole)]
    n = len(of.event) if of.cluster is None else int(of.cluster.max()) + 1
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(n_draws):
        times = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        w = times if of.cluster is None else times[of.cluster]
        came, stayed = np.where(of.event, w, 0.0), np.where(of.event, 0.0, w)
        if not (came.any() and stayed.any()):
            continue
        drawn = [
            Blocks(part.score, *(np.asarray(np.bincount(k, v), np.float64) for v in (came, stayed)))
            for part, k in zip(whole, at, strict=True)
        ]
        found.append(_auc(drawn[0]) - _auc(drawn[1]))
    if len(found) <= 1:
        raise UsageError("A bootstrap needs at least two draws that hold both classes.")
    low, high = np.quantile(found, [0.5 - level / 2, 0.5 + level / 2])
    value = _auc(whole[0]) - _auc(whole[1])
    return Estimated(value, float(np.std(found, ddof=1)), float(low), float(high))


def average_precision(score: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Return the mean over events of the precision down to the last who is scored as they are.

    Sum of (R_k - R_k-1) P_k over blocks of ties, without interpolation. A constant score has the
    share of events. Needs both events and others.
    """
    of = both_classes(blocks(score, event, weight))
    events, everybody = of.events[::-1], (of.events + of.others)[::-1]
    precision = np.cumsum(events) / np.cumsum(everybody)
    return float((events * precision).sum() / of.n_events)


def gains(
    score: ArrayLike, event: ArrayLike, share: ArrayLike, weight: ArrayLike | None = None
) -> Floats:
    """Return the part of all events that is held by the highest scored `share` of customers.

    Of a block that lies across the border, as large a part of its events as of its customers.
    Any number of shares, each above 0 and up to 1.
    """
    of = both_classes(blocks(score, event, weight))
    wanted = np.asarray(share, np.float64)
    if not ((wanted > 0) & (wanted <= 1)).all():
        raise UsageError("A share of customers lies above 0 and up to 1.")
    ranked = np.r_[0.0, np.cumsum((of.events + of.others)[::-1])]
    came = np.r_[0.0, np.cumsum(of.events[::-1])]
    return np.asarray(np.interp(wanted, ranked / ranked[-1], came / came[-1]))


def lift(
    score: ArrayLike, event: ArrayLike, share: ArrayLike, weight: ArrayLike | None = None
) -> Floats:
    """Return how many times as many events the highest scored `share` holds as by chance.

    Exactly 1 for a constant score, and 1 on average for noise.
    """
    return np.asarray(gains(score, event, share, weight) / np.asarray(share, np.float64))


def _auc(of: Blocks) -> float:
    below = np.cumsum(of.others) - of.others
    # Twice the pairs: whole numbers stay whole.
    pairs = (of.events * (2.0 * below + of.others)).sum()
    return float(pairs / (2.0 * of.n_events * of.n_others))


def _placed(of: Rows, column: int) -> tuple[float, Floats]:
    """Return the AUC of a score, and of each row the part of the other class it is placed above.

    For a non-event, the part of events placed above it: both are means that equal the AUC.
    """
    parts = both_classes(blocks_of(of, column))
    value = _auc(parts)
    below = (np.cumsum(parts.others) - parts.others / 2.0) / parts.n_others
    above = 1.0 - (np.cumsum(parts.events) - parts.events / 2.0) / parts.n_events
    at = np.searchsorted(parts.score, of.scores[:, column])
    return value, np.where(of.event, below[at], above[at])


def _error(placement: Floats, of: Rows) -> float:
    """Return the standard error of the mean placement, which holds events and others."""
    own = [np.where(of.event == is_event, of.weight, 0.0) for is_event in (True, False)]
    sizes = [float(w.sum()) for w in own]
    # The mean of this very column: an AUC rounded otherwise would leave an error where none is.
    means = [float((w * placement).sum()) / n for w, n in zip(own, sizes, strict=True)]
    off = [w * (placement - mean) for w, mean in zip(own, means, strict=True)]
    if of.cluster is None:
        spread = [(o * (placement - m)).sum() for o, m in zip(off, means, strict=True)]
        parts = [s / max(n - 1.0, 1.0) / n for s, n in zip(spread, sizes, strict=True)]
        return float(np.sqrt(sum(parts)))
    k = int(of.cluster.max()) + 1
    sums = [np.bincount(of.cluster, o) / n for o, n in zip(off, sizes, strict=True)]
    held = [len(np.unique(of.cluster[w > 0])) for w in own]
    variance = sum(
        float((s * s).sum()) * c / max(c - 1, 1) for s, c in zip(sums, held, strict=True)
    )
    variance += 2.0 * float((sums[0] * sums[1]).sum()) * k / max(k - 1, 1)
    return float(np.sqrt(max(variance, 0.0)))
