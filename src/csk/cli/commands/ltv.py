"""`csk ltv`: what customers are worth, so far and from here on."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "What are customers worth?"
ORDER = 12


def ltv(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    keep: o.Keep = None,
    top: o.Top = 10,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    by: q.WorthBy = None,
    period: q.CohortPeriod = "quarter",
    timing: q.Timing = "start",
    curves: q.Curves = None,
    why: q.Why = None,
    what_if: q.WhatIf = None,
    backtest: q.Backtest = False,
    as_of: o.AsOf = None,
    data_from: o.DataFrom = None,
    data_through: o.DataThrough = None,
    ltv_horizon: o.LtvHorizon = None,
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
    """Show what customers are worth: realised, residual, new, by group and factor.

    Example: csk ltv exports/ --by channel -o ltv.parquet
    """
    flags = {**locals(), "by": curves}
    from csk.cli.output import Wanted
    from csk.cli.run_ltv import Asked, run
    from csk.cli.session import configured, opened_book

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    asked = Asked(by, period, timing, top, why, what_if, backtest)
    asked.refuse_early(wanted)
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, asked)
