"""The glossary: every table and column that csk reads or writes, as plain data.

One rule: a column name that stands in the code as a literal stands here, with its kind and its
meaning; the data dictionary, the casts of intake and the types of the files come from here.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

SCHEMA_VERSION: Final = 1

AMOUNT_SCALE: Final = 4
"""Money is held as Int64 counts of 10**-4 of the currency's major unit."""


class Column(NamedTuple):
    """One column: its name, its kind (see `KINDS`), whether a table needs it, its meaning."""

    name: str
    kind: str
    definition: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its columns in file order and the columns that identify a row."""

    name: str
    definition: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    """Groups of which a table needs at least one: `("amount", "unit_price_amount")`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in file order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        """Return the column called `name`; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


KINDS: Final = {
    "id": "String, normalised by the id rule",
    "text": "String, trimmed, NFKC",
    "date": "Date",
    "instant": "Datetime(us, UTC)",
    "amount": "Int64 of 1/10,000 major unit inside, Decimal(18,4) in files",
    "count": "Int64",
    "number": "Float64",
    "flag": "Boolean",
}

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
        Column("status", "text", "State as of the export."),
        Column("cancel_reason", "text", "Why the contract ended."),
    ),
    key=("customer_id", "started_on"),
    one_of=(("mrr_amount", "amount", "unit_price_amount"),),
)

PAYMENTS: Final = Table(
    "payments",
    "Money received; refunds are negative.",
    (
        Column("payment_id", "id", "The payment, order or invoice."),
        Column("customer_id", "id", "Who pays.", required=True),
        Column("paid_on", "date", "Day of the payment or order.", required=True),
        Column("amount", "amount", "Money received, net of what was refunded in the row."),
        Column("unit_price_amount", "amount", "Price of one unit."),
        Column("quantity", "number", "Units."),
        Column("currency", "text", "ISO 4217 code."),
        Column("status", "text", "State of the payment."),
        Column("product_id", "id", "What was bought."),
        Column("subscription_id", "id", "The contract it pays for."),
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
        PAYMENTS,
        USAGE,
        TICKETS,
        SURVEYS,
        TOUCHES,
        COSTS,
        CROSS_SECTION,
    )
}

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


def risk_column(days: int) -> Column:
    """Return the column of the risk within a horizon."""
    return Column(f"p_churn_{days}d", "number", f"Probability of leaving within {days} days.")


OUTPUTS: Final = {table.name: table for table in (CUSTOMER_SNAPSHOT,)}

WORKING: Final = Table(
    "working",
    "Columns that live between an export and a result and are in no file.",
    (
        Column("shard", "count", "Partition of the store."),
        Column("order", "count", "Sort key of a row within a shard."),
        Column("row", "count", "Position of a row."),
        Column("margin_amount", "amount", "Margin of a payment, by its product."),
        Column("realised_margin_amount", "amount", "Margin of all payments so far."),
        Column("n_payments", "count", "Payments that are no refunds."),
        Column("n_refunds", "count", "Refunds."),
        Column("n_entered", "count", "Spells that come under observation at an age."),
        Column("n_voluntary", "count", "Spells ended by the customer's choice."),
        Column("n_involuntary", "count", "Spells ended by a failed payment."),
        Column("n_unknown", "count", "Spells ended for a reason not told."),
        Column("n_censored", "count", "Spells last seen running."),
        Column("n_bought", "count", "Gaps that a purchase closed."),
        Column("n_ended", "count", "Spells ended."),
        Column("n_before", "count", "Days at risk before a day."),
        Column("n_after", "count", "Days at risk from a day on."),
        Column("n_expected", "number", "Expected payments within the LTV horizon."),
        Column("n_present", "number", "Their present value at one unit each."),
        Column("n_retained", "number", "The same given survival of the risk horizon."),
        Column("share_low", "number", "Lower bound as a share of the estimate."),
        Column("share_high", "number", "Upper bound as a share of the estimate."),
        Column("age", "count", "Age in ticks, 31 to a calendar month."),
        Column("entry_age", "count", "Age at which a spell comes under observation."),
        Column("exit_age", "count", "Age at which it ends or is last seen."),
        Column("group", "text", "Group that shares a survival curve."),
        Column("curve", "count", "Number of a survival curve."),
        Column("filled", "text", "Group, with the empty word for none."),
        Column("here", "count", "Age in ticks on the eve of as_of."),
        Column("due", "count", "Age in ticks at which the next payment is due."),
        Column("term_ticks", "count", "Ticks of a payment term."),
        Column("to_ltv", "count", "Age in ticks at the end of the LTV horizon."),
        Column("month", "count", "Age in whole months."),
        Column("spell_no", "count", "Number of a spell of a customer."),
        Column("is_add_on", "flag", "Bought beside a larger running contract."),
        Column("cause", "count", "0 censored, 1 voluntary, 2 involuntary, 3 unknown."),
        Column("spell_started_on", "date", "First day of a spell."),
        Column("spell_ended_on", "date", "First day after a spell."),
        Column("changed_on", "date", "Day on which the plan changed."),
        Column("term_started_on", "date", "First day of the main contract."),
        Column("earlier_mrr_amount", "amount", "Recurring revenue some time before as_of."),
        Column("month_on", "date", "First day of a month."),
        Column("first_on", "date", "First of some days."),
        Column("state", "count", "Purchases so far, 6 for six and more."),
        Column("days", "count", "Length in days."),
        Column("n", "count", "Count."),
        Column("first_purchase_on", "date", "Day of the first purchase."),
        Column("first_paid_on", "date", "Day of the first payment or refund."),
        Column("purchase_amount", "amount", "Net money of the days with a purchase."),
        Column("recency_days", "count", "Days from the first to the last purchase."),
        Column("age_days", "count", "Days from the first purchase to the eve of as_of."),
        Column("silence_days", "count", "Days from the last purchase to as_of."),
        Column("is_last", "flag", "Last row of a run."),
        Column("is_open", "flag", "Whether a gap is not yet closed by a purchase."),
        Column("overlaps", "flag", "Began while an earlier contract ran."),
        Column("row_beside", "count", "Position of another contract of the customer."),
        Column("mrr_amount_beside", "amount", "Recurring revenue of another contract."),
        Column("is_kept", "flag", "Whether a row is kept."),
        Column("before", "text", "Tier of an earlier day."),
        Column("worth", "amount", "Margin of one expected payment."),
        Column("months", "number", "Expected months of a group."),
        Column("revenue", "amount", "Expected revenue of a group (V)."),
        Column("margin", "amount", "Expected margin of a group (M)."),
        Column("present", "amount", "Present value of a group (PV)."),
    ),
)
