"""A model of churn risk comes back from its files to the bit, and nothing else is one."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from risk_models import panel, risk_model

from csk.errors import CskError, DataError, ModelError
from csk.models.risk import glass
from csk.models.risk.kept import (
    COEFFICIENTS,
    COVARIANCE,
    DRIFT,
    METRICS,
    MODEL,
    NAMES,
    TABLES,
    TREES,
    files,
    read,
)
from csk.models.risk.verdict import GLASS


def kept():
    found = files(risk_model())
    return {name: one.encode() if isinstance(one, str) else one for name, one in found.items()}


def told_as(change):
    found = kept()
    told = json.loads(found[MODEL])
    change(told)
    return {**found, MODEL: json.dumps(told).encode()}


def table_as(name, *changes, where=None):
    found = kept()
    first = pl.int_range(pl.len()) == 0 if where is None else where
    for column, value in changes:
        changed = pl.when(first).then(value).otherwise(pl.col(column)).alias(column)
        found[name] = found[name].with_columns(changed)
    return found


def test_what_is_read_has_the_bits_of_what_was_kept():
    model, again = risk_model(), read(kept())
    assert again.model_id == model.model_id
    for name in ("known", "facts", "calibration"):
        assert getattr(again, name) == getattr(model, name)
    assert again.box.recipe == model.box.recipe
    assert again.box.covariance.tobytes() == model.box.covariance.tobytes()
    assert again.drift.equals(model.drift)
    fresh = panel(200, 4)
    assert again.hazards(fresh).tobytes() == model.hazards(fresh).tobytes()
    assert glass.hazards(again.box, fresh).tobytes() == glass.hazards(model.box, fresh).tobytes()


def test_what_nobody_could_tell_comes_back_unknown():
    again = read(kept())
    assert np.isnan(again.validation.best_share)
    assert np.isnan(again.validation.rows[-1].auc)
    assert again.validation.rows[:-1] == risk_model().validation.rows[:-1]


def test_a_model_without_trees_has_no_file_of_them():
    model = risk_model()
    without = replace(model, trees=None, validation=replace(model.validation, chosen=GLASS))
    found = files(without)
    assert set(found) == set(NAMES) - {TREES}
    text = found.pop(MODEL)
    assert read({MODEL: text.encode(), **found}).trees is None


@pytest.mark.parametrize("name", sorted(TABLES))
def test_tables_are_flat_and_finite(name):
    table = kept()[name]
    kinds = {pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Date}
    assert set(table.schema.values()) <= kinds
    for column in table.select(pl.selectors.float()):
        assert column.drop_nulls().is_finite().all()


def test_a_coefficient_is_named_in_words():
    row = kept()[COEFFICIENTS].filter(pl.col("feature") == "usage_28d").row(0, named=True)
    assert (row["cause"], row["part"], row["kind"]) == (1, "level", "line")
    assert row["coefficient"] < -1.9 * row["std_error"] < 0


def test_the_split_on_missing_values_has_no_threshold():
    splits = kept()[TREES].filter(pl.col("feature").is_not_null())
    assert splits["left"].null_count() == splits["right"].null_count() == 0
    leaves = kept()[TREES].filter(pl.col("feature").is_null())
    assert leaves["threshold"].null_count() == leaves.height


UNSOUND = {
    "a coefficient that is no number": lambda m: replace(
        m, box=replace(m.box, coefficients=m.box.coefficients * np.nan)
    ),
    "a covariance that is not symmetric": lambda m: replace(
        m, box=replace(m.box, covariance=m.box.covariance + np.triu(m.box.covariance, 1))
    ),
    "a number of a finding that is infinite": lambda m: replace(
        m, validation=replace(m.validation, profit=float("inf"))
    ),
    "trees that are chosen and not there": lambda m: replace(m, trees=None),
    "a day before the data": lambda m: replace(m, facts=replace(m.facts, as_of=m.facts.data_from)),
    "another currency than text": lambda m: replace(m, facts=replace(m.facts, currency=3)),
}


@pytest.mark.parametrize("change", UNSOUND.values(), ids=UNSOUND)
def test_a_model_that_would_not_come_back_is_not_kept(change):
    with pytest.raises(ModelError, match="cannot be kept") as refusal:
        files(change(risk_model()))
    assert refusal.value.details


def first(told, *path, to):
    for part in path[:-1]:
        told = told[part]
    told[path[-1]] = to


TEXTS = {
    "another schema": lambda t: t.update(schema="csk.fitted_model"),
    "an unknown part": lambda t: t.update(code="import os"),
    "a missing part": lambda t: t.pop("calibration"),
    "an unknown fact": lambda t: t["facts"].update(clock="now"),
    "a day that is none": lambda t: first(t, "facts", "as_of", to="2025-02-30"),
    "a number that is text": lambda t: first(t, "calibration", "slope", to="1.0"),
    "a truth that is a number": lambda t: first(t, "validation", "is_overlapping", to=1),
    "a number that is too large": lambda t: first(t, "facts", "n_rows", to=2**70),
    "a slope beyond belief": lambda t: first(t, "calibration", "slope", to=1e300),
    "an edge before the one before": lambda t: first(t, "box", "edges", 1, to=3),
    "other edges of the trees": lambda t: first(t, "trees", "edges", 1, to=13),
    "a cause that is none": lambda t: first(t, "box", "causes", to=[1, 9]),
    "a verdict that is none": lambda t: first(t, "validation", "verdict", to="splendid"),
    "a feature that is none": lambda t: first(
        t, "box", "recipe", "measures", 0, "name", to="password"
    ),
    "a scale that is none": lambda t: first(t, "box", "recipe", "measures", 0, "scale", to="cubic"),
    "a knot too many": lambda t: t["box"]["recipe"]["measures"][0]["knots"].append(1.5),
    "an order upside down": lambda t: first(t, "box", "recipe", "measures", 0, "low", to=1e9),
    "a plan too many": lambda t: t["box"]["recipe"]["levels"].append("gold"),
    "no measures": lambda t: first(t, "box", "recipe", "measures", to=[]),
    "a null where no number may be": lambda t: first(t, "calibration", "intercept", to=None),
    "a list in place of an object": lambda t: first(t, "known", to=[]),
    "bins of another number": lambda t: t["box"]["ahead"][0].pop(),
    "no trees in the text": lambda t: first(t, "trees", to=None),
    "a baseline too few": lambda t: t["trees"]["baselines"].pop(),
    "a column of the trees twice": lambda t: t["trees"]["plans"].append("pro"),
    "another column of the trees": lambda t: first(t, "trees", "features", 0, to="seats"),
    "a chosen kind that is none": lambda t: first(t, "validation", "chosen", to="oracle"),
    "a negative count": lambda t: first(t, "facts", "n_events", to=-1),
    "deep nesting": lambda t: first(t, "known", "popular", to={"a": [[[[]]]]}),
}


@pytest.mark.parametrize("change", TEXTS.values(), ids=TEXTS)
def test_a_text_that_csk_has_not_written_is_refused(change):
    with pytest.raises(DataError):
        read(told_as(change))


RAW = {
    "nothing": b"",
    "no JSON": b"\x80\x04\x95",
    "a pickle": b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system",
    "no object": b"[1]",
    "a NaN": b'{"schema": NaN}',
    "an endless number": b'{"schema": ' + b"9" * 5000 + b"}",
    "a field twice": b'{"schema": "csk.risk_model", "schema": "csk.risk_model"}',
    "too deep": b"[" * 200_000,
    "too long": b" " * 20_000_001,
    "another encoding": "{}".encode("utf-16"),
}


@pytest.mark.parametrize("text", RAW.values(), ids=RAW)
def test_a_text_that_is_no_json_object_is_refused(text):
    with pytest.raises(DataError):
        read({**kept(), MODEL: text})


NODE = pl.col("node") == 0
BROKEN = {
    "a tree that goes round": lambda: table_as(TREES, ("left", 0), where=NODE),
    "a child far away": lambda: table_as(TREES, ("right", 10**9), where=NODE),
    "a negative child": lambda: table_as(TREES, ("left", -1), where=NODE),
    "a column that is not there": lambda: table_as(
        TREES, ("feature", pl.lit("password")), where=NODE
    ),
    "a leaf with a threshold": lambda: table_as(
        TREES, ("threshold", 1.0), where=pl.col("feature").is_null()
    ),
    "a node without a value": lambda: table_as(TREES, ("value", None)),
    "a value beyond belief": lambda: table_as(TREES, ("value", 1e300)),
    "a value that is no number": lambda: table_as(TREES, ("value", float("nan"))),
    "an infinite threshold": lambda: table_as(TREES, ("threshold", float("inf"))),
    "a cause without trees": lambda: table_as(TREES, ("cause", 3)),
    "trees numbered otherwise": lambda: table_as(
        TREES, ("tree", pl.col("tree") + 1), where=pl.lit(value=True)
    ),
    "rows turned round": lambda: {**kept(), TREES: kept()[TREES].reverse()},
    "rows left out": lambda: {**kept(), TREES: kept()[TREES].head(-1)},
    "no rows": lambda: {**kept(), COEFFICIENTS: kept()[COEFFICIENTS].clear()},
    "a column too many": lambda: {
        **kept(),
        DRIFT: kept()[DRIFT].with_columns(x=pl.lit(1)),
    },
    "a column of another type": lambda: {
        **kept(),
        DRIFT: kept()[DRIFT].with_columns(pl.col("n").cast(pl.UInt64)),
    },
    "columns in another order": lambda: {
        **kept(),
        DRIFT: kept()[DRIFT].select("n", "low", "feature", "bin", "high"),
    },
    "tables exchanged": lambda: {
        **kept(),
        DRIFT: kept()[METRICS],
        METRICS: kept()[DRIFT],
    },
    "bytes for a table": lambda: {**kept(), DRIFT: b"PAR1"},
    "a negative count": lambda: table_as(DRIFT, ("n", -1)),
    "a bin without a feature": lambda: table_as(DRIFT, ("feature", None)),
    "a range upside down": lambda: table_as(DRIFT, ("high", -1e9)),
    "a covariance of one side": lambda: table_as(
        COVARIANCE, ("covariance", 0.5), where=(pl.col("row") == 0) & (pl.col("column") == 9)
    ),
    "a variance below 0": lambda: table_as(COVARIANCE, ("covariance", -1.0)),
    "a covariance of another pair": lambda: table_as(COVARIANCE, ("row", 5)),
    "a coefficient beyond belief": lambda: table_as(COEFFICIENTS, ("coefficient", 1e9)),
    "a coefficient of another name": lambda: table_as(COEFFICIENTS, ("feature", pl.lit("fortune"))),
    "a standard error of its own": lambda: table_as(COEFFICIENTS, ("std_error", 0.123)),
    "an origin without a day": lambda: table_as(METRICS, ("origin_on", None)),
    "no trees": lambda: {name: one for name, one in kept().items() if name != TREES},
    "no metrics": lambda: {name: one for name, one in kept().items() if name != METRICS},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_table_that_csk_has_not_written_is_refused(broken):
    with pytest.raises(DataError):
        read(broken())


@pytest.mark.parametrize("version", [1, 3, 0, 2.0, True, "1", None])
def test_another_version_is_refused(version):
    with pytest.raises(ModelError, match="version"):
        read(told_as(lambda told: told.update(version=version)))


def test_other_features_are_refused_by_name():
    def change(told):
        told["features"][0]["name"] = "horoscope"
        told["features"][1]["definition"] = "Otherwise."

    with pytest.raises(ModelError, match="other features") as refusal:
        read(told_as(change))
    assert refusal.value.details == (
        "no longer reckoned: 'horoscope'",
        "new: tenure_days",
        "reckoned otherwise: returns",
    )


def test_another_hash_of_features_is_refused():
    with pytest.raises(ModelError, match="other features"):
        read(told_as(lambda told: first(told, "facts", "schema_hash", to="00")))


def test_features_that_are_no_list_are_refused():
    with pytest.raises(CskError, match="no list"):
        read(told_as(lambda told: told.update(features={"a": 1})))
