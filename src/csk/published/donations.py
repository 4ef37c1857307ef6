"""Donors: repeat giving on yearly occasions, by BG/BB; the one rule: a year holds one gift."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from csk.published import Computed, numbers
from csk.stats import bgbb

_OCCASIONS: Final = 6


def _bgbb() -> Mapping[str, float]:
    x, t_x, weight = np.array(numbers("donations")["cells"], np.float64).T
    fitted = bgbb.fit(x, t_x, np.full(len(x), _OCCASIONS), weight)
    return {
        "donors": float(weight.sum()),
        **{name: getattr(fitted, name) for name in ("alpha", "beta", "gamma", "delta")},
        "log_likelihood": fitted.log_likelihood,
        "gradient": fitted.gradient_norm,
    }


COMPUTED: Final[Computed] = {"bgbb": _bgbb}
