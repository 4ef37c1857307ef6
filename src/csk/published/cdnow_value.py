"""CDNOW: what customers are worth after 78 weeks, by Pareto/NBD and gamma-gamma.

One rule: fitted on the tenth of customers, applied to all, at 15 % a year and a margin of 30 %.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np

from csk.published import Computed, columns
from csk.published.cdnow import YEAR, buyers_78
from csk.stats import gammagamma, paretonbd

_MARGIN: Final = 0.3
_RATE: Final = float(np.log(1.15)) / YEAR
_AGE: Final = 77.86
"""Weeks of those who came on the first day, as the paper rounds them."""


@cache
def _fitted() -> paretonbd.ParetoNbdFit:
    of = buyers_78()
    return paretonbd.fit(of.x, of.t_x, of.T, of.n)


def _all() -> Mapping[str, float]:
    tenth, of = buyers_78(), columns("cdnow_value")
    spend = gammagamma.fit(tenth.x, tenth.mean_spend, tenth.n)
    x, t_x, T, n = of["x"], of["t_x"] / 7.0, of["T"] / 7.0, of["n"]
    purchases = paretonbd.discounted_purchases(_fitted(), x, t_x, T, _RATE)
    mean = of["cents"] / 100.0 / np.maximum(n * x, 1.0)
    value = _MARGIN * purchases * gammagamma.expected_value(spend, x, mean)
    nobody = x == 0
    return {
        "customers": float(n.sum()),
        "mean_value": float(n @ value / n.sum()),
        "total_value": float(n @ value),
        "zero_value": float(n[nobody] @ value[nobody] / n[nobody].sum()),
    }


def _purchases() -> Mapping[str, float]:
    """Return discounted purchases of a frequent buyer of old, and of a rare one of late."""
    found = paretonbd.discounted_purchases(_fitted(), [7.0, 1.0], [35.0, 30.0], [_AGE, _AGE], _RATE)
    return {"x7_35": float(found[0]), "x1_30": float(found[1])}


COMPUTED: Final[Computed] = {"all": _all, "purchases": _purchases}
