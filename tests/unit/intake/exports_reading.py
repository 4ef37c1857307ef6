"""Reads a fixture of `exports/` as a run does, up to the canonical rows of each file.

One rule: what a test expects is written in money and days, never in counts and ordinals.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from csk.intake.canonical.orders import OrderLines
from csk.intake.canonical.rows import canonical
from csk.intake.canonical.rules import FOOTER
from csk.intake.origins.finding import found
from csk.intake.plans.opening import Opened, opened_files
from csk.money import COUNTS_PER_UNIT
from csk.schema import INPUTS
from csk.settings import settings

FIXTURES: Final = Path(__file__).parent / "exports"
TODAY: Final = date(2026, 1, 1)


@dataclass
class Told:
    """What became of one file: canonical rows in the order of the file, and all that is none."""

    profile: str = ""
    """Name of the known export; "" where it is none."""
    role: str = ""
    """The table it became; "" where the file is not needed."""
    note: str = ""
    """Why it is not needed."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Stored columns and `currency`; amounts are Decimal of the major unit."""
    excluded: Counter[str] = field(default_factory=Counter)
    rejects: list[tuple[str, str, str]] = field(default_factory=list)
    """(column of the file, value, reason); a malformed row has no column."""
    dropped: tuple[str, ...] = ()
    """Columns of the file that hold persons."""
    attributes: tuple[str, ...] = ()

    def listed(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return these columns of the rows."""
        return [tuple(row[column] for column in columns) for row in self.rows]


def fixture(name: str) -> Path:
    """Return the fixture of this profile."""
    return FIXTURES / f"{name}.csv"


def read(work: Path, *paths: Path, **chosen: Any) -> dict[str, Told]:
    """Return what becomes of the files that lie together, by the name of the file.

    `chosen` are settings (`tz="Asia/Tokyo"`); `work` is an empty folder.
    """
    told: dict[str, Told] = {}
    work.mkdir(parents=True, exist_ok=True)
    names = [str(path) for path in paths]
    with opened_files(found(names), settings(chosen, None), work, keeps_refusals=True) as opened:
        for name, refused in opened.refused.items():
            raise AssertionError(f"{name}: {refused}")
        for name, (_, recognition) in opened.seen.items():
            known = recognition.known
            told[Path(name).name] = Told(profile=known.export.name if known else "")
        for file in opened.unneeded:
            told[Path(file.file).name].note = file.note
        for one in opened.files:
            _fill(told[Path(one.name).name], one)
    return told


def _fill(told: Told, one: Opened) -> None:
    told.role, told.dropped = one.role, one.recognition.personal
    told.attributes = one.attributes
    plan = one.plan(TODAY)
    once = one.recognition.once_per
    lines = OrderLines(once) if once else None
    for batch in one.source.batches(one.needed):
        again = lines.again(batch.frame) if lines else None
        part = canonical(batch.frame, plan, batch.first_row, again)
        for rule, n, _ in part.excluded:
            told.excluded[rule] += n
        told.rejects += [
            (row["column"], row["value"], row["reason"])
            for row in part.rejects.iter_rows(named=True)
        ]
        kept = part.typed.filter(part.marks["rule"].is_null() & ~part.marks["bad"])
        currency = (
            kept["currency"]
            if "currency" in kept.columns
            else pl.repeat(None, kept.height, eager=True)
        )
        rows = part.rows.with_columns(pl.lit(currency).alias("currency"))
        told.rows += [_in_money(row, one.role) for row in rows.iter_rows(named=True)]
    told.excluded.update({FOOTER: one.source.footer_count} if one.source.footer_count else {})
    told.rejects += [("", row.text, row.reason) for row in one.source.malformed()]


def _in_money(row: Mapping[str, Any], role: str) -> dict[str, Any]:
    amounts = {c.name for c in INPUTS[role].columns if c.kind == "amount"} | {"margin_amount"}
    return {
        name: Decimal(value) / COUNTS_PER_UNIT if name in amounts and value is not None else value
        for name, value in row.items()
    }
