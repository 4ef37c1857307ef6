"""Parts of a table that is a folder of Parquet: what is wrong with which of them.

One rule: a cluster takes the columns of a folder from one of its parts. What another has otherwise
would be lost or cast without a word, so it is told here, by the name of the file.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from csk.engine.spark import Cluster
from csk.engine.spark_columns import fits
from csk.errors import DataError
from csk.schema import Table

_LOOKED_AT: Final = 100
"""Parts whose columns are looked at: the first, the last, and some evenly between."""
_SEARCH_SECONDS: Final = 120.0

Types = Mapping[str, str]


def types_of_parts(cluster: Cluster, files: Sequence[str], name: str) -> Mapping[str, Types]:
    """Return the columns and their types of some parts of the table `name`, by file.

    DataError, with the name of the file, where one cannot be read.
    """
    step = (len(files) - 1) / max(1, min(len(files), _LOOKED_AT) - 1)
    some = list(dict.fromkeys(files[round(n * step)] for n in range(min(len(files), _LOOKED_AT))))
    return cluster.types_of({file: f"{_called(file)} of {name}" for file in some})


def refuse_unlike(
    parts: Mapping[str, Types],
    whole: Types,
    mapping: Mapping[str, str],
    name: str,
    understood: Callable[[Sequence[str]], Mapping[str, str]],
    table: Table,
) -> None:
    """Refuse parts that have not the columns which the table as a whole (`whole`) is read by.

    A part may lack what no table needs, and have whole numbers for others. `understood` gives
    what the columns of a part would be taken for by their names. DataError names every such file.
    """
    grouped = {column for group in table.one_of for column in group}
    needed = {column.name for column in table.columns if column.required} | grouped
    wrong = []
    for file, types in parts.items():
        if not types:  # an empty file, which clusters pass over
            continue
        said = [
            f"no {column}"
            for canonical, column in mapping.items()
            if column not in types and canonical in needed
        ]
        said += [
            f"{column} as {types[column]}, others as {whole[column]}"
            for column in mapping.values()
            if column in types and not fits(types[column], whole[column])
        ]
        if types.keys() - whole.keys():
            its = understood(list(types))
            said += [
                f"{column}, which others lack"
                for canonical, column in its.items()
                if canonical not in mapping and column not in whole
            ]
        if said:
            wrong.append(f"{_called(file)} has {'; '.join(said)}")
    if wrong:
        raise DataError(
            f"Parts of {name} have other columns than the rest.",
            details=wrong,
            hint="Write them anew with the columns of the others, or name a view or a Delta table.",
        )


def broken_part(
    files: Sequence[str], name: str, read: Callable[[Sequence[str]], None]
) -> DataError | None:
    """Return the refusal of the one part that cannot be read; null where none is found alone.

    `read` reads some of the files, with DataError where it cannot. Halves of them are tried, so
    that all are read about once more, within two minutes.
    """
    ends, left, found = time.monotonic() + _SEARCH_SECONDS, list(files), None
    while len(left) > 1 and time.monotonic() < ends:
        half = left[: len(left) // 2]
        try:
            read(half)
            left = left[len(half) :]
        except DataError:
            left = half
    if len(left) != 1:
        return None
    try:
        read(left)
    except DataError as error:
        said = error.sentence.partition(": ")[2] or error.sentence
        found = DataError(
            f"{_called(left[0])} of {name} cannot be read: {said}",
            hint="Copy or write the file again.",
        )
    return found


def _called(file: str) -> str:
    return unquote(PurePosixPath(file).name)
