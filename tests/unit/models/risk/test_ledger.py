from datetime import date, timedelta
from math import isnan, nan

import numpy as np
import polars as pl
import pytest

from csk.models.risk import ledger
from csk.schema import RISK_LIVE, RISK_RUN
from csk.tables.columns import types_of

DAY = date(2026, 1, 1)


def run_of(day: date, n: int = 10) -> pl.DataFrame:
    row = {"as_of": day, "model_id": "m", "n_customers": n}
    return pl.DataFrame([row], schema=types_of(RISK_RUN))


def scored(p, is_control=None) -> pl.DataFrame:
    n = len(p)
    return pl.DataFrame(
        {
            "as_of": [DAY] * n,
            "customer_id": [f"C{i:03d}" for i in range(n)],
            "is_control": is_control or [False] * n,
            "model_id": ["m"] * n,
            "p_churn_30d": p,
        }
    )


def ends(*days) -> pl.DataFrame:
    return pl.DataFrame(
        {"customer_id": [f"C{i:03d}" for i in range(len(days))], "end_in_days": list(days)},
        schema={"customer_id": pl.String, "end_in_days": pl.Int32},
    )


@pytest.mark.parametrize(
    ("known_until", "day"),
    [
        (date(2026, 1, 30), None),
        (date(2026, 1, 31), date(2026, 1, 1)),
        (date(2026, 2, 1), date(2026, 1, 2)),
        (date(2026, 6, 1), date(2026, 1, 3)),
    ],
)
def test_a_run_has_matured_when_its_whole_horizon_is_known(known_until, day):
    runs = [DAY + timedelta(days=n) for n in (2, 0, 1)]
    assert ledger.matured(runs, known_until, 30) == day
    assert ledger.matured([], known_until, 30) is None


def test_a_run_takes_the_place_of_the_one_of_its_day():
    kept = ledger.empty().runs
    for day, n in ((2, 5), (1, 4), (2, 6)):
        kept = ledger.replaced(kept, run_of(date(2026, 1, day), n), date(2026, 1, day), RISK_RUN)
    assert kept.select("as_of", "n_customers").rows() == [
        (date(2026, 1, 1), 4),
        (date(2026, 1, 2), 6),
    ]


def test_a_run_sees_earlier_days_only():
    kept = ledger.empty()
    assert (kept.last_before(DAY), kept.latest()) == (None, None)
    runs = pl.concat([run_of(date(2026, 1, day)) for day in (3, 1, 2)])
    kept = ledger.Ledger(runs, kept.live)
    assert kept.before(date(2026, 1, 3))["as_of"].to_list() == [
        date(2026, 1, 1),
        date(2026, 1, 2),
    ]
    assert kept.last_before(date(2026, 1, 2)) == date(2026, 1, 1)
    assert kept.latest() == date(2026, 1, 3)


def test_what_came_is_held_against_what_was_foretold():
    # 0.8 and 0.2 left: Brier (.04 + .04 + .64 + .16) / 4; base rate 1/2; the last left too late.
    found = ledger.live(scored([0.8, 0.2, 0.2, 0.4]), ends(0, None, 29, 30), 30, of_control=False)
    assert (found.days, found.scored_on, found.scored_by, found.n) == (30, DAY, "m", 4)
    assert (found.n_left, found.n_unknown) == (2, 0)
    assert found.n_foretold == pytest.approx(1.6)
    assert found.brier == pytest.approx((0.04 + 0.04 + 0.64 + 0.16) / 4)
    assert found.brier_skill == pytest.approx(1 - found.brier / 0.25)
    assert found.auc == pytest.approx((1 + 1 + 0.5 + 0) / 4)
    assert found.lift_10 == pytest.approx(2.0)
    assert found.z == pytest.approx(0.4 / (0.16 + 0.16 + 0.16 + 0.24) ** 0.5)
    assert found.ratio == pytest.approx(2 / 1.6)


def test_only_those_left_alone_are_judged_where_there_are_contacts():
    of = scored([0.5, 0.5, 0.5], [True, False, True])
    found = ledger.live(of, ends(3, 3, None), 30, of_control=True)
    assert (found.n, found.n_left, found.of_control) == (2, 1, True)


def test_a_customer_of_whom_nothing_is_known_any_more_is_counted():
    found = ledger.live(scored([0.5, 0.5, 0.5]), ends(3, None), 30, of_control=False)
    assert (found.n, found.n_unknown) == (2, 1)


@pytest.mark.parametrize("left", [(None, None), (1, 1)])
def test_of_one_outcome_alone_there_is_no_order(left):
    found = ledger.live(scored([0.2, 0.4]), ends(*left), 30, of_control=False)
    assert all(
        isnan(value)
        for value in (found.auc, found.slope, found.intercept, found.lift_10, found.brier_skill)
    )
    assert found.brier == pytest.approx(0.1 if left[0] is None else 0.5)


def test_nothing_is_told_of_nobody_and_of_another_horizon():
    one = scored([0.5])
    assert ledger.live(one, ends(), 30, of_control=False) is None
    assert ledger.live(one, ends(1), 90, of_control=False) is None
    assert ledger.live(one, ends(1), 30, of_control=True) is None


def test_true_chances_are_calibrated():
    draw = np.random.default_rng(6)
    p = draw.beta(1, 9, 20_000)
    left = draw.random(20_000) < p
    found = ledger.live(
        scored(p.tolist()), ends(*[5 if one else None for one in left]), 30, of_control=False
    )
    assert abs(found.z) < 3
    assert found.intercept == pytest.approx(0, abs=0.1)
    assert found.slope == pytest.approx(1, abs=0.1)


def test_change_is_against_the_run_before():
    now = scored([0.5, 0.2]).with_columns(p_churn_change=pl.lit(None, dtype=pl.Float64))
    before = scored([0.4])
    changed = ledger.with_change(now, before, 30)["p_churn_change"].to_list()
    assert changed == [pytest.approx(0.1), None]
    for earlier in (None, before.rename({"p_churn_30d": "p_churn_60d"})):
        assert ledger.with_change(now, earlier, 30)["p_churn_change"].null_count() == 2


def test_a_row_stands_for_each_horizon_matured_or_not():
    found = ledger.live(scored([0.2, 0.4]), ends(None, None), 30, of_control=False)
    rows = ledger.live_rows(DAY, {30: 1.5, 90: 4.0}, {30: found})
    assert tuple(rows.columns) == RISK_LIVE.names
    assert rows["horizon_days"].to_list() == [30, 90]
    assert rows["n_expected"].to_list() == [1.5, 4.0]
    assert rows["scored_on"].to_list() == [DAY, None]
    assert rows["auc"].to_list() == [None, None]  # what cannot be told is null, not NaN
    assert not isnan(rows["brier"][0] or nan)


def test_kept_scores_hold_what_later_runs_need():
    rows = scored([0.5, 0.2]).drop("as_of").reverse()
    kept = ledger.scores(rows, DAY, (30,))
    assert kept["customer_id"].to_list() == ["C000", "C001"]
    assert kept["p_churn_30d"].to_list() == [0.5, 0.2]
    assert kept["as_of"].unique().to_list() == [DAY]
