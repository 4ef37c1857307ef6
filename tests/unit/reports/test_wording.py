import pytest

from csk.reports.wording import listed, running
from csk.text import words


@pytest.mark.parametrize(
    ("language", "parts", "text", "row"),
    [
        ("en", [], "", ""),
        ("en", ["A."], "A.", "A."),
        ("en", ["A.", "B.", "C."], "A. B. C.", "A., B., C."),
        ("en", ["{n}", "{}"], "{n} {}", "{n}, {}"),
        ("ja", ["甲", "乙"], "甲乙", "甲、乙"),
    ],
)
def test_parts_are_joined_as_the_language_does(language, parts, text, row):
    assert running(parts, words(language)) == text
    assert listed(parts, words(language)) == row
