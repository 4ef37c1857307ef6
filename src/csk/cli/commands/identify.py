"""`csk identify`: customers for a shop whose exports have no customer id."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from csk.cli import options as o

QUESTION = "Can the data be trusted?"
ORDER = 82

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the rows with a customer_id: FILE.parquet, .csv, .jsonl, .arrow, .xlsx, "
        ".duckdb; DIR/ for several files, each by its name; - for stdout.",
        show_default=False,
    ),
]
As = Annotated[
    Literal["parquet", "csv", "jsonl", "arrow"],
    typer.Option("--as", help="Format of -o DIR/ and -o -."),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Secret that ids are made with. (default: CSK_ID_KEY, else one made once)",
        show_default=False,
    ),
]
Country = Annotated[
    str | None,
    typer.Option(
        "--country",
        metavar="CODE",
        help="Where phone numbers are from: JP, US. (default: by the file)",
        show_default=False,
    ),
]
MostNames = Annotated[
    int, typer.Option("--most-names", metavar="N", min=1, help="Names that one key may stand for.")
]
KeepPersonal = Annotated[
    bool, typer.Option("--keep-personal-data", help="Leave names, addresses and phones in.")
]


def identify(  # the options of a command
    paths: o.FilePaths,
    output: Output = None,
    as_: As = "parquet",
    key: Key = None,
    country: Country = None,
    most_names: MostNames = 20,
    keep_personal_data: KeepPersonal = False,
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
        paths=tuple(paths),
        output=output,
        as_=as_,
        key=key,
        country=country,
        most_names=most_names,
        keeps_personal=keep_personal_data,
        report=report,
        if_exists=if_exists,
        encoding=encoding,
        quiet=quiet,
    )
    run(asked, configured(flags, config))
