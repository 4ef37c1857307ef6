"""Inputs that lie elsewhere, brought into the folder of a run; then they are files like others.

One rule: what comes over a wire is kept once, front to back, and every later read is of the copy.
"""

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from csk.errors import StorageError
from csk.intake import places
from csk.intake.origins.cluster import PLACE, brought
from csk.intake.origins.database import QUERY, connection, spooled
from csk.intake.origins.finding import Found, merged
from csk.intake.origins.remote import remote_files
from csk.settings import Settings


@contextmanager
def nearby(files: Sequence[Found], settings: Settings) -> Iterator[tuple[Found, ...]]:
    """Give the files with those that lie elsewhere as copies, which are removed at the end.

    UsageError, StorageError or TryAgainError where one cannot be had.
    """
    if not any(file.place for file in files):
        yield tuple(files)
        return
    connections = {name: url.get_secret_value() for name, url in settings.connections.items()}
    with places.temporary_store() as folder:
        near: dict[object, Found] = {}
        wide = [file for file in files if file.place.startswith(PLACE)]
        if wide:
            days = brought(wide, settings, partial(_target, folder))
            near |= {one.place: one for one in days}
        for file in (file for file in files if file not in wide):
            for key, one in _brought(file, connections, folder):
                near[key] = merged(near[key], one) if key in near else one
        yield tuple(near.values())


def _brought(
    file: Found, connections: Mapping[str, str], folder: Path
) -> Iterator[tuple[object, Found]]:
    """Give what one input is, with the key under which it would be the same as another."""
    if not file.place:
        yield file, file
    elif QUERY.fullmatch(file.place):
        target = _target(folder, ".arrow")
        spooled(*connection(file.place, connections), target, file.name)
        yield file.place, replace(file, path=target)
    else:
        for remote in remote_files(file.place):
            target = _target(folder, "".join(PurePosixPath(remote.name).suffixes[-2:]))
            places.check_space(folder, remote.size)
            _keep(remote.pieces, target, remote.name)
            named = remote.address == file.place
            yield remote.address, replace(file, path=target, name=remote.name, was_named=named)


def _target(folder: Path, suffixes: str) -> Path:
    number = sum(1 for _ in folder.iterdir()) + 1
    return folder / f"{number:06d}{suffixes}"


def _keep(pieces: Iterable[bytes], target: Path, name: str) -> None:
    with target.open("xb") as file:
        for piece in pieces:
            try:
                file.write(piece)
            except OSError as error:
                full = error.errno in {errno.ENOSPC, errno.EDQUOT}
                why = "the disk is full" if full else error.strerror
                raise StorageError(
                    f"{name} cannot be kept in {target.parent}: {why}.",
                    hint="Set TMPDIR to a folder on a disk with more room.",
                ) from error
