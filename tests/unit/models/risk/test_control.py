from datetime import date
from hashlib import blake2b

import polars as pl
import pytest

from csk.models.risk.control import is_control, period_name

IDS = pl.Series("customer_id", [f"C{i:05d}" for i in range(20_000)])
DAY = date(2026, 5, 17)


def test_the_draw_is_a_hash_below_the_share():
    def below(customer: str) -> bool:
        digest = blake2b(f"calls|2026-2|{customer}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64 < 0.1

    found = is_control(IDS, DAY, 0.1, "calls").to_list()
    assert found == [below(customer) for customer in IDS]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_about_the_share_is_drawn(share):
    n = is_control(IDS, DAY, share, "calls").sum()
    assert abs(n - share * len(IDS)) <= 4 * (len(IDS) * share * (1 - share)) ** 0.5


def test_a_larger_share_holds_the_smaller():
    small, large = (is_control(IDS, DAY, share, "calls") for share in (0.1, 0.2))
    assert not (small & ~large).any()


def test_the_same_ones_stay_for_a_period_and_others_come_after_it():
    now = is_control(IDS, DAY, 0.1, "calls")
    assert now.equals(is_control(IDS, date(2026, 6, 30), 0.1, "calls"))
    later = is_control(IDS, date(2026, 7, 1), 0.1, "calls")
    other = is_control(IDS, DAY, 0.1, "letters")
    for drawn in (later, other):
        assert 0.005 * len(IDS) < (now & drawn).sum() < 0.015 * len(IDS)


@pytest.mark.parametrize(
    ("day", "period", "name"),
    [
        (date(2026, 1, 1), "month", "2026-1"),
        (date(2026, 12, 31), "month", "2026-12"),
        (date(2026, 3, 31), "quarter", "2026-1"),
        (date(2026, 4, 1), "quarter", "2026-2"),
        (date(2026, 12, 31), "year", "2026-1"),
    ],
)
def test_a_period_has_a_name(day, period, name):
    assert period_name(day, period) == name
