"""Reading a kept model of churn risk from its folder.

One rule: a folder is a stranger's until it is proven ours. Only files that the pointer names are
opened, only regular ones, never through a link, never more than they may hold; nothing is run.
"""

import os
import stat
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from csk.errors import DataError, StorageError
from csk.models.risk.kept import MODEL, MOST_ROWS, TABLES, read, refuse_other
from csk.models.risk.kept_places import MOST_CHARACTERS, POINTER, Pointer, mark, pointer_of
from csk.models.risk.model import RiskModel

if TYPE_CHECKING:
    import pyarrow as pa

_HINT: Final = "Put it back from a backup, or fit it again: --refit."
_MOST_UNPACKED: Final = 500_000_000
_LONGEST_WORD: Final = 1_000
_NOT_THROUGH_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def kept_model(folder: Path) -> RiskModel | None:
    """Return the model that is kept in a folder; null where none is.

    DataError where it is broken or was not written by csk, ModelError where it is of another
    schema or of other features, StorageError where it cannot be read.
    """
    path = folder / POINTER
    if not os.path.lexists(path):
        return None
    pointer = pointer_of(_content(path, MOST_CHARACTERS))
    home = folder / pointer.fit
    _refuse_strangers(home, pointer)
    contents = {name: _content(home / name, of.bytes) for name, of in pointer.files.items()}
    for name, of in pointer.files.items():
        if mark(contents[name]) != of:
            raise DataError(
                f"'{home / name}' is not the file that was kept: its content differs.", hint=_HINT
            )
    refuse_other(contents[MODEL])  # before its tables: another version has others
    tables = {
        name: _table(home / name, content) for name, content in contents.items() if name != MODEL
    }
    return read({MODEL: contents[MODEL], **tables})


def _refuse_strangers(home: Path, pointer: Pointer) -> None:
    """Refuse a folder that is a link or none, and one that holds more than the pointer names."""
    try:
        kind = home.lstat().st_mode
        names = [entry.name for entry in os.scandir(home)] if stat.S_ISDIR(kind) else []
    except OSError as failure:
        raise _unreadable(home, failure) from failure
    if not stat.S_ISDIR(kind):
        raise DataError(f"'{home}' is no folder.", hint=_HINT)
    strange = sorted(
        name for name in names if not name.startswith(".") and name not in pointer.files
    )
    if strange:
        raise DataError(
            f"'{home / strange[0]}' is no part of a model.",
            hint="A model is JSON and Parquet that csk wrote; move everything else away.",
        )


def _content(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file that has at most so many."""
    try:
        handle = os.open(path, os.O_RDONLY | _NOT_THROUGH_LINKS)
    except OSError as failure:
        if path.is_symlink():
            raise DataError(f"'{path}' is a link.", hint=_HINT) from failure
        raise _unreadable(path, failure) from failure
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"'{path}' is no regular file.", hint=_HINT)
        if found.st_size > most:
            raise DataError(f"'{path}' is larger than the file that was kept.", hint=_HINT)
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(most + 1)
    except OSError as failure:
        raise _unreadable(path, failure) from failure
    finally:
        os.close(handle)


def _unreadable(path: Path, failure: OSError) -> DataError | StorageError:
    if isinstance(failure, FileNotFoundError | NotADirectoryError):
        return DataError(f"The model lacks '{path}'.", hint=_HINT)
    return StorageError(f"'{path}' cannot be read: {failure.strerror}.")


def _table(path: Path, content: bytes) -> pl.DataFrame:
    """Return a Parquet file as a frame, once it is known to have the columns it must have."""
    import pyarrow as pa  # noqa: PLC0415 # paid only by runs with a kept model

    refusal = DataError(f"'{path}' is not the table that was kept.", hint=_HINT)
    columns = TABLES[path.name]
    words = [name for name, kind in columns.items() if kind == pl.String]
    try:
        table = _arrow(content, words)
        if table is None or table.column_names != list(columns):
            raise refusal
        # Anew from its columns: what else a file says of them may be no text at all.
        frame = pl.from_arrow(pa.Table.from_arrays(table.columns, names=list(columns)))
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table of columns is one
        return frame.rechunk().with_columns(pl.col(words).cast(pl.String))
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as failure:
        raise refusal from failure
    except pl.exceptions.PolarsError as failure:
        raise refusal from failure


def _arrow(content: bytes, words: list[str]) -> "pa.Table | None":
    """Return a Parquet file with its texts as dictionaries; null for what is too large, or nested.

    A text that is named a million times is held once: a small file cannot become a large table.
    """
    import pyarrow as pa  # noqa: PLC0415 # as above
    from pyarrow import parquet as pq  # noqa: PLC0415 # as above

    found = pq.ParquetFile(BytesIO(content), read_dictionary=words)
    facts = found.metadata
    unpacked = sum(facts.row_group(at).total_byte_size for at in range(facts.num_row_groups))
    kinds = {field.name: field.type for field in found.schema_arrow}
    are_words = (
        pa.types.is_dictionary(kind) and kind.value_type in {pa.string(), pa.large_string()}
        for name, kind in kinds.items()
        if name in words
    )
    is_flat = not any(pa.types.is_nested(kind) for kind in kinds.values())
    if facts.num_rows > MOST_ROWS or unpacked > _MOST_UNPACKED or not is_flat:
        return None
    if not all(are_words):
        return None
    table = found.read(use_threads=False)
    table.validate(full=True)
    chunks = (chunk for name in words for chunk in table.column(name).chunks)
    lengths = (len(word) for chunk in chunks for word in chunk.dictionary.to_pylist() if word)
    return table if max(lengths, default=0) <= _LONGEST_WORD else None
