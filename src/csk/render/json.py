"""A report for machines: its data as one JSON document, numbers as numbers.

One rule: nothing is put into words here; what is no number in JSON (NaN, infinity) is null.
"""

import json
from math import isfinite
from typing import Final

from csk.render.protocol import Page, Renderer
from csk.reports.blocks import Report

_HEADER: Final = frozenset({"title", "first_line"})


class Json:
    """`--report json`."""

    name: Final = "json"

    def render(self, report: Report, page: Page) -> str:  # noqa: ARG002 # no screen in JSON
        """Write title, first line and `report.data` (keys in its order) as one object.

        A ValueError where the data has a `title` or `first_line` of its own.
        """
        if taken := _HEADER & report.data.keys():
            raise ValueError(f"report data may not use the keys {sorted(taken)}")
        document = {"title": report.title, "first_line": report.first_line, **report.data}
        return json.dumps(_plain(document), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


RENDERER: Final[Renderer] = Json()
