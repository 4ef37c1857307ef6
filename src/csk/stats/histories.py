"""Purchase histories as cells; the one rule: what no model can be fitted on is refused here.

x repeat purchase days, t_x the time from the first purchase to the last, T the time from the
first purchase to the end of the log, all in one time unit.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError
from csk.stats.bgnbd import Cells, cells

Floats = NDArray[np.float64]


def broadcast(*columns: ArrayLike) -> tuple[Floats, ...]:
    """Return columns as floats of one shape."""
    return tuple(np.broadcast_arrays(*(np.asarray(column, np.float64) for column in columns)))


def histories(
    model: str, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weight: ArrayLike | None = None
) -> Cells:
    """Return the distinct (x, t_x, T) that `model` is to be fitted on, sorted, with weights.

    Raises ModelError for an impossible history, and where the histories cannot carry a model:
    no customer, nobody with a second purchase day, no time in which anybody could come back.
    """
    x, t_x, T = broadcast(x, t_x, T)
    if np.any(x < 0) or np.any(t_x < 0) or np.any(t_x > T) or not np.all(np.isfinite(T + t_x + x)):
        raise ModelError(
            f"{model} needs 0 <= t_x <= T and x >= 0 for every customer.",
            hint="Purchases after the end of the log must be left out.",
        )
    unique = cells(x, t_x, T, weight)
    bought = unique.weight > 0
    n = float(unique.weight.sum())
    if n <= 0:
        raise ModelError("There is no customer to fit a repeat-buying model on.")
    if not np.any(unique.T[bought] > 0):
        raise ModelError(
            "Every customer's first purchase is on the last day of the log: nobody had time to "
            "come back.",
            hint="Give a log that covers more than one day.",
        )
    if not np.any(unique.x[bought] > 0):
        raise ModelError(
            f"None of {n:.0f} customers bought on a second day: repeat buying cannot be fitted.",
            hint="Give a longer log, or check that customer ids repeat.",
        )
    return unique


def moments(unique: Cells) -> tuple[float, float]:
    """Return the mean of x and the Gamma shape r that its spread speaks of, in 0.05 to 10."""
    n = float(unique.weight.sum())
    mean = float(unique.weight @ unique.x) / n
    spread = float(unique.weight @ (unique.x - mean) ** 2) / n
    return mean, float(np.clip(mean**2 / max(spread - mean, mean / 10), 0.05, 10.0))
