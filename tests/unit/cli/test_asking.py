import pytest

from csk.cli.asking import _MEANINGS


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("margin", "0.7", 0.7),
        ("margin", "70%", 0.7),
        ("margin", "70 %", 0.7),
        ("margin", "70", 0.7),
        ("margin", "0,65", 0.65),
        ("margin", "0.5%", 0.005),
        ("margin", "1", 1.0),
        ("currency", "jpy", "JPY"),
        ("currency", "USD", "USD"),
        ("tz", "Asia/Tokyo", "Asia/Tokyo"),
        ("tz", "UTC", "UTC"),
    ],
)
def test_an_answer_is_understood_as_people_write_it(key, text, value):
    assert _MEANINGS[key](text) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        *(("margin", text) for text in ("0", "-1", "101", "much", "nan", "inf", "0%")),
        *(("currency", text) for text in ("yen", "US", "XXX", "12")),
        *(("tz", text) for text in ("Mars/X", "../etc/passwd", "/etc/passwd", "Tokyo", "Asia")),
    ],
)
def test_what_makes_no_sense_is_asked_again(key, text):
    with pytest.raises(ValueError, match=r".*"):
        _MEANINGS[key](text)
