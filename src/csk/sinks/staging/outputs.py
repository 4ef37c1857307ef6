"""All outputs of one run: any number of files and folders that appear together.

One rule: `with Outputs() as outputs:` writes nothing a reader can see until the block ends well;
an error, Ctrl-C or `kill -9` inside it leaves every old file as it was.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from csk.errors import UsageError
from csk.schema import Table
from csk.sinks.protocol import Rows, Sink, SinkOptions, sink_for
from csk.sinks.staging import files
from csk.sinks.staging.disk import worded
from csk.sinks.staging.folder import IfExists, Run, RunFolder


class Outputs:
    """What a run writes; see the module."""

    def __init__(self, if_exists: IfExists = "replace") -> None:
        self._if_exists: IfExists = if_exists
        self._files: list[files.StagedFile] = []
        self._folders: list[RunFolder] = []

    def add(self, target: Path, frames: Rows, table: Table, options: SinkOptions) -> int | None:
        """Stage a table for the file `target`, in the format of its suffix.

        Returns the number of rows, or None where the file exists and is to be skipped. A device
        or a named pipe is written to at once. UsageError: an unknown suffix, a folder, a file
        that exists under `fail`, the same file twice; StorageError: the disk refuses.
        """
        sink = sink_for(target)
        with worded(target):
            place = target.resolve()
            is_device = place.exists() and not place.is_file()
        if is_device:
            return _to_device(sink, place, frames, table, options)
        staged = self._staged(target)
        if staged is None:
            return None
        with worded(target):
            return sink.write(frames, staged.path, table, options)

    def add_text(self, target: Path, text: str) -> bool:
        """Stage `text` as UTF-8 for the file `target`; False where it exists and is skipped."""
        staged = self._staged(target)
        if staged is not None:
            with worded(target):
                staged.path.write_text(text, "utf-8", newline="")
        return staged is not None

    def folder(self, folder: Path, run: Run) -> RunFolder:
        """Open a folder for the tables of `run`: `outputs.folder(...).add(...)` for each.

        TryAgainError where another run is writing there; UsageError where `fail` finds that day.
        """
        opened = RunFolder(folder, run, self._if_exists)
        self._folders.append(opened)
        return opened

    def commit(self) -> None:
        """Bring everything to the disk, then rename it into place."""
        files.prepare(self._files)
        for folder in self._folders:
            folder.prepare()
        files.finish(self._files)
        while self._folders:
            self._folders[0].finish()
            self._folders.pop(0)
        self._files = []

    def discard(self) -> None:
        """Delete all that was staged."""
        files.discard(self._files)
        for folder in self._folders:
            folder.discard()
        self._files, self._folders = [], []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()

    def _staged(self, target: Path) -> files.StagedFile | None:
        with worded(target):
            place = target.resolve()
            is_there, is_folder = place.exists(), place.is_dir()
        if is_folder:
            raise UsageError(f"'{target}' is a folder.", hint="Name a file in it.")
        if any(staged.target == place for staged in self._files):
            raise UsageError(f"'{target}' is named twice as an output.")
        if is_there and self._if_exists == "skip":
            return None
        if is_there and self._if_exists == "fail":
            raise UsageError(
                f"The file '{target}' exists already.",
                hint="--if-exists replace writes it anew, skip leaves it as it is.",
            )
        staged = files.staged_file(place)
        self._files.append(staged)
        return staged


def _to_device(sink: Sink, target: Path, frames: Rows, table: Table, options: SinkOptions) -> int:
    if target.is_dir():
        raise UsageError(f"'{target}' is a folder.", hint="End its name in '/' to write tables.")
    with worded(target, "It is no file that could be kept."), target.open("wb") as stream:
        return sink.write_stream(frames, stream, table, options)
