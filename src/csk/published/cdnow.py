"""CDNOW: repeat buying and spend of a tenth of its customers, in weeks.

One rule: fitted on the first 39 weeks, held against the next 39.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from csk.published import Computed, Floats, columns
from csk.stats import bgnbd, gammagamma, mbgnbd, paretonbd

WEEKS: Final = 39.0
"""As many of the holdout as of the calibration."""

YEAR: Final = 52.0
FREQUENT: Final = (26.0, 30.857, 31.0)
"""A customer of whom papers tell much: x, t_x, T."""


_Fit: TypeAlias = bgnbd.BgNbdFit | mbgnbd.MbgNbdFit | paretonbd.ParetoNbdFit


class Buyers(NamedTuple):
    """Customers counted by what they bought, times in weeks."""

    x: Floats
    t_x: Floats
    T: Floats
    spend: Floats
    """Of the repeat purchases together."""
    later: Floats
    """Purchases in the holdout."""
    n: Floats

    @property
    def mean_spend(self) -> Floats:
        """Spend of a repeat purchase; 0 without one."""
        return self.spend / np.maximum(self.x, 1.0)


@cache
def buyers() -> Buyers:
    """Return the customers as of week 39."""
    of = columns("cdnow")
    x, t_x, T, cents = of["x"], of["t_x"], of["T"], of["cents"]
    return Buyers(x, t_x / 7.0, T / 7.0, cents / 100.0, of["later_x"], of["n"])


@cache
def buyers_78() -> Buyers:
    """Return the customers as of week 78, of whom nothing later is known."""
    of = columns("cdnow")
    t_x = np.where(of["later_x"] > 0, of["later_t_x"], of["t_x"]) / 7.0
    spend = (of["cents"] + of["later_cents"]) / 100.0
    nothing = np.zeros(len(t_x))
    return Buyers(of["x"] + of["later_x"], t_x, of["T"] / 7.0 + WEEKS, spend, nothing, of["n"])


def _held_out(expected: Floats) -> Mapping[str, float]:
    """Return how what was expected of each cell compares with what was bought."""
    of = buyers()
    error = expected - of.later
    return {
        "correlation": _correlation(expected, of.later),
        "mean_x0": _mean(expected, of.x == 0),
        "mean_x3": _mean(expected, of.x == 3),  # noqa: PLR2004 - as many purchases as printed
        "actual_x0": _mean(of.later, of.x == 0),
        "actual_x3": _mean(of.later, of.x == 3),  # noqa: PLR2004 - likewise
        "mae": _mean(np.abs(error)),
        "rmse": float(np.sqrt(_mean(error**2))),
    }


def _correlation(one: Floats, other: Floats) -> float:
    spread = np.cov(one, other, fweights=buyers().n.astype(np.int64))
    return float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1]))


def _mean(values: Floats, of: Floats | bool = True) -> float:  # noqa: FBT001, FBT002 - a mask
    weight = buyers().n * of
    return float(weight @ values / weight.sum())


def _customers() -> Mapping[str, float]:
    of = buyers()
    nobody = of.x == 0
    return {
        "customers": float(of.n.sum()),
        "repeat_purchases": float(of.n @ of.x),
        "zero_class": float(of.n[nobody].sum()),
        "holdout_purchases": float(of.n @ of.later),
        "holdout_zero_class": float(of.n[nobody] @ of.later[nobody]),
    }


@cache
def _bgnbd() -> bgnbd.BgNbdFit:
    of = buyers()
    return bgnbd.fit(of.x, of.t_x, of.T, of.n)


@cache
def _pareto() -> paretonbd.ParetoNbdFit:
    of = buyers()
    return paretonbd.fit(of.x, of.t_x, of.T, of.n)


def _mbgnbd() -> mbgnbd.MbgNbdFit:
    of = buyers()
    return mbgnbd.fit(of.x, of.t_x, of.T, of.n)


def _parameters(fitted: _Fit, names: tuple[str, ...]) -> Mapping[str, float]:
    errors = dict(zip(names, fitted.standard_errors.tolist(), strict=True))
    return {
        **{name: float(getattr(fitted, name)) for name in names},
        **{f"se({name})": error for name, error in errors.items()},
        "log_likelihood": fitted.log_likelihood,
        "gradient": fitted.gradient_norm,
    }


def _bgnbd_expected() -> Floats:
    of = buyers()
    return bgnbd.expected_purchases(_bgnbd(), of.x, of.t_x, of.T, WEEKS)


def _bgnbd_customers() -> Mapping[str, float]:
    fitted = _bgnbd()
    return {
        "new_52": float(bgnbd.expected_purchases_new(fitted, YEAR)),
        "x26_52": float(bgnbd.expected_purchases(fitted, *FREQUENT, YEAR)),
        "x26_alive": float(bgnbd.p_alive(fitted, *FREQUENT)),
    }


def _pareto_holdout() -> Mapping[str, float]:
    of = buyers()
    expected = paretonbd.expected_purchases(_pareto(), of.x, of.t_x, of.T, WEEKS)
    together = _correlation(expected, _bgnbd_expected())
    return {**_held_out(expected), "correlation_bgnbd": together}


def _pareto_customers() -> Mapping[str, float]:
    fitted = _pareto()
    return {
        "new_52": float(paretonbd.expected_purchases_new(fitted, YEAR)),
        "x26_52": float(paretonbd.expected_purchases(fitted, *FREQUENT, YEAR)),
        "x26_alive": float(paretonbd.p_alive(fitted, *FREQUENT)),
    }


def _gamma_gamma() -> Mapping[str, float]:
    of = buyers()
    fitted = gammagamma.fit(of.x, of.mean_spend, of.n)
    return {
        "customers": fitted.n,
        "p": fitted.p,
        "q": fitted.q,
        "gamma": fitted.gamma,
        "log_likelihood": fitted.log_likelihood,
    }


COMPUTED: Final[Computed] = {
    "customers": _customers,
    "bgnbd": lambda: _parameters(_bgnbd(), ("r", "alpha", "a", "b")),
    "bgnbd_holdout": lambda: _held_out(_bgnbd_expected()),
    "bgnbd_customers": _bgnbd_customers,
    "pareto_nbd": lambda: _parameters(_pareto(), ("r", "alpha", "s", "beta")),
    "pareto_nbd_holdout": _pareto_holdout,
    "pareto_nbd_customers": _pareto_customers,
    "mbgnbd": lambda: _parameters(_mbgnbd(), ("r", "alpha", "a", "b")),
    "gamma_gamma": _gamma_gamma,
}
