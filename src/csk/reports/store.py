"""The report of `csk store`: what a kept store holds, how large it is, or what was freed."""

from collections.abc import Sequence
from pathlib import PurePath

from csk.book import KeptPart
from csk.reports.blocks import Block, Grid, GridColumn, Note, Report
from csk.reports.figures import count
from csk.text import Words

_KB = 1000
_UNITS = ("kB", "MB", "GB", "TB")


def report(folder: str, parts: Sequence[KeptPart], say: Words) -> Report:
    """Put what a store holds into words."""
    line = say("store.line", size=_size(_bytes(parts)), n=count(len(parts)))
    blocks: list[Block] = [_grid(parts, say)] if parts else [Note(say("store.nothing"))]
    return Report(say("store.title", folder=folder), line, tuple(blocks), _plain(folder, parts))


def freed(folder: str, parts: Sequence[KeptPart], say: Words) -> Report:
    """Put what was removed from a store into words."""
    line = say(
        "store.freed",
        size=_size(_bytes(parts)),
        books=count(sum(part.kind == "book" for part in parts)),
        files=count(sum(part.kind == "file" for part in parts)),
    )
    return Report(say("store.title", folder=folder), line, (), _plain(folder, parts))


def _grid(parts: Sequence[KeptPart], say: Words) -> Grid:
    rows = tuple(
        (
            say(f"store.{part.kind}"),
            _files(part, say),
            count(part.rows),
            _size(part.n_bytes),
            f"{part.made_at:%Y-%m-%d %H:%M}",
            say("store.latest" if part.is_current else "store.older"),
        )
        for part in parts
    )
    columns = (
        GridColumn(say("store.part")),
        GridColumn(say("store.files")),
        GridColumn(say("store.rows"), "right"),
        GridColumn(say("store.size"), "right"),
        GridColumn(say("store.made"), priority=2),
        GridColumn(say("store.current"), priority=1),
    )
    return Grid("", columns, rows, caption=say("store.caption"))


def _files(part: KeptPart, say: Words) -> str:
    if not part.files:
        return say("store.damaged")
    first, *more = (PurePath(file).name for file in part.files)
    return say("store.more", file=first, n=count(len(more))) if more else first


def _bytes(parts: Sequence[KeptPart]) -> int:
    return sum(part.n_bytes for part in parts)


def _size(n_bytes: int) -> str:
    size, unit = n_bytes / _KB, _UNITS[0]
    for larger in _UNITS[1:]:
        if size < _KB:
            break
        size, unit = size / _KB, larger
    return f"{size:,.1f} {unit}"


def _plain(folder: str, parts: Sequence[KeptPart]) -> dict[str, object]:
    return {
        "folder": folder,
        "bytes": _bytes(parts),
        "parts": [
            {
                "kind": part.kind,
                "name": part.name,
                "files": list(part.files),
                "rows": part.rows,
                "bytes": part.n_bytes,
                "made_at": part.made_at.isoformat(timespec="seconds"),
                "current": part.is_current,
            }
            for part in parts
        ],
    }
