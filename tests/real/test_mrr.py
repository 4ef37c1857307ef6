"""`csk mrr` on real data: every published figure of the playbook, every month of crm5."""

import csv
from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest

from csk.analyses.mrr import mrr
from csk.cli.session import opened_book
from csk.settings import Settings
from csk.tables.movements import Motion

UNIT = 10_000
PLAYBOOK_ENDS = date(2020, 3, 1)


@pytest.fixture(scope="module")
def playbook(real):
    path = real / "mrr_playbook" / "subscription_periods.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent")

    @cache
    def moved(**motion):
        with opened_book([str(path)], Settings(as_of=PLAYBOOK_ENDS), quiet=True) as session:
            return mrr(session.book, session.engine, Motion(PLAYBOOK_ENDS, **motion))

    return moved


def truths(path):
    with path.open(encoding="utf-8") as lines:
        return {
            date.fromisoformat(row.pop("date_month")): {k: int(v or 0) for k, v in row.items()}
            for row in csv.DictReader(lines)
        }


@pytest.mark.parametrize("name", ["truth_monthly_full.csv", "truth_monthly_spine2018.csv"])
def test_every_month_of_the_playbook_is_reproduced(playbook, real, name):
    wanted = truths(real / "mrr_playbook" / name)
    found = {
        one.starts_on: {
            "mrr": one.end_amount // UNIT,
            "active": one.n_end,
            "new": one.moved["new"].amount // UNIT,
            "up": one.moved["expansion"].amount // UNIT,
            "down": one.moved["contraction"].amount // UNIT,
            "churn": one.moved["churn"].amount // UNIT,
            "react": one.moved["reactivation"].amount // UNIT,
            "n_new": one.moved["new"].n,
            "n_churn": one.moved["churn"].n,
            "n_up": one.moved["expansion"].n,
            "n_down": one.moved["contraction"].n,
            "n_react": one.moved["reactivation"].n,
        }
        for one in playbook().periods
    }
    assert len(wanted) > 20
    assert {day: found[day] for day in wanted} == wanted


def test_the_playbook_sums_up_as_published(playbook):
    moved = {
        kind: (
            sum(one.moved[kind].n for one in playbook().periods),
            sum(one.moved[kind].amount for one in playbook().periods) // UNIT,
        )
        for kind in ("new", "churn", "reactivation", "expansion", "contraction")
    }
    assert moved == {
        "new": (55, 2295),
        "churn": (58, -2550),
        "reactivation": (3, 150),
        "expansion": (30, 660),
        "contraction": (27, -555),
    }


@pytest.mark.parametrize(
    ("month", "money", "customers", "churn", "gross", "net", "quick"),
    [
        (date(2019, 4, 1), (660, 895), (14, 2, 1, 0, 17), 0.0, 100.0, 109.85, None),
        (date(2019, 5, 1), (895, 965), (17, 4, 0, 0, 21), 0.0, 90.50, 90.50, 1.82),
        (date(2019, 8, 1), (1350, 1240), (26, 3, 0, 3, 26), 11.54, 84.07, 84.07, 0.49),
        (date(2019, 12, 1), (1840, 1255), (42, 3, 0, 17, 28), 40.48, 60.05, 62.77, 0.20),
    ],
)
def test_the_listed_months_have_the_published_rates(
    playbook, month, money, customers, churn, gross, net, quick
):
    one = next(one for one in playbook().periods if one.starts_on == month)
    kinds = [one.moved[kind].n for kind in ("new", "reactivation", "churn")]
    assert (one.start_amount // UNIT, one.end_amount // UNIT) == money
    assert (one.n_start, *kinds, one.n_end) == customers
    assert 100 * one.moved["churn"].n / one.n_start == pytest.approx(churn, abs=0.005)
    assert 100 * one.retained.gross.value == pytest.approx(gross, abs=0.005)
    assert 100 * one.retained.net.value == pytest.approx(net, abs=0.005)
    assert one.rate("quick_ratio").value == (
        None if quick is None else pytest.approx(quick, abs=0.005)
    )


def test_twelve_months_of_the_playbook_under_every_reading(real):
    path = real / "mrr_playbook" / "subscription_periods.csv"
    as_of = date(2020, 1, 1)
    with opened_book([str(path)], Settings(as_of=as_of), quiet=True) as session:
        result = mrr(session.book, session.engine, Motion(as_of))
    year = result.year
    assert result.year_from == date(2019, 1, 1)
    assert (year.n, year.amount // UNIT) == (12, 585)
    assert 100 * year.net.value == pytest.approx(70.09, abs=0.005)
    assert 100 * year.gross.value == pytest.approx(58.12, abs=0.005)
    assert 100 * year.gross_by_path.value == pytest.approx(49.57, abs=0.005)
    assert 100 * year.customers.value == pytest.approx(58.33, abs=0.005)
    months = [one for one in result.periods if one.starts_on >= date(2019, 1, 1)]
    product = 1.0
    for one in months:
        product *= one.retained.gross.value
    assert len(months) == 12
    assert 100 * product == pytest.approx(32.61, abs=0.005)


def test_every_month_of_crm5_is_reproduced_at_its_first_day(real, tmp_path):
    """Their months are read on the first day itself: a day later than the end of the month before.

    So contracts are moved back by one day; the rest is the same definition.
    """
    path = real / "saas_usage" / "crm5" / "subscription.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    rows = pl.read_csv(path, try_parse_dates=True)
    shifted = rows.with_columns(pl.col("start_date", "end_date") - timedelta(days=1))
    shifted.write_csv(tmp_path / "subscription.csv")
    as_of = date(2023, 4, 1)
    chosen = Settings(as_of=as_of)
    with opened_book([str(tmp_path / "subscription.csv")], chosen, quiet=True) as session:
        periods = mrr(session.book, session.engine, Motion(as_of)).periods
    ended = {one.ends_on: one for one in periods}
    wanted = pl.read_csv(path.with_name("truth_monthly.csv"), try_parse_dates=True)
    for row in wanted.iter_rows(named=True):
        one = ended[row["date"]]
        told = {
            "active": one.n_end,
            "mrr": one.end_amount / UNIT,
            "n_new": one.moved["new"].n,
            "n_churn": one.moved["churn"].n,
            "n_react": one.moved["reactivation"].n,
            "churn_mrr": -one.moved["churn"].amount / UNIT,
            "expansion": one.moved["expansion"].amount / UNIT,
            "contraction": one.moved["contraction"].amount / UNIT,
        }
        assert told == pytest.approx({k: v for k, v in row.items() if k != "date"}), row["date"]
