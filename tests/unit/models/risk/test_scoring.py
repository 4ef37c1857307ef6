"""One row a customer: chances, reasons, and what is at stake."""

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from risk_models import panel, risk_model

from csk.analyses.churn_risk import table
from csk.errors import ModelError
from csk.models.contract import Horizons
from csk.models.risk import scoring
from csk.models.risk.calibrating import IDENTITY
from csk.models.risk.curve import p_churn
from csk.models.risk.reasons import reasons
from csk.models.risk.verdict import GLASS
from csk.settings import Contact, Control
from csk.stats.profit import net_benefit

N, UNIT = 300, 10_000
HORIZONS = Horizons(date(2025, 2, 1), (30, 90, 365), 12)
CONTACT = Contact(offer_amount=4.0, contact_amount=0.5, accept_share=0.4)
RISKS = ("p_churn_30d", "p_churn_90d", "p_churn_365d")
CAUSES = ("p_churn_voluntary", "p_churn_involuntary", "p_churn_unknown")


def alive(n=N):
    """The valued customers; the last two are between contracts."""
    draw = np.random.default_rng(2)
    ids = [*panel(n)["customer_id"][: n - 2], "x1", "x2"]
    return pl.DataFrame(
        {
            "customer_id": ids,
            **dict.fromkeys(RISKS, 0.125),
            "ltv_if_retained": pl.Series(draw.integers(0, 10**7, n)),
            "silence_days": pl.Series(draw.integers(0, 90, n)),
        }
    )


@pytest.fixture(scope="module")
def model():
    found = risk_model()
    return replace(found, validation=replace(found.validation, chosen=GLASS))


@pytest.fixture(scope="module")
def told(model):
    return scoring.scored(model, panel(N), alive(), HORIZONS, CONTACT)


@pytest.fixture(scope="module")
def there(told):
    return told.filter(pl.col("p_churn_low").is_not_null())


def test_the_rows_are_those_who_are_alive(told):
    assert told["customer_id"].to_list() == alive()["customer_id"].to_list()


def test_chances_rise_with_the_horizon(there):
    assert there.height == N - 2
    assert (there["p_churn_30d"] < there["p_churn_90d"]).all()
    assert (there["p_churn_90d"] < there["p_churn_365d"]).all()


def test_chances_are_those_of_the_model(model, there):
    rows = panel(N).head(N - 2)
    for days in HORIZONS.risk_days:
        p = p_churn(model.hazards(rows), model.box.edges, days)
        assert there[f"p_churn_{days}d"].to_numpy() == pytest.approx(p, rel=1e-12)


def test_causes_add_up_to_the_longest_horizon(there):
    total = there.select(pl.sum_horizontal(CAUSES)).to_series().to_numpy()
    assert total == pytest.approx(there["p_churn_365d"].to_numpy(), abs=1e-12)
    assert (there["p_churn_unknown"] == 0.0).all()  # nobody left so in the past


def test_bounds_lie_around_the_longest_horizon(there):
    p = there["p_churn_365d"]
    assert ((there["p_churn_low"] < p) & (p < there["p_churn_high"])).all()


def test_bounds_of_other_chances_are_as_wide_in_odds(model):
    rows = panel(40)
    logit = {}
    # Without calibration: what trees say is put right apart from what the glass box does.
    for kind in (GLASS, "trees"):
        one = replace(
            model, calibration=IDENTITY, validation=replace(model.validation, chosen=kind)
        )
        found = scoring.scored(one, rows, alive(40), HORIZONS, CONTACT).head(38)
        p = found.select("p_churn_low", "p_churn_365d", "p_churn_high").to_numpy()
        assert (np.diff(p, axis=1) > 0).all()
        logit[kind] = np.log(p / (1 - p))
    wide = {kind: x[:, 2] - x[:, 0] for kind, x in logit.items()}
    assert wide["trees"] == pytest.approx(wide[GLASS], rel=1e-9)
    assert not np.allclose(logit["trees"][:, 1], logit[GLASS][:, 1])


def test_value_at_risk_is_rounded_half_even(told):
    for row in told.iter_rows(named=True):
        exact = row["p_churn_365d"] * row["ltv_if_retained"]
        whole = Decimal(exact).quantize(Decimal(1), ROUND_HALF_EVEN)
        assert row["value_at_risk"] == int(whole)


HALVES = [(0.5, 1, 0), (0.5, 3, 2), (0.5, 5, 2), (0.25, 10, 2), (0.0, 7, 0), (None, 7, 0)]


@pytest.mark.parametrize(("p", "kept", "expected"), HALVES)
def test_half_a_count_goes_to_the_even_one(p, kept, expected):
    one = pl.DataFrame(
        {"p_churn_365d": [p], "ltv_if_retained": [kept]}, schema_overrides={"p_churn_365d": float}
    )
    assert scoring._at_stake(one, HORIZONS, CONTACT)["value_at_risk"].to_list() == [expected]


def test_a_contact_brings_what_the_law_of_campaigns_says(told):
    p, kept = told["p_churn_365d"].to_numpy(), told["ltv_if_retained"].to_numpy() / UNIT
    expected = net_benefit(p, kept, 4.0, 0.5, 0.4) * UNIT
    assert np.abs(told["net_benefit_amount"].to_numpy() - expected).max() <= 0.5
    assert 0 < (expected > 0).sum() < N


def test_who_is_between_two_contracts_keeps_the_chance_of_the_curve(told):
    rest = told.filter(pl.col("customer_id").is_in(["x1", "x2"]))
    assert rest.select(RISKS).rows() == [(0.125, 0.125, 0.125)] * 2
    for column in (*CAUSES, "p_churn_low", "reason_1", "reason_1_direction"):
        assert rest[column].null_count() == 2
    assert rest["value_at_risk"].to_list() == [
        int(Decimal(0.125 * kept).quantize(Decimal(1), ROUND_HALF_EVEN))
        for kept in rest["ltv_if_retained"]
    ]


def test_reasons_are_of_the_horizon_in_which_something_can_be_done(model, there):
    rows = panel(N).head(N - 2)
    why = reasons(model.box, rows, 90, model.calibration)
    named = [why.groups[g] if g >= 0 else None for g in why.group[:, 0]]
    assert there["reason_1"].to_list() == named
    assert any(named)
    for place in (1, 2, 3):
        directions = there[f"reason_{place}_direction"]
        assert directions.is_null().equals(there[f"reason_{place}"].is_null())
        assert set(directions.drop_nulls()) <= {"up"}


@pytest.mark.parametrize("size", [1, 7, 100])
def test_blocks_change_nothing(model, told, monkeypatch, size):
    monkeypatch.setattr(scoring, "BLOCK", size)
    few = 20
    found = scoring.scored(model, panel(N).head(few), alive().head(few), HORIZONS, CONTACT)
    one, other = found.select(pl.selectors.float()), told.head(few).select(pl.selectors.float())
    for name in one.columns:
        mine, theirs = (x[name].fill_null(-1.0).to_numpy() for x in (one, other))
        assert mine == pytest.approx(theirs, rel=1e-6), name


def test_a_day_without_customers_in_service_has_the_chances_of_curves(model):
    found = scoring.scored(model, panel(3).clear(), alive(), HORIZONS, CONTACT)
    assert found.select(RISKS).equals(alive().select(RISKS))
    assert found["model_id"].null_count() == N


NEAREST = [((30, 90, 365), 90), ((365,), 365), ((60, 119), 119), ((60, 120), 60), ((1, 2), 2)]


@pytest.mark.parametrize(("risk_days", "expected"), NEAREST)
def test_models_are_chosen_by_the_horizon_nearest_to_90_days(risk_days, expected):
    assert scoring.main_days(risk_days) == expected


REFUSED = [
    ("EUR", (30, 90), "fitted on JPY, and this book is in EUR"),
    ("", (30, 90), "in none"),
    ("JPY", (30, 400), "up to 365 days, not 400"),
]


@pytest.mark.parametrize(("currency", "risk_days", "said"), REFUSED)
def test_a_model_of_something_else_is_refused(model, currency, risk_days, said):
    book = SimpleNamespace(currency=currency)
    with pytest.raises(ModelError, match=said) as refused:
        scoring.refuse_others(model, book, replace(HORIZONS, risk_days=risk_days))
    assert "--refit" in refused.value.hint


def test_a_model_of_the_same_currency_is_not_refused(model):
    scoring.refuse_others(model, SimpleNamespace(currency="JPY"), HORIZONS)


def test_a_table_has_all_columns_in_order_and_null_for_what_nobody_knows(told):
    described = table(HORIZONS.risk_days, ["region"])
    found = scoring.completed(
        told.reverse(), described, Control(share=0.5), HORIZONS, ("landmarks", "")
    )
    assert tuple(found.columns) == described.names
    assert found["customer_id"].to_list() == sorted(told["customer_id"])
    assert found["region"].null_count() == found["currency"].null_count() == N
    assert found["method"].unique().to_list() == ["landmarks"]
    assert 0.3 < found["is_control"].mean() < 0.7


def test_a_long_silence_is_the_one_reason_of_who_buys_without_contract():
    found = scoring._by_silence(alive())
    middle = alive()["silence_days"].median()
    is_long = found["silence_days"] > middle
    assert found["reason_1"].is_not_null().equals(is_long)
    assert found.filter(is_long)["reason_1_value"].min() > middle
    assert found.filter(is_long)["reason_1_median"].unique().to_list() == [middle]
