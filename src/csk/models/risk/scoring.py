"""From a model and a day to one row a customer: chances, reasons, and what is at stake.

One rule: value at risk, causes and bounds are of one horizon, the longest that was asked for;
reasons are of the one nearest to 90 days, in which something can still be done.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from csk.book import Book
from csk.errors import ModelError
from csk.models.contract import ContractFit, Horizons
from csk.models.repeat import RepeatFit
from csk.models.risk.calibrating import IDENTITY
from csk.models.risk.control import is_control
from csk.models.risk.curve import p_churn, p_churn_by_cause
from csk.models.risk.glass import interval
from csk.models.risk.model import RiskModel
from csk.models.risk.reasons import TOP, reasons, words_of
from csk.models.risk.verdict import GLASS
from csk.models.value import UNIT
from csk.schema import CHURN_RISK, Table
from csk.settings import Contact, Control
from csk.stats.profit import net_benefit
from csk.tables.columns import types_of
from csk.tables.spells import INVOLUNTARY, UNKNOWN, VOLUNTARY

CAUSES: Final = {VOLUNTARY: "voluntary", INVOLUNTARY: "involuntary", UNKNOWN: "unknown"}
MAIN_DAYS: Final = 90
BLOCK: Final = 100_000
"""Customers scored at once."""


def main_days(risk_days: Sequence[int]) -> int:
    """Return the horizon that models are chosen by and reasons are of."""
    return min(risk_days, key=lambda days: abs(days - MAIN_DAYS))


def refuse_others(model: RiskModel, book: Book, horizons: Horizons) -> None:
    """Raise ModelError where a model is of another currency or of shorter horizons."""
    if model.facts.currency != book.currency:
        raise ModelError(
            f"The model was fitted on {model.facts.currency or 'no currency'}, and this book is in "
            f"{book.currency or 'none'}.",
            hint="Fit it again on data like those that are to be scored: --refit.",
        )
    missing = [days for days in horizons.risk_days if days > model.box.edges[-1]]
    if missing:
        raise ModelError(
            f"The model foretells up to {model.box.edges[-1]} days, not {max(missing)}.",
            hint="Ask for a shorter --risk-horizon, or fit the model for it: --refit.",
        )


def scored(
    model: RiskModel, panel: pl.DataFrame, alive: pl.DataFrame, horizons: Horizons, contact: Contact
) -> pl.DataFrame:
    """Return the customers in service with chances, reasons and what is at stake.

    `panel` are the rows of the day, `alive` the valued customers, sorted by id. Who is in `alive`
    alone (between two contracts that count as one spell) keeps the chances of its curve.
    """
    blocks = [
        _told(model, panel.slice(first, BLOCK), horizons) for first in range(0, panel.height, BLOCK)
    ]
    risks = [f"p_churn_{days}d" for days in horizons.risk_days]
    told = pl.concat(blocks) if blocks else None
    if told is None:
        return _at_stake(alive.with_columns(model_id=pl.lit(None, pl.String)), horizons, contact)
    both = alive.rename({name: f"{name}_curve" for name in risks}).join(
        told, on="customer_id", how="left", maintain_order="left"
    )
    filled = both.with_columns(pl.coalesce(name, f"{name}_curve").alias(name) for name in risks)
    return _at_stake(
        filled.with_columns(
            model_id=pl.lit(model.model_id),
            n_events=pl.lit(model.facts.n_events, dtype=pl.Int64),
        ),
        horizons,
        contact,
    )


def _told(model: RiskModel, panel: pl.DataFrame, horizons: Horizons) -> pl.DataFrame:
    edges, longest = model.box.edges, horizons.retained_days
    hazards = model.hazards(panel)
    causes = p_churn_by_cause(hazards, edges, longest)
    by = model.calibration if model.chosen == GLASS else IDENTITY
    why = reasons(model.box, panel, main_days(horizons.risk_days), by)
    low, high = (_logit(bound) for bound in interval(model.box, panel, longest, by))
    # The glass box alone knows how sure it is: other chances take over its width in odds.
    moved = _logit(p_churn(hazards, edges, longest)) - (low + high) / 2.0
    found = panel.select("customer_id").with_columns(
        **{
            f"p_churn_{days}d": pl.Series(p_churn(hazards, edges, days))
            for days in horizons.risk_days
        },
        p_churn_low=pl.Series(_chance(low + moved)),
        p_churn_high=pl.Series(_chance(high + moved)),
    )
    by_cause = {CAUSES[cause]: causes[:, i] for i, cause in enumerate(model.box.causes)}
    nobody = np.zeros(panel.height)
    found = found.with_columns(
        pl.Series(f"p_churn_{name}", by_cause.get(name, nobody)) for name in CAUSES.values()
    )
    return found.hstack(_told_reasons(words_of(why)))


def _told_reasons(words: pl.DataFrame) -> pl.DataFrame:
    """Return reasons by the names of the table: only what raises a chance is a reason."""
    found = words.rename({f"reason_{n}_typical": f"reason_{n}_median" for n in range(1, TOP + 1)})
    up = [
        pl.when(pl.col(f"reason_{n}").is_not_null())
        .then(pl.lit("up"))
        .alias(f"reason_{n}_direction")
        for n in range(1, TOP + 1)
    ]
    return found.with_columns(up).drop([f"reason_{n}_contribution" for n in range(1, TOP + 1)])


def by_curves(
    alive: pl.DataFrame, fit: ContractFit | RepeatFit, horizons: Horizons, contact: Contact
) -> pl.DataFrame:
    """Return the customers in service with the chances that plan and age, or silence, tell.

    Who buys without contract has one reason, where the silence is longer than others': `usage`.
    """
    told = alive.with_columns(
        model_id=pl.lit(None, pl.String), n_events=pl.lit(fit.n_events, dtype=pl.Int64)
    )
    if isinstance(fit, RepeatFit):
        told = _by_silence(told)
    return _at_stake(told, horizons, contact)


def _by_silence(alive: pl.DataFrame) -> pl.DataFrame:
    silence = pl.col("silence_days").cast(pl.Float64)
    is_long = silence > pl.col("silence_days").median()
    return alive.with_columns(
        reason_1=pl.when(is_long).then(pl.lit("silence")),
        reason_1_feature=pl.when(is_long).then(pl.lit("silence_days")),
        reason_1_direction=pl.when(is_long).then(pl.lit("up")),
        reason_1_value=pl.when(is_long).then(silence),
        reason_1_median=pl.when(is_long).then(pl.col("silence_days").median().cast(pl.Float64)),
    )


def _at_stake(customers: pl.DataFrame, horizons: Horizons, contact: Contact) -> pl.DataFrame:
    """Add `value_at_risk` and `net_benefit_amount`, in counts, rounded half-even."""
    risk = pl.col(f"p_churn_{horizons.retained_days}d")
    kept = pl.col("ltv_if_retained")
    earned = net_benefit(
        customers.select(risk.fill_null(np.nan)).to_series().to_numpy(),
        customers["ltv_if_retained"].to_numpy() / UNIT,
        contact.offer_amount,
        contact.contact_amount,
        contact.accept_share,
    )
    return customers.with_columns(
        value_at_risk=_whole((risk * kept).fill_null(0.0)),
        net_benefit_amount=_whole(pl.Series(earned * UNIT).fill_nan(None)),
    )


def completed(
    customers: pl.DataFrame,
    described: Table,
    control: Control,
    horizons: Horizons,
    told: tuple[str, str],
) -> pl.DataFrame:
    """Return all columns of the table, null where nothing is known, sorted by customer.

    `told` are method and currency. Further columns of `customers` are left out.
    """
    method, currency = told
    alone = is_control(
        customers["customer_id"],
        horizons.as_of,
        control.share,
        control.experiment,
        control.period,
    )
    whole = customers.with_columns(
        as_of=pl.lit(horizons.as_of),
        currency=pl.lit(currency or None, dtype=pl.String),
        method=pl.lit(method),
        is_control=alone,
    )
    types = types_of(CHURN_RISK)
    missing = [name for name in described.names if name not in whole.columns]
    return (
        whole.with_columns(
            pl.lit(None, types.get(name, pl.String())).alias(name) for name in missing
        )
        .select(described.names)
        .sort("customer_id")
    )


def _whole(expression: pl.Expr | pl.Series) -> pl.Expr | pl.Series:
    return expression.round(0, mode="half_to_even").cast(pl.Int64)


def _logit(p: np.ndarray) -> np.ndarray:
    safe = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(safe) - np.log1p(-safe))


def _chance(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))
