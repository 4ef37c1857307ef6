"""Whether groups leave at the same pace: weighted log-rank tests on counts by age.

One rule: groups are compared age by age among those then at risk, so late entry and censoring
need nothing more.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from csk.errors import UsageError
from csk.stats.survival import Counts, Floats, at_risk

_SINGULAR: Final = 1e-9


class LogRank(NamedTuple):
    """A test of equal hazards."""

    statistic: float
    """Chi-squared with `degrees` degrees of freedom where the groups are alike."""
    degrees: int
    p_value: float
    observed: Floats
    """(G,) exits of each group, weighted."""
    expected: Floats
    """(G,) exits that each would have had at the pace of all."""


def log_rank(groups: Sequence[Counts], weighting: Literal["none", "at_risk"] = "none") -> LogRank:
    """Test whether groups have the same hazard at every age.

    `at_risk` weighs each age by how many are at risk (Gehan 1965, Breslow 1970), which hears
    early differences; without weights it is the test of Mantel (1966) and Peto (1972). The
    statistic takes the generalised inverse, so a group nobody was at risk in costs a degree, not
    an error. UsageError for fewer than two groups.
    """
    if len(groups) < 2:  # noqa: PLR2004 - a comparison needs two
        raise UsageError("groups are compared only where there are at least two")
    ages = np.unique(np.concatenate([of.age for of in groups]))
    n = np.stack([_spread(of, ages) for of in groups])
    d = np.stack([_exits(of, ages) for of in groups])
    total, exits = n.sum(axis=0), d.sum(axis=0)
    counts = exits > 0
    n, d, total, exits = n[:, counts], d[:, counts], total[counts], exits[counts]
    weight = total if weighting == "at_risk" else np.ones_like(total)
    share = n / total
    expected = exits * share
    spread = weight**2 * exits * np.where(total > 1, (total - exits) / np.maximum(total - 1, 1), 0)
    covariance = -(share * spread) @ share.T
    covariance[np.diag_indices(len(groups))] += (share * spread).sum(axis=1)
    gap = ((d - expected) * weight).sum(axis=1)
    # The gaps add up to nothing, so one group says nothing that the others do not.
    covariance, rest = covariance[:-1, :-1], gap[:-1]
    tolerance = _SINGULAR * max(float(np.abs(covariance).max(initial=0.0)), 1e-300)
    degrees = int(np.linalg.matrix_rank(covariance, tol=tolerance, hermitian=True))
    inverse = np.linalg.pinv(covariance, rcond=_SINGULAR, hermitian=True)
    statistic = float(rest @ inverse @ rest) if degrees else 0.0
    observed, meant = (d * weight).sum(axis=1), (expected * weight).sum(axis=1)
    return LogRank(statistic, degrees, _upper_tail(statistic, degrees), observed, meant)


def _upper_tail(statistic: float, degrees: int) -> float:
    from scipy.special import chdtrc  # noqa: PLC0415 - most reports compare no groups

    return float(chdtrc(degrees, statistic)) if degrees else 1.0


def _spread(of: Counts, ages: np.ndarray) -> Floats:
    """Return how many are at risk at each of the ages, those between the group's own too."""
    running = np.r_[0, np.cumsum(of.entered - of.left.sum(axis=1) - of.censored)]
    own = dict(zip(of.age.tolist(), at_risk(of).tolist(), strict=True))
    before = running[np.searchsorted(of.age, ages, side="left")]
    return np.array(
        [own.get(a, b) for a, b in zip(ages.tolist(), before.tolist(), strict=True)], float
    )


def _exits(of: Counts, ages: np.ndarray) -> Floats:
    found = np.zeros(len(ages))
    found[np.searchsorted(ages, of.age)] = of.left.sum(axis=1)
    return found
