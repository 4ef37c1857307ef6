"""`csk explain`: what a number means, and which customers are behind it."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "What does this number mean?"
ORDER = 55


def explain(  # the options of a command
    metric: q.Metric = None,
    paths: o.MaybePaths = None,
    period: q.PeriodOf = None,
    preset: q.Preset = None,
    dictionary: q.Dictionary = False,
    whole: q.AllMetrics = False,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    top: o.Top = 20,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    level: q.Level = "customer",
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
    """Explain a metric: its definition, or with files the rows behind its value.

    Example: csk explain customer_churn_rate exports/ --period 2024-05
    """
    flags = locals()
    from csk.cli.output import Wanted
    from csk.cli.run_explain import Asked, pages, run
    from csk.cli.session import configured, opened_book

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    asked = Asked(metric or "", preset or "", period or "", level, pause, top)
    if not paths and engine is None:
        pages(wanted, asked, dictionary=dictionary, whole=whole)
        return
    asked.refuse_unknown()
    settings = configured(flags, config)
    with opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session:
        run(session, wanted, asked)
