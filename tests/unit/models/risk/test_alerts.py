from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.models.risk import alerts
from csk.models.risk.alerts import Alert, Arrived, Drifted, Limits
from csk.models.risk.ledger import Live
from csk.schema import RISK_RUN
from csk.tables.columns import types_of

DAY = date(2026, 3, 2)
LIMITS = Limits()


def runs(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=types_of(RISK_RUN))


def lived(left: int, foretold: float, z: float, days: int = 30) -> Live:
    rest = dict.fromkeys(("brier", "brier_skill", "auc", "lift_10", "intercept", "slope"), 0.0)
    about = {"scored_on": DAY, "scored_by": "m", "of_control": False, "n": 100, "n_unknown": 0}
    return Live(days=days, n_foretold=foretold, n_left=left, z=z, **about, **rest)


@pytest.mark.parametrize(
    ("psi", "critical", "holds"),
    [(0.2, 0.15, True), (0.2, 0.25, False), (0.09, 0.01, False), (0.11, 0.01, True)],
)
def test_drift_is_told_above_chance_and_above_what_matters(psi, critical, holds):
    found = alerts.drift([Drifted("seats", psi, critical)], LIMITS)
    assert [one.what for one in found] == (["seats"] if holds else [])
    if holds:
        assert found[0].limit == max(critical, LIMITS.drift_psi)


def test_the_farthest_drift_comes_first():
    found = alerts.drift([Drifted(n, p, 0.0) for n, p in (("a", 0.2), ("b", 0.5))], LIMITS)
    assert [one.what for one in found] == ["b", "a"]


@pytest.mark.parametrize(
    ("moved", "critical", "holds"),
    [(0.2, 0.15, True), (0.2, 0.25, False), (0.04, 0.01, False)],
)
@pytest.mark.parametrize("aspect", [alerts.MISSING, alerts.UNSEEN])
def test_a_share_is_told_above_chance_and_above_what_matters(aspect, moved, critical, holds):
    found = alerts.drift([Drifted("plan", moved, critical, aspect, 0.5)], LIMITS)
    assert [(one.what, one.aspect) for one in found] == ([("plan", aspect)] if holds else [])
    for one in found:
        assert (one.value, one.expected) == (0.5, pytest.approx(0.5 - moved))


def test_of_what_is_missing_the_values_go_untold():
    moved = [
        Drifted("seats", 0.9, 0.1),
        Drifted("usage_28d", 0.3, 0.1),
        Drifted("seats", 0.2, 0.1, alerts.MISSING, 0.4),
    ]
    found = alerts.drift(moved, LIMITS)
    told = [("seats", alerts.MISSING), ("usage_28d", alerts.VALUES)]
    assert [(one.what, one.aspect) for one in found] == told


@pytest.mark.parametrize(
    ("left", "foretold", "z", "holds"),
    [
        (150, 100.0, 5.0, True),
        (50, 100.0, -5.0, True),
        (110, 100.0, 5.0, False),  # too small an error to matter
        (15, 10.0, 1.6, False),  # chance alone
        (3, 0.0, float("inf"), True),  # nobody was foretold, and some left
        (4, 1.0, 3.0, False),  # of so few that is 1 in 53
        (5, 1.0, 4.0, True),  # and that 1 in 270
        (0, 4.0, -2.0, False),
        (0, 10.0, -3.16, True),
    ],
)
def test_calibration_is_told_above_chance_and_above_what_matters(left, foretold, z, holds):
    found = alerts.calibration([lived(left, foretold, z)], LIMITS)
    assert bool(found) is holds
    if holds:
        assert found[0] == Alert("calibration", "30", left, foretold, 0.25, DAY)


def test_chance_is_shared_among_conditions_and_horizons():
    one = lived(57, 40.0, 2.74)
    assert alerts.level(0.05) == 0.05 / 4
    assert alerts.calibration([one], LIMITS)
    assert not alerts.calibration([one, one._replace(days=90, n_left=40, z=0.0)], LIMITS)


def test_right_chances_raise_an_alert_on_few_nights():
    draw = np.random.default_rng(1)
    nights = 2000
    raised = 0
    for _ in range(nights):
        found = []
        for days, n in ((30, 100), (90, 400), (365, 400)):
            p = np.full(n, days / 3000)
            left = int((draw.random(n) < p).sum())
            z = (left - p.sum()) / np.sqrt((p * (1 - p)).sum())
            found.append(lived(left, float(p.sum()), float(z), days))
        raised += bool(alerts.calibration(found, LIMITS._replace(calibration_share=0.0001)))
    level = alerts.level(0.05)
    assert raised / nights < level + 2 * (level * (1 - level) / nights) ** 0.5


@pytest.mark.parametrize(
    ("now", "before", "holds"),
    [
        (1000, 1000, False),
        (801, 1000, False),
        (799, 1000, True),
        (1201, 1000, True),
        (0, 1000, True),
        (7, 10, False),  # of few, chance alone
        (100_000, 130_000, True),
    ],
)
def test_a_change_of_customers_is_told(now, before, holds):
    earlier = runs({"as_of": DAY - timedelta(days=1), "n_customers": before})
    found = alerts.volume(runs({"as_of": DAY, "n_customers": now}), earlier, LIMITS)
    assert [one.what for one in found] == (["customers"] if holds else [])
    if holds:
        assert (found[0].value, found[0].expected) == (now, before)
        assert found[0].on == DAY - timedelta(days=1)


def test_the_first_run_has_no_volume_to_be_held_against():
    row = runs({"as_of": DAY, "n_customers": 5, "n_usage": 0})
    assert alerts.volume(row, row.clear(), LIMITS) == []


@pytest.mark.parametrize(
    ("now", "usual", "holds"),
    [
        (0, (900, 1000, 1100), True),
        (950, (900, 1000, 1100), False),
        (0, (0, 0, 0), False),  # a day without use, as all such days are
        (0, (900, 1000), False),  # two such days tell nothing
        (0, (0, 1000, 2000), False),  # such days differ that much
        (5000, (900, 1000, 1100), True),
        (None, (900, 1000, 1100), False),
        (0, (3, 4, 2), False),
        (0, (20, 22, 25), True),  # few, and yet not none
        (1700, (900, 1000, 1100), False),  # over half more than the most there was
    ],
)
def test_events_are_held_against_the_same_weekday(now, usual, holds):
    like = [
        {"as_of": DAY - timedelta(days=7 * (at + 1)), "n_customers": 100, "n_usage": n}
        for at, n in enumerate(usual)
    ]
    other = {"as_of": DAY - timedelta(days=1), "n_customers": 100, "n_usage": 9}
    earlier = runs(*like, other).sort("as_of")
    row = runs({"as_of": DAY, "n_customers": 100, "n_usage": now})
    found = alerts.volume(row, earlier, LIMITS)
    assert [one.what for one in found] == (["usage"] if holds else [])


def ledger_of(n_nights: int, table: str, count) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The run of DAY and the nights before it; `count` gives the rows of the day before each."""
    days = [DAY - timedelta(days=n) for n in range(n_nights, -1, -1)]
    found = runs(*({"as_of": day, "n_customers": 9, f"n_{table}": count(day)} for day in days))
    return found[-1], found[:-1]


def test_a_company_that_doubles_every_year_is_no_alert():
    run, earlier = ledger_of(700, "usage", lambda day: round(5000 * 2 ** ((day - DAY).days / 365)))
    assert alerts.volume(run, earlier, LIMITS) == []


@pytest.mark.parametrize(("n_nights", "factor", "holds"), [(60, 1, 0), (20, 1, 0), (60, 3, 1)])
def test_bills_of_the_first_are_held_against_those_of_earlier_months(n_nights, factor, holds):
    def paid(day):
        return (400 * factor if day == DAY else 400) if day.day == DAY.day else 30

    run, earlier = ledger_of(n_nights, "payments", paid)
    assert len(alerts.volume(run, earlier, LIMITS)) == holds


@pytest.mark.parametrize("scale", [3, 60, 3000])
def test_quiet_days_raise_volume_on_few_nights(scale):
    draw, nights, raised = np.random.default_rng(2), 300, 0
    for _ in range(nights):
        week = np.array([1, 1, 1, 1, 1, 0.3, 0.3])
        count = dict(enumerate(draw.poisson(scale * np.resize(week, 61)).tolist()))
        run, earlier = ledger_of(60, "usage", lambda day, n=count: n[(DAY - day).days])
        raised += bool(alerts.volume(run, earlier, LIMITS))
    assert raised / nights <= alerts.level(LIMITS.false_share)


@pytest.mark.parametrize(("late", "holds"), [(0, False), (2, False), (3, True), (30, True)])
def test_old_rows_are_told(late, holds):
    # Rows of yesterday are 0 days late.
    daily = Arrived("usage", DAY - timedelta(days=1 + late), 365, 364)
    found = alerts.freshness(DAY, [daily], LIMITS)
    assert [(one.what, one.value) for one in found] == ([("usage", late)] if holds else [])


@pytest.mark.parametrize(("n_with", "late", "holds"), [(120, 5, 0), (120, 20, 1), (12, 27, 0)])
def test_empty_days_are_usual_where_few_contracts_begin(n_with, late, holds):
    some = Arrived("subscriptions", DAY - timedelta(days=1 + late), 365, n_with)
    assert len(alerts.freshness(DAY, [some], LIMITS)) == holds


def test_the_table_that_is_latest_comes_first():
    both = [Arrived(name, DAY - timedelta(days=n), 300, 300) for name, n in (("a", 5), ("b", 9))]
    assert [one.what for one in alerts.freshness(DAY, both, LIMITS)] == ["b", "a"]
    assert alerts.freshness(DAY, [], LIMITS) == []


def test_conditions_are_named_once_and_in_order():
    held = [Alert(name, "", 0, 0, 0) for name in ("freshness", "drift", "freshness")]
    assert alerts.conditions(held) == ("drift", "freshness")
    assert alerts.conditions([]) == ()
