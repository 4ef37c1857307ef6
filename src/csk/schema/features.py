"""What is known of a customer before a landmark: every feature, its group and its meaning.

One rule: a feature reads nothing at or after its landmark; null means that it is not known.
"""

from typing import Final, NamedTuple

from csk.schema.column import Column, Table

GROUPS: Final = (
    "usage",
    "breadth",
    "seats",
    "tickets",
    "payments",
    "price",
    "renewal",
    "tenure",
    "surveys",
)
"""What features are about; reasons are given by group. Plans are a group of their own."""


class Feature(NamedTuple):
    """One feature: its column (Float64), its group, its meaning, and what a healthy customer has.

    `better` is "higher", "lower" or "neither". `scale` is "log" for what is counted or grows by
    factors and is never below 0, otherwise "linear".
    """

    name: str
    group: str
    definition: str
    better: str
    scale: str = "linear"


FEATURES: Final = (
    # First, so that what only repeats it is left out, and not the tenure.
    Feature("tenure_days", "tenure", "Days since the spell began.", "higher", "log"),
    Feature("returns", "tenure", "Times the customer had left and come back.", "neither", "log"),
    Feature(
        "days_away",
        "tenure",
        "Days between the spell before and this one; 0 in the first.",
        "lower",
        "log",
    ),
    Feature("usage_28d", "usage", "Quantity used in 28 days.", "higher", "log"),
    Feature("usage_per_seat_28d", "usage", "Quantity used in 28 days a seat.", "higher", "log"),
    Feature(
        "usage_to_previous",
        "usage",
        "Log of the usage of 28 days over that of the 28 before.",
        "higher",
    ),
    Feature(
        "usage_to_baseline",
        "usage",
        "Log of the usage of 28 days over the customer's own mean of up to 6 periods before.",
        "higher",
    ),
    Feature(
        "days_since_use",
        "usage",
        "Days since the last use, at most 196; where there was none, days as a customer.",
        "lower",
        "log",
    ),
    Feature("features_used_28d", "breadth", "Features used in 28 days.", "higher", "log"),
    Feature(
        "top_feature_share_28d",
        "breadth",
        "Share of the most used feature in the quantity of 28 days.",
        "neither",
    ),
    Feature(
        "features_unused",
        "breadth",
        "Features that most customers of the plan use, not used within 196 days.",
        "lower",
        "log",
    ),
    Feature("active_users_28d", "seats", "People who used it in 28 days.", "higher", "log"),
    Feature(
        "active_users_per_seat",
        "seats",
        "People who used it in 28 days a seat.",
        "higher",
    ),
    Feature("seats", "seats", "Units of the contracts in force.", "neither", "log"),
    Feature("seats_change_180d", "seats", "Log of the seats over those 180 days before.", "higher"),
    Feature("tickets_28d", "tickets", "Tickets opened in 28 days.", "lower", "log"),
    Feature("tickets_90d", "tickets", "Tickets opened in 90 days.", "lower", "log"),
    Feature("tickets_open", "tickets", "Tickets open now.", "lower", "log"),
    Feature(
        "oldest_ticket_days", "tickets", "Age in days of the oldest open ticket.", "lower", "log"
    ),
    Feature("severe_open", "tickets", "Severe tickets open now.", "lower", "log"),
    Feature("failed_payments_35d", "payments", "Failed payments in 35 days.", "lower", "log"),
    Feature("failed_payments_90d", "payments", "Failed payments in 90 days.", "lower", "log"),
    Feature("refunds_90d", "payments", "Refunds in 90 days.", "lower", "log"),
    Feature("days_since_payment", "renewal", "Days since the last payment.", "lower", "log"),
    Feature("mrr", "price", "Recurring revenue a month in major units.", "neither", "log"),
    Feature(
        "price_to_list",
        "price",
        "Log of the price of a unit over the median of the plan.",
        "lower",
    ),
    Feature("mrr_change_28d", "price", "Log of revenue over that 28 days before.", "neither"),
    Feature("mrr_change_180d", "price", "Log of revenue over that 180 days before.", "neither"),
    Feature(
        "days_since_price_change",
        "price",
        "Days since the recurring revenue last changed, or the spell began.",
        "neither",
        "log",
    ),
    Feature(
        "days_to_renewal", "renewal", "Days to the end of the term that runs.", "higher", "log"
    ),
    Feature("term_length", "renewal", "Months of a term.", "neither", "log"),
    Feature("renewals_so_far", "renewal", "Terms completed in the spell.", "higher", "log"),
    Feature("last_nps", "surveys", "Last answer to the NPS question.", "higher"),
    Feature("nps_age_days", "surveys", "Days since that answer.", "neither", "log"),
    Feature("last_csat", "surveys", "Last answer to a CSAT question.", "higher"),
    Feature("csat_age_days", "surveys", "Days since that answer.", "neither", "log"),
)
"""Features by group; a panel has those whose tables its book has."""

TOUCHES: Final = (
    Feature("touches_90d", "touches", "Our actions on the customer in 90 days.", "neither", "log"),
    Feature("days_since_touch", "touches", "Days since the last of them.", "neither", "log"),
)
"""Features of what we did: left out unless asked for, as an earlier campaign leaks the label."""

LANDMARK: Final = Table(
    "landmark",
    "One row per customer in service at a landmark, and the columns on the way there.",
    (
        Column("customer_id", "id", "Who pays."),
        Column(
            "landmark_on",
            "date",
            "Day at whose start a customer is looked at; nothing at or after it is read.",
        ),
        Column(
            "end_in_days",
            "count",
            "Days from the landmark to the end of the spell; null = none seen.",
        ),
        Column("cause", "count", "0 no end, 1 voluntary, 2 involuntary, 3 unknown."),
        Column("plan", "text", "Plan of the main contract."),
        Column("term_months", "count", "Months of its term."),
        Column("mrr_amount", "amount", "Recurring revenue of the contracts in force."),
        Column("spell_no", "count", "Number of the spell."),
        Column("spell_started_on", "date", "First day of the spell."),
        Column("term_started_on", "date", "First day of the main contract."),
        Column("unit_price_amount", "amount", "What a unit of it costs a month."),
        Column("away_from", "date", "End of the spell before."),
        Column("n_seats", "count", "Units of the contracts in force, in thousandths."),
        Column("n_seats_before", "count", "Units of those 180 days before, in thousandths."),
        Column(
            "period_no",
            "count",
            "Steps of 28 days from a landmark, or a day of use, to the last landmark.",
        ),
        Column("told_no", "count", "The step at which something was last told."),
        Column("began", "count", "The step of the first use."),
        Column("until", "date", "Day from which a later row holds."),
        Column("used", "count", "Quantity of a period, in thousandths."),
        Column("used_0", "count", "Quantity of the last period, in thousandths."),
        Column("used_bits", "count", "Popular features that were used, one bit each."),
        Column("used_from", "date", "First day of use in the last period."),
        Column("used_last", "date", "Last day of use."),
        Column("most_used", "count", "Quantity of the most used feature, in thousandths."),
        Column("n_features", "count", "Features used in a period."),
        Column("n_users", "count", "People who used anything in a period."),
        Column("first_day", "count", "First day of use, from 1970."),
        Column("last_day", "count", "Last day of use, from 1970."),
        Column("day", "count", "Day of use, from 1970."),
        Column("opened_on", "date", "Day on which a ticket was opened."),
        Column("closed_on", "date", "Day on which it was closed."),
        Column("known_on", "date", "Day from whose end on a row is known."),
        Column("first_known", "date", "The earliest of them, of a row and all later ones."),
        Column("is_severe", "flag", "Whether it was severe."),
        Column("n_opened_28", "count", "Tickets opened in 28 days."),
        Column("n_opened_90", "count", "Tickets opened in 90 days."),
        Column("n_open", "count", "Tickets open."),
        Column("n_severe", "count", "Severe ones of them."),
        Column("last_paid_on", "date", "Day of the last payment."),
        Column("failed_on", "date", "Day on which a payment failed."),
        Column("n_failed_35", "count", "Days with a failed payment, of 35."),
        Column("n_failed_90", "count", "Days with a failed payment, of 90."),
        Column("nps", "number", "Last answer to the NPS question."),
        Column("csat", "number", "Last answer to a CSAT question."),
        Column("n_touches", "count", "Actions on the customer in 90 days."),
        Column("total", "count", "Customers of a plan."),
        Column("reach", "count", "Customers who pay so much at most."),
    ),
)
