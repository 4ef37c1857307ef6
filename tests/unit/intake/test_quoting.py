import pytest

from csk.intake.formats.locating import Marks
from csk.intake.formats.quoting import fields, rows, stray

COMMA = Marks(",")


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('"13/02,01:00,"Pillow, red",', ['"13/02', "01:00", "Pillow, red", ""]),
        ('a,""Pillow, red",c,d', ["a", '"Pillow, red', "c", "d"]),
        ('a,"Table 48"","oak, white",d', ["a", 'Table 48"', "oak, white", "d"]),
        ('a,"5" inseam",c,d', ["a", '5" inseam', "c", "d"]),
        ('a,b,c,"', ["a", "b", "c", '"']),
        ('"a,b,c,d', ['"a', "b", "c", "d"]),
        ('a,"say ""no"" or "yes",c,d', ["a", 'say "no" or "yes', "c", "d"]),
    ],
)
def test_a_stray_quote_is_text(line, read):
    assert stray(line, COMMA, 4) == read
    assert rows(line, COMMA, 4) == [read]


@pytest.mark.parametrize(
    "line",
    [
        'a,"b,c",d',  # no quote is stray
        'a,"b"x,c,d"',  # two would be
        '"a,"b,"c,d',  # three are
        'a,"b,c,d,e',  # five fields
        '"a","b",","c","d"',  # two ways to read it
        "a" * 30_000 + ',"b,c,d',
        'a,"b' + '""' * 60 + ",c,d",
    ],
)
def test_what_has_not_one_reading_has_none(line):
    assert rows(line, COMMA, 4) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('1,"x\n2,"y, z"', [["1", '"x'], ["2", "y, z"]]),
        ('1,x\r\n2,"y\r3,z', [["1", "x"], ["2", '"y'], ["3", "z"]]),
        ('1,"x\ny"z,"2', None),  # a value of two lines
        ('1,"x\n\n2,y', None),
        ('1,"x\n2,y,z', None),
    ],
)
def test_rows_that_a_stray_quote_has_swallowed_are_rows_again(text, read):
    assert rows(text, COMMA, 2) == read


def test_quotes_that_are_escaped_or_mean_nothing_are_never_stray():
    assert rows('1,"x', Marks(",", '"', "\\"), 2) is None
    assert rows('1,"x', Marks(",", ""), 2) is None


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("", [""]),
        ('a,"b ""c"", d",', ["a", 'b "c", d', ""]),
        ('a,b"c', None),
        ('"a"b,c', None),
        ('"a,b', None),
    ],
)
def test_a_line_is_cut_where_its_quotes_are_right(line, read):
    assert fields(line, COMMA) == read
