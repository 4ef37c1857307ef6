"""Types on the way out: by kind where the table knows a column, by type where it does not."""

import datetime as dt

import polars as pl
import pytest

from csk.errors import DataError
from csk.sinks._columns import AMOUNT, INSTANT, exported, pieces


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("x", pl.Series([1], dtype=pl.UInt8), pl.Int64),
        ("x", pl.Series([1.5], dtype=pl.Float32), pl.Float64),
        ("x", pl.Series(["a"], dtype=pl.Enum(["a"])), pl.String),
        ("x", pl.Series([None]), pl.String),
        ("x", pl.Series([True]), pl.Boolean),
        ("x", pl.Series([dt.datetime(2024, 1, 1)], dtype=pl.Datetime("ms")), INSTANT),  # noqa: DTZ001 # naive is meant
        ("cac_amount", pl.Series([12_345]), AMOUNT),
        ("amount", pl.Series([None], dtype=pl.Int64), AMOUNT),
        ("x", pl.Series(["1.5"]).cast(pl.Decimal(10, 2)), AMOUNT),
    ],
)
def test_a_kept_column_goes_by_its_type_and_its_name(name, values, expected, table):
    frame = pl.DataFrame({"customer_id": ["a"], name: values})
    assert exported(frame, table).schema == {"customer_id": pl.String, name: expected}


@pytest.mark.parametrize(
    "values", [pl.Series([[1]]), pl.Series([dt.timedelta(1)]), pl.Series([{"a": 1}])]
)
def test_a_type_that_no_file_may_hold_is_refused(values, table):
    with pytest.raises(DataError, match="The column 'x' holds values of type"):
        exported(pl.DataFrame({"customer_id": ["a"], "x": values}), table)


def test_an_amount_beyond_eighteen_digits_is_refused(table):
    frame = pl.DataFrame({"customer_id": ["a"], "ltv_amount": [-(10**18)]})
    with pytest.raises(DataError, match="100,000,000,000,000 major units"):
        exported(frame, table)


def test_money_that_was_a_float_is_a_bug(table):
    with pytest.raises(ValueError, match="whole 1/10000 units"):
        exported(pl.DataFrame({"customer_id": ["a"], "ltv_amount": [1.0]}), table)


def test_a_required_column_that_is_missing_is_a_bug(table):
    with pytest.raises(ValueError, match="customer_id"):
        exported(pl.DataFrame({"plan": ["a"]}), table)


def test_frames_that_differ_are_a_bug(table):
    frames = [pl.DataFrame({"customer_id": ["a"]}), pl.DataFrame({"customer_id": ["a"], "x": [1]})]
    with pytest.raises(ValueError, match="differ"):
        list(pieces(iter(frames), table))


def test_no_frame_at_all_gives_the_whole_table_empty(table):
    (piece,) = pieces(iter(()), table)
    assert piece.columns == list(table.names)
    assert piece.height == 0


def test_the_rows_given_are_left_as_they_are(frame, table):
    before = frame.clone()
    exported(frame, table)
    assert frame.equals(before)
