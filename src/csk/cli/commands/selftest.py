"""`csk selftest`: whether the statistics reproduce what is published."""

from csk.cli import options as o

QUESTION = "How is it tried out and measured?"
ORDER = 92


def selftest(  # the options of a command
    output: o.Output = None,
    as_: o.As = "csv",
    report: o.Report = "text",
    if_exists: o.IfExists = "replace",
    encoding: o.OutputEncoding = "utf-8",
    quiet: o.Quiet = False,
) -> None:
    """Reckon every published figure again, from numbers that ship with csk.

    Example: csk selftest --report markdown
    """
    from csk.cli.output import Wanted
    from csk.cli.run_selftest import run

    wanted = Wanted(tuple(output or ()), as_, report, if_exists, encoding, quiet)
    wanted.refuse_early()
    run(wanted)
