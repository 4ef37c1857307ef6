"""The folder of a kept model: locked while a run works, read before it, written at its end.

One rule: all that a run leaves there is staged whole and renamed into place, scores before the
ledger that names them; killed at any moment, each file is the old one or the new one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from csk.analyses.nightly import Kept, Nightly
from csk.cli.locking import locked
from csk.errors import StorageError, UsageError
from csk.intake.kept_models import kept_model
from csk.intake.origins.earlier_runs import (
    LIVE,
    RUNS,
    earlier_runs,
    earlier_scores,
    score_file,
)
from csk.models.risk.model import RiskModel
from csk.schema import RISK_LIVE, RISK_RUN, RISK_SCORE
from csk.sinks.protocol import SinkOptions
from csk.sinks.staging.disk import worded
from csk.sinks.staging.models import stage_model
from csk.sinks.staging.outputs import Outputs

MODEL: Final = "model"
"""Folder of the model itself, beside the ledger."""


@dataclass(frozen=True, slots=True)
class RiskFolder:
    """A folder whose lock we hold."""

    path: Path

    def model(self) -> RiskModel | None:
        """Return the model that is kept; null where there is none, DataError where it is broken."""
        return kept_model(self.path / MODEL)

    def stage_model(self, outputs: Outputs, model: RiskModel) -> None:
        """Stage a model in the place of the one that is kept."""
        stage_model(outputs, self.path / MODEL, model)

    def kept(self) -> Kept:
        """Return what is kept of earlier runs; DataError where it cannot be read."""
        return Kept(earlier_runs(self.path), lambda day: earlier_scores(self.path, day))

    def stage(self, outputs: Outputs, run: Nightly) -> None:
        """Stage the scores and the ledger of a run."""
        as_of = run.scores["as_of"][0]
        target = score_file(self.path, as_of)
        with worded(target):
            target.parent.mkdir(exist_ok=True)
        options = SinkOptions(as_of=as_of)
        outputs.add(target, run.scores, RISK_SCORE, options)
        outputs.add(self.path / LIVE, run.ledger.live, RISK_LIVE, SinkOptions())
        outputs.add(self.path / RUNS, run.ledger.runs, RISK_RUN, SinkOptions())


@contextmanager
def opened_folder(path: Path | None, *, may_be_made: bool) -> Iterator[RiskFolder | None]:
    """Give the folder of a model, locked; null where none was named.

    UsageError where there is none and none may be made; TryAgainError where another run holds it.
    """
    if path is None:
        yield None
        return
    if not path.is_dir():
        if path.exists():
            raise UsageError(f"'{path}' is no folder.", hint="A model is kept in a folder.")
        if not may_be_made:
            raise UsageError(
                f"There is no model: the folder '{path}' does not exist.",
                hint="Fit one and keep it there with --refit.",
            )
        try:
            path.mkdir(parents=True)
        except OSError as failure:
            raise StorageError(f"'{path}' cannot be made: {failure.strerror}.") from failure
    with locked(path):
        yield RiskFolder(path)
