"""The report of `csk init`: what each file of a folder is, before anything is read."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import count
from csk.text import Words

GENERIC: Final = "generic"
_TOLD_APART: Final = 3
"""So many files with one reason have a line each; more share one."""


@dataclass(frozen=True, slots=True)
class File:
    """What was seen of one file, as far as it is told."""

    name: str
    role: str
    """Table that it is; "" where it is not read."""
    n_rows: int
    is_estimate: bool
    why_not: str
    stops: bool
    """Whether a run would stop at it."""
    known_as: str
    """Name of the known export that it is, or `GENERIC`."""


def report(
    folder: str, files: Sequence[File], remarks: Sequence[tuple[str, bool]], say: Words
) -> Report:
    """Put what was found into words; `remarks` are sentences, and whether each is a warning."""
    read = [one for one in files if one.role]
    blocks: list[Block] = [_read(read, say)] if read else []
    broken = [one for one in files if one.stops]
    if broken:
        blocks.append(Heading(say("init.broken")))
        blocks += [Note(say("init.stops", file=f.name, why=f.why_not), "warn") for f in broken]
    unneeded = [one for one in files if not one.role and not one.stops]
    if unneeded:
        blocks += [Heading(say("init.not_needed")), *_unneeded(unneeded, say)]
    if remarks:
        blocks.append(Heading(say("init.remarks")))
    blocks += [Note(text, "warn" if is_warning else "muted") for text, is_warning in remarks]
    line = say("init.line", n=count(len(files)), read=count(len(read)))
    return Report(say("init.title", folder=folder), line, tuple(blocks))


def _read(files: Sequence[File], say: Words) -> Grid:
    has_known = any(one.known_as != GENERIC for one in files)
    columns = (
        GridColumn(say("init.file")),
        GridColumn(say("init.role")),
        GridColumn(say("init.rows"), "right"),
        *([GridColumn(say("init.known"), priority=1)] if has_known else []),
    )
    rows = tuple((f.name, f.role, _rows(f, say), _known(f))[: len(columns)] for f in files)
    return Grid(say("init.files"), columns, rows)


def _rows(one: File, say: Words) -> str:
    return say("init.about", n=count(one.n_rows)) if one.is_estimate else count(one.n_rows)


def _known(one: File) -> str:
    return "" if one.known_as == GENERIC else one.known_as


def _unneeded(files: Sequence[File], say: Words) -> list[Block]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for one in files:
        by_reason[one.why_not].append(one.name)
    notes: list[Block] = []
    for why, names in by_reason.items():
        if len(names) > _TOLD_APART:
            listed = ", ".join(names)
            notes.append(
                Note(say("init.not_read_many", n=count(len(names)), why=why, files=listed))
            )
        else:
            notes += [Note(say("init.not_read", file=name, why=why)) for name in names]
    return notes
