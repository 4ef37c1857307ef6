"""`csk churn-risk`: how likely each customer leaves, why, and whether a contact pays."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "Who stays?"
ORDER = 24


def churn_risk(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    keep: o.Keep = None,
    top: o.Top = 10,
    backtest: q.RiskBacktest = False,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    model: q.KeptModel = None,
    refit: q.Refit = False,
    refit_after: q.RefitAfter = None,
    risk_horizon: o.RiskHorizon = None,
    as_of: o.AsOf = None,
    data_from: o.DataFrom = None,
    data_through: o.DataThrough = None,
    control_share: q.ControlShare = None,
    ltv_horizon: o.LtvHorizon = None,
    margin: o.Margin = None,
    discount_rate: o.DiscountRate = None,
    fail_on: q.FailOn = None,
    metrics_file: q.MetricsFile = None,
    log_format: q.LogFormat = "text",
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
    """List who is about to leave, why, what is at stake and whether a contact pays.

    Example: csk churn-risk exports/ --model risk/ --refit-after 30d -o risk.parquet
    """
    flags = {**locals()}
    from csk.cli.run_churn_risk import start

    start(flags)
