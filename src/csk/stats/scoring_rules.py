"""How far chances lay from what came: log-loss, Brier score and its skill.

One rule: only proper rules, which nobody can better by telling other chances than they believe.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from csk.errors import UsageError
from csk.stats.blocks import Blocks, Estimated, Floats, both_classes, chances, estimated
from csk.stats.blocks import mean_error as _mean_error
from csk.stats.blocks import rows as _rows

LEAST: Final = 2.0**-52
"""No chance counts as nearer to 0 or 1, where one mistake would be infinitely wrong."""

Rule = Literal["log_loss", "brier"]


def log_loss(p: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Return the mean of -ln of the chance that was given to what then came. Good (1952)."""
    return _mean(chances(p, event, weight), "log_loss")


def brier(p: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Return the mean squared distance of chances from what came. Brier (1950), one class."""
    return _mean(chances(p, event, weight), "brier")


def brier_skill(
    p: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    base_rate: float | None = None,
) -> float:
    """Return by which part the Brier score is better than that of the base rate for everybody.

    1 is perfect, 0 no better, negative worse. `base_rate` is the one known before; without it the
    share of events among these very rows, which no forecast can know. Needs both classes.
    """
    of = both_classes(chances(p, event, weight))
    rate = of.n_events / of.n if base_rate is None else base_rate
    alike = Blocks(np.array([rate]), np.array([of.n_events]), np.array([of.n_others]))
    return 1.0 - _mean(of, "brier") / _mean(alike, "brier")


def loss_difference(
    first: ArrayLike,
    second: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    rule: Rule = "log_loss",
) -> Estimated:
    """Return the mean loss of the first chances less that of the second, with its paired error.

    Above 0 where the second are better. With `cluster` (the customer of each row) rows of one
    customer are not taken for independent. The interval is of 95 %.
    """
    of = _rows((first, second), event, weight, cluster)
    if of.scores.min() < 0.0 or of.scores.max() > 1.0:
        raise UsageError("Chances must lie between 0 and 1.")
    losses = [np.where(of.event, *_losses(column, rule)) for column in of.scores.T]
    return estimated(*_mean_error(losses[0] - losses[1], of), level=0.95)


def _mean(of: Blocks, rule: Rule) -> float:
    came, stayed = _losses(of.score, rule)
    return float((of.events * came + of.others * stayed).sum() / of.n)


def _losses(p: Floats, rule: Rule) -> tuple[Floats, Floats]:
    """Return the loss of each chance where the event comes, and where it does not."""
    if rule == "brier":
        return (1.0 - p) ** 2, p**2
    bounded = np.clip(p, LEAST, 1.0 - LEAST)
    return -np.log(bounded), -np.log1p(-bounded)
