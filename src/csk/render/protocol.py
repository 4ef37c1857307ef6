"""What a renderer is, and the page it writes on.

One rule: the page says everything a renderer may know of the screen; none asks the environment.
"""

from dataclasses import dataclass
from typing import Protocol

from csk.reports.blocks import Report


@dataclass(frozen=True, slots=True)
class Page:
    """Where a report is shown: `width` in terminal cells, whether colour and Unicode are wanted."""

    width: int = 80
    color: bool = False
    unicode: bool = True


class Renderer(Protocol):
    """One form of a report, found by the name of its file."""

    @property
    def name(self) -> str:
        """The word of `--report`."""
        ...

    def render(self, report: Report, page: Page) -> str:
        """Write `report` as text that ends in one newline."""
        ...
