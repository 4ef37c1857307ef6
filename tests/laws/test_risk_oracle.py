"""What can be known of simulated subscribers: tests/bench/risk_oracle.py is calibrated.

The bench is run on one small company, always the same; docs/accuracy.md has larger ones.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from csk.simulation.company import Company
from csk.stats.calibration import calibration, in_the_large
from csk.stats.discrimination import auc

BENCH = Path(__file__).parents[1] / "bench"
CUSTOMERS = 5_000


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH))
    import risk_causes
    import risk_oracle

    yield risk_oracle, risk_causes
    sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def known(bench):
    oracle, _ = bench
    return oracle.oracle(Company("subscription", CUSTOMERS, 24, 11))


@pytest.mark.parametrize("days", [30, 90])
def test_chances_come_true(known, days):
    p, left = known[f"p_churn_{days}d"].to_numpy(), known[f"left_{days}d"].to_numpy()
    line = calibration(p, left)
    assert abs(line.slope - 1.0) < 4 * line.slope_error
    assert abs(in_the_large(p, left).z) < 4
    # The truth's chances have less noise than what came of them.
    assert p.mean() == pytest.approx(known[f"true_{days}d"].mean(), rel=0.05)


@pytest.mark.parametrize("days", [30, 90])
def test_it_knows_more_than_plan_and_age_and_less_than_all(known, days):
    left = known[f"true_{days}d"].to_numpy() > np.quantile(known[f"true_{days}d"], 0.9)
    by_plan = known[f"true_{days}d"].to_numpy() * 0.0
    for plan in known["plan"].unique():
        of = (known["plan"] == plan).to_numpy()
        by_plan[of] = known[f"true_{days}d"].to_numpy()[of].mean()
    assert auc(by_plan, left) < auc(known[f"p_churn_{days}d"].to_numpy(), left) < 1.0


def test_likely_causes_are_mostly_the_true_ones(bench, known):
    _, causes = bench
    top = known["p_churn_90d"].rank(descending=True).to_numpy() <= known.height / 10
    true, likely = (
        causes.first_causes(known, kind).to_numpy()[top] for kind in ("true_of_", "of_")
    )
    assert (true == likely).mean() > 0.8
    assert len(set(true)) >= 4


def test_without_signal_all_are_alike(bench):
    oracle, _ = bench
    rows = oracle.oracle(Company("subscription", 800, 12, 3, has_signal=False))
    assert rows["p_churn_90d"].std() < 1e-9
    assert rows["p_churn_90d"].to_numpy() == pytest.approx(rows["true_90d"].to_numpy(), rel=1e-9)
