import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from csk.render.drawing.words import wrapped

JAPANESE = st.text(alphabet="解約率のリピート購入ー、。（）「」 MRRabc0123.5%〜", max_size=80)


def lines(text, width, **margins):
    return [line.plain for line in wrapped(text, width, **margins)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("解約した顧客の割合", ["解約した顧客", "の割合"]),
        ("期首の顧客数。次", ["期首の顧客", "数。次"]),  # no line opens with 。
        ("維持率は（NRR）", ["維持率は", "（NRR）"]),  # none ends with （
        ("これはリピート率", ["これは", "リピート率"]),  # katakana stays together
        ("失われたMRR 1単位", ["失われたMRR", "1単位"]),
        ("customers.csvの列", ["customers.cs", "vの列"]),  # one word beyond the page is cut
        ("", [""]),
        ("left by choice", ["left by", "choice"]),
    ],
)
def test_japanese_is_broken_where_a_reader_expects_it(text, expected):
    assert lines(text, 12) == expected


def test_margins_open_the_lines_of_japanese():
    found = lines("解約した顧客の割合", 14, first="· ", rest="  ")
    assert found == ["· 解約した顧客", "  の割合"]


@given(JAPANESE, st.integers(8, 40))
def test_nothing_is_lost_and_no_line_is_too_long(text, width):
    found = lines(text, width)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert max(map(cell_len, found)) <= width
