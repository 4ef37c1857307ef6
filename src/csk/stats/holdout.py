"""How well was foretold what then came: errors, order, calibration and coverage of a hold-out.

One rule: customers of whom the same was foretold are never told apart; where a border lies
between them, each counts by the part of them that lies within.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import UsageError
from csk.stats.intervals import wilson

Floats = NDArray[np.float64]

N_SLICES: Final = 10


class Errors(NamedTuple):
    """Errors of one quantity over the customers of a hold-out, in that quantity's unit."""

    n: int
    predicted: float
    """Sum over all customers."""
    actual: float
    mae: float
    """Mean absolute error a customer."""
    rmse: float
    """Root of the mean squared error a customer."""

    @property
    def bias(self) -> float:
        """Predicted over actual sum less 1; NaN where nothing came."""
        return self.predicted / self.actual - 1.0 if self.actual else float("nan")


class ZeroClass(NamedTuple):
    """Customers of whom nothing came, against how many were expected to be such."""

    n: int
    expected: float
    actual: int


class Slice(NamedTuple):
    """A tenth of the customers by what was foretold, the highest first: means a customer."""

    predicted: float
    actual: float


class Coverage(NamedTuple):
    """Share of customers whose outcome lay within their interval, with its own 95 % interval."""

    n: int
    share: float
    low: float
    high: float


def errors(predicted: ArrayLike, actual: ArrayLike) -> Errors:
    """Return sums and mean errors; NaN errors for nobody. Sums do not depend on row order."""
    p, a = _pair(predicted, actual)
    if not len(p):
        return Errors(0, 0.0, 0.0, float("nan"), float("nan"))
    off = np.sort(np.abs(p - a))
    squared = float(np.mean(off * off))
    return Errors(
        n=len(p),
        predicted=float(np.sort(p).sum()),
        actual=float(np.sort(a).sum()),
        mae=float(off.mean()),
        rmse=float(np.sqrt(squared)),
    )


def merged(parts: tuple[Errors, ...]) -> Errors:
    """Return the errors of several hold-outs together, every customer of each counting once."""
    known = [part for part in parts if part.n]
    n = sum(part.n for part in known)
    if not n:
        return Errors(0, 0.0, 0.0, float("nan"), float("nan"))
    return Errors(
        n=n,
        predicted=sum(part.predicted for part in known),
        actual=sum(part.actual for part in known),
        mae=sum(part.n * part.mae for part in known) / n,
        rmse=float(np.sqrt(sum(part.n * part.rmse**2 for part in known) / n)),
    )


def zero_class(p_none: ArrayLike, is_none: ArrayLike) -> ZeroClass:
    """Return how many were expected to do nothing (the sum of their chances), and how many did."""
    p, none = _pair(p_none, is_none)
    return ZeroClass(len(p), float(np.sort(p).sum()), int(none.sum()))


def gains(predicted: ArrayLike, actual: ArrayLike, shares: ArrayLike = (0.1,)) -> Floats:
    """Return the share of the actual sum held by the highest predicted `shares` of customers.

    NaN where the sum is not above 0.
    """
    ranked, _, came = _curve(*_pair(predicted, actual))
    whole = came[-1]
    wanted = np.asarray(shares, np.float64)
    if not whole > 0:
        return np.full(wanted.shape, np.nan)
    return np.asarray(np.interp(wanted, ranked, came / whole))


def gini(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Return the normalised Gini: 1 orders customers as they came, 0 is by chance, -1 reversed.

    Twice the area between the curve of gains and the diagonal, over that of the perfect order;
    NaN where nothing came or all brought the same.
    """
    p, a = _pair(predicted, actual)
    best = _area(a, a)
    return _area(p, a) / best if best > 0 else float("nan")


def slices(predicted: ArrayLike, actual: ArrayLike, n_slices: int = N_SLICES) -> tuple[Slice, ...]:
    """Return slices of equal size by what was foretold, the highest first."""
    p, a = _pair(predicted, actual)
    if not len(p):
        return ()
    ranked, foretold, came = _curve(p, a)
    borders = np.linspace(0.0, 1.0, n_slices + 1)
    size = len(p) / n_slices
    means = [np.diff(np.interp(borders, ranked, sums)) / size for sums in (foretold, came)]
    return tuple(Slice(float(x), float(y)) for x, y in zip(*means, strict=True))


def coverage(low: ArrayLike, high: ArrayLike, actual: ArrayLike) -> Coverage | None:
    """Return how many outcomes lay within their bounds; null where nobody has finite bounds."""
    bottom, top = _pair(low, high)
    came, _ = _pair(actual, actual)
    known = np.isfinite(bottom) & np.isfinite(top)
    n = int(known.sum())
    if not n:
        return None
    inside = int(((came >= bottom) & (came <= top))[known].sum())
    bounds = wilson(inside, n)
    return Coverage(n, inside / n, float(bounds.low), float(bounds.high))


def covered_together(parts: Sequence[Coverage]) -> Coverage | None:
    """Return the coverage of several hold-outs together; null without any."""
    n = sum(part.n for part in parts)
    if not n:
        return None
    inside = round(sum(part.n * part.share for part in parts))
    bounds = wilson(inside, n)
    return Coverage(n, inside / n, float(bounds.low), float(bounds.high))


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(first, np.float64).ravel(), np.asarray(second, np.float64).ravel()
    if len(a) != len(b):
        raise UsageError(f"{len(a)} predictions cannot be held against {len(b)} outcomes.")
    return a, b


def _curve(predicted: Floats, actual: Floats) -> tuple[Floats, Floats, Floats]:
    """Return cumulated share of customers, predictions and outcomes, the highest predicted first.

    A point only where the prediction changes: between tied customers the curve is straight.
    """
    order = np.lexsort((actual, -predicted))
    p, a = predicted[order], actual[order]
    ends = np.flatnonzero(np.append(p[1:] != p[:-1], [True] * bool(len(p))))
    zero = np.zeros(1)
    ranked = np.concatenate([zero, (ends + 1) / max(len(p), 1)])
    return (
        ranked,
        np.concatenate([zero, np.cumsum(p)[ends]]),
        np.concatenate([zero, np.cumsum(a)[ends]]),
    )


def _area(predicted: Floats, actual: Floats) -> float:
    """Return twice the area between the curve of gains and the diagonal; 0 where nothing came."""
    ranked, _, came = _curve(predicted, actual)
    if not came[-1] > 0:
        return 0.0
    return float(np.trapezoid(came / came[-1], ranked) * 2.0 - 1.0)
