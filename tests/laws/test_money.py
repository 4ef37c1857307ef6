from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from csk.money import CURRENCIES, counts, displayed, minor_digits, rounded, split

COUNTS = st.integers(-(9 * 10**18), 9 * 10**18)


@given(COUNTS)
def test_counts_of_a_written_amount_are_the_counts(count):
    assert counts(Decimal(count).scaleb(-4)) == count


@given(COUNTS, st.sampled_from(sorted(CURRENCIES)))
def test_rounding_moves_an_amount_by_half_a_minor_unit_at_most(count, currency):
    half = Decimal(1).scaleb(-minor_digits(currency)) / 2
    assert abs(rounded(count, currency) - Decimal(count).scaleb(-4)) <= half


@given(COUNTS, st.sampled_from(sorted(CURRENCIES)))
def test_a_negative_amount_is_displayed_as_the_positive_with_a_sign(count, currency):
    positive = displayed(abs(count), currency)
    assert displayed(count, currency) in (positive, f"-{positive}")


@given(COUNTS, st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any))
def test_a_split_sums_to_the_whole_and_is_off_by_less_than_one_count(count, shares):
    parts = split(count, shares)
    assert sum(parts) == count
    whole = sum(shares)
    fair = zip(parts, shares, strict=True)
    assert all(abs(part * whole - count * share) < whole for part, share in fair)
