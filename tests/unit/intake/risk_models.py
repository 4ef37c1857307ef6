"""A small model of churn risk, fitted once, for the tests that keep it and read it back."""

from datetime import date
from functools import cache

import numpy as np
import polars as pl

from csk.models.risk import drifting, glass, trees
from csk.models.risk.calibrating import Calibration
from csk.models.risk.model import RiskFacts, RiskModel, schema_hash
from csk.models.risk.stacked import EDGES, Stacked, stacked
from csk.models.risk.verdict import (
    TREES,
    AgeScore,
    Finding,
    OriginScore,
    ReliabilityBin,
    Validation,
)
from csk.tables.known import Known

FEATURES = ("usage_28d", "usage_to_previous", "tickets_90d", "tenure_days", "last_nps")
LANDMARK, UNTIL = date(2024, 1, 1), date(2025, 2, 1)


def panel(n: int = 1500, seed: int = 0) -> pl.DataFrame:
    """Return customers with few distinct values, some missing, who leave the less they use."""
    draw = np.random.default_rng(seed)
    x = np.round(draw.gamma(3.0, 1.0, (n, len(FEATURES))), 1)
    x[:, 1] -= 3.0
    hidden = draw.random(x.shape) < 0.1
    due = np.cumsum(draw.random((n, len(EDGES))) < np.diff([0, *EDGES]) / 365, axis=1)
    rate = np.exp(-5.0 - 0.5 * x[:, 0] + 0.3 * np.sin(x[:, 2]))
    ends = draw.exponential(1 / rate)
    left = ends < EDGES[-1]
    return pl.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in range(n)],
            "landmark_on": [LANDMARK] * n,
            "end_in_days": [
                int(day) if is_end else None for day, is_end in zip(ends, left, strict=True)
            ],
            "cause": np.where(left, 1 + (draw.random(n) < 0.3), 0),
            "plan": draw.choice(["basic", "pro", "tiny"], n, p=[0.6, 0.39, 0.01]),
            "term_months": draw.choice([1, 12], n),
            "spell_no": np.ones(n, np.int64),
            **{f"renewals_{edge}d": due[:, at] for at, edge in enumerate(EDGES)},
            **{
                name: pl.Series(np.where(hidden[:, at], np.nan, x[:, at])).fill_nan(None)
                for at, name in enumerate(FEATURES)
            },
        },
        schema_overrides={"end_in_days": pl.Int32, "cause": pl.Int32, "term_months": pl.Int32},
    )


def rows_of(frame: pl.DataFrame) -> Stacked:
    """Return a panel's stacked rows, some of which stand for several."""
    rows = stacked(frame, EDGES, UNTIL)
    return rows._replace(weight=np.where(rows.cause > 0, 1.0, 3.0))


@cache
def tree_model() -> trees.TreeModel:
    """Return trees of the panel."""
    return trees.fit(panel(), rows_of(panel()))


@cache
def risk_model() -> RiskModel:
    """Return a whole model of the panel."""
    figures = dict.fromkeys(
        ("base_rate", "auc", "auc_se", "average_precision", "log_loss", "brier", "brier_skill"), 0.5
    )
    more = dict.fromkeys(("lift_1", "lift_5", "lift_10", "intercept", "slope", "ece"), 1.25)
    more |= {"integrated_brier": 0.06, "uno_c": 0.7}
    scores = tuple(
        OriginScore(kind, date(2024, 6, day), 30, 900, 30, **figures, **more, age_days=30)
        for kind in ("glass", TREES)
        for day in (1, 29)
    )
    return RiskModel(
        box=glass.fit(panel(), rows_of(panel())),
        trees=tree_model(),
        calibration=Calibration(0.1, 0.9, 120, (0.05, 0.04)),
        known=Known({"usage": date(2023, 1, 1)}, {"pro": ("ネコ", "b")}, {"pro": 99_0000}),
        drift=drifting.bins(panel()),
        facts=RiskFacts(*(UNTIL, LANDMARK, 1500, 1500, 400, "JPY", schema_hash(), "5f0c", "0.6.0")),
        validation=Validation(
            main_days=90,
            chosen=TREES,
            rows=(
                *scores[:-1],
                OriginScore("glass", date(2024, 6, 29), 90, 1, 0, *[np.nan] * 15, 9),
            ),
            reliability=(ReliabilityBin(10, 1, 0.1, 0.1, 0.0, 0.3),),
            ages=(AgeScore(90, 28, 2, 900, 30, 0.7, 0.02, 0.2, np.nan, 0.08, 0.7),),
            findings=(Finding("constant", "seats", 1.0, is_fatal=False),),
            n_origins_wanted=3,
            is_overlapping=True,
            verdict="sound",
            best_share=float("nan"),
            profit=1.5,
        ),
    )
