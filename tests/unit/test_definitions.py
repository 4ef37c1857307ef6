"""Definitions as they stand in the package: whole, in both languages, and asked by name."""

import re
from importlib.resources import files

import pytest

from csk.cli import questions
from csk.definitions import (
    LANGUAGES,
    UNITS,
    definition,
    definitions,
    glossary,
    preset,
    presets,
)
from csk.errors import UsageError
from csk.tables.movements import Motion

OWN_VARIANTS = {"path", "with_reactivation"}
VENDORS = {one.name for one in presets()}
METRICS = definitions()


def variants(metric):
    return [metric.variant, *metric.presets.values()]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.metric_id)
def test_a_definition_is_whole(metric):
    assert files("csk.definitions").joinpath("metrics", f"{metric.metric_id}.toml").is_file()
    assert metric.unit in UNITS
    assert metric.grain
    assert set(metric.words) == set(LANGUAGES)
    for words in metric.words.values():
        assert words.label
        assert words.formula
        assert words.definition[-1] in ".。"
    assert re.search("[ぁ-ん]", metric.words["ja"].definition)
    assert not re.search("[ぁ-んァ-ヶ一-龠]", metric.words["en"].definition)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.metric_id)
def test_what_can_be_empty_says_when_it_is(metric):
    divides = any(of.denominator for of in variants(metric))
    assert {bool(words.empty) for words in metric.words.values()} == {divides}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.metric_id)
def test_every_term_is_in_the_glossary(metric):
    assert {name for of in variants(metric) for name in of.terms} <= set(glossary())


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.metric_id)
def test_a_preset_of_a_metric_is_known_and_reckons_or_tells_otherwise(metric):
    assert set(metric.presets) <= VENDORS | OWN_VARIANTS
    assert all(of.says.endswith(".") for of in metric.presets.values())


def test_the_glossary_speaks_both_languages():
    assert {frozenset(said) for said in glossary().values()} == {frozenset(LANGUAGES)}
    assert all(text for said in glossary().values() for text in said.values())


@pytest.mark.parametrize("one", presets(), ids=lambda one: one.name)
def test_a_preset_chooses_what_movements_have_and_names_its_sources(one):
    known = set(Motion.__dataclass_fields__) | {"rounding"}
    assert set(one.options) <= known
    assert all(decision.source and decision.says.endswith(".") for decision in one.decisions)


def test_help_names_every_preset():
    (said,) = [part.help for part in questions.Preset.__metadata__]
    assert set(re.findall(r"\w+", said.partition(":")[2])) == VENDORS


def test_an_unknown_metric_is_refused_with_the_nearest():
    with pytest.raises(UsageError) as refused:
        definition("grrr")
    assert refused.value.hint == "Did you mean 'grr'?"
    assert "quick_ratio" in refused.value.sentence


def test_an_unknown_preset_is_refused_with_the_nearest():
    with pytest.raises(UsageError) as refused:
        preset("stripes")
    assert refused.value.hint == "Did you mean 'stripe'?"


def test_a_value_is_labelled_with_the_preset_only_where_it_differs():
    assert definition("grr").definition_id() == "grr"
    assert definition("grr").definition_id("chargebee") == "grr:chargebee"
    assert definition("grr").definition_id("stripe") == "grr"
