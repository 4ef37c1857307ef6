from datetime import date

import numpy as np
import pytest

from csk.simulation.log import as_date, log


@pytest.mark.parametrize(
    ("month", "anchor", "expected"),
    [
        (0, 1, date(2024, 1, 1)),
        (1, 31, date(2024, 2, 29)),
        (13, 30, date(2025, 2, 28)),
        (3, 31, date(2024, 4, 30)),
        (-36, 15, date(2021, 1, 15)),
        (60, 31, date(2029, 1, 31)),
    ],
)
def test_anniversaries_are_clamped_to_the_month(month, anchor, expected):
    time = log(date(2024, 1, 1), 24)
    assert as_date(int(time.anniversary(np.array([month]), np.array([anchor]))[0])) == expected


def test_a_log_ends_where_its_months_end():
    time = log(date(2023, 11, 1), 4)
    assert as_date(time.data_from) == date(2023, 11, 1)
    assert as_date(time.as_of) == date(2024, 3, 1)
