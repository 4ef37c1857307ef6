"""Tables that csk writes, in the order and with the types that BI tools rely on."""

from typing import Final

from csk.schema.churn_risk import KEPT_BY_RISK, SNAPSHOT_RISK
from csk.schema.column import Column, Table
from csk.schema.usage import USAGE_TRENDS

REJECTS: Final = Table(
    "rejects",
    "Rows that could not be understood, whole.",
    (
        Column("file", "text", "File as it was named."),
        Column("record", "count", "Record in the file, the first after the header being 1."),
        Column("line", "count", "Physical line on which the record starts; null where unknown."),
        Column("column", "text", "Column as the file calls it."),
        Column("value", "text", "The value as it stands in the file."),
        Column("reason", "text", "Rule that it broke."),
    ),
)

CUSTOMER_SNAPSHOT: Final = Table(
    "fct_customer_snapshot",
    "One row per customer as of a day: value with its factors, risk, stage, tier.",
    (
        Column("as_of", "date", "Day at whose start we stand; nothing at or after it is read."),
        Column("customer_id", "id", "Who pays.", required=True),
        Column("plan", "text", "Plan of the main contract; null without contracts."),
        Column("is_alive", "flag", "Whether the customer has not left."),
        Column(
            "lifecycle_stage",
            "text",
            "onboarding, adopting, retained, expanding, at-risk, churned.",
        ),
        Column("tier", "text", "high-touch, low-touch or tech-touch; null for who has left."),
        Column("value_risk_cell", "text", "save, protect-and-expand, automate or maintain."),
        Column(
            "rfm_segment", "text", "One of eleven segments of repeat buyers; null under contract."
        ),
        Column("rfm_recency", "count", "Score of recency, 5 = bought last."),
        Column("rfm_frequency", "count", "Score of frequency, 5 = buys most often."),
        Column("rfm_monetary", "count", "Score of money, 5 = spends most."),
        Column(
            "customer_since_on", "date", "First day of the current (or last) time as a customer."
        ),
        Column("churned_on", "date", "First day no longer a customer; null = still there."),
        Column("tenure_months", "number", "Months as a customer up to `as_of` or the end."),
        Column("n_purchases", "count", "Days with a purchase (shops), payments (contracts)."),
        Column("last_purchase_on", "date", "Day of the last purchase; null under contract."),
        Column("mrr_amount", "amount", "Recurring revenue a month; null without contracts."),
        Column("realised_amount", "amount", "Paid so far, undiscounted, net of refunds."),
        Column("unit_price_amount", "number", "Expected revenue of a payment, major units (V/N)."),
        Column("margin_share", "number", "Share of revenue that is margin (M/V)."),
        Column("frequency", "number", "Expected payments a month as a customer (N/D)."),
        Column(
            "duration_months", "number", "Expected months as a customer within the horizon (D)."
        ),
        Column("discount_factor", "number", "Present value over face value (PV/M)."),
        Column("ltv_amount", "amount", "Residual LTV: the product of the five factors."),
        Column("ltv_low", "amount", "Lower bound of its 95 % parameter interval."),
        Column("ltv_high", "amount", "Upper bound of its 95 % parameter interval."),
        Column("total_ltv_amount", "amount", "Realised (at the margin) and residual LTV."),
        Column("ltv_if_retained", "amount", "Residual LTV given survival of the risk horizon."),
        Column("value_at_risk", "amount", "p_churn over the risk horizon x ltv_if_retained."),
        Column("p_alive", "number", "Probability of still being a buyer (BG/NBD)."),
        Column("p_churn_30d", "number", "Probability of leaving within 30 days."),
        Column("p_churn_90d", "number", "Probability of leaving within 90 days."),
        Column("p_churn_365d", "number", "Probability of leaving within 365 days."),
        Column("currency", "text", "ISO 4217 code; null where unknown."),
        Column("ltv_basis", "text", "margin, or revenue where no margin is known."),
        Column("method", "text", "Model behind the row."),
        Column(
            "n_events", "count", "Ends (contracts) or repeat purchases (shops) it was fitted on."
        ),
    ),
    key=("as_of", "customer_id"),
)


def _known(*names: str) -> tuple[Column, ...]:
    """Return columns that say of a customer what they say in the snapshot."""
    return tuple(CUSTOMER_SNAPSHOT[name] for name in names)


CUSTOMER_LTV: Final = Table(
    "fct_customer_ltv",
    "One row per customer as of a day: LTV so far and from here on, its factors, and what it "
    "rests on.",
    (
        *_known("as_of", "customer_id"),
        Column("dimension", "text", "What the groups are groups of; null where none were asked."),
        Column("group", "text", "The customer's group; empty where it has none."),
        *_known(
            "plan",
            "is_alive",
            "customer_since_on",
            "churned_on",
            "tenure_months",
            "n_purchases",
            "last_purchase_on",
        ),
        Column(
            "next_purchase_on",
            "date",
            "Day by which half of buyers like this one, if they still are, have bought again; "
            "null under contract and for who has left.",
        ),
        *_known("realised_amount"),
        Column("realised_margin_amount", "amount", "Margin of what was paid so far."),
        *_known(
            "ltv_amount",
            "ltv_low",
            "ltv_high",
            "total_ltv_amount",
            "unit_price_amount",
            "margin_share",
            "frequency",
            "duration_months",
            "discount_factor",
        ),
        Column(
            "n_expected",
            "number",
            "Expected payments (contracts) or days with a purchase (shops) within the horizon (N).",
        ),
        *_known("p_alive"),
        Column(
            "tail_share",
            "number",
            "Share of ltv_amount that falls due later in a customer's life than 30 customers were "
            "ever watched; null where ltv_amount is 0.",
        ),
        Column("cac_amount", "amount", "Cost of winning this customer; null where not told."),
        Column("ltv_horizon_months", "count", "Months that residual LTV looks ahead."),
        Column("discount_rate", "number", "Discount a year."),
        *_known("currency", "ltv_basis", "method", "n_events"),
        Column(
            "flags",
            "text",
            "By comma: extrapolated (over half is tail_share), few_events (under 100), pooled "
            "(a curve shared with other groups), at_bound (the model is), no_interval; null = "
            "none.",
        ),
    ),
    key=("as_of", "customer_id"),
)


def _reason(number: int) -> tuple[Column, ...]:
    """Return the columns of the reason at a place, within the horizon nearest to 90 days."""
    name = f"reason_{number}"
    return (
        Column(name, "text", f"What counts {('most', 'next', 'third')[number - 1]}: a group."),
        Column(f"{name}_feature", "text", "Feature of the group that counts most."),
        Column(f"{name}_direction", "text", "up: it raises the risk; down: it lowers it."),
        Column(f"{name}_value", "number", "The customer's value of the feature."),
        Column(f"{name}_median", "number", "Its median among customers of the plan."),
        Column(f"{name}_target", "number", "Value from which it no longer raises the risk."),
    )


CHURN_RISK: Final = Table(
    "fct_churn_risk",
    "One row per customer in service: how likely to leave, why, what is at stake, and whether a "
    "contact pays.",
    (
        *_known("as_of", "customer_id", "plan", "mrr_amount", "currency", "tenure_months"),
        *_known("p_churn_30d", "p_churn_90d", "p_churn_365d"),
        Column("p_churn_low", "number", "Lower bound of its 95 % interval, longest horizon."),
        Column("p_churn_high", "number", "Upper bound of its 95 % interval, longest horizon."),
        Column("p_churn_voluntary", "number", "Of the longest horizon: by the customer's wish."),
        Column("p_churn_involuntary", "number", "Of the longest horizon: a payment that failed."),
        Column("p_churn_unknown", "number", "Of the longest horizon: no reason would be told."),
        Column("p_churn_change", "number", "Longest horizon: change since the run before."),
        *(column for number in (1, 2, 3) for column in _reason(number)),
        *_known("ltv_if_retained", "value_at_risk"),
        Column("net_benefit_amount", "amount", "What a contact brings on average, less its cost."),
        Column("is_control", "flag", "Whether the customer is left alone, to compare with."),
        Column("n_events", "count", "Ends that the model was fitted on."),
        Column("method", "text", "landmarks, curves, inactivity or cross_section."),
        Column("model_id", "text", "The model that scored."),
    ),
    key=("as_of", "customer_id"),
)


MRR_MOVEMENT: Final = Table(
    "fct_mrr_movement",
    "Movements of recurring revenue by period, group and kind; levels are the sum of what moved.",
    (
        Column("as_of", "date", "Day at whose start we stand; nothing at or after it is read."),
        Column("period_on", "date", "First day of the period."),
        Column("dimension", "text", "What the groups are groups of; null for the whole book."),
        Column("group", "text", "The group; null for the whole book."),
        Column(
            "kind",
            "text",
            "start, new, expansion, reactivation, resume, contraction, churn, pause, swap, end.",
        ),
        Column(
            "how",
            "text",
            "Of expansion and contraction: plan, add_on, price; of swap: in, out; else null.",
        ),
        Column("cause", "text", "Of churn: voluntary, involuntary, unknown, to_free; else null."),
        Column(
            "n_customers",
            "count",
            "Customers; negative for a swap out, and for a pause that became churn.",
        ),
        Column("amount", "amount", "Recurring revenue a month; falls are negative."),
        Column("is_complete", "flag", "Whether all of the period is known."),
        Column("currency", "text", "ISO 4217 code; null where unknown."),
    ),
    key=("as_of", "period_on", "dimension", "group", "kind", "how", "cause"),
)


COHORT_CELL: Final = Table(
    "fct_cohort",
    "Cohorts by the period in which customers first came, and what they did at each age.",
    (
        Column("as_of", "date", "Day at whose start we stand; nothing at or after it is read."),
        Column("cohort_on", "date", "First day of the period in which they came."),
        Column("age_periods", "count", "Periods since then; 0 is their own."),
        Column("n_cohort", "count", "Customers who came."),
        Column(
            "n_customers", "count", "Of those, customers who pay at its end (shops: who buy in it)."
        ),
        Column("amount", "amount", "Recurring revenue at its end (shops: paid in it, net)."),
        Column("customers_share", "number", "n_customers / n_cohort."),
        Column("amount_share", "number", "amount over that of age 0."),
        Column("is_complete", "flag", "Whether the whole period is known."),
        Column("is_whole", "flag", "False where the cohort began before the log."),
        Column("currency", "text", "ISO 4217 code; null where unknown."),
    ),
    key=("as_of", "cohort_on", "age_periods"),
)

SURVIVAL: Final = Table(
    "fct_survival",
    "Who is still a customer at each age, of those at risk at that age.",
    (
        Column("as_of", "date", "Day at whose start we stand; nothing at or after it is read."),
        Column("dimension", "text", "What the groups are groups of; null for the whole book."),
        Column("group", "text", "The group; null for the whole book."),
        Column("age_months", "number", "Age in months, of 31 ticks each."),
        Column("n_at_risk", "count", "Customers under observation at this age."),
        Column("n_ended", "count", "Customers who left at this age."),
        Column("survival", "number", "Share still there (Kaplan-Meier)."),
        Column("survival_low", "number", "Lower bound of its 95 % interval."),
        Column("survival_high", "number", "Upper bound of its 95 % interval."),
    ),
    key=("as_of", "dimension", "group", "age_months"),
)


KPI: Final = Table(
    "fct_kpi",
    "Key figures: one row for each metric, period and group, with what it is a ratio of.",
    (
        Column("as_of", "date", "Day at whose start we stand; nothing at or after it is read."),
        Column(
            "period_on",
            "date",
            "First day of the period; of figures as of a day, the period of the day before.",
        ),
        Column("dimension", "text", "What the groups are groups of; null for the whole book."),
        Column("group", "text", "The group; null for the whole book."),
        Column("metric_id", "text", "The metric."),
        Column("value", "number", "Its value in `unit`; null where there is none."),
        Column("low", "number", "Lower bound of its 95 % interval; null where none is told."),
        Column("high", "number", "Upper bound of its 95 % interval; null where none is told."),
        Column("numerator", "number", "What the value is a ratio of; money in major units."),
        Column("denominator", "number", "What it is divided by; null where it is no ratio."),
        Column("n", "count", "Customers or answers behind it."),
        Column("is_complete", "flag", "Whether all of the period is known."),
        Column("definition_id", "text", "Definition it follows."),
        Column("unit", "text", "money (major units), share, count, ratio, months or score."),
        Column("currency", "text", "ISO 4217 code; null where unknown."),
    ),
    key=("as_of", "period_on", "dimension", "group", "metric_id"),
)

RECONCILIATION: Final = Table(
    "fct_reconciliation",
    "A figure of a period on two sides, and the causes between them; the steps add up to theirs.",
    (
        Column("as_of", "date", "Day at whose start we stand; nothing at or after it is read."),
        Column("period_on", "date", "First day of the period."),
        Column("metric_id", "text", "The figure."),
        Column("step", "count", "0 is ours, the last is theirs, between them the causes."),
        Column("cause", "text", "ours, theirs, a named cause, rounding or unexplained."),
        Column("detail", "text", "What of it differs: as on our side, then as on theirs."),
        Column("n_customers", "count", "Customers for whom the figure changed; null if unknown."),
        Column("value", "number", "The figure (money in major units), or by how much it changed."),
        Column("numerator", "amount", "Money, or customers; null where theirs is a quotient."),
        Column("denominator", "amount", "Money, or customers; null where nothing is divided."),
        Column("currency", "text", "ISO 4217 code; null where unknown."),
    ),
    key=("as_of", "period_on", "metric_id", "step"),
)


EXPLAINED: Final = Table(
    "fct_explained",
    "The movements behind one metric of one period.",
    (
        Column("as_of", "date", "Day at whose start we stand; nothing at or after it is read."),
        Column("metric_id", "text", "The metric."),
        Column("definition_id", "text", "How it is reckoned: the metric, and the preset if other."),
        Column("period_on", "date", "First day of the period."),
        Column("customer_id", "id", "Who pays."),
        Column("part", "text", "Contract or product that moved; null by customer."),
        Column("changed_on", "date", "Day of the last change in the period."),
        Column(
            "kind",
            "text",
            "new, expansion, reactivation, resume, contraction, churn, pause; flash: came and "
            "left.",
        ),
        Column("how", "text", "Of expansion and contraction: plan, add_on, price; else null."),
        Column("cause", "text", "Of churn: voluntary, involuntary, unknown; else null."),
        Column("before_amount", "amount", "Recurring revenue a month before."),
        Column("after_amount", "amount", "Recurring revenue a month after."),
        Column("change_amount", "amount", "What moved; falls are negative, flash as it came."),
        Column("currency", "text", "ISO 4217 code; null where unknown."),
    ),
    key=("as_of", "metric_id", "period_on", "customer_id", "part", "changed_on"),
)

DICTIONARY: Final = Table(
    "_dictionary",
    "What every table, column and metric that csk writes means.",
    (
        Column("entry", "text", "table, column, metric or term.", required=True),
        Column("table_name", "text", "Table of a column; null for the others."),
        Column("name", "text", "Name of the table, column or term; definition_id of a metric."),
        Column("kind", "text", "Kind of a column, unit of a metric; null for the others."),
        Column("label", "text", "What people call it, in English."),
        Column("label_ja", "text", "What people call it, in Japanese."),
        Column("definition", "text", "What it means, in English."),
        Column("definition_ja", "text", "What it means, in Japanese; null for tables and columns."),
        Column("numerator", "text", "Terms of a metric's numerator."),
        Column("denominator", "text", "Terms of its denominator; null where it has none."),
    ),
    key=("entry", "table_name", "name"),
)

SELFTEST: Final = Table(
    "selftest",
    "Published figures and what csk makes of the same numbers.",
    (
        Column("source", "text", "Authors and year."),
        Column("title", "text", "Of the publication."),
        Column("table_name", "text", "Subject and table."),
        Column("figure", "text", "The figure."),
        Column("published", "number", "As it is printed."),
        Column("computed", "number", "As csk reckons it; null where it could not."),
        Column("tolerance", "number", "What it may be missed by."),
        Column("is_held", "flag", "Whether it is not missed by more."),
    ),
    key=("table_name", "figure"),
)


def risk_column(days: int) -> Column:
    """Return the column of the risk within a horizon."""
    return Column(f"p_churn_{days}d", "number", f"Probability of leaving within {days} days.")


OUTPUTS: Final = {
    table.name: table
    for table in (
        *(CUSTOMER_SNAPSHOT, CUSTOMER_LTV, CHURN_RISK, USAGE_TRENDS, SNAPSHOT_RISK),
        *KEPT_BY_RISK.values(),
        *(MRR_MOVEMENT, COHORT_CELL, SURVIVAL, KPI),
        *(RECONCILIATION, EXPLAINED, SELFTEST, DICTIONARY),
    )
}
