"""What tells persons apart, as data: names of columns, words that are nobody, domains of shops."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def rules() -> Mapping[str, Any]:
    """Return `keys.toml`."""
    text = (files("csk.intake.identity") / "keys.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
