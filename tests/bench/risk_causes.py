"""What truly moves the hazard of a simulated subscriber, by group of causes.

One rule: it is read off the law; no estimate is near it.
"""

import numpy as np
import polars as pl

from csk.simulation.law import is_due
from csk.simulation.log import Flags, Floats, Ints
from csk.simulation.paths import Paths
from csk.simulation.subscribers import Subscribers

GROUPS = ("usage", "tickets", "payments", "price", "tenure", "plan")


def contributions(
    company: Subscribers, past: Paths, rows: Ints, known: tuple[Floats, Floats, Flags]
) -> dict[str, Floats]:
    """Return what each group adds to the log-hazard of a renewal, not yet centred, by column.

    `true_of_*` has the state and ticket that are latent, `of_*` what can be known of them (the
    expected hazard ratio given the files). The plan's is the logarithm of the hazards of all
    renewals within 90 days, so that a contract that is not up for renewal has a low one.
    """
    law, log, (state, ticket, failed) = company.law, company.log, known
    last = past.last.picked(rows)
    tenure = np.maximum(log.months - last.start, 1)
    voluntary = np.exp(np.asarray(law.voluntary))[last.plan]
    involuntary = np.exp(np.asarray(law.involuntary))[last.plan]
    n_due = sum(
        is_due(law, last.plan, np.maximum(log.months + step - last.start, 1)) for step in range(3)
    )
    plan = np.log(np.maximum(n_due, 1e-3) * (voluntary + involuntary))
    shares_ = {
        "payments": np.log(
            (voluntary + involuntary * np.exp(law.failed * failed)) / (voluntary + involuntary)
        ),
        "price": law.price * np.log(law.price_ratios)[last.ratio],
        "tenure": law.tenure * np.log(tenure),
        "plan": plan,
    }
    latent = {
        "usage": np.asarray(law.state)[last.state],
        "tickets": law.ticket * last.ticket,
    }
    likely = {
        "usage": np.log(state @ np.exp(law.state)),
        "tickets": np.log1p(ticket * np.expm1(law.ticket)),
    }
    found = {f"true_of_{name}": value for name, value in (latent | shares_).items()}
    return found | {f"of_{name}": value for name, value in (likely | shares_).items()}


def first_causes(rows: pl.DataFrame, kind: str = "true_of_") -> pl.Series:
    """Return the group that raises each customer's hazard most over the mean hazard ratio."""
    centred = []
    for name in GROUPS:
        value = rows[f"{kind}{name}"].to_numpy()
        centred.append(value - np.log(np.exp(value).mean()))
    return pl.Series(np.array(GROUPS)[np.stack(centred).argmax(axis=0)])
