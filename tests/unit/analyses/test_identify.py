"""Records of hashes become customers: members win, collisions stay apart, shared keys join none."""

import polars as pl
import pytest

from csk.analyses.identify import RECORD, guest_ids, resolution


def records(*rows: dict) -> pl.DataFrame:
    """Return records numbered from 1, one row each, null where nothing is said."""
    full = [
        dict.fromkeys(RECORD) | {"record": number, "n": 1, "first_row": number} | row
        for number, row in enumerate(rows, 1)
    ]
    return pl.DataFrame(full, schema=dict(RECORD))


def ids(*rows: dict, **options: int) -> list[str | None]:
    """Return the customers of records, in their order."""
    found = resolution(records(*rows), **options).ids
    known = dict(found.iter_rows())
    return [known.get(number) for number in range(1, len(rows) + 1)]


GUEST = "g-000000000000000"
CASES = {
    "nothing in common": ([{"email": 1}, {"email": 2}], [GUEST + "1", GUEST + "2"]),
    "a shared e-mail": ([{"email": 1}, {"email": 1, "phone": 5}], [GUEST + "1"] * 2),
    "a chain of keys": (
        [{"email": 3}, {"email": 3, "phone": 5}, {"phone": 5, "name": 7}, {"name": 7}],
        [GUEST + "3"] * 4,
    ),
    "the smallest e-mail names": (
        [{"email": 9, "phone": 1}, {"email": 4, "phone": 1}],
        [GUEST + "4"] * 2,
    ),
    "a phone names before a stand-in address": (
        [{"alias": 1, "phone": 6}, {"alias": 2, "phone": 6}],
        [GUEST + "6"] * 2,
    ),
    "a name names where nothing else does": ([{"name": 8}], [GUEST + "8"]),
    "a member wins": (
        [{"email": 1, "member": "M1"}, {"email": 1, "phone": 2}, {"phone": 2}],
        ["M1"] * 3,
    ),
    "a member without a key": ([{"member": "M1"}, {"member": "M2"}], ["M1", "M2"]),
    "one member under two addresses": (
        [{"email": 1, "member": "M1"}, {"email": 2, "member": "M1"}, {"email": 2}],
        ["M1"] * 3,
    ),
    "a family of members: guests by e-mail, others apart": (
        [
            {"email": 1, "phone": 9, "member": "M1"},
            {"email": 2, "phone": 9, "member": "M2"},
            {"email": 1, "phone": 9},
            {"email": 3, "phone": 9},
            {"phone": 9},
            {"phone": 9, "name": 4},
        ],
        ["M1", "M2", "M1", GUEST + "3", GUEST + "9", GUEST + "9"],
    ),
    "two members of one e-mail: a guest of it is nobody's": (
        [{"email": 1, "member": "M1"}, {"email": 1, "member": "M2"}, {"email": 1}],
        ["M1", "M2", GUEST + "1"],
    ),
}


@pytest.mark.parametrize(("rows", "expected"), CASES.values(), ids=CASES.keys())
def test_records_that_share_a_key_are_one_customer(rows, expected):
    assert ids(*rows) == expected


def test_a_key_of_too_many_persons_joins_nobody():
    rows = [{"phone": 9, "who": n, "email": 100 + n} for n in range(1, 5)]
    assert len(set(ids(*rows, most_persons=4))) == 1
    assert len(set(ids(*rows, most_persons=3))) == 4
    found = resolution(records(*rows, {"phone": 9, "who": 1}), most_persons=3)
    assert dict(found.ids.iter_rows()).get(5) is None
    told = found.identified
    assert (told.n_rows, told.n_identified, told.n_only_shared) == (5, 4, 1)
    assert [(one.name, one.n_rows, one.n_persons) for one in told.shared] == [("phone", 5, 4)]
    phone = next(use for use in told.keys if use.kind == "phone")
    assert (phone.n_rows, phone.n_keys, phone.n_joined) == (5, 1, 0)
    assert (phone.n_shared, phone.n_shared_rows) == (1, 5)


def test_without_names_persons_are_told_by_their_addresses():
    rows = [{"phone": 9, "email": 100 + n} for n in range(4)]
    assert len(set(ids(*rows, most_persons=3))) == 4


def test_counts_add_up_and_collisions_are_named():
    rows, _ = CASES["a family of members: guests by e-mail, others apart"]
    told = resolution(records(*rows, {"email": 50}), n_without_key=3).identified
    assert (told.n_rows, told.n_identified, told.n_without_key) == (10, 7, 3)
    assert (told.n_records, told.n_customers, told.n_members) == (7, 5, 2)
    assert (told.n_collisions, told.n_collision_rows, told.collisions) == (1, 3, (("M1", "M2"),))
    assert told.n_guests_of_members == 1
    assert [(use.kind, use.n_joined) for use in told.keys if use.n_joined] == [
        ("email", 1),
        ("phone", 4),
    ]
    assert told.merge_rate == 1 - 5 / 7


@pytest.mark.parametrize(
    ("rows", "is_far"),
    [
        ([{"email": 1, "n": 60}], True),
        ([{"email": 1, "n": 40}], False),
        ([{"email": 1, "phone": n, "who": n} for n in range(1, 8)], True),
        ([{"email": 1, "phone": n, "who": 1} for n in range(1, 8)], False),
    ],
)
def test_a_customer_far_larger_than_the_rest_is_marked(rows, is_far):
    others = [{"email": 1_000 + n} for n in range(200)]
    largest = resolution(records(*rows, *others)).identified.largest[0]
    assert (largest.name, largest.is_far_larger) == (GUEST + "1", is_far)


def test_no_records_are_no_customers():
    found = resolution(records(), n_without_key=2)
    assert (found.ids.height, found.identified.n_customers, found.identified.n_rows) == (0, 0, 2)
    assert found.identified.merge_rate is None


def test_ids_are_hexadecimal_and_null_stays():
    hashes = pl.Series([0, 2**64 - 1, None, 255], dtype=pl.UInt64)
    named = ["g-0000000000000000", "g-ffffffffffffffff", None, "g-00000000000000ff"]
    assert guest_ids(hashes).to_list() == named
