"""Tables that a model's folder keeps beside the model: what was foretold, and what came of it.

One rule: all of them hold days and figures only, no clock, so that a run done again gives the
same bytes.
"""

from typing import Final

from csk.schema.column import Column, Table

_AS_OF = Column("as_of", "date", "Day at whose start the run stood.")

RISK_SCORE: Final = Table(
    "fct_risk_score",
    "What a run foretold of each customer; p_churn_{H}d for each horizon.",
    (
        _AS_OF,
        Column("customer_id", "id", "Who pays.", required=True),
        Column("is_control", "flag", "Whether the customer is left alone, to compare with."),
        Column("mrr_amount", "amount", "Recurring revenue a month; null without contracts."),
        Column("value_at_risk", "amount", "p_churn over the longest horizon x ltv_if_retained."),
        Column("model_id", "text", "The model that scored."),
    ),
    key=("as_of", "customer_id"),
)

RISK_RUN: Final = Table(
    "fct_risk_run",
    "The ledger: one row for each day as of which was scored.",
    (
        _AS_OF,
        Column("model_id", "text", "The model that scored."),
        Column("method", "text", "Kind of model."),
        Column("fitted_as_of", "date", "Day before which all lies that the model was fitted on."),
        Column("data_through", "date", "Last day that the data were complete for."),
        Column("inputs_sha256", "text", "Hash of what was read."),
        Column("n_customers", "count", "Customers scored."),
        Column("n_control", "count", "Of those, customers left alone."),
        Column("n_usage", "count", "Usage events of the last day before as_of; null without."),
        Column("n_payments", "count", "Payments of the last day before as_of; null without."),
        Column("mrr_amount", "amount", "Recurring revenue of those scored; null without."),
        Column("value_at_risk", "amount", "Value at risk of those scored."),
        Column("currency", "text", "ISO 4217 code; null where unknown."),
        Column("alerts", "text", "By comma: drift, calibration, volume, freshness; null = none."),
    ),
    key=("as_of",),
)

RISK_LIVE: Final = Table(
    "fct_risk_live",
    "What each run foretold in sum, and how the latest earlier run whose labels have matured by "
    "then did.",
    (
        _AS_OF,
        Column("horizon_days", "count", "Horizon."),
        Column("n_expected", "number", "Customers expected to leave within it: the sum of p."),
        Column("scored_on", "date", "Day of the earlier run that is judged; null = none yet."),
        Column("scored_by", "text", "Its model."),
        Column("of_control", "flag", "Whether it is judged on customers left alone only."),
        Column("n", "count", "Customers it is judged on."),
        Column("n_unknown", "count", "Scored customers of whom the data no longer tell."),
        Column("n_foretold", "number", "Sum of its p."),
        Column("n_left", "count", "Customers who left within the horizon."),
        Column("brier", "number", "Mean squared error of p."),
        Column("brier_skill", "number", "Share taken off the Brier score of the base rate."),
        Column("auc", "number", "Chance that who leaves is ranked above who stays."),
        Column("lift_10", "number", "Rate of leaving among the tenth ranked first, over all."),
        Column("intercept", "number", "Of the calibration, slope at 1; 0 = the level is right."),
        Column("slope", "number", "Of the calibration; 1 = the spread is right."),
        Column("z", "number", "Left less foretold, in standard deviations."),
    ),
    key=("as_of", "horizon_days"),
)

KEPT_BY_RISK: Final = {table.name: table for table in (RISK_SCORE, RISK_RUN, RISK_LIVE)}

SNAPSHOT_RISK: Final = Table(
    "fct_snapshot_risk",
    "One row per customer of a cross-section: how like those that left; not a forecast.",
    (
        Column("row_no", "count", "Number of the row, by customer where there are ids."),
        Column("customer_id", "id", "Who pays; null where the file has no ids."),
        Column("is_churned", "flag", "Whether the customer has left."),
        Column(
            "p_churn",
            "number",
            "Share that left of those alike, by models that never saw this row.",
        ),
        *(
            Column(f"reason_{number}{part}", kind, said)
            for number in (1, 2, 3)
            for part, kind, said in (
                ("", "text", "Column that sets the customer apart most."),
                ("_direction", "text", "up: as those that left; down: as those that stayed."),
                ("_value", "number", "The customer's value; null for text."),
                ("_median", "number", "Its median over all customers; null for text."),
                ("_shown", "text", "The value as text."),
                ("_usual", "text", "The median, or the most frequent text."),
            )
        ),
    ),
    key=("row_no",),
)
