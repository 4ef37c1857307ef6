import polars as pl
import pytest

from csk.intake.values.ids import drops_point_zero, ids, known_texts, texts, texts_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00123", "00123"),
        (" 17850 ", "17850"),
        ("\t17850\u3000", "17850"),
        ("\ufeffC1", "C1"),
        ("'7210", "7210"),
        ("' 7210", "7210"),
        ("7210'", "7210'"),
        ("１７８５０", "17850"),
        ("Ａ－１", "A-1"),
        ("ｶﾌﾞ", "カブ"),
        ("c_1", "c_1"),
        ("a b", "a b"),
        ("17850.0", "17850.0"),
        ("", None),
        ("  ", None),
        ("'", None),
        ("nan", None),
        ("NaN", None),
        ("null", None),
        ("NULL", None),
        ("None", None),
        ("N/A", None),
        (" NaN ", None),
        ("nano", "nano"),
        (None, None),
    ],
)
def test_an_id_follows_the_rule(text, expected):
    assert ids(pl.Series([text], dtype=pl.String)).to_list() == [expected]


def test_a_clean_column_of_ids_is_left_as_it_is():
    column = pl.Series(["C0001", "7590-VHVEG", "00012"])
    assert ids(column).to_list() == column.to_list()


@pytest.mark.parametrize(
    ("sample", "drops"),
    [
        (["17850.0", "17851.0"], True),
        (["17850.0", "", "nan", "17851"], True),
        (["17850", "17851"], False),
        (["17850.0", "C1"], False),
        (["1.5", "2.0"], False),
        (["", None], False),
        ([1.0, 2.0], False),
    ],
)
def test_point_zero_goes_only_where_the_whole_sample_is_numbers(sample, drops):
    assert drops_point_zero(pl.Series(sample)) is drops


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["17850.0", "00123.0"], ["17850", "00123"]),
        (["17850.0", "C1.0", "x"], ["17850", "C1.0", "x"]),
        (["17850.00", "-3.0", "1.50"], ["17850", "-3", "1.50"]),
        (["nan", "5.0"], [None, "5"]),
    ],
)
def test_point_zero_goes_from_numbers_alone(text, expected):
    assert ids(pl.Series(text), point_zero=True).to_list() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series([1, None, 30], dtype=pl.Int64), ["1", None, "30"]),
        (pl.Series([17850.0, None, 2.5]), ["17850", None, "2.5"]),
        (pl.Series(["17850.00", "1.50"]).cast(pl.Decimal(18, 2)), ["17850", "1.50"]),
        (pl.Series(["a", "b"], dtype=pl.Categorical), ["a", "b"]),
    ],
)
def test_typed_ids_become_text(values, expected):
    assert ids(values).to_list() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" Ｐｒｏ ", "Pro"), ("None", "None"), ("'s", "'s"), ("nan", None), ("", None)],
)
def test_text_is_trimmed_and_normalised_but_keeps_words(text, expected):
    assert texts(pl.Series([text])).to_list() == [expected]


def test_an_empty_column_stays_empty():
    empty = pl.Series([], dtype=pl.String)
    assert ids(empty).len() == texts(empty).len() == known_texts(empty).len() == 0


def test_known_texts_are_distinct_and_have_no_null_marks():
    sample = pl.Series(["1", " 1", "", "-", "NaT", "２", None])
    assert known_texts(sample).to_list() == ["1", "2"]


def test_large_floats_keep_what_they_are():
    assert texts_of(pl.Series([2.0**60])).to_list() != ["0"]
