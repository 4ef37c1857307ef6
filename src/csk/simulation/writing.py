"""The folder of a sample: streams that grow block by block and appear all at the end.

One rule: nothing in the folder is touched before every file is whole; a folder that is not an
earlier sample is refused.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from csk.errors import StorageError, UsageError

MARK = b"csk.simulation"
"""Key in the metadata of truth.parquet by which an earlier sample is known."""

TRUTH = "truth"
TABLES = (
    *("customers", "subscriptions", "payments", "usage", "tickets", "surveys", "touches", "costs"),
)
FILES = (f"{TRUTH}.parquet", *(f"{table}.csv" for table in TABLES))
PARTIAL = ".partial"
TRUTH_DECIMALS = 10


def partial(name: str) -> str:
    """Return the name under which a file grows."""
    return f".{name}{PARTIAL}"


def check_folder(folder: Path) -> None:
    """Raise UsageError unless `folder` is absent, empty or holds an earlier sample."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder.", hint="Name a new or empty folder.")
    found = {entry.name for entry in folder.iterdir()} - {partial(name) for name in FILES}
    if not found:
        return
    if found <= set(FILES) and is_sample(folder / FILES[0]):
        return
    others = sorted(found - set(FILES)) or sorted(found)
    raise UsageError(
        f"{folder} holds files that are not an earlier sample; nothing was written.",
        details=others[:5],
        hint="Name a new or empty folder.",
    )


def is_sample(truth: Path) -> bool:
    """Tell whether `truth` is the truth file of a sample."""
    try:
        metadata = pq.read_schema(truth).metadata
    except (OSError, pa.ArrowInvalid):
        return False
    return MARK in (metadata or {})


class Folder:
    """Open streams of one sample; a context whose normal end puts all files in place."""

    def __init__(self, folder: Path, metadata: Mapping[bytes, bytes]) -> None:
        self.folder = folder
        self.metadata = dict(metadata)
        self.rows: dict[str, int] = {}
        self._streams: dict[str, IO[bytes]] = {}
        self._truth: pq.ParquetWriter | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        check_folder(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refusal(self.folder, error) from error
        return self

    def append(self, table: str, rows: pl.DataFrame) -> None:
        """Add rows to a table; its first rows, even none, make its file."""
        try:
            if table == TRUTH:
                self._append_truth(rows)
            else:
                self._append_csv(table, rows)
        except OSError as error:
            raise refusal(self.folder, error) from error
        self.rows[table] = self.rows.get(table, 0) + rows.height

    def _stream(self, name: str) -> IO[bytes]:
        path = self.folder / partial(name)
        self._streams[name] = self._stack.enter_context(path.open("wb"))
        return self._streams[name]

    def _append_csv(self, table: str, rows: pl.DataFrame) -> None:
        name = f"{table}.csv"
        begins = name not in self._streams
        stream = self._stream(name) if begins else self._streams[name]
        rows.write_csv(stream, include_header=begins, datetime_format="%Y-%m-%dT%H:%M:%SZ")

    def _append_truth(self, rows: pl.DataFrame) -> None:
        # A processor's last bits are no part of the truth, and the bytes must not depend on them.
        rows = rows.with_columns(pl.selectors.float().round(TRUTH_DECIMALS))
        arrow = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._truth is None:
            schema = arrow.schema.with_metadata(self.metadata)
            stream = self._stream(FILES[0])
            self._truth = self._stack.enter_context(
                pq.ParquetWriter(stream, schema, compression="zstd")
            )
        self._truth.write_table(arrow.replace_schema_metadata(self.metadata))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except OSError as failure:
            raise refusal(self.folder, failure) from failure
        finally:
            # What could not be flushed is removed below; the first failure is the one to tell.
            with suppress(OSError):
                self._stack.close()
            remove(self.folder / partial(name) for name in FILES)

    def _finish(self) -> None:
        if self._truth is not None:
            self._truth.close()
        for stream in self._streams.values():
            stream.flush()
            os.fsync(stream.fileno())
        self._stack.close()
        # The truth first: it is what makes the folder known as a sample if we are stopped here.
        for name in FILES:
            if name in self._streams:
                (self.folder / partial(name)).replace(self.folder / name)
            else:
                (self.folder / name).unlink(missing_ok=True)


def remove(paths: Iterable[Path]) -> None:
    """Remove the files that are there."""
    for path in paths:
        path.unlink(missing_ok=True)


def refusal(folder: Path, error: OSError) -> StorageError:
    """Return the refusal for a failure to write."""
    reason = error.strerror or str(error)
    return StorageError(f"The sample could not be written to {folder}: {reason}.")
