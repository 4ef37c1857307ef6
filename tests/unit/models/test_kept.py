"""Fits as text: the same bits come back, and nothing else is taken for a fit."""

import json
import math
from dataclasses import replace
from datetime import date
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.errors import CskError, DataError, ModelError
from csk.models.kept import (
    KINDS,
    MOST_CHARACTERS,
    VERSION,
    Facts,
    facts_of,
    kept_text,
    read,
)
from csk.stats.bgbb import BgBbFit
from csk.stats.bgnbd import BgNbdFit
from csk.stats.gammagamma import CredibilityFit, GammaGammaFit
from csk.stats.mbgnbd import MbgNbdFit
from csk.stats.nbd import NbdFit
from csk.stats.paretonbd import ParetoNbdFit
from csk.stats.tails import EVERY_FAMILY, TailFit, fit

FACTS = Facts("day", "JPY", date(2024, 6, 30), 2357, "5f0c")
FITTED = BgNbdFit(0.243, 4.414, 0.793, 2.426, np.eye(4), -9582.4, 2357.0, 1e-12, True, False)
TEXT = kept_text(FITTED, FACTS)

positive = st.floats(min_value=0.0, exclude_min=True, allow_infinity=False)
finite = st.floats(allow_nan=False, allow_infinity=False)
amount = st.floats(min_value=0.0, allow_infinity=False)


@st.composite
def covariances(draw, size):
    if draw(st.booleans()):
        return np.full((size, size), np.nan)
    upper = np.array(draw(st.lists(finite, min_size=size**2, max_size=size**2)))
    upper = np.triu(upper.reshape(size, size))
    return np.triu(upper, 1).T + np.triu(upper, 1) + np.diag(np.abs(np.diag(upper)))


@st.composite
def tails(draw):
    family = draw(st.sampled_from(sorted(EVERY_FAMILY)))
    k = EVERY_FAMILY[family].n_params
    params = tuple(draw(positive) for _ in range(k))
    count = draw(st.integers(0, 2**53))
    share = draw(st.floats(0, 1))
    values = (draw(finite), draw(finite), count, draw(amount), share)
    return TailFit(family, params, draw(covariances(k)), *values)


def four(made, *more):
    known = [positive] * 4
    return st.builds(made, *known, *more)


FITS = {
    "bg_nbd": four(BgNbdFit, covariances(4), finite, amount, amount, st.booleans(), st.booleans()),
    "bg_bb": four(BgBbFit, covariances(4), finite, amount, amount, st.booleans(), st.booleans()),
    "nbd": st.builds(
        NbdFit,
        *[positive] * 2,
        covariances(2),
        finite,
        *[amount] * 2,
        *[st.booleans()] * 2,
    ),
    "pareto_nbd": four(
        ParetoNbdFit, covariances(4), finite, amount, amount, st.booleans(), st.booleans()
    ),
    "mbg_nbd": four(
        MbgNbdFit,
        st.integers(1, 6),
        covariances(4),
        st.one_of(finite, st.just(math.nan)),
        st.integers(1, 5),
        amount,
        amount,
        st.booleans(),
        st.booleans(),
    ),
    "gamma_gamma": st.builds(
        GammaGammaFit,
        *[positive] * 3,
        covariances(3),
        finite,
        amount,
        amount,
        st.integers(1, 2**53),
        st.booleans(),
    ),
    "credibility": st.builds(
        CredibilityFit, positive, st.floats(min_value=0.0, allow_nan=False), amount, amount
    ),
    "tail": tails(),
}


def test_every_kind_has_its_round_trip_here():
    assert set(FITS) == set(KINDS)


@pytest.mark.parametrize("model", sorted(KINDS))
def test_what_is_read_has_the_bits_of_what_was_kept(model):
    @settings(max_examples=40)
    @given(FITS[model], st.integers(1, 2**53), st.dates())
    def check(fitted, n, day):
        facts = Facts("week", "", day, n, "")
        kept = read(kept_text(fitted, facts), "week", "", model)
        assert (kept.model, kept.facts) == (model, facts)
        assert type(kept.fit) is type(fitted)
        for name in get_type_hints(type(fitted)):
            before, after = getattr(fitted, name), getattr(kept.fit, name)
            assert type(after) is type(before), name
            assert np.asarray(after).tobytes() == np.asarray(before).tobytes() or (
                np.isnan(before).all() and np.isnan(after).all()
            ), name

    check()


def test_a_real_fit_comes_back_whole():
    fitted = fit("sbg", [1000.0, 631.0, 468.0], [369.0, 163.0, 86.0])
    kept = read(kept_text(fitted, FACTS).encode(), "day", "JPY", "tail").fit
    assert kept.params == fitted.params
    assert np.array_equal(kept.covariance, fitted.covariance)


def test_facts_come_from_the_book(book_of):
    day = date(2024, 7, 1)
    rows = [{"customer_id": "c", "paid_on": date(2024, 1, 1), "amount": 1}]
    book = replace(book_of({"payments": rows}, 1, day), currency="EUR", digest="ab12")
    assert facts_of(book, 7) == Facts("day", "EUR", day, 7, "ab12")
    assert facts_of(book, 7, "week").time_unit == "week"


def test_the_text_says_what_a_person_would_ask():
    told = json.loads(TEXT)
    assert list(told) == [
        "schema", "version", "model", "time_unit", "currency", "as_of", "n", "book", "fit",
    ]  # fmt: skip
    assert (told["model"], told["as_of"], told["fit"]["r"]) == (
        "bg_nbd",
        "2024-06-30",
        0.243,
    )


@pytest.mark.parametrize(
    ("time_unit", "currency", "model", "says"),
    [
        ("week", "JPY", "", "time unit of the kept model is 'day', not 'week'"),
        ("day", "USD", "", "currency of the kept model is 'JPY', not 'USD'"),
        ("day", "", "", "currency of the kept model is 'JPY', not ''"),
        ("day", "JPY", "tail", "The kept model is bg_nbd, not 'tail'"),
    ],
)
def test_other_units_are_refused(time_unit, currency, model, says):
    with pytest.raises(ModelError, match=says):
        read(TEXT, time_unit, currency, model)


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1, str(VERSION), None, True, 1e9])
def test_another_version_of_the_schema_is_refused(version):
    told = json.loads(TEXT) | {"version": version}
    with pytest.raises(ModelError, match=f"this csk reads version {VERSION}"):
        read(json.dumps(told), "day", "JPY")


@pytest.mark.parametrize("model", ["prophet", "", None, ["bg_nbd"], {"a": 1}, "x" * 500])
def test_an_unknown_model_is_refused(model):
    told = json.loads(TEXT) | {"model": model}
    with pytest.raises(ModelError, match="There is no model"):
        read(json.dumps(told), "day", "JPY")


CHANGES = [
    # fields of the text, fields of the fit, what the refusal says
    ({"n": 0}, {}, "n of the kept model cannot be 0"),
    ({"n": 1.5}, {}, "n of the kept model cannot be 1.5"),
    ({"n": True}, {}, "n of the kept model cannot be True"),
    ({"n": 10**30}, {}, "n of the kept model cannot be 1000"),
    ({"time_unit": "fortnight"}, {}, "time_unit of the kept model cannot be 'fortnight'"),
    ({"time_unit": ["day"]}, {}, "time_unit of the kept model cannot be"),
    ({"currency": None}, {}, "currency of the kept model cannot be None"),
    ({"as_of": "2024-02-30"}, {}, "as_of of the kept model cannot be"),
    ({"as_of": 20240630}, {}, "as_of of the kept model cannot be 20240630"),
    ({"fit": []}, {}, "has no fields"),
    ({"fit": "r"}, {}, "has no fields"),
    ({"more": 1}, {}, "not the fields of this schema"),
    ({}, {"more": 1}, "not the fields of this schema"),
    ({}, {"r": None}, "r of the kept model cannot be None"),
    ({}, {"r": "0.2"}, "r of the kept model cannot be '0.2'"),
    ({}, {"r": True}, "r of the kept model cannot be True"),
    ({}, {"r": [0.2]}, "r of the kept model cannot be"),
    ({}, {"r": 10**400}, "r of the kept model cannot be"),
    ({}, {"r": 0}, "The fit of bg_nbd cannot be"),
    ({}, {"alpha": -1.0}, "The fit of bg_nbd cannot be"),
    ({}, {"n": -1.0}, "The fit of bg_nbd cannot be"),
    ({}, {"log_likelihood": None}, "log_likelihood of the kept model cannot be None"),
    ({}, {"is_converged": 1}, "is_converged of the kept model cannot be 1"),
    ({}, {"covariance": [[1.0]]}, "The fit of bg_nbd cannot be"),
    ({}, {"covariance": []}, "covariance of the kept model cannot be"),
    ({}, {"covariance": [[1.0, 0.0], [0.0]]}, "covariance of the kept model cannot be"),
    ({}, {"covariance": np.triu(np.ones((4, 4))).tolist()}, "The fit of bg_nbd cannot be"),
    ({}, {"covariance": (-np.eye(4)).tolist()}, "The fit of bg_nbd cannot be"),
    ({}, {"covariance": [[None] * 4] * 4}, "covariance of the kept model cannot be None"),
]


@pytest.mark.parametrize(("fields", "of_fit", "says"), CHANGES)
def test_what_no_fit_can_be_is_refused(fields, of_fit, says):
    told = json.loads(TEXT)
    told["fit"] |= of_fit
    with pytest.raises(DataError, match=says):
        read(json.dumps(told | fields), "day", "JPY")


@pytest.mark.parametrize("field", sorted(json.loads(TEXT)))
def test_a_field_that_lacks_is_refused(field):
    told = json.loads(TEXT)
    del told[field]
    with pytest.raises(CskError):
        read(json.dumps(told), "day", "JPY")


@pytest.mark.parametrize("field", sorted(json.loads(TEXT)["fit"]))
def test_a_field_that_the_fit_lacks_is_named(field):
    told = json.loads(TEXT)
    del told["fit"][field]
    with pytest.raises(DataError, match="not the fields") as refusal:
        read(json.dumps(told), "day", "JPY")
    assert refusal.value.details == (f"missing: {field}",)


HOSTILE = {
    "nothing": "",
    "no JSON": "r = 1",
    "cut off": TEXT[:-20],
    "another object": "{}",
    "a list": "[1, 2]",
    "a number": "7",
    "nested deeply": "[" * 200_000,
    "nested objects": '{"a":' * 100_000,
    "too long": " " * MOST_CHARACTERS + TEXT,
    "many digits": TEXT.replace("0.243", "1" * 10_000),
    "NaN": TEXT.replace("0.243", "NaN"),
    "infinity": TEXT.replace("0.243", "Infinity"),
    "overflow": TEXT.replace("0.243", "1e999"),
    "infinite where none can be": TEXT.replace("0.243", '"infinite"'),
    "a field twice": TEXT.replace('"r": 0.243', '"r": 1.0, "r": 0.243'),
    "no UTF-8": TEXT.encode("utf-16"),
    "broken bytes": b'{"schema": "\xff"}',
    "a lone surrogate": TEXT.replace("5f0c", "\\ud800").replace('"JPY"', "1"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused(text):
    with pytest.raises(DataError):
        read(text, "day", "JPY")


WORDS = st.sampled_from(["", "1", "infinite"])


@settings(max_examples=50)
@given(st.recursive(st.none() | st.booleans() | st.floats() | WORDS, st.lists, max_leaves=5))
def test_no_value_of_a_field_escapes_but_as_a_refusal(value):
    for field in ("r", "n", "covariance", "is_at_bound"):
        told = json.loads(TEXT)
        told["fit"][field] = value
        try:
            kept = read(json.dumps(told), "day", "JPY").fit
        except CskError:
            continue
        assert np.isfinite([kept.r, kept.alpha, kept.a, kept.b, kept.n]).all()


def test_steering_characters_do_not_reach_a_refusal():
    told = json.loads(TEXT) | {"currency": "\x1b[2J\u202e"}
    with pytest.raises(ModelError) as refusal:
        read(json.dumps(told), "day", "JPY")
    assert "\x1b" not in refusal.value.sentence
    assert "\u202e" not in refusal.value.sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"r": math.nan},
        {"r": -1.0},
        {"b": math.inf},
        {"log_likelihood": math.nan},
        {"covariance": np.diag([1.0, 1.0, 1.0, math.nan])},
        {"covariance": np.eye(3)},
    ],
)
def test_a_fit_that_is_not_sound_is_not_kept(changes):
    with pytest.raises(ModelError, match="cannot be kept"):
        kept_text(replace(FITTED, **changes), FACTS)


def test_a_tail_has_as_many_parameters_as_its_family():
    tail = TailFit("sbg", (1.0,), np.eye(1), -1.0, 4.0, 3, 0.0)
    with pytest.raises(ModelError, match="cannot be kept"):
        kept_text(tail, FACTS)
    with pytest.raises(ModelError, match="cannot be kept"):
        kept_text(tail._replace(family="pareto"), FACTS)


def test_what_is_no_fit_cannot_be_kept():
    with pytest.raises(TypeError, match="dict"):
        kept_text({"r": 1.0}, FACTS)
