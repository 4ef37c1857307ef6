"""Rows out of a database: one query, read once as a stream into an Arrow file.

One rule: a database is only read, and no password is ever shown. A query opens nothing but the
database it is asked of: no file, no address, no extension.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import polars as pl
import pyarrow as pa

from csk.errors import CskError, DataError, StorageError, TryAgainError, UsageError
from csk.intake.origins.finding import expanded

QUERY: Final = re.compile(r"(?is)sql(?:@(?P<connection>[\w-]+))?:(?P<text>.*)")
DEFAULT_CONNECTION: Final = "default"

_ROWS: Final = 1 << 16
_CONNECT_SECONDS: Final = 15
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_SAID: Final = re.compile(r"(?:ERROR|FATAL):\s+([^\n]+)")
_OF_THE_SETTINGS: Final = re.compile(
    r"authentication failed|does not exist|no password|^invalid|^unexpected|pg_hba"
    r"|permission denied"
)
_UUID_PARTS: Final = "^(.{8})(.{4})(.{4})(.{4})(.{12})$"
_DAYS: Final = (-719_162, 2_932_896)
"""The days of the calendar, 0001-01-01 to 9999-12-31: PostgreSQL's infinity lies beyond them."""
_PER_DAY: Final = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def connection(place: str, connections: Mapping[str, str]) -> tuple[str, str]:
    """Return the query of `sql:...` or `sql@name:...` and the address of its database.

    UsageError where the settings have no such connection, or its address asks for a variable of
    the environment that is not set.
    """
    found = QUERY.fullmatch(place)
    query = found["text"].strip("; \t\r\n") if found else ""
    if found is None or not query:
        raise UsageError("A query is written like payments=sql:SELECT ... .")
    name = found["connection"] or DEFAULT_CONNECTION
    if name not in connections:
        known = f" It has: {', '.join(sorted(connections))}." if connections else ""
        raise UsageError(
            f"csk.toml has no connection {name!r} to ask.{known}",
            hint=f'Write there: [connections] {name} = "postgres://user:${{PASSWORD}}@host/base"'
            " (or duckdb://FILE, sqlite://FILE).",
        )
    return query, _expanded(connections[name], name)


def spooled(query: str, address: str, into: Path, name: str) -> None:
    """Run a query and write its rows to a new Arrow file; `name` is what refusals call them.

    UsageError where the query or the connection is wrong, TryAgainError where the database is
    out of reach or busy, StorageError where the rows cannot be kept.
    """
    scheme = address.partition("://")[0].lower()
    read = _READERS.get(scheme)
    if read is None:
        raise UsageError(
            f"No database is read at {scheme}://.",
            hint="A connection begins with postgres://, duckdb:// or sqlite://.",
        )
    with closing(read(query, address, name)) as batches:
        first = next(batches)
        try:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            with pa.ipc.new_file(str(into), first.schema, options=options) as file:
                file.write_batch(first)
                for batch in batches:
                    file.write_batch(batch)
        except OSError as error:
            raise StorageError(
                f"The rows of {name} cannot be kept in {into.parent}: {error}.",
                hint="Set TMPDIR to a folder on a disk with more room.",
            ) from error


def _expanded(address: str, name: str) -> str:
    """Put variables of the environment into an address; those of a password are quoted."""
    missing = [v for v in _VARIABLE.findall(address) if v not in os.environ]
    if missing:
        raise UsageError(
            f"The connection {name!r} needs the variable {', '.join(missing)}, which is not set."
        )
    secret, mark, rest = address.rpartition("@")
    quoted = _VARIABLE.sub(lambda v: quote(os.environ[v[1]], safe=""), secret)
    return quoted + mark + _VARIABLE.sub(lambda v: os.environ[v[1]], rest)


def _missing(library: str, extra: str) -> UsageError:
    return UsageError(
        f"Reading this database needs the library {library}, which is not installed.",
        hint=f"Install it with: pip install 'customer-success-kit[{extra}]'",
    )


def _refused(name: str, why: str) -> UsageError:
    return UsageError(f"The database refuses {name}: {why.strip().rstrip('.')}.")


def _local(address: str) -> Path:
    """Return the file that an address names; UsageError where there is none."""
    path = expanded(address.partition("://")[2].partition("?")[0])
    if not path.is_file():
        raise UsageError(
            f"There is no database {path}.",
            hint="Write duckdb://FILE or sqlite://FILE; a path from the root takes three slashes.",
        )
    return path


# --- PostgreSQL ----------------------------------------------------------------------------------


def _postgres(query: str, address: str, name: str) -> Iterator[pa.RecordBatch]:
    try:
        import adbc_driver_manager as adbc  # noqa: PLC0415 # an extra, absent from the plain install
        from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped] # noqa: PLC0415 # likewise; it has no types
    except ImportError:
        raise _missing("adbc-driver-postgresql", "postgres") from None
    patience = "connect_timeout="
    if patience not in address:
        address += f"{'&' if '?' in address else '?'}{patience}{_CONNECT_SECONDS}"
    try:
        urlsplit(address)
        base = dbapi.connect(address, autocommit=True)
    except ValueError:
        raise UsageError(
            f"The address of the database for {name} cannot be understood.",
            hint="Marks such as @ : / [ in a password are written as %40 %3A %2F %5B.",
        ) from None
    except adbc.Error as error:
        raise _unconnected(error, address) from None
    with closing(base), closing(base.cursor()) as cursor:
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            cursor.execute(query)
            rows = cursor.fetch_record_batch()
            _refuse_no_columns(rows.schema, name)
            empty = [pa.nulls(0, kind) for kind in rows.schema.types]
            yield _plain(pa.RecordBatch.from_arrays(empty, schema=rows.schema), name)
            for batch in rows:
                yield _plain(batch, name)
        except (adbc.Error, pa.ArrowException, OSError) as error:
            why = _masked(_said(error), address)
            if "ERROR:" in str(error):
                raise _refused(name, why) from None
            raise TryAgainError(f"The database broke off {name}: {why}.") from None


def _unconnected(error: Exception, address: str) -> CskError:
    parts = urlsplit(address)
    why = _masked(_said(error), address)
    place = f"{parts.hostname or 'localhost'}{parts.path}"
    if _OF_THE_SETTINGS.search(why):
        return UsageError(f"The database {place} lets nobody in like this: {why}.")
    return TryAgainError(f"The database {place} is out of reach: {why}.")


def _said(error: Exception) -> str:
    """Return what a database says in its own words, on one line, without the query."""
    told = _SAID.search(str(error))
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return (told[1] if told else lines[0].partition("connect: ")[2] or lines[0]).rstrip(". ")


def _masked(text: str, address: str) -> str:
    """Take every form of a password out of a text."""
    parts = urlsplit(address)
    secrets = {address, parts.netloc, parts.query}
    secret = parts.netloc.rpartition("@")[0].partition(":")[2]
    secrets |= {secret, unquote(secret)}
    for one in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(one, "***")
    return text


# --- DuckDB and SQLite ---------------------------------------------------------------------------


def _duckdb(query: str, address: str, name: str) -> Iterator[pa.RecordBatch]:
    try:
        import duckdb  # noqa: PLC0415 # an extra, absent from the plain install
    except ImportError:
        raise _missing("duckdb", "duckdb") from None
    path = _local(address)
    config: dict[str, Any] = {"enable_external_access": "false", "lock_configuration": "true"}
    try:
        with duckdb.connect(str(path), read_only=True, config=config) as base:
            relation = base.sql(query)
            if relation is None:
                raise _refused(name, "it gives no columns")
            # Called fetch_arrow_reader before DuckDB 1.5, which is a name that later ones drop.
            reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
            rows = reader(_ROWS)
            _refuse_no_columns(rows.schema, name)
            empty = [pa.nulls(0, kind) for kind in rows.schema.types]
            yield _plain(pa.RecordBatch.from_arrays(empty, schema=rows.schema), name)
            for batch in rows:
                yield _plain(batch, name)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise TryAgainError(f"Another program is writing to the database {path}.") from None
        raise DataError(f"{path} is not read as a database: {_said(error)}.") from None
    except (duckdb.Error, pa.ArrowException) as error:
        raise _refused(name, _said(error)) from None


def _sqlite(query: str, address: str, name: str) -> Iterator[pa.RecordBatch]:
    """Read SQLite, where a value has a type and a column has none: as text, like a CSV."""
    import sqlite3  # noqa: PLC0415 # only a query pays for it

    path = _local(address)
    allowed = {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
        ) as base:
            base.set_authorizer(
                lambda action, *_: sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY
            )
            # So that Ctrl-C is heard while a long query runs.
            base.set_progress_handler(lambda: 0, 100_000)
            cursor = base.execute(query)
            names = [column[0] for column in cursor.description or ()]
            schema = pa.schema([(column, pa.string()) for column in names])
            _refuse_no_columns(schema, name)
            yield pa.RecordBatch.from_pylist([], schema)
            while rows := cursor.fetchmany(_ROWS):
                columns = [[_text(value) for value in column] for column in zip(*rows, strict=True)]
                yield pa.RecordBatch.from_arrays(
                    [pa.array(column, pa.string()) for column in columns], schema=schema
                )
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise TryAgainError(f"Another program is writing to the database {path}.") from None
        raise _refused(name, str(error)) from None
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _refused(name, str(error)) from None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# --- columns -------------------------------------------------------------------------------------


def _refuse_no_columns(schema: pa.Schema, name: str) -> None:
    if not schema.names:
        raise _refused(name, "it gives no columns")


def _plain(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """Return a batch in the types of files: no extensions, no intervals, no infinite days."""
    columns = {}
    for field, column in zip(batch.schema, batch.columns, strict=True):
        about = field.metadata or {}
        known = about.get(b"POSTGRESQL:type", about.get(b"ADBC:postgresql:typname", b""))
        known = known.strip(b"'")
        if known == b"money":
            raise UsageError(
                f"{name}: the column {field.name!r} is of the type money, whose unit is not told.",
                hint=f"Ask for {field.name}::numeric.",
            )
        values = column.storage if isinstance(column, pa.ExtensionArray) else column
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if known == b"uuid" and not pa.types.is_string(values.type):
            values = _uuids(values)
        elif pa.types.is_interval(values.type):
            values = pa.array(
                [None if v is None else str(v) for v in values.to_pylist()], pa.string()
            )
        elif pa.types.is_date32(values.type) or pa.types.is_timestamp(values.type):
            values = _finite(values)
        columns[field.name] = values
    if len(columns) < len(batch.schema):
        raise UsageError(f"{name} gives two columns of the same name.", hint="Name one with AS.")
    return pa.RecordBatch.from_pydict(columns)


def _uuids(values: pa.Array) -> pa.Array:
    text = pl.Series(values.cast(pa.binary())).bin.encode("hex")
    return text.str.replace(_UUID_PARTS, "$1-$2-$3-$4-$5").to_arrow(
        compat_level=pl.CompatLevel.oldest()
    )


def _finite(values: pa.Array) -> pa.Array:
    """Null the days that no calendar has: an end at infinity is no end."""
    import pyarrow.compute as pc  # noqa: PLC0415 # costs a start-up that files need not

    is_day = pa.types.is_date32(values.type)
    whole = values.view(pa.int32() if is_day else pa.int64())
    unit = 1 if is_day else _PER_DAY[values.type.unit]
    largest = 2 ** (whole.type.bit_width - 1) - 1
    first, last = (max(-largest, min(largest, day * unit)) for day in _DAYS)
    ends = (
        pc.less(whole, pa.scalar(first, whole.type)),
        pc.greater(whole, pa.scalar(last, whole.type)),
    )
    return pc.if_else(pc.or_(*ends), pa.scalar(None, values.type), values)


_READERS: Final[Mapping[str, Any]] = {
    "postgres": _postgres,
    "postgresql": _postgres,
    "duckdb": _duckdb,
    "sqlite": _sqlite,
}
