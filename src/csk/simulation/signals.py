"""What subscribers do and say: usage, tickets, surveys, touches.

One rule: counts follow the engagement state of the contract month, and nothing else is told of it.
"""

import numpy as np
import polars as pl

from csk.simulation.contracts import customer_ids, labelled, named
from csk.simulation.law import SubscriptionLaw
from csk.simulation.log import Floats, Ints, Log
from csk.simulation.paths import Paths, touched_in

FEATURES = ("login", "report", "export")
FEATURE_SHARES = (1.0, 0.55, 0.25)
"""Share of the customers who use the feature at all."""
FEATURE_RATES = (0.9, 0.35, 0.12)
"""Uses a day of an average healthy customer."""
HALF_DAYS = 15
"""Usage is summed over the first 15 days of a contract month and over its rest."""
DAY_SECONDS = 86_400
EXPERIMENT = "success-call"
TOUCH_COST = 1_500
MINOR_RATE = 0.03
"""Tickets of low severity a contract month."""
SURVEY_MONTHS = 3
ANSWERS = (0.35, 0.22, 0.08)
"""Share that answers a survey, by state."""
NPS_MEANS = (8.6, 6.6, 4.6)
CSAT_ANSWERS = 0.3


def instants(day: str = "day", second: str = "second") -> pl.Expr:
    """Return the instant of a day count and a second within it."""
    seconds = pl.col(day).cast(pl.Int64) * DAY_SECONDS + pl.col(second).cast(pl.Int64)
    return (seconds * 1_000_000).cast(pl.Datetime("us", "UTC"))


def spans(log: Log, paths: Paths) -> list[tuple[Ints, Ints]]:
    """Return, for the first 15 days of each contract month and its rest, what the log sees of it.

    Each is first day and day after the last, n x columns; empty where not served.
    """
    following = np.concatenate([paths.day[:, 1:], np.full((len(paths.day), 1), log.as_of)], axis=1)
    middle = paths.day + HALF_DAYS
    low, high = log.data_from, log.as_of
    pairs = [(paths.day, np.minimum(middle, following)), (middle, following)]
    return [
        (np.maximum(begin, low), np.where(paths.serving, np.minimum(end, high), 0))
        for begin, end in pairs
    ]


def usage(
    rng: np.random.Generator, law: SubscriptionLaw, log: Log, paths: Paths, first: int
) -> pl.DataFrame:
    """Return a row for each customer, half of a contract month and feature that was used."""
    n = len(paths.serving)
    own = np.exp(rng.normal(-0.18, 0.6, n))[:, None] * np.sqrt(paths.seats / 4)
    pace = own * np.asarray(law.usage_rates)[paths.state]
    uses = rng.random((n, len(FEATURES))) < FEATURE_SHARES
    parts = []
    for begin, end in spans(log, paths):
        days = np.maximum(end - begin, 0)
        for feature, rate in enumerate(FEATURE_RATES):
            expected = pace * days * rate * uses[:, [feature]]
            at, column = np.nonzero(expected > 0)
            quantity = rng.poisson(expected[at, column])
            if feature == 0:
                # Whoever begins comes in at least once.
                quantity = np.maximum(quantity, begin[at, column] == paths.first_day[at])
            seen = quantity > 0
            at, column, quantity = at[seen], column[seen], quantity[seen]
            length = days[at, column]
            day = begin[at, column] + (rng.random(at.size) * length).astype(np.int64)
            parts.append(used(rng, at, day, feature, quantity))
    return usage_rows(pl.concat(parts), first)


def used(
    rng: np.random.Generator, at: Ints, day: Ints, feature: int, quantity: Ints
) -> pl.DataFrame:
    """Return usage of one feature before it has ids and instants, in working hours."""
    return pl.DataFrame(
        {
            "at": at,
            "day": day,
            "second": 60 * rng.integers(0, 600, at.size),
            "feature_no": np.full(at.size, feature),
            "quantity": quantity,
        }
    )


def usage_rows(
    rows: pl.DataFrame, first: int, features: tuple[str, ...] = FEATURES
) -> pl.DataFrame:
    """Return usage rows as they are written, by customer and time."""
    return rows.sort("at", "day", "second", "feature_no").select(
        customer_ids(first),
        used_at=instants(),
        feature=named(features, "feature_no"),
        quantity="quantity",
    )


def tickets(rng: np.random.Generator, log: Log, paths: Paths, first: int) -> pl.DataFrame:
    """Return the support cases; a severe one stays open beyond the end of its contract month."""
    severe = np.nonzero(paths.ticket & paths.serving)
    minor = np.nonzero(paths.serving & (rng.random(paths.serving.shape) < MINOR_RATE))
    parts = []
    for (at, column), wait, takes, severity in (
        (severe, (3, 26), (30, 45), "high"),
        (minor, (0, 26), (1, 6), "low"),
    ):
        opened = paths.day[at, column] + rng.integers(*wait, size=at.size)
        closed = opened + rng.integers(*takes, size=at.size)
        parts.append(cases(rng, at, opened, closed, severity))
    return ticket_rows(pl.concat(parts), log, first)


def cases(
    rng: np.random.Generator, at: Ints, opened: Ints, closed: Ints, severity: str
) -> pl.DataFrame:
    """Return tickets of one severity before they have ids and instants."""
    return pl.DataFrame(
        {
            "at": at,
            "day": opened,
            "second": 60 * rng.integers(0, 600, at.size),
            "closed": closed,
            "severity": np.full(at.size, severity),
        }
    )


def ticket_rows(rows: pl.DataFrame, log: Log, first: int) -> pl.DataFrame:
    """Return the tickets opened inside the log as they are written."""
    inside = (pl.col("day") >= log.data_from) & (pl.col("day") < log.as_of)
    number = pl.int_range(1, pl.len() + 1).over("at").cast(pl.String)
    owner = labelled("T", pl.col("at") + (first + 1))
    rows = rows.filter(inside).sort("at", "day", "second", "severity")
    return rows.select(
        pl.concat_str(owner, pl.lit("-"), number).alias("ticket_id"),
        customer_ids(first),
        opened_at=instants(),
        closed_at=pl.when(pl.col("closed") < log.as_of).then(instants("closed")),
        severity="severity",
    )


def surveys(rng: np.random.Generator, log: Log, paths: Paths, first: int) -> pl.DataFrame:
    """Return answers to a quarterly NPS question and to CSAT questions after some months."""
    shape = paths.serving.shape
    answers = rng.random(shape) < np.asarray(ANSWERS)[paths.state]
    quarterly = np.arange(shape[1]) % SURVEY_MONTHS == 0
    nps = np.nonzero(paths.serving & answers & quarterly)
    csat = np.nonzero(paths.serving & paths.ticket & (rng.random(shape) < CSAT_ANSWERS))
    mood = np.asarray(NPS_MEANS)[paths.state[nps]] + rng.normal(0, 1.6, nps[0].size)
    content = 3.6 - 0.6 * paths.state[csat] + rng.normal(0, 0.9, csat[0].size)
    rows = pl.concat(
        [
            answered(rng, nps[0], paths.day[nps], "nps", np.clip(np.rint(mood), 0, 10)),
            answered(rng, csat[0], paths.day[csat], "csat", np.clip(np.rint(content), 1, 5)),
        ]
    )
    return survey_rows(rows, log, first)


def answered(
    rng: np.random.Generator, at: Ints, day: Ints, kind: str, score: Floats
) -> pl.DataFrame:
    """Return answers of one kind, given up to 25 days after `day`."""
    return pl.DataFrame(
        {
            "at": at,
            "day": day + rng.integers(0, 26, at.size),
            "kind": np.full(at.size, kind),
            "score": score.astype(np.int64),
        }
    )


def survey_rows(rows: pl.DataFrame, log: Log, first: int) -> pl.DataFrame:
    """Return the answers given inside the log as they are written."""
    inside = (pl.col("day") >= log.data_from) & (pl.col("day") < log.as_of)
    return (
        rows.filter(inside)
        .sort("at", "day", "kind")
        .select(
            customer_ids(first),
            answered_on=pl.col("day").cast(pl.Int32).cast(pl.Date),
            kind="kind",
            score="score",
        )
    )


def touches(rng: np.random.Generator, log: Log, paths: Paths, first: int) -> pl.DataFrame:
    """Return the experiment: a call to the treated arm, nothing to the control arm."""
    at = np.nonzero(paths.arm >= 0)[0]
    day = paths.day[at, touched_in(log) + 1] + rng.integers(0, 10, at.size)
    return touch_rows(at, day, paths.arm[at], log, first)


def touch_rows(at: Ints, day: Ints, arm: Ints, log: Log, first: int) -> pl.DataFrame:
    """Return the touches inside the log as they are written."""
    rows = pl.DataFrame({"at": at, "day": day, "arm_no": arm})
    return rows.filter(pl.col("day") < log.as_of).select(
        customer_ids(first),
        touched_on=pl.col("day").cast(pl.Int32).cast(pl.Date),
        channel=pl.when(pl.col("arm_no") == 1).then(pl.lit("phone")),
        action=named(("none", "call"), "arm_no"),
        cost_amount=pl.col("arm_no") * TOUCH_COST,
        experiment=pl.lit(EXPERIMENT),
        arm=named(("control", "treated"), "arm_no"),
    )
