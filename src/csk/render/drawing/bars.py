"""Shares as bars of block characters.

One rule: a share that is not zero is seen, and a whole fills the bar.
"""

from math import isfinite
from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int, unicode: bool) -> str:  # noqa: FBT001 # as on the page
    """Draw `share` of `width` cells, in eighths of a cell or in '#'; beyond [0, 1] is cut off."""
    share = min(max(share, 0.0), 1.0) if isfinite(share) else 0.0
    if share == 0.0:
        return ""
    if not unicode:
        return "#" * max(round(share * width), 1)
    whole, eighths = divmod(max(round(share * width * 8), 1), 8)
    return "█" * whole + _EIGHTHS[eighths].strip()
