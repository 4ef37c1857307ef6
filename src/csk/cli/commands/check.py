"""`csk check`: what was understood of each file, and what looks wrong."""

from typing import Annotated

import typer

from csk.cli import options as o

QUESTION = "Can the data be trusted?"
ORDER = 80


def check(  # the options of a command
    paths: o.Paths = None,
    report: o.Report = "text",
    rows: Annotated[
        int,
        typer.Option(
            "--rows", metavar="N", min=0, max=100, help="Show the first rows as understood."
        ),
    ] = 0,
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
    engine: o.EngineAt = None,
    config: o.Config = None,
) -> None:
    """Show how each file was read and what looks wrong in the whole.

    Example: csk check exports/ --rows 5
    """
    flags = {**locals()}
    from csk.cli.run_check import Wanted, run, run_stub
    from csk.cli.session import configured, settings_file

    settings = configured(flags, config)
    if stub:
        run_stub(paths or (), settings)
    else:
        asked = Wanted(report, rows, settings_file(paths or (), config))
        run(paths or (), settings, store, asked)
