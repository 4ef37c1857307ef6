"""`csk kpi`: the key figures, against target, last period, last year and benchmark."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "How are we doing?"
ORDER = 15


def kpi(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    last: q.Last = 13,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    by: q.Attribute = None,
    benchmark: q.Benchmark = None,
    period: q.PeriodLength = "month",
    year_starts: q.FiscalYear = 1,
    from_: q.From = None,
    to: q.To = None,
    preset: q.Preset = None,
    pause: q.Pause = None,
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
    """Show the key figures against target, last period, last year and benchmark.

    Example: csk kpi exports/ --benchmark peers.csv -o kpi.parquet
    """
    flags = {**locals(), "by": None}
    from csk.cli.output import Wanted
    from csk.cli.run_kpi import run
    from csk.cli.run_mrr import Asked
    from csk.cli.session import configured, day, opened_book
    from csk.definitions import preset as known_preset

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    way, days = known_preset(preset).name if preset else "", (day(from_), day(to))
    asked = Asked(by or "", "customer", period, year_starts, pause, last, days, way)
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, asked, benchmark)
