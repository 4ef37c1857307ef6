"""Sentences one after the other, and words in a row, as a language joins them.

One rule: what stands between them comes from the words of the language.
"""

from collections.abc import Sequence
from functools import reduce

from csk.text import Words


def running(sentences: Sequence[str], say: Words) -> str:
    """Return sentences as one text; empty of none."""
    return _joined("line.then", sentences, say)


def listed(words: Sequence[str], say: Words) -> str:
    """Return words as a list; empty of none."""
    return _joined("line.also", words, say)


def _joined(key: str, parts: Sequence[str], say: Words) -> str:
    return reduce(lambda first, following: say(key, first=first, next=following), parts or [""])
