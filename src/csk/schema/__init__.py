"""The glossary: every table and column that csk reads or writes, as plain data.

One rule: a column name that stands in the code as a literal stands here, with its kind and its
meaning; the data dictionary, the casts of intake and the types of the files come from here.
"""

from csk.schema.column import (
    AMOUNT_SCALE,
    KINDS,
    SCHEMA_VERSION,
    Column,
    Table,
)
from csk.schema.inputs import (
    COSTS,
    CROSS_SECTION,
    CUSTOMERS,
    FX,
    INPUTS,
    MRR_EVENTS,
    PAYMENTS,
    SUBSCRIPTIONS,
    SURVEYS,
    TICKETS,
    TOUCHES,
    USAGE,
)
from csk.schema.outputs import (
    COHORT_CELL,
    CUSTOMER_LTV,
    CUSTOMER_SNAPSHOT,
    DICTIONARY,
    EXPLAINED,
    KPI,
    MRR_MOVEMENT,
    OUTPUTS,
    RECONCILIATION,
    REJECTS,
    SELFTEST,
    SURVIVAL,
    risk_column,
)
from csk.schema.working import (
    WORKING,
)

__all__ = [
    "AMOUNT_SCALE",
    "COHORT_CELL",
    "COSTS",
    "CROSS_SECTION",
    "CUSTOMERS",
    "CUSTOMER_LTV",
    "CUSTOMER_SNAPSHOT",
    "DICTIONARY",
    "EXPLAINED",
    "FX",
    "INPUTS",
    "KINDS",
    "KPI",
    "MRR_EVENTS",
    "MRR_MOVEMENT",
    "OUTPUTS",
    "PAYMENTS",
    "RECONCILIATION",
    "REJECTS",
    "SCHEMA_VERSION",
    "SELFTEST",
    "SUBSCRIPTIONS",
    "SURVEYS",
    "SURVIVAL",
    "TICKETS",
    "TOUCHES",
    "USAGE",
    "WORKING",
    "Column",
    "Table",
    "risk_column",
]
