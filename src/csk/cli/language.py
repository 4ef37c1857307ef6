"""The language of reports: what `--lang`, else `CSK_LANG`, asks for.

One rule: reports and questions are in that language; help and refusals stay in English, and
names for machines (columns, keys of JSON, settings) are the same in all.
"""

from contextvars import ContextVar
from typing import Final

from csk import text
from csk.errors import UsageError

VARIABLE: Final = "CSK_LANG"
_SPOKEN: Final[ContextVar[str]] = ContextVar("spoken", default=text.DEFAULT)


def speak(language: str) -> None:
    """Choose the language of the run; UsageError where there is none of that name."""
    if language not in text.languages():
        raise UsageError(
            f"{language!r} is not a language of reports.",
            hint=f"--lang and {VARIABLE} know: {', '.join(text.languages())}.",
        )
    _SPOKEN.set(language)


def words() -> text.Words:
    """Return the words of the language that was chosen, English where none was."""
    return text.words(_SPOKEN.get())
