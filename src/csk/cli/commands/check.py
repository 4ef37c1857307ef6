"""`csk check`: what was understood of each file, and what looks wrong."""

from typing import Annotated

import typer

from csk.cli import options as o

QUESTION = "Can the data be trusted?"
ORDER = 80


def check(  # noqa: PLR0917 # the options of a command
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

    csk check exports/ --stub > csk.toml
    """
    from csk.cli.run_check import run
    from csk.cli.session import configured, opened_book, today_of

    del memory  # It was heeded before the first import of Polars.
    settings = configured(
        {
            "as_of": today_of(as_of),
            "currency": currency,
            "encoding": input_encoding,
            "date_order": date_order,
            "amount_unit": amount_unit,
            "reject_limit": reject_limit,
        },
        config,
    )
    with opened_book(paths, settings, store) as session:
        run(session, report, stub=stub)
