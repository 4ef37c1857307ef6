"""From rows read to rows kept: the block that lets a user hold the book against a ledger.

One rule: read = excluded + malformed + kept, file by file and in total.
"""

from collections import Counter
from pathlib import PurePath

from csk.book import Book, Excluded
from csk.reports.blocks import Block, Grid, GridColumn, Note
from csk.reports.figures import amount, count
from csk.settings import Settings
from csk.text import Words

_LISTED = 5


def first_line(book: Book, settings: Settings, basis: str, say: Words) -> str:
    """Return the line that opens every report: day, data, money and horizons."""
    span = book.span
    rate = settings.discount_rate
    discount = say("line.discounted", rate=f"{rate:.1%}") if rate else say("line.undiscounted")
    excluded = sum(e.rows for e in book.excluded)
    parts = [
        say("line.as_of", day=span.as_of.isoformat()),
        say("line.span", first=span.data_from.isoformat(), last=span.data_through.isoformat()),
        book.currency or say("line.currency_unknown"),
        say("line.tax", tax=say(f"line.held.{_held(book, settings.tax, 'tax')}")),
    ]
    shipping = _held(book, settings.shipping, "shipping")
    if shipping != "unknown":
        parts.append(say("line.shipping", shipping=say(f"line.held.{shipping}")))
    if basis:
        parts += [
            say(f"line.basis_{basis}"),
            say("line.horizon", months=str(settings.ltv_horizon), discount=discount),
            say("line.risk", days="/".join(str(d) for d in sorted(settings.risk_horizon))),
        ]
    if excluded:
        parts.append(say("line.excluded", n=count(excluded)))
    return " · ".join(parts)


def _held(book: Book, said: str, what: str) -> str:
    """Return whether amounts hold tax or postage: as the user says, else as the exports do."""
    return said if said != "unknown" else book.holds(what)


def reconciliation(book: Book, say: Words, *, names_unneeded: bool = True) -> list[Block]:
    """Return the table of files and what was left out of them, with its money."""
    read = [f for f in book.files if f.role]
    sums = [
        sum(f.rows_read for f in read),
        sum(f.rows_excluded for f in read),
        sum(f.rows_rejected for f in read),
        sum(f.rows_kept for f in read),
    ]
    names = short_names(book)
    rows = [
        (
            names[f.file],
            f.role,
            *map(count, (f.rows_read, f.rows_excluded, f.rows_rejected, f.rows_kept)),
        )
        for f in read
    ]
    if len(rows) > 1:
        rows.append((say("rows.total"), "", *map(count, sums)))
    columns = (
        GridColumn(say("rows.file")),
        GridColumn(say("rows.role"), priority=1),
        *(
            GridColumn(say(f"rows.{key}"), "right")
            for key in ("read", "excluded", "rejected", "kept")
        ),
    )
    keys = ("file", "role", "rows_read", "rows_excluded", "rows_rejected", "rows_kept")
    grid = Grid(say("rows.title"), columns, tuple(rows), keys, total=len(rows) > 1)
    unneeded = [names[f.file] for f in book.files if not f.role] if names_unneeded else []
    if len(unneeded) > _LISTED + 1:
        unneeded[_LISTED:] = [say("rows.and_more", n=count(len(unneeded) - _LISTED))]
    notes = [Note(say("rows.not_needed", files=", ".join(unneeded)))] if unneeded else []
    return [grid, *_sums(book, say), *notes]


def _sums(book: Book, say: Words) -> list[Block]:
    """Return the money kept, and what was left out by rule or rounded."""
    notes: list[Block] = []
    if "payments" in book.tables:
        paid = book.tables["payments"]
        money = amount(paid.amount, book.currency)
        notes.append(Note(say("rows.money", amount=money, n=count(paid.rows))))
    rules = [_left_out(e, book.currency, say) for e in book.excluded]
    if rules:
        notes.append(Note(say("rows.rule_money", what=", ".join(rules))))
    rounded = sum(t.rounded for t in book.tables.values())
    if rounded:
        notes.append(Note(say("rows.rounded", n=count(rounded)), "warn"))
    if book.overlapping:
        names = short_names(book)
        files = ", ".join(names[file] for file in book.overlapping)
        notes.append(Note(say("rows.overlap", files=files), "warn"))
    return notes


def _left_out(excluded: Excluded, currency: str, say: Words) -> str:
    """Say how much a rule left out; a rule of the user's own is called by its name."""
    key = f"rule.{excluded.rule}"
    money = amount(excluded.amount, currency)
    places = {"n": count(excluded.rows), "table": excluded.table, "amount": money}
    if key in say.keys:
        return say(key, **places)
    return say("rule.own", rule=excluded.rule, **places)


def short_names(book: Book) -> dict[str, str]:
    """Return what each file is called on a page: without its folder where that is enough."""
    last = Counter(PurePath(f.file).name for f in book.files)
    return {
        f.file: name if last[name := PurePath(f.file).name] == 1 else f.file for f in book.files
    }


def reconciled(book: Book) -> dict[str, object]:
    """Return the same for machines: plain JSON types, money as exact text."""
    return {
        "files": [
            {
                "file": f.file,
                "role": f.role or None,
                "rows_read": f.rows_read,
                "rows_excluded": f.rows_excluded,
                "rows_rejected": f.rows_rejected,
                "rows_kept": f.rows_kept,
                "note": f.note or None,
            }
            for f in book.files
        ],
        "excluded": [
            {"table": e.table, "rule": e.rule, "rows": e.rows, "amount": exact(e.amount)}
            for e in book.excluded
        ],
        "tables": {
            name: {"rows": t.rows, "amount": exact(t.amount) if name == "payments" else None}
            for name, t in book.tables.items()
        },
    }


def exact(counts: int) -> str:
    """Return money as a decimal number in text, four places, exact."""
    sign = "-" if counts < 0 else ""
    return f"{sign}{abs(counts) // 10_000}.{abs(counts) % 10_000:04d}"
