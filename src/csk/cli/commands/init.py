"""`csk init`: a settings file for a folder of exports."""

from pathlib import Path
from typing import Annotated

import typer

QUESTION = "Can the data be trusted?"
ORDER = 75


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of exports.", show_default=False)
    ],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; take what csk proposes.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write. (default: DIR/csk.toml)"
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there; a copy is kept.")
    ] = False,
) -> None:
    """Look at exports, ask what no file can tell, and write a commented csk.toml.

    At most three questions, on a terminal only. Commands that read DIR use the file by itself.

    Example: csk init exports/ && csk segment exports/ -o customers.parquet
    """
    from csk.cli.run_init import run

    run(folder, output, asks=not yes, replaces=force)
