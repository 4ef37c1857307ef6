"""`csk surveys`: NPS and CSAT, and what became of those who answered."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "What do customers say?"
ORDER = 50


def surveys(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    last: q.Last = 13,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    by: q.Compared = None,
    period: q.PeriodLength = "month",
    year_starts: q.FiscalYear = 1,
    from_: q.From = None,
    to: q.To = None,
    csat_scale: q.CsatScale = None,
    as_of: o.AsOf = None,
    data_from: o.DataFrom = None,
    data_through: o.DataThrough = None,
    ltv_horizon: o.LtvHorizon = None,
    risk_horizon: o.RiskHorizon = None,
    margin: o.Margin = None,
    discount_rate: o.DiscountRate = None,
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
    """Show NPS and CSAT with intervals, and who left after which answer.

    Example: csk surveys exports/ --by plan --period quarter -o answers.parquet
    """
    flags = {**locals(), "by": None}
    from csk.cli.output import Wanted
    from csk.cli.run_surveys import Asked, run
    from csk.cli.session import configured, day, opened_book

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    asked = Asked(by or "", period, year_starts, last, (day(from_), day(to)))
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, asked)
