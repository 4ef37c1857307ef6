"""`csk mrr`: recurring revenue from month to month, and who stayed."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "Where did recurring revenue go?"
ORDER = 20


def mrr(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    last: q.Last = 13,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    by: q.Grouped = None,
    level: q.Level = "customer",
    period: q.PeriodLength = "month",
    year_starts: q.FiscalYear = 1,
    from_: q.From = None,
    to: q.To = None,
    preset: q.Preset = None,
    pause: q.Pause = None,
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
    """Show how MRR moved from month to month: new, expansion, contraction, churn.

    Example: csk mrr exports/ --by channel -o movements.parquet
    """
    flags = {**locals(), "by": None}
    from csk.cli.output import Wanted
    from csk.cli.run_mrr import Asked, run
    from csk.cli.session import configured, day, opened_book
    from csk.definitions import preset as known_preset

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    name = known_preset(preset).name if preset else ""
    days = (day(from_), day(to))
    asked = Asked(by or "", level, period, year_starts, pause, last, days, name)
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, asked)
