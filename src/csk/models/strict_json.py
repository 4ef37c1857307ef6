"""JSON that becomes frozen dataclasses and nothing else: each field of its own type, none besides.

One rule: what is written is read to the same bits, and what is not exactly of its type is refused
with the name of its field; no number is converted, no field is made up.
"""

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from csk.errors import DataError
from csk.text import visible

MOST_CHARACTERS: Final = 1_000_000
"""No model comes near it; what is longer is none."""

_MOST_SHOWN: Final = 60
_MOST_NAMED: Final = 10
_LARGEST_EXACT: Final = 2**53


def parsed(
    text: str | bytes, what: str = "fitted model", most: int = MOST_CHARACTERS
) -> dict[str, Any]:
    """Return JSON text as the object it is.

    DataError where it is longer than `most` characters, no JSON, no object, or has a field twice
    or a NaN; `what` names what it should have been.
    """
    if len(text) > most:
        raise DataError(f"This is no {what}: it is longer than {most:,} characters.")
    try:
        told = json.loads(
            text.decode("utf-8") if isinstance(text, bytes) else text,
            object_pairs_hook=_once,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DataError(f"This is no {what}: it is not JSON.", details=[why]) from error
    if not isinstance(told, dict):
        raise DataError(f"This is no {what}: it is JSON, but no object.")
    return told


def refuse_fields(told: object, names: Collection[str], whose: str) -> None:
    """Refuse what has not exactly these fields; DataError naming those missing and unknown."""
    if not isinstance(told, dict):
        raise DataError(f"{whose} has no fields.")
    missing = [name for name in names if name not in told]
    unknown = [name for name in told if name not in names]
    if missing or unknown:
        raise DataError(
            f"{whose} has not the fields of this schema.",
            details=[
                *(f"missing: {name}" for name in missing),
                *(f"unknown: {shown(name)}" for name in unknown[:_MOST_NAMED]),
            ],
            hint="Fit it again.",
        )


def plain(value: Any, without: Collection[str] = ()) -> Any:  # noqa: ANN401 - any dataclass
    """Return dataclasses and named tuples as JSON can hold them, NaN as null.

    Fields of the outermost that are named in `without` are left out.
    """
    names = _names(type(value))
    if names:
        return {name: plain(getattr(value, name)) for name in names if name not in without}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def made(
    kind: type,
    told: Any,  # noqa: ANN401 - JSON
    whose: str,
    unknown: Collection[str] = (),
    **given: Any,  # noqa: ANN401 - fields that JSON does not hold
) -> Any:  # noqa: ANN401 - as `kind` says
    """Return a dataclass or named tuple of its fields in JSON and of those that are given.

    `unknown` names the numbers that may be null, and then are NaN. DataError where a field is
    missing, unknown or of another type.
    """
    hints = get_type_hints(kind)
    names = [name for name in _names(kind) if name not in given]
    refuse_fields(told, names, whose)
    values = {name: typed(name, told[name], hints[name], unknown) for name in names}
    return kind(**values, **given)


def typed(
    field: str,
    told: Any,  # noqa: ANN401 - JSON, typed by the hint
    hint: Any,  # noqa: ANN401 - a type
    unknown: Collection[str] = (),
) -> Any:  # noqa: ANN401 - as hinted
    """Return a field as its type; DataError where it is of another."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(told, list):
        return _tuple(field, told, inner, unknown)
    if origin in _MAPPINGS and isinstance(told, dict):
        return {key: typed(field, one, inner[1], unknown) for key, one in told.items()}
    if origin in {Union, UnionType}:
        (only,) = (one for one in inner if one is not NoneType)
        return None if told is None else typed(field, told, only, unknown)
    if origin is np.ndarray and _is_matrix(told):
        return np.array([[typed(field, one, float) for one in row] for row in told])
    if _names(hint):
        return made(hint, told, f"The field {field} of the kept model", unknown)
    return _single(field, math.nan if told is None and field in unknown else told, hint)


def shown(value: object) -> str:
    """Return any value as a short text that a screen can show."""
    text = visible(repr(value))
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"


def _single(field: str, told: Any, hint: Any) -> Any:  # noqa: ANN401 - as `typed`
    is_choice = get_origin(hint) is Literal
    is_of_type = told in get_args(hint) if is_choice else hint in _IS and _IS[hint](told)
    if is_of_type:
        return _MADE[hint](told) if hint in _MADE else told
    if hint is float and isinstance(told, float) and math.isnan(told):
        return told
    raise DataError(f"The field {field} of the kept model cannot be {shown(told)}.")


def _tuple(
    field: str, told: list[Any], inner: tuple[Any, ...], unknown: Collection[str]
) -> tuple[Any, ...]:
    if inner[1:] == (...,):
        return tuple(typed(field, one, inner[0], unknown) for one in told)
    if len(told) != len(inner):
        raise DataError(f"The field {field} of the kept model cannot be {shown(told)}.")
    pairs = zip(told, inner, strict=True)
    return tuple(typed(field, one, hint, unknown) for one, hint in pairs)


def _names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - any type
    """Return the fields of a dataclass or named tuple; empty for any other type."""
    if not isinstance(kind, type):
        return ()
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    return tuple(getattr(kind, "_fields", ()))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "a field stands in it twice"
        raise ValueError(message)
    return found


def _no_number(word: str) -> float:
    message = f"{word} is no number"
    raise ValueError(message)


def _is_matrix(told: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(told, list) or not told or not all(isinstance(row, list) for row in told):
        return False
    return len(told[0]) > 0 and len({len(row) for row in told}) == 1


def _is_day(told: object) -> bool:
    try:
        date.fromisoformat(str(told))
    except ValueError:
        return False
    return isinstance(told, str)


def _is_number(told: object) -> bool:
    """Whether it is a finite number that a float holds exactly."""
    if isinstance(told, bool):
        return False
    if isinstance(told, int):
        return abs(told) <= _LARGEST_EXACT
    return isinstance(told, float) and math.isfinite(told)


_IS: Final[Mapping[Any, Callable[[Any], bool]]] = {
    bool: lambda told: isinstance(told, bool),
    str: lambda told: isinstance(told, str),
    int: lambda told: isinstance(told, int) and _is_number(told),
    float: _is_number,
    date: _is_day,
}
_MADE: Final[Mapping[Any, Callable[[Any], object]]] = {float: float, date: date.fromisoformat}
_MAPPINGS: Final = (Mapping, dict)
