"""JSON becomes what a type says, or a refusal that names the field."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csk.errors import DataError
from csk.models.strict_json import made, parsed, plain, shown, typed


class Pair(NamedTuple):
    name: str
    weight: float


@dataclass(frozen=True)
class Whole:
    day: date
    count: int
    share: float
    is_open: bool
    kind: Literal["a", "b"]
    parts: tuple[Pair, ...]
    triple: tuple[int, int, str]
    by_name: Mapping[str, tuple[str, ...]]
    maybe: Pair | None


wholes = st.builds(
    Whole,
    st.dates(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_infinity=False),
    st.booleans(),
    st.sampled_from(["a", "b"]),
    st.lists(st.builds(Pair, st.text(), st.floats(allow_infinity=False))).map(tuple),
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.text()),
    st.dictionaries(st.text(), st.lists(st.text()).map(tuple)),
    st.none() | st.builds(Pair, st.text(), st.floats(allow_nan=False, allow_infinity=False)),
)


@given(wholes)
def test_what_is_written_is_read_to_the_same_bits(whole):
    text = json.dumps(plain(whole), allow_nan=False)
    again = made(Whole, parsed(text), "It", {"share", "weight"})
    assert repr(again) == repr(whole)


def test_a_matrix_comes_back_as_one():
    values = np.array([[0.1, -0.0, 3.0], [1e-300, 2.0, 5.0]])
    again = typed("m", plain(values), np.ndarray[tuple[int, int], np.dtype[np.float64]])
    assert again.tobytes() == values.tobytes()


def test_fields_that_json_does_not_hold_are_given():
    assert made(Pair, {"name": "a"}, "It", weight=2.0) == Pair("a", 2.0)
    assert plain(Pair("a", 2.0), without={"weight"}) == {"name": "a"}


def test_null_is_unknown_only_where_it_may_be():
    assert math.isnan(typed("x", None, float, {"x"}))
    with pytest.raises(DataError, match="field x"):
        typed("x", None, float)


OTHERS = [
    (1, str),
    ("1", int),
    (1.0, int),
    (True, int),
    (True, float),
    (1, bool),
    (2**53 + 1, int),
    (math.inf, float),
    ("2024-02-30", date),
    (20240101, date),
    ("c", Literal["a", "b"]),
    ([], Literal["a", "b"]),
    ({}, tuple[int, ...]),
    ([1, "a"], tuple[int, ...]),
    ([1], tuple[int, int]),
    ([], Mapping[str, int]),
    ({"a": "b"}, Mapping[str, int]),
    ([], Pair),
    ({"name": "a"}, Pair),
    ({"name": "a", "weight": 1.0, "code": 1}, Pair),
    ("", Pair | None),
    ([[1.0], [1.0, 2.0]], np.ndarray[tuple[int, int], np.dtype[np.float64]]),
    ([[]], np.ndarray[tuple[int, int], np.dtype[np.float64]]),
]


@pytest.mark.parametrize(("told", "hint"), OTHERS, ids=[f"{a} {b}" for a, b in OTHERS])
def test_what_is_of_another_type_is_refused(told, hint):
    with pytest.raises(DataError):
        typed("x", told, hint)


def test_what_was_found_is_shown_short_and_visible():
    assert len(shown("x" * 1000)) == 60
    assert "\x1b" not in shown("\x1b[31m")
