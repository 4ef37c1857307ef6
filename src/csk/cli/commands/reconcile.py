"""`csk reconcile`: why two people who count the same contracts have other figures."""

from csk.cli import options as o
from csk.cli import questions as q

QUESTION = "Why does somebody else have other figures?"
ORDER = 60


def reconcile(  # the options of a command
    paths: o.Paths = None,
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    last: q.Last = 13,
    metric: q.Followed = None,
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
    between: q.Between = None,
    against: q.Against = None,
    their_tz: q.TheirZone = None,
    preset: q.Preset = None,
    from_: q.From = None,
    to: q.To = None,
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
    """Split the difference of two totals into named causes that add up to it.

    Example: csk reconcile exports/ --between chartmogul,stripe
    """
    flags = locals()
    from csk.cli.output import Wanted
    from csk.cli.run_reconcile import Asked, elsewhere, run
    from csk.cli.session import configured, day, opened_book

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    days = (day(from_), day(to))
    asked = Asked(between or "", against, preset or "", their_tz or "", metric or "", last, days)
    asked.refuse_unknown(paths or ())
    settings = configured(flags, config)
    with (
        opened_book(paths, settings, store, quiet=quiet, outputs=wanted.outputs) as session,
        elsewhere(paths or (), session, asked, quiet=quiet) as there,
    ):
        run(session, wanted, asked, there)
