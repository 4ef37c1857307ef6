"""Who is about to leave: how likely, why, what is at stake, and whether a contact pays.

One rule: a model is fitted and judged on what was known on days of the past; who scores needs the
model and the day, and nothing of what it was fitted on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, NamedTuple, TypeAlias

import polars as pl

from csk import __version__
from csk.book import Book
from csk.engine.protocol import Engine, Tables
from csk.errors import ModelError
from csk.models.contract import Horizons
from csk.models.key_figures import Standing
from csk.models.risk import alerts, checks, drifting, scoring
from csk.models.risk.alerts import Drifted
from csk.models.risk.fitting import ENOUGH_EVENTS, KINDS, candidate, n_ends
from csk.models.risk.glass import GlassBox
from csk.models.risk.model import RiskFacts, RiskModel, schema_hash
from csk.models.risk.stacked import edges_with
from csk.models.risk.trees import TreeModel
from csk.models.risk.validation import Question, validation
from csk.models.risk.verdict import GLASS, Validation
from csk.models.value import UNIT
from csk.schema import CHURN_RISK, Column, Table, risk_column
from csk.schema.features import FEATURES, TOUCHES
from csk.settings import Settings
from csk.stats.profit import Campaign
from csk.tables.arrivals import LOGS, days_with_rows
from csk.tables.early_usage import early_usage
from csk.tables.known import Known, log_start
from csk.tables.landmarks import landmark_days, panel
from csk.tables.market import feature_users, list_prices, popular_features, unit_prices

MOST_ROWS: Final = 1_200_000
"""Rows of customer and landmark that a model is fitted on; of more customers, a sample."""
ORDER: Final = ["customer_id", "landmark_on"]
_SALT: Final = 11

Stage: TypeAlias = Callable[[str], None]
"""Who is told that a stage of the work is done."""


def silent(_stage: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class ChurnRisk:
    """Every customer in service with risk, reasons and what is at stake."""

    book: Book
    horizons: Horizons
    customers: pl.DataFrame
    """Columns of `table` (money in counts), sorted by id."""
    table: Table
    method: str
    """landmarks, curves, inactivity or cross_section."""
    model: RiskModel | None
    validation: Validation | None
    notes: tuple[str, ...]
    """Keys of remarks."""
    drifted: tuple[Drifted, ...] = ()
    """How far features have moved since the model was fitted."""
    early: Mapping[str, int] = field(default_factory=dict)
    """Rows of usage (`n_rows`), and those of no contract: `n_before`, `n_stranger`; empty of a
    model that was kept."""


def churn_risk(
    book: Book,
    engine: Engine,
    settings: Settings,
    standing: Standing,
    *,
    may_fall_back: bool = True,
    stage: Stage = silent,
) -> ChurnRisk:
    """Fit a model on the book itself and score its customers with it.

    `standing` are the valued customers of the same day. Shops are read off silence. ModelError
    where features know what they should foretell, and, unless it may fall back on curves, where
    fewer than 100 customers have left.
    """
    if not book.is_contractual:
        return _unmodelled(book, engine, settings, standing, _By("inactivity"))
    found = fitted(book, engine, settings, standing, stage)
    if found is not None:
        result = scored(book, engine, settings, standing, found, stage)
        return replace(result, early=_early(book, engine, settings))
    if not may_fall_back:
        raise ModelError(
            f"Fewer than {ENOUGH_EVENTS} customers have left early enough to learn from.",
            hint="Without --model the risks of plan and age are shown.",
        )
    result = _unmodelled(book, engine, settings, standing, _By("curves", notes=("too_few_events",)))
    return replace(result, early=_early(book, engine, settings))


def fitted(
    book: Book, engine: Engine, settings: Settings, standing: Standing, stage: Stage = silent
) -> RiskModel | None:
    """Fit, choose and validate a model; null where too few customers have left."""
    span, horizons = book.span, standing.horizons
    days = landmark_days(span.data_from, span.as_of)
    if not days:
        return None
    known, edges = _known(book, engine, settings, days), edges_with(horizons.risk_days)
    n_alive = int(standing.customers["is_alive"].sum())
    share = min(1.0, MOST_ROWS / max(n_alive * len(days), 1))
    rows = _panel(book, engine, settings, (days, edges, known), share)
    stage("features")
    if n_ends(rows, span.as_of) < ENOUGH_EVENTS:
        return None
    main = scoring.main_days(horizons.risk_days)
    found = checks.findings(rows, days, span.as_of, main)
    checks.refuse_fatal(found)
    asked = Question(
        edges,
        days,
        span.as_of,
        horizons.risk_days,
        main,
        _campaign(settings, standing),
        settings.contact.accept_share,
    )
    told = validation(rows, asked, found, tuple(KINDS))
    stage("validated")
    whole = {kind: candidate(rows, edges, span.as_of, kind) for kind in {GLASS, told.chosen}}
    box, best = whole[GLASS], whole[told.chosen]
    if box is None or best is None or not isinstance(box.fitted, GlassBox):
        return None
    stage("fitted")
    return RiskModel(
        box=box.fitted,
        trees=best.fitted if isinstance(best.fitted, TreeModel) else None,
        calibration=best.calibration,
        known=known,
        drift=drifting.bins(rows.filter(pl.col("landmark_on") == span.as_of)),
        facts=_facts(book, rows),
        validation=told,
    )


def scored(
    book: Book,
    engine: Engine,
    settings: Settings,
    standing: Standing,
    model: RiskModel,
    stage: Stage = silent,
) -> ChurnRisk:
    """Score the customers of a book with a model.

    ModelError where the model is of another currency, or does not know an asked horizon.
    """
    horizons, edges = standing.horizons, model.box.edges
    scoring.refuse_others(model, book, horizons)
    rows = _panel(book, engine, settings, ((book.span.as_of,), edges, model.known), 1.0)
    stage("features_today")
    alive = _alive(book, engine, settings, standing)
    customers = scoring.scored(model, rows, alive, horizons, settings.contact)
    moved = drifting.drifted(model.drift, rows, alerts.level(settings.alerts.false_share))
    by = _By("landmarks", model, drifted=moved)
    return _result(book, settings, horizons, customers, by)


def _panel(
    book: Book,
    engine: Engine,
    settings: Settings,
    what: tuple[Sequence[date], tuple[int, ...], Known],
    share: float,
) -> pl.DataFrame:
    """Return the panel of the landmarks, of a share of the customers, without ignored features."""
    (days, edges, known), span = what, book.span
    is_drawn = pl.col("customer_id").hash(_SALT) < int(share * (2**64 - 1))

    def plan(tables: Tables) -> pl.LazyFrame:
        some = tables
        if share < 1:
            some = {
                name: rows.filter(is_drawn)
                if "customer_id" in rows.collect_schema().names()
                else rows
                for name, rows in tables.items()
            }
        return panel(some, days, span.as_of, span.data_from, settings.grace_days, edges, known)

    rows = engine.collect(book, plan, ORDER)
    return rows.drop(ignored(settings.risk.ignore), strict=False)


def ignored(names: Sequence[str]) -> list[str]:
    """Return the features that names are of: each its own, or all of a group."""
    every = (*FEATURES, *TOUCHES)
    known = {one.name for one in every}
    groups = {name for name in names if name not in known}
    return [one.name for one in every if one.name in names or one.group in groups]


def _known(book: Book, engine: Engine, settings: Settings, days: Sequence[date]) -> Known:
    """Return what features compare a customer with: what its plan uses and pays."""
    as_of, grace = book.span.as_of, settings.grace_days
    prices = engine.total(book, unit_prices(days, as_of, grace), ["plan", "unit_price_amount"])
    popular = {}
    if "usage" in book.tables:
        users = engine.total(book, feature_users(as_of, as_of, grace), ["plan", "feature"])
        popular = popular_features(users)
    return Known(
        _begun(book, engine), popular, list_prices(prices), with_touches=settings.risk.touches
    )


def _begun(book: Book, engine: Engine) -> dict[str, date]:
    """Return from which day on each log was kept, whatever stray rows lie before."""
    names = tuple(name for name in LOGS if name in book.tables)
    told = engine.total(book, days_with_rows(names, book.span.as_of), ["table_no", "day"])
    days = {name: told.filter(pl.col("table_no") == at)["day"] for at, name in enumerate(names)}
    return {name: log_start(of.to_list()) for name, of in days.items() if len(of)}


def _early(book: Book, engine: Engine, settings: Settings) -> dict[str, int]:
    if "usage" not in book.tables:
        return {}
    plan = early_usage(book.span.as_of, settings.grace_days)
    row = engine.total(book, plan, []).row(0, named=True)
    return {name: int(n or 0) for name, n in row.items()}


def _campaign(settings: Settings, standing: Standing) -> Campaign | None:
    contact, kept = settings.contact, standing.customers.filter("is_alive")["ltv_if_retained"]
    mean = kept.mean()
    if not isinstance(mean, float):
        return None
    return Campaign(mean / UNIT, contact.offer_amount, contact.contact_amount)


def _facts(book: Book, rows: pl.DataFrame) -> RiskFacts:
    span = book.span
    return RiskFacts(
        as_of=span.as_of,
        data_from=span.data_from,
        n_rows=rows.height,
        n_customers=rows["customer_id"].n_unique(),
        n_events=n_ends(rows, span.as_of),
        currency=book.currency,
        schema_hash=schema_hash(),
        book=book.digest,
        csk_version=__version__,
    )


def _alive(book: Book, engine: Engine, settings: Settings, standing: Standing) -> pl.DataFrame:
    """Return the valued customers in service, with the columns to keep, sorted by id."""
    alive = standing.customers.filter("is_alive").sort("customer_id")
    names = [name for name in dict.fromkeys(settings.keep) if name not in CHURN_RISK.names]
    if not names:
        return alive
    kept = engine.collect(
        book, lambda tables: tables["customers"].select("customer_id", *names), ["customer_id"]
    )
    return alive.drop(names, strict=False).join(
        kept, on="customer_id", how="left", maintain_order="left"
    )


def _unmodelled(
    book: Book, engine: Engine, settings: Settings, standing: Standing, by: "_By"
) -> ChurnRisk:
    """Return risks as the curves of plan and age, or of silence, tell them."""
    alive = _alive(book, engine, settings, standing)
    customers = scoring.by_curves(alive, standing.fit, standing.horizons, settings.contact)
    return _result(book, settings, standing.horizons, customers, by)


class _By(NamedTuple):
    """What risks are told by."""

    method: str
    model: RiskModel | None = None
    notes: tuple[str, ...] = ()
    drifted: tuple[Drifted, ...] = ()


def _result(
    book: Book, settings: Settings, horizons: Horizons, customers: pl.DataFrame, by: _By
) -> ChurnRisk:
    described = table(horizons.risk_days, settings.keep)
    told = (by.method, book.currency)
    return ChurnRisk(
        book=book,
        horizons=horizons,
        customers=scoring.completed(customers, described, settings.control, horizons, told),
        table=described,
        method=by.method,
        model=by.model,
        validation=None if by.model is None else by.model.validation,
        notes=by.notes,
        drifted=by.drifted,
    )


def table(risk_days: Sequence[int], keep: Sequence[str]) -> Table:
    """Return what the table of risks looks like: horizons as asked, kept columns last."""
    standard = {"p_churn_30d", "p_churn_90d", "p_churn_365d"}
    columns: list[Column] = []
    for column in CHURN_RISK.columns:
        if column.name == "p_churn_30d":
            columns += [risk_column(days) for days in risk_days]
        if column.name not in standard:
            columns.append(column)
    known = {column.name for column in columns}
    extra = [
        Column(name, "text", "Kept from the customers table.")
        for name in dict.fromkeys(keep)
        if name not in known
    ]
    return Table(CHURN_RISK.name, CHURN_RISK.definition, (*columns, *extra), CHURN_RISK.key)
