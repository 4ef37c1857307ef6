"""LTV and its factors: unit price x margin x frequency x duration (x discount).

One rule: everything is computed from expected sums and shown as their ratios, so the factors
multiply to the LTV for a customer, a group and a book alike.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from csk.schema import AMOUNT_SCALE

UNIT: Final = 10**AMOUNT_SCALE


@dataclass(frozen=True, slots=True)
class Factors:
    """The factors of a group's residual LTV, as ratios of its sums; null where D is 0."""

    n: int
    unit_price_amount: float | None
    """Major units."""
    margin_share: float | None
    frequency: float | None
    duration_months: float | None
    """Mean expected months of a customer."""
    discount_factor: float | None
    ltv_amount: int
    """Sum, in counts of 1/10,000."""

    @property
    def mean_ltv(self) -> float:
        """Residual LTV of one customer of the group, in counts of 1/10,000."""
        return self.ltv_amount / self.n if self.n else 0.0


def valued(scored: pl.DataFrame, price: pl.Expr, margin: pl.Expr, risk: str) -> pl.DataFrame:
    """Add the factors, `ltv_amount` and what follows from it to scored customers.

    `price` is the expected revenue of one payment in counts of 1/10,000 (float), `margin` a
    share; `scored` has `is_alive`, `n_expected`, `n_present`, `n_retained`, `duration_months`,
    `share_low`, `share_high`, `realised_amount` and the column `risk` (p_churn). Those who have
    left have LTV 0 and no factors. Money is rounded half-even to 1/10,000.
    """
    alive = pl.col("is_alive") & (pl.col("duration_months") > 0)
    paid = alive & (pl.col("n_expected") > 0)
    worth = (price * margin).alias("worth")
    amounts = scored.with_columns(
        pl.col("n_expected", "n_present", "n_retained", "duration_months").fill_null(0.0)
    ).with_columns(
        unit_price_amount=pl.when(alive).then(price / UNIT),
        margin_share=pl.when(alive).then(margin),
        frequency=pl.when(alive).then(pl.col("n_expected") / pl.col("duration_months")),
        discount_factor=pl.when(paid)
        .then(pl.col("n_present") / pl.col("n_expected"))
        .when(alive)
        .then(1.0),
        ltv_amount=_money(pl.when(alive).then(pl.col("n_present") * worth).otherwise(0.0)),
        ltv_if_retained=_money(pl.when(alive).then(pl.col("n_retained") * worth).otherwise(0.0)),
    )
    ltv, kept = pl.col("ltv_amount"), pl.col("ltv_if_retained")
    return amounts.with_columns(
        **{
            f"ltv_{end}": pl.when(alive)
            .then(_money(ltv * pl.col(f"share_{end}").fill_nan(None)))
            # Who has left is worth exactly nothing from here on.
            .otherwise(0)
            for end in ("low", "high")
        },
        total_ltv_amount=_money(pl.col("realised_amount") * margin) + ltv,
        value_at_risk=_money(pl.when(alive).then(pl.col(risk) * kept).otherwise(0.0)),
    )


def _money(expression: pl.Expr) -> pl.Expr:
    return expression.round(0, mode="half_to_even").cast(pl.Int64)


def factors(customers: pl.DataFrame) -> Factors:
    """Return the factors of a group of valued customers, as ratios of its sums."""
    n_expected = pl.col("n_expected")
    revenue = n_expected * pl.col("unit_price_amount")
    alive = customers.filter(pl.col("unit_price_amount").is_not_null())
    sums = alive.sort("customer_id").select(
        n=n_expected.sum(),
        months=pl.col("duration_months").sum(),
        revenue=revenue.sum(),
        margin=(revenue * pl.col("margin_share")).sum(),
        present=(pl.col("n_present") * pl.col("unit_price_amount") * pl.col("margin_share")).sum(),
    )
    payments, months, money, margin, present = (float(v) for v in sums.row(0))
    return Factors(
        n=alive.height,
        unit_price_amount=money / payments if payments else None,
        margin_share=margin / money if money else None,
        frequency=payments / months if months else None,
        duration_months=months / alive.height if alive.height else None,
        discount_factor=present / margin if margin else None,
        ltv_amount=int(alive["ltv_amount"].sum()),
    )
