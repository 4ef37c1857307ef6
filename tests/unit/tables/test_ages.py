from datetime import date

import polars as pl
import pytest

from csk.calendar import tick
from csk.tables.ages import age

DAYS = [
    date(2024, 1, 31),
    date(2024, 2, 29),
    date(2024, 3, 1),
    date(2025, 2, 28),
    date(2023, 12, 5),
]


def test_frames_and_days_count_alike():
    pairs = pl.DataFrame(
        [(a, b) for a in DAYS for b in DAYS if a <= b], schema=["a", "b"], orient="row"
    )
    found = pairs.select(age(pl.col("a"), pl.col("b"))).to_series()
    assert found.dtype == pl.Int32
    assert found.to_list() == [tick(a, b) for a, b in pairs.iter_rows()]


def test_a_fixed_day_is_a_day():
    found = pl.DataFrame({"a": DAYS}).select(age(pl.col("a"), date(2026, 1, 1))).to_series()
    assert found.to_list() == [tick(day, date(2026, 1, 1)) for day in DAYS]


@pytest.mark.parametrize(("start", "day"), [(None, DAYS[0]), (DAYS[0], None), (None, None)])
def test_an_unknown_day_has_no_age(start, day):
    row = pl.DataFrame({"a": [start], "b": [day]}, schema={"a": pl.Date, "b": pl.Date})
    assert row.select(age(pl.col("a"), pl.col("b"))).item() is None
