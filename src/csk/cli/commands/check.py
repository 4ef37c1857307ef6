"""`csk check`: what was understood of each file, and what looks wrong."""

from typing import Annotated

import typer

from csk.cli import options as o

QUESTION = "Can the data be trusted?"
ORDER = 80


def check(  # the options of a command
    paths: o.Paths,
    report: o.Report = "text",
    stub: Annotated[
        bool, typer.Option("--stub", help="Print a csk.toml with the columns as understood.")
    ] = False,
    as_of: o.AsOf = None,
    currency: o.Currency = None,
    input_encoding: o.InputEncoding = None,
    date_order: o.DateOrder = None,
    amount_unit: o.AmountUnit = None,
    reject_limit: o.RejectLimit = None,
    store: o.Store = None,
    memory: o.Memory = None,
    config: o.Config = None,
) -> None:
    """Show how each file was read and what looks wrong in the whole.

    Example: csk check exports/ --stub > csk.toml
    """
    flags = {**locals()}
    from csk.cli.run_check import run
    from csk.cli.session import configured, opened_book

    with opened_book(paths, configured(flags, config), store) as session:
        run(session, report, stub=stub)
