"""A folder of tables: `TABLE/as_of=YYYY-MM-DD/part-00000.parquet` under one manifest.

One rule: a run writes into `.run-HASH/`, and that folder's own `_manifest.json` is the point of
no return. A killed run without one is deleted by the next run, one with it is finished.
"""

import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, TypeAlias

from csk.errors import TryAgainError, UsageError
from csk.schema import SCHEMA_VERSION, Table
from csk.sinks.parquet import SINK
from csk.sinks.protocol import Rows, SinkOptions
from csk.sinks.staging import manifest
from csk.sinks.staging.disk import is_locked_here, settle, worded

IfExists: TypeAlias = Literal["replace", "skip", "fail"]
_RUNS: Final = ".run-*"
_UNFINISHED: Final = "Its manifest is the old one; the next run into this folder finishes it."


@dataclass(frozen=True, slots=True)
class Run:
    """Which run writes: the day it stands at and the hash of all it read and was told."""

    as_of: date
    inputs_sha256: str

    @property
    def name(self) -> str:
        """The same for the same inputs, day and contract."""
        words = f"{self.inputs_sha256} {self.as_of.isoformat()} {SCHEMA_VERSION}"
        return sha256(words.encode()).hexdigest()[:12]


class RunFolder:
    """The tables of one run on their way into a folder; it is locked until they are there."""

    def __init__(self, folder: Path, run: Run, if_exists: IfExists = "replace") -> None:
        self.folder, self.run = folder, run
        self._handle = -1
        self._is_moving = False
        self._entries: list[manifest.Entry] = []
        with worded(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock()
        try:
            self._recover()
            self._old = manifest.entries(folder)
            self.is_wanted = self._answer(if_exists)
            self._home = folder / f".run-{run.name}"
            if self.is_wanted:
                with worded(folder):
                    self._home.mkdir()
        except BaseException:
            self.release()
            raise

    def add(self, frames: Rows, table: Table, options: SinkOptions) -> int | None:
        """Stage one table as Parquet and return its number of rows.

        None where the run is not wanted, since its day is there and `skip` was asked for.
        """
        if not self.is_wanted:
            return None
        day = self.run.as_of.isoformat()
        place = f"{table.name}/as_of={day}/part-00000{SINK.suffix}"
        if any(entry.path == place for entry in self._entries):
            raise ValueError(f"the table {table.name} was added twice")
        path = self._home / place
        with worded(self.folder / place):
            path.parent.mkdir(parents=True)
            rows = SINK.write(frames, path, table, replace(options, as_of=self.run.as_of))
            size, mark = path.stat().st_size, manifest.digest(path)
        self._entries.append(
            manifest.Entry(place, table.name, day, rows, size, mark, self.run.inputs_sha256)
        )
        return rows

    def prepare(self) -> None:
        """Bring all files to the disk and pass the point of no return."""
        if not self.is_wanted:
            return
        with worded(self.folder):
            for entry in self._entries:
                path = self._home / entry.path
                settle(path)
                settle(path.parent)
                (self.folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
            draft = self._home / f"{manifest.NAME}.draft"
            draft.write_text(manifest.document(self._old, tuple(self._entries)), "utf-8")
            settle(draft)
            draft.replace(self._home / manifest.NAME)
            settle(self._home)

    def finish(self) -> None:
        """Move all files into place, the manifest last, and unlock the folder."""
        if self.is_wanted:
            self._is_moving = True
            _move(self._home, self.folder)
        self.release()

    def discard(self) -> None:
        """Delete what was staged, unless it is on its way already, and unlock the folder."""
        if self.is_wanted and not self._is_moving:
            shutil.rmtree(self._home, ignore_errors=True)
            for entry in self._entries:
                with suppress(OSError):
                    (self.folder / entry.path).parent.rmdir()
                    (self.folder / entry.path).parent.parent.rmdir()
        self.release()

    def release(self) -> None:
        """Unlock the folder."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        with worded(self.folder):
            self._handle = os.open(self.folder, os.O_RDONLY)
        if not is_locked_here(self._handle):
            self.release()
            raise TryAgainError(
                f"Another run is writing to the folder '{self.folder}'.",
                hint="Wait for it to end, or write to another folder.",
            )

    def _recover(self) -> None:
        """Finish or delete what earlier runs left; none of them lives, since we hold the lock."""
        for home in sorted(self.folder.glob(_RUNS)):
            if (home / manifest.NAME).exists():
                _move(home, self.folder)
            else:
                shutil.rmtree(home, ignore_errors=True)

    def _answer(self, if_exists: IfExists) -> bool:
        day = self.run.as_of.isoformat()
        if if_exists == "replace" or not any(entry.as_of == day for entry in self._old):
            return True
        if if_exists == "fail":
            raise UsageError(
                f"The folder '{self.folder}' holds tables as of {day} already.",
                hint="--if-exists replace writes them anew, skip leaves them as they are.",
            )
        return False


def _move(home: Path, folder: Path) -> None:
    """Rename the files of `home` to the same places in `folder`, the manifest after all others."""
    with worded(folder, _UNFINISHED):
        parts = sorted(path for path in home.rglob("part-*") if path.is_file())
        for path in parts:
            target = folder / path.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        for parent in {folder / path.relative_to(home).parent for path in parts}:
            settle(parent)
        (home / manifest.NAME).replace(folder / manifest.NAME)
        settle(folder)
    shutil.rmtree(home, ignore_errors=True)
