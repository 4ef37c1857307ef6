"""Risk of a whole book: fitted on itself, scored, or told by curves where it is too small."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from csk.analyses import churn_risk as analysis
from csk.analyses.churn_risk import churn_risk, fitted, scored, table
from csk.analyses.segment import segmentation
from csk.engine.local import LocalEngine
from csk.errors import ModelError
from csk.models.key_figures import Standing
from csk.models.risk.fitting import KINDS
from csk.models.risk.verdict import CURVES, GLASS, TREES
from csk.schema import CHURN_RISK
from csk.settings import Risk, Settings

BEGIN, AS_OF = date(2022, 9, 1), date(2024, 3, 1)
DAY = timedelta(days=1)
UNIT = 10_000
CHOSEN = Settings(as_of=AS_OF, risk_horizon=(30, 90), margin_share=0.5)


def company(n, signal, seed=4):
    """Contracts without term; who leaves uses less from two months before on, or does not."""
    rng = np.random.default_rng(seed)
    contracts, uses = [], []
    for i in range(n):
        started = BEGIN + int(rng.integers(0, 200)) * DAY
        ended = started + int(rng.exponential(260)) * DAY
        contracts.append(
            {
                "customer_id": f"c{i:04d}",
                "plan": "ab"[i % 2],
                "started_on": started,
                "ended_on": ended if started < ended < AS_OF else None,
                "mrr_amount": (10 + i % 5) * UNIT,
                "term_months": 1,
            }
        )
        falls = ended - 60 * DAY if signal else AS_OF
        for k in range((min(ended, AS_OF) - started).days // 7):
            on = started + 7 * k * DAY
            uses.append(
                (f"c{i:04d}", on, "login", float(rng.integers(*((1, 4), (8, 20))[on < falls])))
            )
    return {"subscriptions": contracts, "usage": used(uses)}


def used(rows):
    frame = pl.DataFrame(
        rows, schema=["customer_id", "used_at", "feature", "quantity"], orient="row"
    )
    return frame.with_columns(pl.col("used_at").cast(pl.Datetime("us", "UTC")))


def standing(book, settings):
    of = segmentation(book, LocalEngine(), settings)
    return Standing(AS_OF, of.customers, of.figures, of.fit, of.horizons, of.ltv_basis)


@pytest.fixture(scope="module")
def told(book_of):
    """Give the risks of a company, without trees, which take their time."""

    def of(tables, settings=CHOSEN, **options):
        book = book_of(tables, as_of=AS_OF)
        stood = standing(book, settings)
        with pytest.MonkeyPatch.context() as changed:
            changed.setattr(
                analysis, "KINDS", {kind: KINDS[kind] for kind in KINDS if kind != TREES}
            )
            return churn_risk(book, LocalEngine(), settings, stood, **options), stood

    return of


@pytest.fixture(scope="module")
def clear(told):
    return told(company(400, signal=True))


@pytest.fixture(scope="module")
def blind(told):
    return told(company(400, signal=False))


@pytest.fixture(scope="module")
def small(told):
    return told(company(60, signal=True))


def test_everybody_in_service_is_scored_once(clear):
    found, stood = clear
    alive = stood.customers.filter("is_alive")["customer_id"].sort()
    assert found.customers["customer_id"].to_list() == alive.to_list()
    assert found.customers.columns == list(found.table.names)
    assert found.customers["p_churn_90d"].is_between(0.0, 1.0).all()
    assert (found.method, found.notes) == ("landmarks", ())


def test_a_model_says_on_what_it_was_fitted(clear):
    found, _ = clear
    facts = found.model.facts
    assert (facts.as_of, facts.data_from, facts.book) == (AS_OF, BEGIN, found.book.digest)
    ended = [row for row in company(400, signal=True)["subscriptions"] if row["ended_on"]]
    assert 100 <= facts.n_events <= len(ended)
    assert found.customers["model_id"].unique().to_list() == [found.model.model_id]
    assert found.validation is found.model.validation
    assert (found.model.chosen, found.model.trees) == (GLASS, None)


def test_who_uses_less_is_at_risk_and_usage_is_why(clear):
    found, _ = clear
    assert found.validation.verdict == "sound"
    pooled = found.validation.pooled
    assert pooled(GLASS, 90).auc > 0.7 > pooled(CURVES, 90).auc
    first = found.customers.sort("p_churn_90d", descending=True).head(10)
    assert set(first["reason_1"]) == {"usage"}


def test_a_book_has_not_moved_since_the_model_of_the_same_day(clear):
    found, _ = clear
    assert found.drifted
    assert {one.moved for one in found.drifted} == {0.0}


def test_without_signal_the_verdict_says_so(blind):
    found, _ = blind
    pooled = found.validation.pooled(GLASS, 90)
    assert abs(pooled.auc - 0.5) < 3.5 * pooled.auc_se
    assert found.validation.verdict == "no_better_than_chance"


def test_the_same_book_gives_the_same_table(told, blind):
    again, _ = told(company(400, signal=False))
    assert again.model.model_id == blind[0].model.model_id
    assert again.customers.equals(blind[0].customers)


def test_too_few_ends_leave_the_risks_of_plan_and_age(small):
    found, stood = small
    assert (found.method, found.notes) == ("curves", ("too_few_events",))
    assert (found.model, found.validation, found.drifted) == (None, None, ())
    curve = stood.customers.filter("is_alive").sort("customer_id")
    assert found.customers["p_churn_90d"].equals(curve["p_churn_90d"])
    assert found.customers["model_id"].null_count() == found.customers.height


def test_a_model_that_is_asked_for_and_cannot_be_had_is_refused(told):
    with pytest.raises(ModelError, match="Fewer than 100 customers have left"):
        told(company(60, signal=True), may_fall_back=False)


def test_a_shop_is_told_by_silence(told):
    rows = [
        {
            "customer_id": f"c{i:02d}",
            "paid_on": AS_OF - (424 - 5 * i - gap) * DAY,
            "amount": UNIT + i,
        }
        for i in range(60)
        for gap in range(0, (i % 5) * 60 + 1, 9 + i % 7)
    ]
    found, _ = told({"payments": rows})
    assert (found.method, found.model) == ("inactivity", None)
    assert set(found.customers["reason_1"].unique()) == {None, "silence"}


def test_an_ignored_feature_is_neither_fitted_nor_a_reason(told):
    settings = CHOSEN.model_copy(update={"risk": Risk(ignore=("usage_28d", "plan", "nothing"))})
    found, _ = told(company(400, signal=True), settings)
    names = {measure.name for measure in found.model.box.recipe.measures}
    assert "usage_28d" not in names
    assert "usage_to_baseline" in names
    assert found.model.box.recipe.levels  # a plan is no feature that can be left out


def test_a_model_of_another_currency_or_of_shorter_horizons_is_refused(clear):
    found, stood = clear
    other = replace(found.model, facts=replace(found.model.facts, currency="EUR"))
    with pytest.raises(ModelError, match="fitted on EUR"):
        scored(found.book, LocalEngine(), CHOSEN, stood, other)
    far = replace(stood, horizons=replace(stood.horizons, risk_days=(30, 400)))
    with pytest.raises(ModelError, match="not 400"):
        scored(found.book, LocalEngine(), CHOSEN, far, found.model)


IGNORED = [
    (("usage_28d", "nothing"), {"usage_28d"}),
    (("surveys",), {"last_nps", "nps_age_days", "last_csat", "csat_age_days"}),
    (("seats",), {"seats"}),  # a feature before it is a group
    (("touches", "last_nps"), {"last_nps", "touches_90d", "days_since_touch"}),
    (("plan",), set()),
    ((), set()),
]


@pytest.mark.parametrize(("names", "expected"), IGNORED)
def test_features_are_ignored_by_name_or_by_group(names, expected):
    assert set(analysis.ignored(names)) == expected


def test_a_stray_row_of_years_before_does_not_begin_the_log(book_of):
    tables = company(60, signal=True)
    stray = tables["usage"].head(1).with_columns(used_at=pl.col("used_at") - timedelta(days=3000))
    book = book_of({**tables, "usage": pl.concat([stray, tables["usage"]])}, as_of=AS_OF)
    assert book.tables["usage"].first_on < BEGIN - timedelta(days=1000)
    begun = analysis._begun(book, LocalEngine())
    assert BEGIN <= begun["usage"] < BEGIN + timedelta(days=40)


def test_kept_columns_come_last_and_once(told):
    tables = company(60, signal=True)
    tables["customers"] = [{"customer_id": f"c{i:04d}", "region": f"r{i % 3}"} for i in range(60)]
    keep = {"keep": ("region", "customer_id", "region")}
    found, _ = told(tables, CHOSEN.model_copy(update=keep))
    assert found.customers.columns[-1] == "region"
    for name, region in found.customers.select("customer_id", "region").iter_rows():
        assert region == f"r{int(name[1:]) % 3}"


@pytest.mark.parametrize("days", [(30, 90, 365), (7,), (14, 60)])
def test_a_table_has_the_horizons_that_were_asked_for(days):
    standard = ["p_churn_30d", "p_churn_90d", "p_churn_365d"]
    names = list(CHURN_RISK.names)
    at = names.index(standard[0])
    rest = [name for name in names if name not in standard]
    expected = [*rest[:at], *(f"p_churn_{day}d" for day in days), *rest[at:]]
    assert list(table(days, ()).names) == expected


def test_a_log_shorter_than_a_landmark_has_no_model(book_of):
    contracts = company(60, signal=True)["subscriptions"]
    book = book_of({"subscriptions": contracts}, as_of=AS_OF)
    stood = standing(book, CHOSEN)
    short = replace(book.span, data_from=AS_OF - 20 * DAY)
    assert fitted(replace(book, window=short), LocalEngine(), CHOSEN, stood) is None


def test_what_is_the_same_for_everybody_is_named_and_not_fitted(clear):
    found, _ = clear
    dropped = {one.column: one.why for one in found.model.box.dropped}
    assert dropped["term_length"] == "constant"  # every contract is of a month
    fitted_on = {measure.name for measure in found.model.box.recipe.measures}
    assert not fitted_on & dropped.keys()
