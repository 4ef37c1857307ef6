"""When the files as a whole cannot be trusted, and what a person is told then.

One rule: everything that is wrong is said at once, with counts, places and what to do.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn

import polars as pl

from csk.book import FileRead
from csk.errors import DataError
from csk.money import minor_digits

EXAMPLES: Final = 5


def is_over_limit(files: Sequence[FileRead], limit: float) -> bool:
    """Tell whether more than `limit` of the rows read were malformed."""
    rejected = sum(f.rows_rejected for f in files)
    return rejected > limit * sum(f.rows_read for f in files)


def refuse_rejects(files: Sequence[FileRead], rejects: pl.DataFrame, limit: float) -> NoReturn:
    """Stop with DataError; `rejects` may hold only the first of them, the counts are of all."""
    read = sum(f.rows_read for f in files)
    rejected = sum(f.rows_rejected for f in files)
    of_first = [f"(of the first {rejects.height:,})"] if rejects.height < rejected else []
    raise DataError(
        f"{rejected:,} of {read:,} rows are malformed, more than the {limit:.1%} allowed.",
        details=[*told_rejects(rejects), *of_first],
        hint="Mend the file, or name the right column or date order in csk.toml "
        "(`csk check --stub` writes one); --reject-limit allows more.",
    )


def told_rejects(rejects: pl.DataFrame) -> list[str]:
    """Return a line per file, column and reason, with the count and the first examples."""
    groups = (
        rejects.group_by("file", "column", "reason", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col("line", "record", "value").head(3))
        .sort("n", descending=True, maintain_order=True)
    )
    lines = []
    for row in groups.head(EXAMPLES).iter_rows(named=True):
        where = ", ".join(
            f"line {line}" if line is not None else f"record {record}"
            for line, record in zip(row["line"], row["record"], strict=True)
        )
        values = ", ".join(repr(str(value)[:60]) for value in row["value"])
        column = f"{row['column']}: " if row["column"] else ""
        lines.append(
            f"{row['file']}, {where}: {column}{values} {row['reason']} ({row['n']:,} rows)"
        )
    if groups.height > EXAMPLES:
        lines.append(f"... and {groups.height - EXAMPLES} more kinds")
    return lines


def refuse_mixed_currencies(found: Mapping[str, str], wanted: str) -> str:
    """Return the one currency of a book, "" where none is known; DataError where there are more.

    `found` has each code with the first file it stands in.
    """
    codes = sorted(set(found))
    unknown = [code for code in codes if not _is_currency(code)]
    if len(codes) > 1 or unknown:
        raise DataError(
            "Money is in more than one currency: " + ", ".join(codes) + "."
            if not unknown
            else "No such currency: " + ", ".join(unknown) + ".",
            details=[f"{found[code]}: {code!r}" for code in (unknown or codes)],
            hint="Give a table of rates beside them (fx=FILE with the columns date, from, to and "
            "rate), or the rows of one currency at a time."
            if not unknown
            else "Is the right column read as the currency? Codes are those of ISO 4217: JPY, USD.",
        )
    if codes and wanted and codes[0] != wanted:
        raise DataError(
            f"{found[codes[0]]} is in {codes[0]}, but {wanted} was asked for.",
            hint="Leave the currency away: the files name it. Or give a table of rates beside them "
            "(fx=FILE with the columns date, from, to and rate).",
        )
    return codes[0] if codes else wanted


def _is_currency(code: str) -> bool:
    try:
        minor_digits(code)
    except ValueError:
        return False
    return True


def refuse_nothing_useful(files: Sequence[FileRead]) -> None:
    """Stop with DataError: no file tells who paid or stayed."""
    raise DataError(
        "None of the files tells who pays: there are no payments and no subscriptions.",
        details=[f"{f.file}: {f.note or f'read as {f.role}'}" for f in files],
        hint="A table of payments needs a customer, a date and an amount. Say which file is what "
        "with payments=FILE, and which column is which in csk.toml (`csk check --stub`).",
    )


def refuse_nothing_kept(
    files: Sequence[FileRead], n_kept: int, rules: Iterable[tuple[str, str]]
) -> None:
    """Stop with DataError where no row of any file was kept, saying what became of them.

    `rules` are the rules by which rows were left out, with their tables.
    """
    if n_kept:
        return
    spoken = list(rules)
    details = []
    for f in files:
        why = ", ".join(rule.replace("_", " ") for table, rule in spoken if table == f.role)
        counts = f"{f.rows_read:,} rows, {f.rows_excluded:,} excluded" + (
            f" ({why})" if why else ""
        )
        counts += f", {f.rows_rejected:,} rejected"
        if f.role and not f.rows_read:
            counts = "a header without rows"
        details.append(f"{f.file}: {f.note or counts}")
    raise DataError(
        "No row of the files could be kept.",
        details=details,
        hint="csk check says how the columns were understood.",
    )
