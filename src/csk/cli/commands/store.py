"""`csk store`: what a folder given to --store holds, and freeing it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from csk.cli import options as o

QUESTION = "Can the data be trusted?"
ORDER = 85


def store(
    action: Annotated[
        Literal["show", "clear"],
        typer.Argument(help="Show what is kept, or remove it.", show_default=False),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder given to --store.", show_default=False)
    ],
    report: o.Report = "text",
) -> None:
    """Show what a kept store holds, or free it; the next run reads the exports again.

    Example: csk store show ~/.cache/csk
    """
    from csk.cli.run_store import run

    run(action, folder, report)
