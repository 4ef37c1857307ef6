"""`csk sample`: a simulated company with known truth."""

from pathlib import Path
from typing import Annotated, Literal

import typer

QUESTION = "How is it tried out and measured?"
ORDER = 90


def sample(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write.", show_default=False)
    ],
    customers: Annotated[int, typer.Option("--customers", min=1, help="Customers.")] = 600,
    months: Annotated[int, typer.Option("--months", min=1, help="Months of the log.")] = 24,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed, the same bytes.")] = 1,
    kind: Annotated[
        Literal["subscription", "shop"], typer.Option("--kind", help="Contracts, or repeat buying.")
    ] = "subscription",
    late_entry: Annotated[
        bool,
        typer.Option("--late-entry/--no-late-entry", help="Customers from before the log."),
    ] = True,
    signal: Annotated[
        bool,
        typer.Option("--signal/--no-signal", hidden=True, help="Whether anything foretells churn."),
    ] = True,
) -> None:
    """Simulate a company whose truth is known, to try csk out or to measure it.

    Example: csk sample company/ --customers 20000 --months 24 --seed 7
    """
    from csk.cli import emit
    from csk.simulation.company import Company, write_company

    company = Company(kind, customers, months, seed, late_entry, has_signal=signal)
    with emit.progress(f"Simulating {customers:,} customers ..."):
        written = write_company(company, folder)
    for table, rows in written.rows.items():
        typer.echo(f"{folder / table}: {rows:,} rows")
    typer.echo(f"data {written.data_from} to {written.data_through}, as of {written.as_of}")
