"""Logistic regression with a penalty for each column, weights, and errors by cluster.

One rule: a design is known by four sums (`Design`), never by its rows, so that one which repeats
a customer's columns over many bins need not be spelt out.

Maximises `sum w (y eta - log(1 + exp eta)) - sum penalty_j b_j^2 / 2` by Newton's method.
"""

from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from csk.errors import ModelError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK: Final = 16_384
"""Rows taken at a time: so many of some 80 columns stay near the processor."""

_MOST_STEPS, _MOST_HALVES = 60, 30
_CLOSE, _NEAR = 1e-14, 1e-6
_GAIN: Final = 4.0
"""By how much less must be left to gain after each step for an old curvature to be kept."""
_TOO_FAR, _CERTAIN = 18.0, 1e-7
"""Linear predictors so far out, where all rows of a column are so certain, have no end."""


class Design(Protocol):
    """Rows of covariates, as the sums over them that a fit needs."""

    @property
    def n_columns(self) -> int:
        """Return p."""

    def times(self, coefficients: Floats) -> Floats:
        """Return (N,) linear predictors of (p,) coefficients."""

    def summed(self, values: Floats) -> Floats:
        """Return (p,) sums over rows of the columns times (N,) values."""

    def gram(self, weights: Floats) -> Floats:
        """Return (p, p) sums over rows of products of two columns times (N,) weights."""

    def summed_by(self, values: Floats, cluster: Ints, n: int) -> Floats:
        """Return (n, p): `summed` by (N,) clusters 0 to n - 1."""


class Dense(NamedTuple):
    """A design that is spelt out."""

    rows: Floats
    """(N, p)."""

    @property
    def n_columns(self) -> int:
        """Return p."""
        return int(self.rows.shape[1])

    def times(self, coefficients: Floats) -> Floats:
        """Return (N,) linear predictors of (p,) coefficients."""
        return np.asarray(self.rows @ coefficients)

    def summed(self, values: Floats) -> Floats:
        """Return (p,) sums over rows of the columns times (N,) values."""
        return np.asarray(values @ self.rows)

    def gram(self, weights: Floats) -> Floats:
        """Return (p, p) sums over rows of products of two columns times (N,) weights."""
        total = np.zeros((self.n_columns, self.n_columns))
        for first in range(0, len(self.rows), BLOCK):
            part = self.rows[first : first + BLOCK]
            total += (part * weights[first : first + BLOCK, None]).T @ part
        return total

    def summed_by(self, values: Floats, cluster: Ints, n: int) -> Floats:
        """Return (n, p): `summed` by (N,) clusters 0 to n - 1."""
        return np.stack([np.bincount(cluster, values * x, n) for x in self.rows.T], axis=1)


class Outcomes(NamedTuple):
    """What came of each row; all (N,)."""

    left: Floats
    """1 or 0."""
    weight: Floats
    """Rows that this one stands for; 0 leaves it out."""
    offset: Floats
    """What is added to its linear predictor."""


class LogisticFit(NamedTuple):
    """Coefficients and how sharply they are known."""

    coefficients: Floats
    """(p,)."""
    hessian: Floats
    """(p, p) information and penalty."""
    information: Floats
    """(p, p) without the penalty."""
    log_likelihood: float
    """Without the penalty."""
    slack: float
    """What one more step would gain; next to nothing."""


def outcomes(left: Floats, weight: Floats | None = None, offset: Floats | None = None) -> Outcomes:
    """Return what came of rows; weights of 1 and no offset where none is given."""
    left = np.asarray(left, np.float64)
    return Outcomes(
        left,
        np.ones(len(left)) if weight is None else np.asarray(weight, np.float64),
        np.zeros(len(left)) if offset is None else np.asarray(offset, np.float64),
    )


def softplus(eta: Floats) -> Floats:
    """Return log(1 + exp eta) without overflow."""
    return np.asarray(np.maximum(eta, 0.0) + np.log1p(np.exp(-np.abs(eta))))


def chance(eta: Floats) -> Floats:
    """Return 1 / (1 + exp(-eta)) without overflow."""
    small = np.exp(-np.abs(eta))
    return np.asarray(np.where(eta >= 0.0, 1.0, small) / (1.0 + small))


def log_likelihood(eta: Floats, of: Outcomes) -> float:
    """Return the sum of `w (y eta - log(1 + exp eta))`."""
    return float(of.weight @ (of.left * eta - softplus(eta)))


def fit(design: Design, of: Outcomes, penalty: Floats, start: Floats | None = None) -> LogisticFit:
    """Maximise the penalised likelihood from `start` (zeros), each step halved until it gains.

    `penalty` (p,) is the precision of each coefficient's normal prior around 0; 0 leaves a column
    free. ModelError where all rows (of weight above 0) left or none did, and where a free
    coefficient has no end; the number of its column is then the only detail.
    """
    check_both(of)
    beta = np.zeros(design.n_columns) if start is None else start.copy()
    eta = design.times(beta) + of.offset
    value, before = _penalised(eta, of, beta, penalty), np.inf
    inverse = np.zeros((0, 0))
    for _ in range(_MOST_STEPS):
        slopes = design.summed(of.weight * (of.left - chance(eta))) - penalty * beta
        if len(inverse):
            step = inverse @ slopes
            promised = float(step @ slopes)
        # An old curvature will do as long as it takes most of what is left to gain.
        if not len(inverse) or promised > before / _GAIN:
            inverse = _inverse(_information(design, of, eta) + np.diag(penalty))
            step = inverse @ slopes
            promised = float(step @ slopes)
        if promised < _CLOSE:
            break
        for _ in range(_MOST_HALVES):
            trial = beta + step
            eta = design.times(trial) + of.offset
            found = _penalised(eta, of, trial, penalty)
            # So near the top, rounding hides the gain that the slopes promise.
            if found >= value or promised < _NEAR:
                break
            step = step / 2.0
        beta, value, before = trial, found, promised
    information = _information(design, of, eta)
    if promised >= _NEAR or float(np.abs(eta).max()) > _TOO_FAR:
        _refuse_separation(design, of, beta, information, penalty)
    plain = log_likelihood(eta, of)
    return LogisticFit(beta, information + np.diag(penalty), information, plain, promised)


def _refuse_separation(
    design: Design, of: Outcomes, beta: Floats, information: Floats, penalty: Floats
) -> None:
    """Refuse free columns whose rows are all certain: their coefficients would grow for ever."""
    size = np.diag(design.gram(of.weight))
    certain = (penalty == 0.0) & (np.diag(information) < _CERTAIN * size)
    if certain.any():
        reach = np.where(certain, np.abs(beta) * np.sqrt(size), -1.0)
        raise ModelError(
            "A covariate separates who left from who stayed.", details=[str(int(reach.argmax()))]
        )


def check_both(of: Outcomes) -> None:
    """Refuse outcomes that are all alike."""
    n_left, n = float(of.weight @ of.left), float(of.weight.sum())
    if not 0.0 < n_left < n:
        raise ModelError("Either nobody or everybody left, so there is nothing to tell apart.")


def _penalised(eta: Floats, of: Outcomes, beta: Floats, penalty: Floats) -> float:
    return log_likelihood(eta, of) - 0.5 * float(penalty @ (beta * beta))


def _information(design: Design, of: Outcomes, eta: Floats) -> Floats:
    p = chance(eta)
    return design.gram(of.weight * p * (1.0 - p))


def _inverse(hessian: Floats) -> Floats:
    """Invert in units in which every column is alike; a trace of ridge for those that are sums."""
    size = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    scaled = hessian / np.outer(size, size) + 1e-11 * np.eye(len(size))
    found = np.linalg.inv(scaled) / np.outer(size, size)
    return np.asarray(0.5 * (found + found.T))


def scores(design: Design, of: Outcomes, found: LogisticFit, cluster: Ints, n: int) -> Floats:
    """Return (n, p): the slopes that each cluster (0 to n - 1) adds, without the penalty."""
    eta = design.times(found.coefficients) + of.offset
    return design.summed_by(of.weight * (of.left - chance(eta)), cluster, n)


def influence(found: LogisticFit, by_cluster: Floats) -> Floats:
    """Return (n, p): what each cluster adds to the coefficients, to first order."""
    return np.asarray(by_cluster @ _inverse(found.hessian))


def robust_covariance(influences: Floats) -> Floats:
    """Return (p, p): the covariance that holds where rows of a cluster depend on each other."""
    covariance = influences.T @ influences
    return np.asarray(0.5 * (covariance + covariance.T))


def pulled(found: LogisticFit) -> Floats:
    """Return (p, p) `H^-1 P H^-1`: the spread of what a penalty P takes from true effects.

    True effects are as the prior has them. Added to the covariance of independent rows it makes
    `H^-1`, whose intervals cover as they should on average over the rows (Nychka 1988).
    """
    inverse = _inverse(found.hessian)
    spread = inverse @ (found.hessian - found.information) @ inverse
    return np.asarray(0.5 * (spread + spread.T))


def optimism(found: LogisticFit, by_cluster: Floats) -> float:
    """Return by how much the log-likelihood flatters a fit: `tr(H^-1 sum_c s_c s_c')`.

    What leaving out each cluster in turn would cost, to first order; the bias of the generalised
    information criterion (Konishi and Kitagawa 1996) for scores by cluster. With clusters of one
    row and no penalty it is about p, Akaike's.
    """
    return float((_inverse(found.hessian) * (by_cluster.T @ by_cluster)).sum())


class Penalty(NamedTuple):
    """Precisions of coefficients: fixed ones, and those that the strength of a block multiplies."""

    fixed: Floats
    """(p,)."""
    scaled: Floats
    """(p,)."""
    block: Ints
    """(p,) number of the coefficient's strength."""
    n_blocks: int

    def of(self, strengths: Floats) -> Floats:
        """Return (p,) precisions; 1 is a prior of one standard deviation."""
        return np.asarray(self.fixed + self.scaled * np.r_[strengths, 0.0][self.block])


def foretold_loss(
    found: LogisticFit, spread: Floats, by: Penalty, now: Floats, then: Floats
) -> tuple[float, Floats]:
    """Return about what the loss on unseen clusters would be under other strengths.

    And (blocks,) its slopes in the logarithms of `then`. `spread` is `S'S` of the scores by
    cluster. The likelihood is taken as the parabola around the fit under strengths `now`: good
    nearby, and where `then` is `now` it is `optimism` less the log-likelihood.
    """
    beta, precision = found.coefficients, by.of(then)
    inverse = _inverse(found.information + np.diag(precision))
    slopes = by.of(now) * beta
    step = inverse @ (slopes - precision * beta)
    gain = float(slopes @ step) - 0.5 * float(step @ found.information @ step)
    moved = inverse @ spread
    loss = float(np.trace(moved)) - found.log_likelihood - gain
    there = beta + step
    own = np.r_[then, 0.0][by.block] * by.scaled
    by_column = own * ((inverse @ (precision * there)) * there - (moved * inverse).sum(axis=1))
    by_block = np.bincount(by.block, by_column, by.n_blocks + 1)[: by.n_blocks]
    return loss, by_block.astype(np.float64)


def best_strengths(
    found: LogisticFit, spread: Floats, by: Penalty, now: Floats, bounds: tuple[float, float]
) -> Floats:
    """Return the strengths (blocks,) within bounds that minimise `foretold_loss`."""
    from scipy.optimize import minimize  # noqa: PLC0415 - slow to import; fits alone need it

    def loss(logs: Floats) -> tuple[float, Floats]:
        return foretold_loss(found, spread, by, now, np.exp(logs))

    limits = [(float(np.log(bounds[0])), float(np.log(bounds[1])))] * by.n_blocks
    options = {"maxiter": 60, "ftol": 1e-9, "gtol": 1e-3}
    answer = minimize(
        loss, np.log(now), jac=True, method="L-BFGS-B", bounds=limits, options=options
    )
    return np.asarray(np.exp(answer.x), np.float64)
