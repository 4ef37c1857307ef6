from contextvars import copy_context

import pytest

from csk.cli.language import speak, words
from csk.errors import UsageError
from csk.text import languages


def test_english_is_spoken_where_nothing_is_asked():
    assert copy_context().run(words).language == "en"


@pytest.mark.parametrize("language", languages())
def test_the_language_that_is_asked_for_is_spoken(language):
    def said():
        speak(language)
        return words().language

    assert copy_context().run(said) == language


@pytest.mark.parametrize("language", ["", "JA", "xx", "../text/ja", "csk.en"])
def test_an_unknown_language_is_refused_with_those_that_are_known(language):
    with pytest.raises(UsageError) as refused:
        speak(language)
    assert "en, ja" in refused.value.hint
