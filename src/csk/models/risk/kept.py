"""A model of churn risk as files: one JSON text and flat tables, and the way back.

One rule: what is read is written again and must give the same; so nothing in the files is passed
over, and a table says what the text says. Nothing in them can be run.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeAlias, get_type_hints

import polars as pl

from csk.errors import DataError, ModelError
from csk.models.risk import drifting, kept_trees
from csk.models.risk.calibrating import Calibration
from csk.models.risk.glass import GlassBox
from csk.models.risk.kept_box import COEFFICIENTS_SCHEMA, COVARIANCE_SCHEMA, arrays, box_tables
from csk.models.risk.kept_checks import unsound_parts
from csk.models.risk.model import RiskFacts, RiskModel, schema_hash
from csk.models.risk.verdict import AgeScore, Finding, OriginScore, ReliabilityBin, Validation
from csk.models.strict_json import made, parsed, plain, refuse_fields, shown
from csk.schema.features import FEATURES, TOUCHES
from csk.tables.known import Known

SCHEMA: Final = "csk.risk_model"
VERSION: Final = 2
MODEL: Final = "model.json"
COEFFICIENTS, COVARIANCE = "coefficients.parquet", "covariance.parquet"
DRIFT, METRICS, TREES = "drift.parquet", "metrics.parquet", "trees.parquet"
MOST_CHARACTERS: Final = 20_000_000
MOST_ROWS: Final = 2_000_000
"""Of a table; a covariance has the most."""

Files: TypeAlias = Mapping[str, str | pl.DataFrame]

_KINDS: Final = {str: pl.String, date: pl.Date, int: pl.Int64, float: pl.Float64}
_METRICS_SCHEMA: Final = {name: _KINDS[hint] for name, hint in get_type_hints(OriginScore).items()}
TABLES: Final[Mapping[str, Mapping[str, Any]]] = {
    COEFFICIENTS: COEFFICIENTS_SCHEMA,
    COVARIANCE: COVARIANCE_SCHEMA,
    DRIFT: drifting.SCHEMA,
    METRICS: _METRICS_SCHEMA,
    TREES: kept_trees.SCHEMA,
}
"""Columns of each table, in order. All are there but the trees, where there are none."""
NAMES: Final = (MODEL, *TABLES)
"""Every file that can be part of a model."""

_UNKNOWN: Final = {
    name
    for kind in (Validation, AgeScore, ReliabilityBin, Finding)
    for name, hint in get_type_hints(kind).items()
    if hint is float
}
"""Numbers in the text that may be null: nobody asked, or it cannot be told."""
_PARTS: Final = (
    "schema",
    "version",
    "features",
    "facts",
    "box",
    "trees",
    "calibration",
    "known",
    "validation",
)


def files(model: RiskModel) -> dict[str, str | pl.DataFrame]:
    """Return a model as the files it is kept in: a text and tables, by name of file.

    They have been read again: ModelError for a model that would not come back as it is.
    """
    unsound = unsound_parts(model)
    if unsound:
        raise ModelError("This model cannot be kept.", details=unsound)
    tables = _tables(model)
    try:
        text = json.dumps(_told(model), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        read({MODEL: text.encode(), **tables})
    except ValueError as error:
        raise ModelError("This model cannot be kept.", details=[str(error)]) from error
    except DataError as error:
        raise ModelError(
            "This model cannot be kept.", details=[error.sentence, *error.details]
        ) from error
    return {MODEL: text, **tables}


def read(found: Mapping[str, bytes | pl.DataFrame]) -> RiskModel:
    """Return the model that files hold: the text as bytes, tables with the columns of `TABLES`.

    DataError for what no fit of csk has written; ModelError for a newer version, or for features
    that this csk does not reckon the same.
    """
    missing = [name for name in NAMES if name not in found and name != TREES]
    if missing:
        raise DataError(f"The model has no {missing[0]}.", hint="Fit it again: --refit.")
    text = found[MODEL]
    told = refuse_other(text if isinstance(text, bytes) else b"")
    refuse_fields(told, _PARTS, "The model")
    facts = made(RiskFacts, told["facts"], "The facts of the model")
    _refuse_other_features(told["features"], facts.schema_hash)
    tables = {name: _table(name, found[name]) for name in TABLES if name in found}
    try:
        model = _model(told, facts, tables)
    except ModelError as error:
        raise DataError("The model cannot be.", details=[error.sentence, *error.details]) from error
    _refuse_unlike(model, told, tables)
    return model


def _tables(model: RiskModel) -> dict[str, pl.DataFrame]:
    coefficients, covariance = box_tables(model.box)
    tables = {
        COEFFICIENTS: coefficients,
        COVARIANCE: covariance,
        DRIFT: model.drift.select(list(drifting.SCHEMA)),
        METRICS: _metrics(model.validation.rows),
    }
    if model.trees is not None:
        tables[TREES] = kept_trees.table(model.trees)
    return tables


def _told(model: RiskModel) -> dict[str, Any]:
    trees = None if model.trees is None else kept_trees.told(model.trees)
    parts = (
        SCHEMA,
        VERSION,
        _features(),
        plain(model.facts),
        plain(model.box, {"coefficients", "covariance"}),
        trees,
        plain(model.calibration),
        plain(model.known),
        plain(model.validation, {"rows"}),
    )
    return dict(zip(_PARTS, parts, strict=True))


def _model(
    told: Mapping[str, Any], facts: RiskFacts, tables: Mapping[str, pl.DataFrame]
) -> RiskModel:
    if (told["trees"] is None) is (TREES in tables):
        raise DataError(f"The text of the model and {TREES} do not belong together.")
    bare = made(GlassBox, told["box"], "The glass box", (), coefficients=None, covariance=None)
    coefficients, covariance = arrays(bare, tables[COEFFICIENTS], tables[COVARIANCE])
    box = made(
        *(GlassBox, told["box"], "The glass box"),
        coefficients=coefficients,
        covariance=covariance,
    )
    grown = None if TREES not in tables else kept_trees.model(told["trees"], tables[TREES])
    model = RiskModel(
        box=box,
        trees=grown,
        calibration=made(Calibration, told["calibration"], "The calibration"),
        known=made(Known, told["known"], "What is known of the company"),
        drift=tables[DRIFT],
        facts=facts,
        validation=made(
            *(Validation, told["validation"], "The validation", _UNKNOWN),
            rows=tuple(
                OriginScore(**{name: _known(name, one) for name, one in row.items()})
                for row in tables[METRICS].iter_rows(named=True)
            ),
        ),
    )
    unsound = unsound_parts(model)
    if unsound:
        raise DataError("The model cannot be.", details=unsound)
    return model


def _known(name: str, value: Any) -> Any:  # noqa: ANN401 - a cell
    if value is None and _METRICS_SCHEMA[name] == pl.Float64:
        return float("nan")
    if value is None:
        raise DataError(f"{METRICS} has no {name} in some row.")
    return value


def _metrics(rows: tuple[OriginScore, ...]) -> pl.DataFrame:
    columns = {
        name: pl.Series(name, [getattr(row, name) for row in rows], kind)
        for name, kind in _METRICS_SCHEMA.items()
    }
    return pl.DataFrame(list(columns.values())).with_columns(pl.selectors.float().fill_nan(None))


def _features() -> list[dict[str, str]]:
    return [
        {"name": one.name, "definition": one.definition, "scale": one.scale}
        for one in (*FEATURES, *TOUCHES)
    ]


def refuse_other(text: bytes) -> dict[str, Any]:
    """Return the text of a model as JSON.

    DataError for what csk has not kept, ModelError for another version.
    """
    told = parsed(text, "model of churn risk", MOST_CHARACTERS)
    if told.get("schema") != SCHEMA:
        raise DataError("This is no model of churn risk that csk has kept.")
    version = told.get("version")
    if version != VERSION or isinstance(version, bool | float):
        raise ModelError(
            f"The model was kept by version {shown(version)} of the schema; "
            f"this csk reads version {VERSION}.",
            hint="Fit it again: --refit.",
        )
    return told


def _refuse_other_features(told: object, kept_hash: str) -> None:
    """Refuse a model whose features are not those of this csk, naming those that differ."""
    if told == _features() and kept_hash == schema_hash():
        return
    is_list = isinstance(told, list) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in told
    )
    if not is_list:
        raise DataError("The features of the model are no list of features.")
    assert isinstance(told, list)  # noqa: S101 - refused above where it is none
    before, now = ({one["name"]: one for one in listed} for listed in (told, _features()))
    details = [
        *(f"no longer reckoned: {shown(name)}" for name in before if name not in now),
        *(f"new: {name}" for name in now if name not in before),
        *(
            f"reckoned otherwise: {name}"
            for name in now
            if before.get(name, now[name]) != now[name]
        ),
    ]
    raise ModelError(
        "The model was fitted on other features than this csk reckons.",
        details=details or [f"hash of the features: {shown(kept_hash)}, here {schema_hash()}"],
        hint="Fit it again: --refit.",
    )


def _table(name: str, table: bytes | pl.DataFrame) -> pl.DataFrame:
    """Return a table that has the columns it must have, and numbers that are numbers."""
    columns = TABLES[name]
    if not isinstance(table, pl.DataFrame) or dict(table.schema) != dict(columns):
        raise DataError(
            f"{name} has not the columns of a kept model.", hint="Fit it again: --refit."
        )
    if table.columns != list(columns):
        raise DataError(f"{name} has its columns in another order.")
    floats = table.select(pl.selectors.float())
    for column in floats.columns:
        if not floats[column].drop_nulls().is_finite().all():
            raise DataError(f"{name} has a number in {column} that is not finite.")
    return table


def _refuse_unlike(
    model: RiskModel, told: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]
) -> None:
    """Refuse files that the model they gave would not be written as."""
    again = _tables(model)
    unlike = [name for name, table in tables.items() if not table.equals(again[name])]
    if told != _told(model):
        unlike.append(MODEL)
    if unlike:
        raise DataError(
            "The files of the model do not belong together.",
            details=[f"{name} holds what csk would not have written" for name in unlike],
            hint="Fit it again: --refit.",
        )
