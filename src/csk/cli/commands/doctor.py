"""`csk doctor`: what csk runs on, and whether a cluster can be trusted."""

from csk.cli import options as o

QUESTION = "How is it tried out and measured?"
ORDER = 94


def doctor(  # the options of a command
    report: o.Report = "text",
    store: o.Store = None,
    memory: o.Memory = None,
    engine: o.EngineAt = None,
    config: o.Config = None,
) -> None:
    """Show versions, memory and encodings; with --engine try the cluster too.

    Example: csk doctor --engine sc://host:15002
    """
    del memory  # taken before anything was imported
    from csk.cli.run_doctor import run

    run(engine, store, config, report)
