"""The glossary: every table and column that csk reads or writes, as plain data.

One rule: a column name that stands in the code as a literal stands here, with its kind and its
meaning; the data dictionary, the casts of intake and the types of the files come from here.
"""

from csk.schema.churn_risk import RISK_LIVE, RISK_RUN, RISK_SCORE, SNAPSHOT_RISK
from csk.schema.column import (
    AMOUNT_SCALE,
    KINDS,
    SCHEMA_VERSION,
    Column,
    Table,
)
from csk.schema.features import FEATURES, LANDMARK
from csk.schema.features import TOUCHES as TOUCH_FEATURES
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
    CHURN_RISK,
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
from csk.schema.usage import USAGE_TRENDS, USAGE_WORKING
from csk.schema.working import (
    WORKING,
)

__all__ = [
    "AMOUNT_SCALE",
    "CHURN_RISK",
    "COHORT_CELL",
    "COSTS",
    "CROSS_SECTION",
    "CUSTOMERS",
    "CUSTOMER_LTV",
    "CUSTOMER_SNAPSHOT",
    "DICTIONARY",
    "EXPLAINED",
    "FEATURES",
    "FX",
    "INPUTS",
    "KINDS",
    "KPI",
    "LANDMARK",
    "MRR_EVENTS",
    "MRR_MOVEMENT",
    "OUTPUTS",
    "PAYMENTS",
    "RECONCILIATION",
    "REJECTS",
    "RISK_LIVE",
    "RISK_RUN",
    "RISK_SCORE",
    "SCHEMA_VERSION",
    "SELFTEST",
    "SNAPSHOT_RISK",
    "SUBSCRIPTIONS",
    "SURVEYS",
    "SURVIVAL",
    "TICKETS",
    "TOUCHES",
    "TOUCH_FEATURES",
    "USAGE",
    "USAGE_TRENDS",
    "USAGE_WORKING",
    "WORKING",
    "Column",
    "Table",
    "risk_column",
]
