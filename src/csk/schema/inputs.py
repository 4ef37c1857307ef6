"""Tables that csk reads: what each needs, and what its columns mean."""

from typing import Final

from csk.schema.column import Column, Table

_KNOWN_AT: Final = Column("known_at", "instant", "When it came to be known; null = as it happened.")

CUSTOMERS: Final = Table(
    "customers",
    "Who pays; further columns of the file are attributes.",
    (
        Column("customer_id", "id", "Who pays.", required=True),
        Column("created_on", "date", "Day the customer was registered."),
        Column("channel", "text", "How the customer came."),
        Column("plan", "text", "Plan or class of membership as of the export."),
        Column("cac_amount", "amount", "Cost of winning this customer."),
    ),
    key=("customer_id",),
)

SUBSCRIPTIONS: Final = Table(
    "subscriptions",
    "Contracts: one row for each unbroken time on one price and plan.",
    (
        Column("subscription_id", "id", "The contract."),
        Column("customer_id", "id", "Who pays.", required=True),
        Column("product_id", "id", "What is bought."),
        Column("plan", "text", "Plan of the contract."),
        Column("started_on", "date", "First day served.", required=True),
        Column("ended_on", "date", "First day no longer served; null = running."),
        Column("mrr_amount", "amount", "Recurring revenue a month, net of recurring discounts."),
        Column("amount", "amount", "Price of one term."),
        Column("unit_price_amount", "amount", "Price of one unit for one term."),
        Column("quantity", "number", "Units."),
        Column("currency", "text", "ISO 4217 code."),
        Column("interval", "text", "Unit of the term: day, week, month, year."),
        Column("interval_count", "count", "Units of `interval` in one term."),
        Column("term_months", "count", "Months paid for at once."),
        Column("trial_ended_on", "date", "First day after a free trial; the contract starts then."),
        Column("period_started_on", "date", "First day of a term, where no interval tells it."),
        Column("period_ended_on", "date", "First day after that term."),
        Column("status", "text", "State as of the export."),
        Column("cancel_reason", "text", "Why the contract ended."),
        Column("paused_from", "date", "First day of a pause within it."),
        Column("paused_to", "date", "First day after the pause; null = not yet over."),
    ),
    key=("customer_id", "started_on"),
    one_of=(("mrr_amount", "amount", "unit_price_amount"),),
)

MRR_EVENTS: Final = Table(
    "mrr_events",
    "Changes of recurring revenue: one row for each rise or fall.",
    (
        Column("customer_id", "id", "Who pays.", required=True),
        Column("subscription_id", "id", "The contract; the customer's only one where not told."),
        Column("changed_on", "date", "Day of the change.", required=True),
        Column("mrr_change_amount", "amount", "Rise or fall of revenue a month.", required=True),
        Column("plan", "text", "Plan that was taken or left."),
        Column("currency", "text", "ISO 4217 code."),
        Column("n_changes", "count", "Changes that the row adds up, where it was merged before."),
    ),
    key=("customer_id", "changed_on"),
)

PAYMENTS: Final = Table(
    "payments",
    "Money received; refunds are negative.",
    (
        Column("payment_id", "id", "The payment, order or invoice."),
        Column("customer_id", "id", "Who pays.", required=True),
        Column("paid_on", "date", "Day of the payment or order.", required=True),
        Column("amount", "amount", "Money received, net of what was refunded in the row."),
        Column("refunded_amount", "amount", "What of it went back; taken off `amount`."),
        Column("unit_price_amount", "amount", "Price of one unit."),
        Column("quantity", "number", "Units."),
        Column("currency", "text", "ISO 4217 code."),
        Column("status", "text", "State of the payment."),
        Column("product_id", "id", "What was bought."),
        Column("subscription_id", "id", "The contract it pays for."),
        Column("n_delivery", "count", "Which delivery of its contract it pays for: 1, 2, ..."),
        Column("n_payments", "count", "Payments that the row adds up, where it was merged before."),
        Column("n_refunds", "count", "Refunds that it adds up, likewise."),
    ),
    key=("customer_id", "paid_on"),
    one_of=(("amount", "unit_price_amount"),),
)

USAGE: Final = Table(
    "usage",
    "Things done in the product.",
    (
        Column("customer_id", "id", "Who pays.", required=True),
        Column("user_id", "id", "A person at the customer."),
        Column("used_at", "instant", "When.", required=True),
        Column("feature", "text", "With what.", required=True),
        Column("quantity", "number", "How much; 1 where the file has none."),
        Column("n_events", "count", "Events that the row adds up, where it was merged before."),
    ),
    key=("customer_id", "used_at"),
)

TICKETS: Final = Table(
    "tickets",
    "Support cases.",
    (
        Column("ticket_id", "id", "The case."),
        Column("customer_id", "id", "Who pays.", required=True),
        Column("opened_at", "instant", "When it was opened.", required=True),
        Column("closed_at", "instant", "When it was closed; null = open."),
        Column("severity", "text", "How bad."),
        _KNOWN_AT,
        Column("n_tickets", "count", "Cases that the row adds up, where it was merged before."),
    ),
    key=("customer_id", "opened_at"),
)

SURVEYS: Final = Table(
    "surveys",
    "Answers of customers.",
    (
        Column("customer_id", "id", "Who pays.", required=True),
        Column("answered_on", "date", "Day of the answer.", required=True),
        Column("kind", "text", "nps or csat."),
        Column("score", "number", "The answer.", required=True),
        _KNOWN_AT,
    ),
    key=("customer_id", "answered_on"),
)

TOUCHES: Final = Table(
    "touches",
    "Our actions on customers.",
    (
        Column("customer_id", "id", "Who pays.", required=True),
        Column("touched_on", "date", "Day of the action.", required=True),
        Column("channel", "text", "How the customer was reached."),
        Column("action", "text", "What was done."),
        Column("cost_amount", "amount", "What it cost."),
        Column("experiment", "text", "Experiment it belongs to."),
        Column("arm", "text", "Arm of the experiment."),
        _KNOWN_AT,
    ),
    key=("customer_id", "touched_on"),
    one_of=(("action", "arm", "channel"),),
)

COSTS: Final = Table(
    "costs",
    "Margin by plan or product.",
    (
        Column("plan", "text", "Plan the margin holds for."),
        Column("product_id", "id", "Product the margin holds for."),
        Column(
            "margin_share", "number", "Share of revenue that is margin, in [0, 1].", required=True
        ),
    ),
    one_of=(("plan", "product_id"),),
)

FX: Final = Table(
    "fx",
    "Rates of exchange: one unit of the one currency in units of the other.",
    (
        Column("rate_on", "date", "First day the rate holds for.", required=True),
        Column("from_currency", "text", "ISO 4217 code of what is converted.", required=True),
        Column("to_currency", "text", "ISO 4217 code of what it becomes.", required=True),
        Column(
            "rate", "number", "Units of `to_currency` for one of `from_currency`.", required=True
        ),
    ),
)

CROSS_SECTION: Final = Table(
    "cross_section",
    "One row per customer and no dates: who has left, and after how many months.",
    (
        Column("customer_id", "id", "Who pays."),
        Column("tenure_months", "number", "Months as a customer.", required=True),
        Column("is_churned", "flag", "Whether the customer has left.", required=True),
        Column("plan", "text", "Plan or kind of contract."),
        Column("monthly_amount", "amount", "What the customer pays a month."),
        Column("total_amount", "amount", "What the customer has paid so far."),
    ),
    key=("customer_id",),
)

INPUTS: Final = {
    table.name: table
    for table in (
        CUSTOMERS,
        SUBSCRIPTIONS,
        MRR_EVENTS,
        PAYMENTS,
        USAGE,
        TICKETS,
        SURVEYS,
        TOUCHES,
        COSTS,
        FX,
        CROSS_SECTION,
    )
}
