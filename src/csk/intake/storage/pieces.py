"""One input file as canonical rows in a kept store, so that it is not read again.

One rule: a piece holds all that a run would learn from its file, and its facts are written last:
it is whole, or it is not there.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from csk.book import FileRead
from csk.errors import StorageError
from csk.intake.canonical.rules import NO_FAILURES
from csk.intake.storage.partition import write_rows
from csk.intake.storage.rejecting import no_rejects
from csk.intake.storage.tally import FileTally
from csk.intake.storage.upserts import Identified
from csk.schema import REJECTS, SCHEMA_VERSION

NAME: Final = "piece.json"
_REJECTS: Final = "rejects.parquet"
_HELD_BYTES: Final = 64_000_000
_PARTS: Final = ("rows", "ids", "left")
_FAILED: Final = "failed.parquet"
_NO_REJECTS: Final = no_rejects()


@dataclass(frozen=True, slots=True)
class Piece:
    """What is kept of one file: where its rows lie, and what is known of it."""

    folder: Path
    told: FileRead
    columns: tuple[str, ...]
    """Columns of the file."""
    attributes: tuple[str, ...]
    n_parts: int
    spooled_bytes: int
    """Bytes that the file took when it was unpacked."""
    beside: str
    """Hash of what other files gave to its rows."""
    only_on: str
    """Day on which alone it holds, in ISO form; empty where it holds on any."""
    has_ids: bool
    has_updates: bool
    counts: Mapping[str, Any]

    def tally(self, name: str) -> FileTally:
        """Return what was counted of the file, but for its kept rows."""
        counts = self.counts
        return FileTally(
            role=self.told.role,
            name=name,
            n_read=counts["n_read"],
            n_rejected=counts["n_rejected"],
            excluded=Counter(counts["excluded"]),
            excluded_amounts=Counter(counts["excluded_amounts"]),
            currencies=set(counts["currencies"]),
            rounded=counts["rounded"],
            has_future=bool(self.only_on),
        )

    def batches(self, *, with_ids: bool) -> Iterator[tuple[pl.DataFrame, Identified | None]]:
        """Give the rows in the order of the file, with their ids if it has any."""
        for number in range(self.n_parts):
            rows, ids, left = (_part(self.folder, kind, number) for kind in _PARTS)
            has_ids = with_ids and self.has_ids
            yield _read(rows), Identified(_read(ids), _read(left)) if has_ids else None

    def failed(self) -> pl.DataFrame:
        """Return customers and days of the payments in it that failed."""
        return _read(self.folder / _FAILED)

    def rejects(self, name: str) -> pl.DataFrame:
        """Return the rejected values of the file, which is now called `name`."""
        if not self.counts["n_rejected"]:
            return _NO_REJECTS
        return _read(self.folder / _REJECTS).with_columns(file=pl.lit(name))


class PieceWriter:
    """Writes a piece while its file is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: dict[str, list[pl.DataFrame]] = {kind: [] for kind in _PARTS}
        self._n_held = 0
        self._n_parts = 0
        self._failed: list[pl.DataFrame] = [NO_FAILURES]
        folder.mkdir(parents=True, mode=0o700)

    def add(self, rows: pl.DataFrame, ids: Identified | None, failed: pl.DataFrame) -> None:
        """Take the rows of one batch, and its payments that failed."""
        self._failed.append(failed)
        frames = {"rows": rows} | ({} if ids is None else {"ids": ids.kept, "left": ids.left})
        for kind, frame in frames.items():
            self._held[kind].append(frame)
            self._n_held += int(frame.estimated_size())
        if self._n_held >= _HELD_BYTES:
            self._write_part()

    def close(self, facts: Mapping[str, object], counted: FileTally, rejects: pl.DataFrame) -> None:
        """Write what is left, the rejects, and last of all the facts."""
        self._write_part()
        write_rows(rejects.select(REJECTS.names), self.folder / _REJECTS)
        write_rows(pl.concat(self._failed), self.folder / _FAILED, "zstd")
        counts = {
            "n_read": counted.n_read,
            "n_rejected": counted.n_rejected,
            "excluded": counted.excluded,
            "excluded_amounts": counted.excluded_amounts,
            "currencies": sorted(counted.currencies),
            "rounded": counted.rounded,
        }
        content = {
            "schema_version": SCHEMA_VERSION,
            "sizes": _sizes(self.folder),
            **facts,
            "n_parts": self._n_parts,
            "counts": counts,
        }
        (self.folder / NAME).write_text(
            json.dumps(content, ensure_ascii=False, indent=1, default=_plain) + "\n", "utf-8"
        )

    def _write_part(self) -> None:
        if not self._held["rows"]:
            return
        for kind, frames in self._held.items():
            if frames:
                write_rows(pl.concat(frames), _part(self.folder, kind, self._n_parts), "zstd")
                frames.clear()
        self._n_parts += 1
        self._n_held = 0


def piece(folder: Path, today: date) -> Piece | None:
    """Open a piece; None where there is none, it is damaged, or it does not hold on this day."""
    try:
        raw = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if raw["schema_version"] != SCHEMA_VERSION or raw["sizes"] != _sizes(folder):
            return None
        if raw["only_on"] not in ("", today.isoformat()):
            return None
        told = FileRead(**{name: _tuple(value) for name, value in raw["told"].items()})
        wanted = {field.name for field in fields(Piece)} - {"folder", "told"}
        return Piece(folder, told, **{name: _tuple(raw[name]) for name in wanted})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _part(folder: Path, kind: str, number: int) -> Path:
    return folder / f"{kind}-{number:05d}.parquet"


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.glob("*.parquet"))}


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        with suppress(OSError):
            (path.parent / NAME).unlink()
        raise StorageError(
            f"The store is damaged: {path} cannot be read.",
            hint="Run again: what it was made of will be read anew.",
        ) from error


def _tuple(value: Any) -> Any:  # noqa: ANN401 # whatever JSON holds
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def _plain(value: object) -> object:
    if isinstance(value, FileRead):
        return asdict(value)
    message = f"{type(value).__name__} has no place in a piece"
    raise TypeError(message)
