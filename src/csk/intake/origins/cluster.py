"""Wide tables on a cluster: their days come here as rows of the same table, nothing else does.

One rule: what a table is to the cluster, its days are to csk: a file with the same columns, in an
Arrow file of the run, in one order, so that the same table gives the same bytes.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

from csk.engine.spark import Cluster, connected
from csk.engine.spark_columns import canonical, of_file, types_in
from csk.errors import DataError, StorageError, UsageError
from csk.facts.daily import change_days, payment_days, ticket_days, usage_in_days
from csk.intake.origins.cluster_parts import broken_part, refuse_unlike, types_of_parts
from csk.intake.origins.finding import Found, address_shown
from csk.intake.recognition.recognise import Recognition, recognise_as, refusal
from csk.schema import INPUTS
from csk.settings import Settings, Wide

PLACE: Final = "cluster:"
_SAMPLE: Final = 1_000
_ROWS: Final = 1 << 16
_FACTS: Final[dict[str, Callable[[Any, Sequence[str]], Any]]] = {
    "mrr_events": change_days,
    "payments": payment_days,
    "tickets": ticket_days,
    "usage": usage_in_days,
}
_ONLY_IF_ASKED: Final = ("product_id", "subscription_id")
"""Columns of payments that would keep rows apart; a contract is asked for by deliveries."""
_ALONE: Final = {"payments": ("payment_id", "quantity"), "tickets": ("ticket_id",)}
"""Columns that only single rows have, by table."""


def wide_tables(settings: Settings) -> tuple[Found, ...]:
    """Return the tables of the settings that lie on a cluster, as inputs.

    UsageError where they name tables and nothing says where the cluster is.
    """
    if settings.cluster and settings.engine is None:
        named = ", ".join(sorted(settings.cluster))
        raise UsageError(
            f"csk.toml says that {named} lie on a cluster, and nothing says on which.",
            hint="Give --engine sc://HOST:15002 (or engine in csk.toml, or CSK_ENGINE); another"
            " settings file is named with --config.",
        )
    return tuple(
        Found(Path(_shown(wide)), _shown(wide), role, was_named=True, place=PLACE + role)
        for role, wide in sorted(settings.cluster.items())
    )


def brought(
    files: Sequence[Found], settings: Settings, target: Callable[[str], Path]
) -> Iterator[Found]:
    """Give the days of wide tables as files; `target` makes a path for each.

    UsageError, DataError, StorageError or TryAgainError where they cannot be had.
    """
    address = settings.engine.get_secret_value() if settings.engine else ""
    with connected(address) as cluster:
        # All tables are understood, or refused, before the first is read.
        understood = [(file, _understood(cluster, file, settings)) for file in files]
        for file, one in understood:
            path = target(".arrow")
            with _naming_parts(cluster, file, one):
                _keep(cluster.rows(one.facts(one.frame), file.name), path, file.name)
            yield replace(file, path=path, is_canonical=True)


@dataclass(frozen=True, slots=True)
class _Understood:
    """A table of a cluster that can be read."""

    frame: Any
    facts: Callable[[Any], Any]
    """Its days as a file has them, of any frame with its columns."""
    parts: Sequence[str] = ()
    """Its files, where it is a folder of Parquet."""


def _understood(cluster: Cluster, file: Found, settings: Settings) -> _Understood:
    """Return what a table is read by; DataError names the part that is unlike the others."""
    role = str(file.role)
    wide = settings.cluster[role]
    given = {**settings.columns.get(role, {}), **wide.columns}
    parts = cluster.parts(wide.table, wide.form)
    types = types_of_parts(cluster, parts, file.name) if len(parts) > 1 else {}
    frame = cluster.table(wide.table, wide.form, file.name)
    with cluster.told_apart(file.name):
        sample = pl.from_arrow(frame.limit(_SAMPLE).toArrow())
    if not isinstance(sample, pl.DataFrame) or sample.is_empty():
        raise DataError(f"{file.name} has no rows.")
    found = recognise_as(role, frame.columns, sample, mapping=given)
    _refuse(found, file.name)
    mapping = _read_by(found, given)
    rules = list(dict.fromkeys(rule.column for rule in settings.exclude.values()))

    def of_part(columns: Sequence[str]) -> dict[str, str]:
        here = {name: column for name, column in given.items() if column in columns}
        its = _read_by(recognise_as(role, columns, pl.DataFrame(), mapping=here), given)
        return its | {f"rule on {name}": name for name in rules if name in columns}

    refuse_unlike(types, types_in(frame), mapping, file.name, of_part, INPUTS[role])
    also = [name for name in rules if name in frame.columns and mapping.get(name) != name]

    def facts(some: Any) -> Any:  # noqa: ANN401 # Spark has no types
        with cluster.told_apart(file.name):
            rows = canonical(some, INPUTS[role], mapping, also, file.name, settings.tz)
            return of_file(_FACTS[role](rows, also), INPUTS[role])

    facts(frame)  # what cannot be is told before a row of any table is read
    return _Understood(frame, facts, parts)


def _read_by(found: Recognition, given: Collection[str]) -> dict[str, str]:
    """Return the columns that days are made of; what would keep rows apart, only where asked."""
    mapping, role = dict(found.mapping), str(found.role)
    if role == "payments":
        asked = {*given, *(("subscription_id",) if "n_delivery" in mapping else ())}
        for name in _ONLY_IF_ASKED:
            if name not in asked:
                mapping.pop(name, None)
    return {c: s for c, s in mapping.items() if c not in _ALONE.get(role, ())}


@contextmanager
def _naming_parts(cluster: Cluster, file: Found, one: _Understood) -> Iterator[None]:
    """Name the file that is to blame where one of many is."""

    def read(some: Sequence[str]) -> None:
        with cluster.told_apart(file.name):
            frame = cluster.session.read.parquet(*some)
        for _ in cluster.rows(one.facts(frame), file.name):
            pass

    try:
        yield
    except DataError:
        found = broken_part(one.parts, file.name, read) if len(one.parts) > 1 else None
        if found is None:
            raise
        raise found from None


def _refuse(found: Recognition, name: str) -> None:
    """Refuse a table whose columns are not enough, or whose rows cannot be added up by day."""
    lacking = refusal({name: found})
    if lacking is not None:
        raise lacking
    if "amount" not in found.mapping and found.role == "payments":
        raise DataError(
            f"{name} has prices and no amounts, and rows of a cluster are not multiplied here.",
            hint="Name a view with a column amount: price times quantity.",
        )
    if found.known is not None:
        raise DataError(
            f"{name} looks like {found.known.export.title}, whose rules need its single rows.",
            hint=f"Bring it as files, or name a view with columns {_needed(found)}.",
        )
    if found.once_per:
        raise DataError(
            f"{name} has the total of an order on each of its lines ({found.once_per}), which"
            " would be added up.",
            hint="Name a view with one row for each order.",
        )


def _needed(found: Recognition) -> str:
    """Return the columns that no table of its kind can do without, in words."""
    table = INPUTS[str(found.role)]
    one = (names[0] for names in table.one_of)
    return ", ".join((*(column.name for column in table.columns if column.required), *one))


def _shown(wide: Wide) -> str:
    return address_shown(wide.table) if "://" in wide.table else wide.table


def _keep(tables: Iterable[pa.Table], into: Path, name: str) -> None:
    """Write rows as they come, in batches of one size whatever the size of those that come."""
    parts = iter(tables)
    first = next(parts, None)
    if first is None:
        raise DataError(f"{name} has no rows.")
    try:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(str(into), first.schema, options=options) as file:
            for batch in _even(chain((first,), parts)):
                file.write_table(batch, max_chunksize=_ROWS)
    except OSError as error:
        raise StorageError(
            f"The rows of {name} cannot be kept in {into.parent}: {error}.",
            hint="Set TMPDIR to a folder on a disk with more room.",
        ) from error


def _even(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    n_rows = 0
    for table in tables:
        held.append(table)
        n_rows += table.num_rows
        if n_rows >= _ROWS:
            whole = pa.concat_tables(held).combine_chunks()
            full = n_rows - n_rows % _ROWS
            yield whole.slice(0, full)
            held, n_rows = [whole.slice(full)], n_rows - full
    yield pa.concat_tables(held).combine_chunks()
