"""Columns of a table on a cluster, as the facts need them: counts of money, days, instants.

One rule: types are looked at before a row is read, and all that is wrong is told together. No
value makes a query fail: what a count cannot hold becomes null, and its row a reject.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from csk.errors import DataError
from csk.schema import AMOUNT_SCALE, Table

_COUNTS: Final = 10**AMOUNT_SCALE
_LARGEST: Final = 9e14
"""Major units that a count of money can hold."""
_PARTS: Final = 1000.0
"""Facts count usage in thousandths."""
_WHOLE: Final = ("tinyint", "smallint", "int", "bigint")
_REAL: Final = ("float", "double")
_TEXT: Final = ("string", "char", "varchar")
_TIMES: Final = ("timestamp", "timestamp_ntz", "date")
_TAKEN: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "id": ((*_TEXT, *_WHOLE, "decimal"), "a string or a whole number"),
    "text": ((*_TEXT, *_WHOLE, "boolean"), "a string"),
    "date": (_TIMES, "a date or a timestamp"),
    "instant": (_TIMES, "a timestamp or a date"),
    "amount": ((*_WHOLE, *_REAL, "decimal"), "a number"),
    "number": ((*_WHOLE, *_REAL, "decimal"), "a number"),
    "count": ((*_WHOLE, "decimal"), "a whole number"),
}


def canonical(
    frame: Any,  # noqa: ANN401 # Spark has no types
    table: Table,
    mapping: Mapping[str, str],
    also: Sequence[str],
    name: str,
    tz: str,
) -> Any:  # noqa: ANN401 # likewise
    """Return the mapped columns (canonical -> its own) and those of `also`, typed as facts are.

    `tz` is the zone of times without one and of the days that instants fall on. DataError, with
    every column at once, where a type cannot be what the table `name` needs.
    """
    types = types_in(frame)
    wrong = [
        f"{mapping[column.name]} is {types[mapping[column.name]]}, and {column.name} is"
        f" {_TAKEN[column.kind][1]}"
        for column in table.columns
        if column.name in mapping
        and _base(types[mapping[column.name]]) not in _TAKEN[column.kind][0]
    ]
    if wrong:
        raise DataError(
            f"Columns of {name} have types that cannot be read.",
            details=wrong,
            hint="Name a view that casts them: CAST(amount AS DECIMAL(18,4)), to_date(day).",
        )
    typed = {
        column.name: _MADE[column.kind](
            frame[mapping[column.name]], _base(types[mapping[column.name]]), tz
        ).alias(column.name)
        for column in table.columns
        if column.name in mapping
    }
    others = [frame[column] for column in also if column not in typed]
    return frame.select(*typed.values(), *others)


def of_file(facts: Any, table: Table) -> Any:  # noqa: ANN401 # likewise
    """Return facts as a file of the table has them, in one order: money and quantities in units."""
    from pyspark.sql.connect import functions as sql  # noqa: PLC0415 # an extra

    columns = []
    for name in facts.columns:
        kind, value = table[name].kind if name in table.names else "", facts[name]
        if kind == "amount":
            value = (value.cast("decimal(38,0)") / sql.lit(_COUNTS)).cast("decimal(38,4)")
        elif kind == "number":
            value = value.cast("double") / sql.lit(_PARTS)
        columns.append(value.alias(name))
    return facts.select(*columns).orderBy(*facts.columns)


def types_in(frame: Any) -> dict[str, str]:  # noqa: ANN401 # likewise
    """Return the columns of a frame and their types, as Spark writes them."""
    return {field.name: field.dataType.simpleString() for field in frame.schema.fields}


def fits(part: str, whole: str) -> bool:
    """Tell whether a column of a part can be read as that of the whole, with nothing lost."""
    one, other = _base(part), _base(whole)
    if one in _WHOLE:
        return other in (*_WHOLE, *_REAL, *_TEXT, "decimal")
    return part == whole or (one in _TEXT and other in _TEXT) or (one, other) == _REAL


def _base(kind: str) -> str:
    """Return a type without its precision; a decimal with decimals is told apart by them."""
    found = re.fullmatch(r"(\w+)(?:\(.*\))?", kind)
    return found[1] if found else kind


def _as_it_is(column: Any, base: str, tz: str) -> Any:  # noqa: ANN401 # likewise
    del base, tz
    return column


def _day(column: Any, base: str, tz: str) -> Any:  # noqa: ANN401 # likewise
    from pyspark.sql.connect import functions as sql  # noqa: PLC0415 # an extra

    if base == "timestamp" and tz != "UTC":
        column = sql.from_utc_timestamp(column, tz)
    return column.cast("date")


def _instant(column: Any, base: str, tz: str) -> Any:  # noqa: ANN401 # likewise
    from pyspark.sql.connect import functions as sql  # noqa: PLC0415 # an extra

    moment = column.cast("timestamp")
    return sql.to_utc_timestamp(moment, tz) if base != "timestamp" and tz != "UTC" else moment


def _amount(column: Any, base: str, tz: str) -> Any:  # noqa: ANN401 # likewise
    from pyspark.sql.connect import functions as sql  # noqa: PLC0415 # an extra

    del tz
    held = _held(column, base)
    if base in _REAL:
        return sql.floor(held.cast("double") * sql.lit(float(_COUNTS)) + sql.lit(0.5)).cast(
            "bigint"
        )
    return (held.cast("decimal(38,4)") * sql.lit(_COUNTS)).cast("bigint")


def _number(column: Any, base: str, tz: str) -> Any:  # noqa: ANN401 # likewise
    del tz
    return _held(column, base).cast("double")


def _held(column: Any, base: str) -> Any:  # noqa: ANN401 # likewise
    """Null what is no number, or beyond what a count can hold."""
    from pyspark.sql.connect import functions as sql  # noqa: PLC0415 # an extra

    wide = column.cast("double")
    fits = sql.abs(wide) < sql.lit(_LARGEST)
    if base in _REAL:
        fits &= ~sql.isnan(wide)
    return sql.when(fits, column)


def _count(column: Any, base: str, tz: str) -> Any:  # noqa: ANN401 # likewise
    del base, tz
    return column.cast("bigint")


_MADE: Final[Mapping[str, Callable[[Any, str, str], Any]]] = {
    "id": _as_it_is,
    "text": _as_it_is,
    "date": _day,
    "instant": _instant,
    "amount": _amount,
    "number": _number,
    "count": _count,
}
