"""What a run says on stderr of itself: nothing, one line, or a line of JSON for each stage.

One rule: where JSON was asked for, all that is said is JSON, a refusal too.
"""

import json
import sys
import time
from types import TracebackType
from typing import Literal, Self

import typer

from csk.cli import emit
from csk.errors import AlertError, CskError

COMMAND = "churn-risk"


class RunLog:
    """The log of one run; `with RunLog(...) as log:` also tells how it ended."""

    def __init__(self, form: Literal["text", "json"], *, quiet: bool) -> None:
        self._is_json = form == "json"
        self._quiet = quiet
        self._since = time.perf_counter()

    def stage(self, event: str, **fields: object) -> None:
        """Tell that a stage is done, what it found, and the time spent since the start; JSON only.

        `seconds` are by the clock, `cpu_seconds` of the processor.
        """
        if self._is_json:
            seconds = round(time.perf_counter() - self._since, 3)
            spent = {"seconds": seconds, "cpu_seconds": round(time.process_time(), 3)}
            said = {"command": COMMAND, "event": event, **spent, **fields}
            emit.line(json.dumps(said, ensure_ascii=False))

    def summary(self, text: str) -> None:
        """Say the run in one line, where its report does not stand on the same screen."""
        if not (self._is_json or self._quiet or sys.stdout.isatty()):
            emit.failure(text)

    def __enter__(self) -> Self:
        self.stage("started")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell how it ended; a refusal becomes JSON with the code that the shell is told."""
        if failure is None:
            self.stage("finished", exit_code=0)
        elif self._is_json and isinstance(failure, CskError):
            code = int(failure.exit_code)
            self.stage(
                "alert" if isinstance(failure, AlertError) else "refused",
                exit_code=code,
                sentence=failure.sentence,
                details=list(failure.details),
                hint=failure.hint or None,
            )
            raise typer.Exit(code) from failure
