"""The days from which a model is made to foretell what is known by now.

One rule: an origin lies a whole horizon before `as_of`, and has enough before it to fit on.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from csk.models.risk.fitting import SLICE_DAYS

WANTED: Final = 3
STEP_DAYS: Final = 28
LEAST_LANDMARKS: Final = 3
"""Landmarks before the slice that calibrates."""
ENOUGH: Final = 10
"""Leavers, and stayers, below which an origin has no figures."""


def origins(days: Sequence[date], as_of: date, main_days: int) -> tuple[tuple[date, ...], bool]:
    """Return up to `WANTED` origins among the landmarks, earliest first, and whether they overlap.

    Their outcomes share no day where the log is long enough; otherwise they move together down to
    a landmark apart. Empty where the log is too short.
    """
    last = as_of - timedelta(days=main_days)
    enough = days[LEAST_LANDMARKS - 1] if len(days) >= LEAST_LANDMARKS else as_of
    first = enough + timedelta(days=SLICE_DAYS + 1)
    usable = [day for day in days if first <= day <= last]
    if not usable:
        return (), False
    apart = -(-main_days // STEP_DAYS)
    step = max(min(apart, (len(usable) - 1) // (WANTED - 1)), 1)
    chosen = usable[::-step][:WANTED][::-1]
    return tuple(chosen), len(chosen) > 1 and step < apart


def is_enough(left: NDArray[np.bool_]) -> bool:
    """Whether as many left, and as many stayed, as figures take."""
    return bool(ENOUGH <= left.sum() <= len(left) - ENOUGH)
