"""What is still to come: one curve on a grid of ticks, read from any age on.

One rule: every figure of a customer's future (risk, months, payments, present value) is read off
the same grid as S(to) / S(from), so that they cannot disagree. Where S(from) is 0 nothing is to
come, and the answer is 0.

`from_tick` is the last age already lived through (-1: not yet begun); `to_tick` is the last age
inside the horizon.
Arrays of cells are (n,); a leading axis of draws on the grid is kept in front.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import UsageError
from csk.stats.survival import Floats, Ints

TICKS_PER_MONTH = 31


def survival_grid(hazards: ArrayLike, profile: ArrayLike) -> Floats:
    """Give S at ticks 0 to P*L from (..., P) hazards a period and the (L + 1,) profile.

    S(pL + tau) = S(pL) * (1 - h_p) ** profile[tau]; S(0) = 1.
    """
    h = np.asarray(hazards, np.float64)
    g = np.asarray(profile, np.float64)
    start = np.ones((*h.shape[:-1], h.shape[-1] + 1))
    np.cumprod(1.0 - h, axis=-1, out=start[..., 1:])
    within = np.power((1.0 - h)[..., None], g[1:])
    steps = (start[..., :-1, None] * within).reshape(*h.shape[:-1], -1)
    return np.concatenate([start[..., :1], steps], axis=-1)


def conditional_survival(grid: Floats, from_tick: ArrayLike, to_tick: ArrayLike) -> Floats:
    """Give S(to) / S(from) for cells (n,): (..., n), 0 where S(from) is 0.

    Refused where the grid ends before a tick asked for.
    """
    start, end = _ticks(grid, from_tick, to_tick)
    return _ratio(grid[..., np.maximum(end, 0)], grid[..., np.maximum(start, 0)])


def expected_months(
    grid: Floats,
    from_tick: ArrayLike,
    to_tick: ArrayLike,
    ticks_per_month: int = TICKS_PER_MONTH,
) -> Floats:
    """Give the expected months as a customer in the ticks from + 1 to to: (..., n).

    The area under S(.) / S(from), S level within a tick: tick y counts with S(y), because who
    leaves at y is no longer there on it. A horizon of 0 gives 0; `from_tick` -1 is a customer
    who has yet to begin. Payments every month, the first on from + 1, are as many as months.
    """
    start, end = _ticks(grid, from_tick, to_tick)
    area = np.zeros((*grid.shape[:-1], grid.shape[-1] + 1))
    np.cumsum(grid, axis=-1, out=area[..., 1:])
    months = (area[..., end + 1] - area[..., start + 1]) / ticks_per_month
    return _ratio(months, grid[..., np.maximum(start, 0)])


def expected_payments(
    grid: Floats,
    from_tick: ArrayLike,
    to_tick: ArrayLike,
    first_due_tick: ArrayLike,
    term_ticks: ArrayLike,
    *,
    discount_per_month: float = 0.0,
    ticks_per_month: int = TICKS_PER_MONTH,
) -> tuple[Floats, Floats]:
    """Give the expected number of payments and their present value at one unit each, (..., n).

    Payments are due at y = first_due, first_due + term, ... for from + 1 <= y <= to; each is
    made with probability S(y) / S(from), that is by those who have not left at y, and worth
    (1 + r) ** -((y - from - 1) / ticks_per_month): a payment on the very next tick is not
    discounted. A due tick at or before `from_tick` moves on by whole terms.
    """
    start, end = _ticks(grid, from_tick, to_tick)
    due, term = (np.asarray(v, np.int64).ravel() for v in (first_due_tick, term_ticks))
    start, end, due, term = np.broadcast_arrays(start, end, due, term)
    if (term < 1).any():
        raise UsageError("a payment term must be at least one tick long")
    due = due + term * np.maximum(-((due - start - 1) // term), 0)
    number = np.zeros((*grid.shape[:-1], len(start)))
    worth = np.zeros_like(number)
    cells = np.flatnonzero(due <= end)
    y = due[cells]
    while len(cells):
        paid = grid[..., y]
        number[..., cells] += paid
        months = (y - start[cells] - 1) / ticks_per_month
        worth[..., cells] += paid * (1.0 + discount_per_month) ** -months
        y = y + term[cells]
        inside = y <= end[cells]
        cells, y = cells[inside], y[inside]
    alive = grid[..., np.maximum(start, 0)]
    return _ratio(number, alive), _ratio(worth, alive)


def expected_squares(
    grid: Floats,
    from_tick: ArrayLike,
    to_tick: ArrayLike,
    first_due_tick: ArrayLike,
    term_ticks: ArrayLike,
    *,
    discount_per_month: float = 0.0,
    ticks_per_month: int = TICKS_PER_MONTH,
) -> Floats:
    """Give the expected square of what `expected_payments` is the expectation of, (..., n).

    Who makes the k-th payment, of present value d_k, has made all before it, so the square rises
    at the k-th by d_k (d_k + 2 (d_1 + ... + d_(k-1))), with the probability of reaching it.
    """
    start, end = _ticks(grid, from_tick, to_tick)
    due, term = (np.asarray(v, np.int64).ravel() for v in (first_due_tick, term_ticks))
    start, end, due, term = np.broadcast_arrays(start, end, due, term)
    due = due + term * np.maximum(-((due - start - 1) // term), 0)
    squares = np.zeros((*grid.shape[:-1], len(start)))
    made = np.zeros(len(start))
    cells = np.flatnonzero(due <= end)
    y = due[cells]
    while len(cells):
        months = (y - start[cells] - 1) / ticks_per_month
        worth = (1.0 + discount_per_month) ** -months
        squares[..., cells] += grid[..., y] * worth * (worth + 2.0 * made[cells])
        made[cells] += worth
        y = y + term[cells]
        inside = y <= end[cells]
        cells, y = cells[inside], y[inside]
    return _ratio(squares, grid[..., np.maximum(start, 0)])


def _ticks(grid: Floats, from_tick: ArrayLike, to_tick: ArrayLike) -> tuple[Ints, Ints]:
    """Read two arrays of ticks; `to` is never before `from`."""
    start, end = np.broadcast_arrays(
        np.asarray(from_tick, np.int64).ravel(), np.asarray(to_tick, np.int64).ravel()
    )
    end = np.maximum(start, end)
    if len(start) and (start.min() < -1 or end.max() >= grid.shape[-1]):
        raise UsageError(
            f"the curve covers ages 0 to {grid.shape[-1] - 1}, but ages {int(start.min())} to "
            f"{int(end.max())} were asked for",
            hint="Extend the curve by more periods.",
        )
    return start, end


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide, with 0 where nobody is left."""
    some: NDArray[np.bool_] = below > 0.0
    return np.divide(above, below, out=np.zeros_like(above), where=some)
