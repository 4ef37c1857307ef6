"""How strongly effects are drawn to nothing: by group of features and kind of column.

One rule: a penalty is chosen for how well customers who were not seen would be foretold, to first
order; nothing is held back, so nothing is lost.
"""

from typing import Final, NamedTuple

import numpy as np

from csk.models.risk.design import Recipe
from csk.models.risk.leads import precisions
from csk.models.risk.stacked import Floats, Ints
from csk.stats import logistic

FIRST, STRONGEST, WEAKEST = 100.0, 100_000.0, 1.0
"""Precisions of the prior of an effect by standard deviation of its column."""
FEWEST_TO_CHOOSE: Final = 30
"""Leavers of a cause below which the strongest penalty is taken."""
_LOOKS: Final = 3
"""Times that strengths are looked for: around the first fit, and around what came of it."""
_HARDLY: Final = 0.5
"""Gain of log-likelihood below which there is no further look."""
_FADING: Final = 4.0
"""How much more an effect that changes with the days ahead is penalised at first."""
_OF_A_FLAG: Final = 0.25
"""How much less a column of 0 and 1 is: its effect is that of the whole step."""


class Chosen(NamedTuple):
    """A fit with the strengths of its penalties."""

    fit: logistic.LogisticFit
    scores: Floats
    """(clusters, p)."""
    strengths: Floats

    @property
    def strength(self) -> float:
        """Return the geometric mean of the strengths; 1 where there is no column."""
        return float(np.exp(np.log(self.strengths).sum() / max(len(self.strengths), 1)))


def priors(of: Recipe, faded: Ints, n_bins: int) -> logistic.Penalty:
    """Return what is assumed of coefficients: of bins, of columns, of those that may fade."""
    columns = of.columns
    own = precisions(n_bins)
    flags = np.array([column.kind in {"missing", "level"} for column in columns], np.bool_)
    level = np.where(flags, _OF_A_FLAG, 1.0)
    names = [f"{column.group} {column.kind == 'bend'}" for column in columns]
    names += [f"{columns[at].group} fades" for at in faded]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    blocks = [len(numbers)] * len(own) + [numbers[name] for name in names]
    return logistic.Penalty(
        np.r_[own, np.zeros(len(names))],
        np.concatenate([np.zeros(len(own)), level, _FADING * level[faded]]),
        np.array(blocks, np.int64),
        len(numbers),
    )


def chosen(
    table: logistic.Design, of: logistic.Outcomes, cluster: tuple[Ints, int], by: logistic.Penalty
) -> Chosen:
    """Fit with the strengths that foretell unseen clusters best; `cluster` is (N,) and a count."""
    strengths = np.full(by.n_blocks, FIRST)
    start = np.zeros(table.n_columns)
    # Where most of the way to the top is known, the first steps need not look for it.
    stayed = (of.weight * (1.0 - of.left)) @ np.exp(of.offset)
    start[0] = np.log(max(float(of.weight @ of.left), 1e-300) / max(float(stayed), 1e-300))
    if int(of.left.sum()) < FEWEST_TO_CHOOSE:
        strengths[:] = STRONGEST
        return _fitted(table, of, cluster, by, strengths, start)
    found = _fitted(table, of, cluster, by, strengths, start)
    for _ in range(_LOOKS if by.n_blocks else 0):
        spread = found.scores.T @ found.scores
        before = found.strengths
        strengths = logistic.best_strengths(found.fit, spread, by, before, (WEAKEST, STRONGEST))
        last, found = found, _fitted(table, of, cluster, by, strengths, found.fit.coefficients)
        if _loss(last) - _loss(found) < _HARDLY:
            return min(last, found, key=_loss)
    return found


def _loss(of: Chosen) -> float:
    return logistic.optimism(of.fit, of.scores) - of.fit.log_likelihood


def _fitted(
    table: logistic.Design,
    of: logistic.Outcomes,
    cluster: tuple[Ints, int],
    by: logistic.Penalty,
    strengths: Floats,
    start: Floats,
) -> Chosen:
    found = logistic.fit(table, of, by.of(strengths), start)
    return Chosen(found, logistic.scores(table, of, found, *cluster), strengths)
