"""A run beside those before it, over nights of a small company."""

from datetime import date, timedelta

import polars as pl
import pytest

from csk.analyses.nightly import Kept, Scored, nightly
from csk.book import Window
from csk.engine.local import LocalEngine
from csk.models.contract import Horizons
from csk.models.risk import ledger
from csk.settings import Settings

FIRST = date(2025, 1, 1)
N = 40


def contracts(ended: dict[int, date]) -> list[dict]:
    return [
        {
            "customer_id": f"C{i:02d}",
            "plan": "A",
            "started_on": FIRST,
            "ended_on": ended.get(i),
            "mrr_amount": 100_0000,
            "term_months": 1,
        }
        for i in range(N)
    ]


def used(until: date, silent: frozenset[date] = frozenset()) -> pl.DataFrame:
    days = [FIRST + timedelta(days=n) for n in range((until - FIRST).days)]
    rows = [(f"C{i:02d}", day) for day in days if day not in silent for i in range(N)]
    return pl.DataFrame(rows, schema=["customer_id", "used_at"], orient="row").with_columns(
        pl.col("used_at").cast(pl.Datetime("us", "UTC"))
    )


class Nights:
    """Runs one night after another, as the command would, and keeps what they leave."""

    def __init__(self, book_of, ended=None, settings=None, touches=()) -> None:
        self.book_of, self.ended, self.touches = book_of, ended or {}, touches
        self.settings = settings or Settings()
        self.ledger, self.scores = ledger.empty(), {}

    def run(self, as_of: date, p: float = 0.1, n: int = N, **about):
        tables = {"subscriptions": contracts(self.ended)}
        tables["usage"] = used(about.get("usage_until", as_of), about.get("silent", frozenset()))
        if self.touches:
            tables["touches"] = list(self.touches)
        book = self.book_of(tables, as_of=as_of)
        customers = pl.DataFrame(
            {
                "customer_id": [f"C{i:02d}" for i in range(n)],
                "is_control": [i % 4 == 0 for i in range(n)],
                "mrr_amount": [100_0000] * n,
                "value_at_risk": [5_0000] * n,
                "model_id": ["m"] * n,
                "p_churn_30d": [p] * n,
            }
        )
        scored = Scored(customers, Horizons(as_of, (30,), 12), "landmarks", "m", FIRST)
        kept = Kept(self.ledger, self.scores.get)
        found = nightly(book, LocalEngine(), self.settings, scored, kept)
        self.ledger, self.scores[as_of] = found.ledger, found.scores
        return found


@pytest.fixture
def nights(book_of):
    """Give nights over a company of which some customers have left."""
    return lambda **about: Nights(book_of, **about)


DAY = date(2025, 3, 3)


def test_the_first_night_has_nothing_to_compare_with(nights):
    found = nights().run(DAY)
    assert found.night.previous is None
    assert (found.night.alerts, found.night.live, found.night.n_runs) == ((), (), 1)
    assert found.customers["p_churn_change"].null_count() == N
    row = found.ledger.runs.row(0, named=True)
    assert (row["n_customers"], row["n_control"], row["n_usage"]) == (N, 10, N)
    assert (row["mrr_amount"], row["value_at_risk"]) == (N * 100_0000, N * 5_0000)
    assert row["n_payments"] is None
    assert found.ledger.live["n_expected"].to_list() == [pytest.approx(4.0)]


def test_change_is_since_the_night_before(nights):
    of = nights()
    of.run(DAY, p=0.1)
    found = of.run(DAY + timedelta(days=1), p=0.15)
    assert found.night.previous == DAY
    assert found.customers["p_churn_change"].to_list() == [pytest.approx(0.05)] * N


def test_the_same_night_again_leaves_the_same(nights):
    of = nights(ended={1: date(2025, 3, 10)})
    for n in (0, 1, 33, 34):
        of.run(DAY + timedelta(days=n), p=0.1 + n / 1000)
    before, scores = of.ledger, of.scores[DAY + timedelta(days=1)]
    found = of.run(DAY + timedelta(days=1), p=0.101)
    assert found.ledger.runs.equals(before.runs)
    assert found.ledger.live.equals(before.live)
    assert found.scores.equals(scores)


def test_a_run_is_judged_when_its_labels_are_known(nights):
    left = {i: DAY + timedelta(days=i) for i in range(4)} | {9: DAY + timedelta(days=30)}
    of = nights(ended=left)
    of.run(DAY)
    # 30 days, and one more in which a renewal would undo an end.
    assert of.run(DAY + timedelta(days=30)).night.live == ()
    (found,) = of.run(DAY + timedelta(days=31)).night.live
    assert (found.days, found.scored_on) == (30, DAY)
    assert (found.n, found.n_left, found.n_unknown) == (N, 4, 0)
    assert found.n_foretold == pytest.approx(4.0)
    assert not found.of_control


def test_those_left_alone_are_judged_where_there_are_contacts(nights):
    touch = {"customer_id": "C01", "touched_on": DAY, "channel": "phone", "action": "call"}
    of = nights(ended={0: DAY, 1: DAY, 4: DAY}, touches=[touch])
    of.run(DAY)
    (found,) = of.run(DAY + timedelta(days=31)).night.live
    assert (found.of_control, found.n, found.n_left) == (True, 10, 2)


def test_a_wave_of_leavers_raises_an_alert(nights):
    of = nights(ended={i: DAY + timedelta(days=3) for i in range(30)})
    of.run(DAY)
    found = of.run(DAY + timedelta(days=31), n=10)
    assert [one.condition for one in found.night.alerts] == ["calibration", "volume"]
    assert found.ledger.runs["alerts"].to_list() == [None, "calibration,volume"]


def test_a_day_of_missing_usage_raises_one_alert_on_its_night(nights):
    of = nights()
    hole = DAY + timedelta(days=24)
    raised = {}
    for n in range(30):
        day = DAY + timedelta(days=n)
        found = of.run(day, silent=frozenset({hole})).night.alerts
        raised |= {day: [(one.condition, one.what) for one in found]} if found else {}
    assert raised == {hole + timedelta(days=1): [("volume", "usage")]}


def test_old_data_raise_an_alert(nights, book_of):
    of = nights()
    of.run(DAY)
    tables = {"subscriptions": contracts({}), "usage": used(DAY)}
    book = book_of(tables, as_of=DAY + timedelta(days=4))
    book = book.dated(Window(FIRST, DAY - timedelta(days=1), DAY + timedelta(days=4)))
    rows = of.scores[DAY].drop("as_of")
    scored = Scored(rows, Horizons(book.span.as_of, (30,), 12), "landmarks", "m", FIRST)
    found = nightly(book, LocalEngine(), Settings(), scored, Kept(of.ledger, of.scores.get))
    assert [one.condition for one in found.night.alerts] == ["freshness"]


def test_weeks_without_a_new_contract_are_not_old_data(nights, book_of):
    # The window of a book ends with the table that ends first: here all began on one day.
    of = nights()
    of.run(DAY)
    book = book_of({"subscriptions": contracts({}), "usage": used(DAY)}, as_of=DAY)
    book = book.dated(Window(FIRST, FIRST, DAY))
    rows = of.scores[DAY].drop("as_of")
    scored = Scored(rows, Horizons(DAY, (30,), 12), "landmarks", "m", FIRST)
    found = nightly(book, LocalEngine(), Settings(), scored, Kept(of.ledger, of.scores.get))
    assert found.night.alerts == ()
