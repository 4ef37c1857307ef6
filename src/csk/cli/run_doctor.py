"""What `csk doctor` does: look at the machine, try the cluster, and show both."""

from pathlib import Path

from csk.cli import emit
from csk.cli.language import words
from csk.cli.session import configured
from csk.engine.health import health
from csk.errors import CskError, DataError
from csk.intake.origins.cluster_probe import probed
from csk.reports.doctor import report


def run(engine: str | None, store: Path | None, config: Path | None, form: str) -> None:
    """Show the report; then the refusal of a cluster that is out of reach or reckons otherwise."""
    state, failure = None, None
    address = engine or _configured(config)
    if address:
        try:
            with emit.progress("Asking the cluster ..."):
                state = probed(address)
        except CskError as error:
            failure = error
    unreached = failure.sentence if failure else ""
    emit.show(report(health(), state, str(store or ""), words(), unreached), form)
    if failure is not None:
        raise failure
    if state is not None and not state.is_alike:
        raise DataError(f"The cluster {state.name} gives other facts than csk: do not use it.")


def _configured(config: Path | None) -> str:
    engine = configured({}, config).engine
    return engine.get_secret_value() if engine else ""
