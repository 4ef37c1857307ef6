"""The change of a product, split into what each factor did: LMDI-I.

One rule: the parts add up to the change, whatever the factors; no factor is named first or last.

For V = f_1 ... f_k the part of factor i is L(V_A, V_B) ln(f_i,B / f_i,A), with L the logarithmic
mean, L(a, b) = (b - a) / (ln b - ln a) and L(a, a) = a (Ang 2005, eq. 5 and 6; perfect in
decomposition, symmetric in time). Zeros take the limits of Ang, Zhang and Choi (1998) and Ang and
Liu (2007): of a product that comes from 0, or falls to it, the factors that were or became 0 have
the whole change, in equal parts where they are several; one that is 0 on both sides has not
changed and has no parts.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from csk.errors import ModelError
from csk.stats.survival import Floats

_SMALL: Final = 1e-4


def log_mean(a: ArrayLike, b: ArrayLike) -> Floats:
    """Give the logarithmic mean of two values >= 0: between them, 0 where one is 0."""
    first, second = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    both = (first > 0.0) & (second > 0.0)
    safe_first, safe_second = np.where(both, first, 1.0), np.where(both, second, 1.0)
    half = (np.log(safe_second) - np.log(safe_first)) / 2.0
    # sqrt(ab) sinh(h) / h is the same, has no 0/0 worth the name and is symmetric to the bit.
    middle = np.sqrt(safe_first) * np.sqrt(safe_second) * _sinhc(half)
    return np.where(both, middle, 0.0)


def parts(before: ArrayLike, after: ArrayLike) -> Floats:
    """Give what each factor did to the product: (..., k) for factors (..., k) before and after.

    They sum to prod(after) - prod(before) up to rounding. Swapping the sides turns every sign; a
    factor that did not move has exactly 0. ModelError where a factor is negative or not finite,
    of which there is no logarithm.
    """
    first, second = np.broadcast_arrays(
        np.asarray(before, np.float64), np.asarray(after, np.float64)
    )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ModelError("A change can be split only into factors that are known on both sides.")
    if (first < 0.0).any() or (second < 0.0).any():
        raise ModelError("A change cannot be split into factors of which one is negative.")
    was_zero, is_zero = first == 0.0, second == 0.0
    logs = np.log(np.where(is_zero, 1.0, second)) - np.log(np.where(was_zero, 1.0, first))
    value_a, value_b = first.prod(axis=-1), second.prod(axis=-1)
    some_a, some_b = ~was_zero.any(axis=-1), ~is_zero.any(axis=-1)
    weight = np.where(some_a & some_b, log_mean(value_a, value_b), 0.0)
    split = weight[..., None] * logs
    # Of those that were 0, or became it, all went the same way at the same pace.
    emerged = (some_b & ~some_a)[..., None] & was_zero
    vanished = (some_a & ~some_b)[..., None] & is_zero
    whole = (value_b - value_a)[..., None]
    movers = emerged | vanished
    equal = whole / np.maximum(movers.sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.where(movers, equal, split))


def whole_parts(split: Sequence[float], change: int) -> list[int]:
    """Round parts to whole numbers that sum to `change` exactly.

    What rounding leaves over goes to the largest part, so that a part of 0 stays 0 and swapped
    sides still turn every sign.
    """
    rounded = [round(float(part)) for part in split]
    if rounded:
        largest = max(range(len(rounded)), key=lambda i: abs(float(split[i])))
        rounded[largest] += change - sum(rounded)
    return rounded


def _sinhc(half: Floats) -> Floats:
    small = np.abs(half) < _SMALL
    safe = np.where(small, 1.0, half)
    return np.where(small, 1.0 + half * half / 6.0, np.sinh(safe) / safe)
