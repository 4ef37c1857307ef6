"""`csk retention`: who stays, and for how long."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "Who stays, and for how long?"
ORDER = 30


def retention(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    by: q.Compared = None,
    from_age: q.FromAge = None,
    band: q.Band = False,
    model: q.ModelOfStaying = None,
    covariates: q.Covariates = None,
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
    """Show who stays by age, with intervals; of a shop, who buys again.

    Example: csk retention exports/ --by plan -o survival.parquet

    Example: csk retention exports/ --model cox --covariates plan,channel
    """
    flags = {**locals(), "by": by or "none"}
    from csk.analyses.retention import Asked
    from csk.cli.output import Wanted
    from csk.cli.run_retention import modelled, run
    from csk.cli.session import configured, opened_book

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    of = modelled(model, covariates, by)
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, Asked(by or "", from_age, band), of)
