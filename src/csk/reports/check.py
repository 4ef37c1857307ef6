"""The report of `csk check`: how each file was understood, and what looks wrong."""

import polars as pl

from csk.analyses.check import Finding
from csk.book import Book, FileRead
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Report
from csk.reports.figures import count
from csk.reports.reconciliation import reconciled, reconciliation
from csk.text import Words

REJECTS_SHOWN = 10


def report(book: Book, found: tuple[Finding, ...], rejects: pl.DataFrame, say: Words) -> Report:
    """Put what was understood of the files into words."""
    blocks: list[Block] = [
        *reconciliation(book, say),
        *(block for file in book.files for block in _file(file, say)),
        *_rejects(rejects, say),
        Heading(say("check.findings")),
        *_findings(found, say),
    ]
    line = say("cross.line", n="") if book.window is None else _line(book, say)
    return Report(say("check.title"), line, tuple(blocks), _plain(book, found))


def _line(book: Book, say: Words) -> str:
    span = book.span
    return say(
        "check.window",
        day=span.as_of.isoformat(),
        first=span.data_from.isoformat(),
        last=span.data_through.isoformat(),
    )


def _file(file: FileRead, say: Words) -> list[Block]:
    if not file.role:
        return [Heading(file.file), Note(file.note)]
    form = ", ".join(part for part in (file.encoding, _delimiter(file.delimiter)) if part)
    columns = ", ".join(
        name if name == canonical else f"{name} → {canonical}" for canonical, name in file.mapping
    )
    lines = [
        (say("check.role"), file.role),
        (say("check.form"), form),
        (say("check.columns"), columns),
        (say("check.readings"), "; ".join(file.readings)),
        (say("check.ignored"), ", ".join(file.unused)),
        (say("check.dropped"), ", ".join(file.dropped)),
    ]
    return [
        Heading(file.file),
        *(Note(f"{label}: {text}", "plain") for label, text in lines if text),
    ]


def _delimiter(character: str) -> str:
    names = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe", " ": "blanks"}
    return names.get(character, character)


def _rejects(rejects: pl.DataFrame, say: Words) -> list[Block]:
    if rejects.is_empty():
        return []
    rows = tuple(
        (
            f"{row['file']}:{row['line'] if row['line'] is not None else row['record']}",
            row["column"] or "",
            repr(row["value"][:40]),
            row["reason"],
        )
        for row in rejects.head(REJECTS_SHOWN).iter_rows(named=True)
    )
    columns = (
        GridColumn(say("check.where")),
        GridColumn(say("check.columns")),
        GridColumn(say("check.value")),
        GridColumn(say("check.reason")),
    )
    title = f"{say('check.rejects')}: {count(rejects.height)}"
    return [Grid(title, columns, rows)]


def _findings(found: tuple[Finding, ...], say: Words) -> list[Block]:
    if not found:
        return [Note(say("check.clean"), "good")]
    rows = tuple(
        (say(f"finding.{f.key}", table=f.table), count(f.n), ", ".join(f.examples)) for f in found
    )
    columns = (
        GridColumn(say("check.finding")),
        GridColumn(say("check.count"), "right"),
        GridColumn(say("check.examples"), priority=1),
    )
    tones = tuple("bad" if f.is_grave else "plain" for f in found)
    return [Grid("", columns, rows, tones=tones)]  # type: ignore[arg-type] # both are tones


def _plain(book: Book, found: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "as_of": book.window.as_of.isoformat() if book.window else None,
        "reconciliation": reconciled(book),
        "mappings": {f.file: dict(f.mapping) for f in book.files if f.role},
        "findings": [
            {
                "key": f.key,
                "table": f.table,
                "rows": f.n,
                "examples": list(f.examples),
                "grave": f.is_grave,
            }
            for f in found
        ],
    }
