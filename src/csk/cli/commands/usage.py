"""`csk usage`: who uses the product less, what lies unused, and how customers begin."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "Who uses the product less?"
ORDER = 26


def usage(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    keep: o.Keep = None,
    top: o.Top = 10,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    by: q.Compared = None,
    as_of: o.AsOf = None,
    data_from: o.DataFrom = None,
    data_through: o.DataThrough = None,
    currency: o.Currency = None,
    input_encoding: o.InputEncoding = None,
    date_order: o.DateOrder = None,
    amount_unit: o.AmountUnit = None,
    reject_limit: o.RejectLimit = None,
    store: o.Store = None,
    shards: o.Shards = None,
    memory: o.Memory = None,
    engine: o.EngineAt = None,
    config: o.Config = None,
) -> None:
    """Show whose usage falls, since when and by how much; unused features; first days.

    Example: csk usage exports/ --by plan --keep owner -o usage.parquet
    """
    flags = {**locals(), "by": None}
    from csk.cli.output import Wanted
    from csk.cli.run_usage import Asked, run
    from csk.cli.session import configured, opened_book

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, Asked(by or "", top))
