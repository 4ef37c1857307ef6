"""`csk segment`: value, risk, stage and touch tier of every customer."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "Who gets which service?"
ORDER = 10


def segment(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    keep: o.Keep = None,
    top: o.Top = 10,
    previous: q.Previous = None,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    as_of: o.AsOf = None,
    data_from: o.DataFrom = None,
    data_through: o.DataThrough = None,
    ltv_horizon: o.LtvHorizon = None,
    risk_horizon: o.RiskHorizon = None,
    margin: o.Margin = None,
    discount_rate: o.DiscountRate = None,
    by: o.By = None,
    rfm: q.Rfm = None,
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
    """Rank customers by LTV and risk, and give each a touch tier.

    Example: csk segment exports/ -o customers.parquet --keep owner,region
    """
    flags = {**locals()}
    from csk.cli.output import Wanted
    from csk.cli.run_segment import run
    from csk.cli.session import configured, opened_book

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet, previous)
    wanted.refuse_early()
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, top)
