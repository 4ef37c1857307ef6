"""`csk identify`: customers for a shop whose exports have no customer id."""

from pathlib import Path
from typing import Annotated

import typer

from csk.cli import options as o

QUESTION = "Can the data be trusted?"
ORDER = 82


def identify(  # the options of a command
    paths: o.Paths,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the rows with a customer_id: FILE.parquet, .csv, .jsonl, .arrow, .xlsx, "
            ".duckdb; DIR/ for several files, each by its name.",
            show_default=False,
        ),
    ] = None,
    as_: o.As = "parquet",
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Secret that ids are made with. (default: CSK_ID_KEY, else one made once)",
            show_default=False,
        ),
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            metavar="CODE",
            help="Where phone numbers are from: JP, US. (default: by the file)",
            show_default=False,
        ),
    ] = None,
    most_names: Annotated[
        int,
        typer.Option("--most-names", metavar="N", min=1, help="Names that one key may stand for."),
    ] = 20,
    keep_personal_data: Annotated[
        bool,
        typer.Option("--keep-personal-data", help="Leave names, addresses and phones in."),
    ] = False,
    report: o.Report = "text",
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    currency: o.Currency = None,
    input_encoding: o.InputEncoding = None,
    reject_limit: o.RejectLimit = None,
    config: o.Config = None,
) -> None:
    """Find out which orders are one customer's, by e-mail, phone, and name with postcode.

    Example: csk identify orders.csv -o orders_with_ids.parquet
    """
    flags = {**locals()}
    from csk.cli.run_identify import Asked, run
    from csk.cli.session import configured

    asked = Asked(
        tuple(paths), output, as_, key, country, most_names, keep_personal_data, report,
        if_exists, encoding, quiet,
    )  # fmt: skip
    run(asked, configured(flags, config))
