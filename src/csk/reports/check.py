"""The report of `csk check`: how each file was understood, and what looks wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from csk.analyses.check import Finding, FirstRows, Rejects
from csk.book import Book, FileRead
from csk.reports import first_rows
from csk.reports.blocks import Block, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.figures import NOTHING, count
from csk.reports.reconciliation import reconciled, reconciliation, short_names
from csk.schema import INPUTS
from csk.text import Words

REJECTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class About:
    """What is told beside the book: its settings file ("" for none) and how the files begin."""

    config: str = ""
    examples: tuple[FirstRows, ...] = ()
    currency: str = ""
    """Currency of examples that name none."""


def report(
    book: Book, found: tuple[Finding, ...], rejects: Rejects, about: About, say: Words
) -> Report:
    """Put what was understood of the files into words."""
    blocks: list[Block] = [
        *reconciliation(book, say, names_unneeded=False),
        *_understood(book, about, say),
        *_rejects(rejects, say),
        Heading(say("check.findings")),
        *_findings(found, say),
    ]
    plain = _plain(book, found, about)
    return Report(say("check.title"), _line(book, say), tuple(blocks), plain)


def refused(book: Book, stops: Mapping[str, str], about: About, say: Words) -> Report:
    """Put what was understood of files that cannot be read as a whole into words.

    `book` has its files only; `stops` says of those that cannot be read alone why not.
    """
    blocks: list[Block] = [
        *_understood(book, about, say),
        *(Note(say("check.stops", file=f, why=why), "warn") for f, why in stops.items()),
    ]
    plain = {**_plain(book, (), about), "findings": None, "refused": dict(stops)}
    return Report(say("check.title"), say("check.refused"), tuple(blocks), plain)


def _understood(book: Book, about: About, say: Words) -> list[Block]:
    blocks = [
        *(_files(book, say) if any(f.role for f in book.files) else []),
        *_columns(book, say),
        *_left_out(book, say),
    ]
    if about.config:
        blocks.append(Note(say("check.settings", file=about.config)))
    for one in about.examples:
        blocks += first_rows.blocks(one, book.currency or about.currency, say)
    if any(isinstance(block, Grid) and "muted" in block.tones for block in blocks):
        blocks.append(Note(say("check.as_written")))
    return blocks


def _line(book: Book, say: Words) -> str:
    if book.window is None:
        return say("cross.line", n=count(sum(f.rows_kept for f in book.files)))
    span = book.span
    return say(
        "check.window",
        day=span.as_of.isoformat(),
        first=span.data_from.isoformat(),
        last=span.data_through.isoformat(),
    )


def _files(book: Book, say: Words) -> list[Block]:
    names = short_names(book)
    rows = tuple(
        (
            names[f.file],
            f.role,
            say(f"grain.{f.role}"),
            ", ".join(filter(None, (f.encoding, _delimiter(f.delimiter, say)))) or NOTHING,
            f.profile,
        )
        for f in book.files
        if f.role
    )
    of_its_own = {row[-1] for row in rows} - {"generic"}
    columns = (
        GridColumn(say("check.file")),
        GridColumn(say("check.role")),
        GridColumn(say("check.grain")),
        GridColumn(say("check.form"), priority=1),
        *([GridColumn(say("check.profile"), priority=2)] if of_its_own else []),
    )
    notes = [Note(f"{names[f.file]}: {note}") for f in book.files if f.role for note in f.notes]
    return [Grid(say("check.files"), columns, tuple(row[: len(columns)] for row in rows)), *notes]


def _delimiter(character: str, say: Words) -> str:
    names = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe", " ": "blanks"}
    return say(f"check.{names[character]}") if character in names else character


def _columns(book: Book, say: Words) -> list[Block]:
    """One row a column that has another name or form; a file is named on its first row."""
    names = short_names(book)
    rows: list[tuple[str, str, str]] = []
    tones: list[Tone] = []
    for file in book.files:
        if not file.role:
            continue
        of_file = _of_file(file, _carried(book, file.role), say)
        for number, (tone, column, meaning) in enumerate(of_file):
            rows.append((names[file.file] if number == 0 else "", column, meaning))
            tones.append(tone)
    columns = (
        GridColumn(say("check.file")),
        GridColumn(say("check.column")),
        GridColumn(say("check.reading")),
    )
    grid = Grid(say("check.columns"), columns, tuple(rows), tones=tuple(tones))
    return [grid] if rows else []


def _carried(book: Book, role: str) -> tuple[str, ...]:
    """Return the columns of a table of customers that it has beside the canonical ones."""
    if role == "cross_section" and role in book.tables:
        return tuple(c for c in book.tables[role].columns if c not in INPUTS[role].names)
    return book.attributes if role == "customers" else ()


def _of_file(
    file: FileRead, attributes: tuple[str, ...], say: Words
) -> list[tuple[Tone, str, str]]:
    forms, known = _forms(file), dict(file.mapping)
    rows: list[tuple[Tone, str, str]] = [
        ("plain", name if name == canonical else f"{name} → {canonical}", forms.get(name, ""))
        for canonical, name in file.mapping
        if name != canonical or name in forms
    ]
    if {"unit_price_amount", "quantity"} <= {*known} and not {"amount", "mrr_amount"} & {*known}:
        product = f"{known['unit_price_amount']} x {known['quantity']} → amount"
        rows.append(("plain", product, say("check.derived")))
    kept = [name for name in attributes if name not in known]
    use = say("check.trait" if file.role == "cross_section" else "check.attribute")
    rows += [("plain", name, use) for name in kept]
    rows += [("warn", name, say("check.dropped")) for name in file.dropped]
    return rows


def _forms(file: FileRead) -> dict[str, str]:
    """Return how the values of a column were understood, by the column's name in the file."""
    return {name: form for name, _, form in (of.partition(": ") for of in file.readings)}


def _left_out(book: Book, say: Words) -> list[Block]:
    names = short_names(book)
    alike = {
        f.file: [
            name for canonical, name in f.mapping if name == canonical and name not in _forms(f)
        ]
        for f in book.files
    }
    notes = [
        say("check.alike", file=names[f.file], columns=", ".join(alike[f.file]))
        for f in book.files
        if alike[f.file]
    ]
    notes += [
        say("check.unused", file=names[f.file], columns=", ".join(f.unused))
        for f in book.files
        if f.role and f.unused
    ]
    notes += [
        say("check.not_read", file=names[f.file], why=f.note) for f in book.files if not f.role
    ]
    return [Note(text) for text in notes]


def _rejects(rejects: Rejects, say: Words) -> list[Block]:
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
        GridColumn(say("check.column")),
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


def _plain(book: Book, found: tuple[Finding, ...], about: About) -> dict[str, object]:
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
        "settings_file": about.config or None,
        "first_rows": [first_rows.plain(one) for one in about.examples],
    }
