"""What `csk churn-risk` does once the book is open: fit or load, score, keep, deliver, alert.

One rule: all that was asked for is in place before a condition of --fail-on becomes an exit code.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from csk.analyses import churn_risk as analysis
from csk.analyses.churn_risk import ChurnRisk
from csk.analyses.nightly import Nightly, Scored, nightly
from csk.analyses.snapshot_risk import snapshot_risk
from csk.calendar import days_of
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.cli.risk_folder import RiskFolder, opened_folder
from csk.cli.run_log import RunLog
from csk.cli.run_ltv import standing
from csk.cli.session import Session, configured, opened_book
from csk.errors import AlertError, ModelError, UsageError
from csk.models.risk.alerts import CONDITIONS, Night, conditions
from csk.models.risk.model import RiskModel
from csk.reports import churn_risk as page
from csk.reports import snapshot_risk as snapshot_page
from csk.reports.churn_risk_metrics import log_entry, prometheus
from csk.sinks.staging.outputs import Outputs

_ASKED: Final = (
    *("top", "model", "refit", "refit_after"),
    *("backtest", "fail_on", "metrics_file"),
)
"""Options in the order of the fields of `Asked`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a run, beside its outputs."""

    top: int
    model: Path | None
    is_refit: bool
    refit_after: str | None
    is_backtest: bool
    fail_on: str | None
    metrics_file: Path | None

    @property
    def may_fit(self) -> bool:
        """Whether a folder without a model gets one."""
        return self.is_refit or self.refit_after is not None

    @property
    def conditions(self) -> tuple[str, ...]:
        """Return the conditions that end a run with an alert."""
        named = (part.strip() for part in (self.fail_on or "").split(","))
        return tuple(dict.fromkeys(part for part in named if part))

    @property
    def refit_days(self) -> int | None:
        """Return the age in days at which a model is fitted anew; null where never by age."""
        return None if self.refit_after is None else days_of(self.refit_after)

    def outputs(self, wanted: Wanted) -> tuple[Path, ...]:
        """Return every place that the run writes to, so that none of them is read."""
        own = [place for place in (self.model, self.metrics_file) if place is not None]
        return (*wanted.outputs, *own)

    def refuse_early(self) -> None:
        """Refuse, before anything is read, what cannot be asked."""
        needs = {"--refit": self.is_refit, "--refit-after": self.refit_after is not None}
        named = [
            name for name, is_asked in {**needs, "--fail-on": self.fail_on}.items() if is_asked
        ]
        if named and self.model is None:
            raise UsageError(
                f"{' and '.join(named)} need{'s' if len(named) == 1 else ''} a kept model.",
                hint="Name its folder: --model DIR",
            )
        unknown = [name for name in self.conditions if name not in CONDITIONS]
        if unknown:
            raise UsageError(
                f"--fail-on knows no {', '.join(unknown)}.",
                hint=f"It knows {', '.join(CONDITIONS)}.",
            )
        if self.refit_days is not None and self.refit_days <= 0:
            raise UsageError("--refit-after needs at least a day.", hint="Write it like 30d.")
        if self.metrics_file is not None and not self.metrics_file.parent.is_dir():
            raise UsageError(
                f"There is no folder '{self.metrics_file.parent}' for the metrics file.",
                hint=f"Make it first: mkdir -p '{self.metrics_file.parent}'",
            )


def start(flags: dict[str, Any]) -> None:
    """Run the command on its arguments by name: lock, read, score, deliver."""
    quiet, share = flags["quiet"], flags["control_share"]
    flags = {**flags, "control": None if share is None else {"share": share}}
    with RunLog(flags["log_format"], quiet=quiet) as log:
        forms = (flags[name] for name in ("as_", "report", "if_exists", "encoding", "quiet"))
        wanted = Wanted(tuple(flags["output"] or ()), *forms)
        wanted.refuse_early()
        asked = Asked(*(flags[name] for name in _ASKED))
        asked.refuse_early()
        settings = configured(flags, flags["config"])
        outputs, store = asked.outputs(wanted), flags["store"]
        # The lock comes first: whoever has to wait has read nothing.
        with (
            opened_folder(asked.model, may_be_made=asked.may_fit) as folder,
            opened_book(flags["paths"], settings, store, quiet=quiet, outputs=outputs) as session,
        ):
            run(session, wanted, asked, folder, log)


def run(
    session: Session, wanted: Wanted, asked: Asked, folder: RiskFolder | None, log: RunLog
) -> None:
    """Score the book, write what was wanted, show the report; AlertError where asked and due."""
    log.stage("read", rows=sum(file.rows_kept for file in session.book.files))
    say, settings = words(), session.settings
    if "cross_section" in session.book.tables:
        _alike(session, wanted, asked)
        return
    with Outputs() as kept:
        # Staged first, put into place last: a full disk is met before anything is replaced.
        entered: Nightly | None = None
        if folder is None:
            result = _scored(session, None, wanted, log)
        else:
            result, entered = _kept_run(session, wanted, asked, folder, kept, log)
        night = None if entered is None else entered.night
        if asked.metrics_file is not None:
            kept.add_text(asked.metrics_file, prometheus(result, night))
        report = page.report(result, settings, say, asked.top, night, is_whole=asked.is_backtest)
        rows = result.customers.select(result.table.names)
        deliver(replace(wanted, quiet=True), session.book, report, rows, result.table)
    log.stage("written", **log_entry(result, night))
    if not wanted.quiet:
        emit.show(report, wanted.report, to_stderr=wanted.has_stdout)
    if night is not None:
        log.summary(page.summary(result, say, night))
        _alert(night, asked)


def _alike(session: Session, wanted: Wanted, asked: Asked) -> None:
    """Tell who of a cross-section is like those that left, which no model can be kept of."""
    if asked.model is not None:
        raise ModelError(
            "A cross-section has no dates, so no model of the days ahead can be kept.",
            hint="Without --model it is shown who is like those that left.",
        )
    with emit.progress("Comparing ...", quiet=wanted.quiet):
        result = snapshot_risk(session.book, session.engine)
    page_of_it = snapshot_page.report(result, words(), asked.top)
    deliver(wanted, session.book, page_of_it, result.customers, result.table)


def _scored(
    session: Session,
    model: RiskModel | None,
    wanted: Wanted,
    log: RunLog,
    *,
    is_kept: bool = False,
) -> ChurnRisk:
    """Score the book with a model, or fit one on the book itself; one to be kept must be one."""
    book, engine, settings = session.book, session.engine, session.settings
    with emit.progress("Fitting ..." if model is None else "Scoring ...", quiet=wanted.quiet):
        valued = standing(session)
        log.stage("valued", customers=valued.customers.height)
        if model is not None:
            result = analysis.scored(book, engine, settings, valued, model, log.stage)
        else:
            result = analysis.churn_risk(
                book, engine, settings, valued, may_fall_back=not is_kept, stage=log.stage
            )
    log.stage("scored", customers=result.customers.height, method=result.method)
    return result


def _kept_run(
    session: Session,
    wanted: Wanted,
    asked: Asked,
    folder: RiskFolder,
    kept: Outputs,
    log: RunLog,
) -> tuple[ChurnRisk, Nightly]:
    """Score with the model of a folder, fitted anew where that is due, and enter the run."""
    book, as_of = session.book, session.book.span.as_of
    earlier = folder.kept()
    model = folder.model()
    _refuse_clock_of_past(session, earlier.ledger.latest(), model, folder)
    if model is None and not asked.may_fit:
        raise UsageError(
            f"There is no model in '{folder.path}'.", hint="Fit one and keep it there with --refit."
        )
    is_due = model is None or asked.is_refit
    if model is not None and asked.refit_days is not None:
        is_due |= as_of - model.facts.as_of >= timedelta(days=asked.refit_days)
    result = _scored(session, None if is_due else model, wanted, log, is_kept=True)
    if result.model is None:
        raise ModelError(
            f"There is no model of customers to keep: risks are by {result.method} only.",
            hint="Without --model they are shown.",
        )
    if is_due:
        folder.stage_model(kept, result.model)
    scored = Scored(
        customers=result.customers,
        horizons=result.horizons,
        method=result.method,
        model_id=result.model.model_id,
        fitted_as_of=result.model.facts.as_of,
        drifted=() if is_due else result.drifted,
        is_refit=is_due,
    )
    entered = nightly(book, session.engine, session.settings, scored, earlier)
    folder.stage(kept, entered)
    return replace(result, customers=entered.customers), entered


def _refuse_clock_of_past(
    session: Session, last: date | None, model: RiskModel | None, folder: RiskFolder
) -> None:
    """Refuse a day before the model's own, and a clock that runs behind the ledger."""
    as_of = session.book.span.as_of
    if model is not None and as_of < model.facts.as_of:
        raise UsageError(
            f"The model in '{folder.path}' was fitted as of {model.facts.as_of}: it knows what "
            f"came after {as_of}, the day as of which to score.",
            hint="For a day of the past, fit a model of that day in another folder.",
        )
    if session.settings.as_of == "today" and last is not None and as_of < last:
        raise UsageError(
            f"Today is {as_of} by the clock, but '{folder.path}' has a run as of {last}.",
            hint="Put the clock right; to score a day of the past again, name it: --as-of DAY.",
        )


def _alert(night: Night, asked: Asked) -> None:
    """End the run with the conditions that hold and were asked for; all is in place by now."""
    held = [one for one in night.alerts if one.condition in asked.conditions]
    if held:
        say = words()
        raise AlertError(
            f"{', '.join(conditions(held))}: this run calls for a look.",
            details=[page.alert_words(one, say) for one in held],
            hint="The outputs are in place.",
        )
