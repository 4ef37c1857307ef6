"""What `csk store` does: say what is kept, or what was freed."""

from pathlib import Path
from typing import Literal

from csk.cli import emit
from csk.cli.language import words
from csk.intake.storage.housekeeping import clear, kept_parts
from csk.reports import store as store_report


def run(action: Literal["show", "clear"], folder: Path, form: str) -> None:
    """Show the store, or clear it and show what was freed."""
    if action == "clear":
        report = store_report.freed(str(folder), clear(folder), words())
    else:
        report = store_report.report(str(folder), kept_parts(folder), words())
    emit.show(report, form)
