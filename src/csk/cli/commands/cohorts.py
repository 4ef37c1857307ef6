"""`csk cohorts`: who came together, and what became of them."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "What became of those who came together?"
ORDER = 40


def cohorts(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    of: q.CohortsOf = "customers",
    last: q.Last = 13,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    period: q.PeriodLength = "month",
    year_starts: q.FiscalYear = 1,
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
    """Show customers by the period in which they came, and who is still there.

    Example: csk cohorts exports/ --of net --period quarter
    """
    flags = {**locals()}
    from csk.cli.output import Wanted
    from csk.cli.run_cohorts import run
    from csk.cli.session import configured, opened_book

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, of, last, (period, year_starts))
