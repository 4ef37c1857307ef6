from datetime import date

import numpy as np
import polars as pl
import pytest

from csk.models.contract import Horizons
from csk.models.outlook import FEWEST_TOGETHER, Bounds, foreseen, predicted, tail_share
from csk.models.repeat import RepeatFit
from csk.stats.bgnbd import BgNbdFit, expected_purchases
from csk.stats.gammagamma import CredibilityFit, GammaGammaFit
from csk.stats.inactivity import GapCurve, Inactivity, SilenceLimit

AS_OF = date(2024, 1, 1)
NOWHERE = np.full((4, 4), np.nan)
BUYS = BgNbdFit(0.6, 40.0, 0.8, 2.4, NOWHERE, 0.0, 100.0, 0.0, is_converged=True, is_at_bound=False)
SPENDS = GammaGammaFit(6.0, 4.0, 15.0, NOWHERE, 0.0, 100.0, 0.0, 1, is_converged=True)
SILENCE = Inactivity(
    (GapCurve(np.array([1.0, 1.0]), np.array([9, 9])),) * 4,
    (SilenceLimit(90, is_extrapolated=False, is_pooled=False),) * 4,
)


def fitted(spend=SPENDS, buys=BUYS):
    return RepeatFit(SILENCE, buys, spend, 500, 1)


def buyers(n=3, **columns):
    """Buyers of five days, silent for twenty, all alike but for `columns`."""
    rows = {
        "customer_id": [f"c{i:03d}" for i in range(n)],
        "is_alive": True,
        "n_purchases": 5,
        "recency_days": 180,
        "age_days": 200,
        "purchase_amount": 500,
        "n_expected": 4.0,
        "n_present": 4.0,
        "margin_share": 1.0,
        "n_events": 500,
        "ltv_amount": 400,
        "ltv_low": 300,
    } | columns
    return pl.DataFrame({k: v if isinstance(v, list) else [v] * n for k, v in rows.items()})


def drawn(n=400_000, days=366):
    """Draw the money of such buyers from the model itself, one path after another."""
    draw, x = np.random.default_rng(7), 4
    rate = draw.gamma(BUYS.r + x, size=n) / (BUYS.alpha + 200)
    leaves = draw.beta(BUYS.a, BUYS.b + x, n)
    odds = BUYS.a / (BUYS.b + x - 1) * ((BUYS.alpha + 200) / (BUYS.alpha + 180)) ** (BUYS.r + x)
    here = draw.random(n) < 1 / (1 + odds)
    number = here * np.minimum(draw.poisson(rate * days), draw.geometric(leaves))
    scale = draw.gamma(SPENDS.p * 5 + SPENDS.q, size=n) / (SPENDS.gamma + 500)
    return draw.gamma(SPENDS.p * np.maximum(number, 1e-9)) * (number > 0) / scale


def test_the_variance_of_money_is_that_of_the_model():
    told = foreseen(buyers(1), fitted(), Horizons(AS_OF, (365,), 12))
    assert told["variance"].item() == pytest.approx(drawn().var(), rel=0.02)


def test_margin_and_discount_scale_the_variance_in_squares():
    horizons = Horizons(AS_OF, (365,), 12)
    (whole,) = foreseen(buyers(1), fitted(), horizons)["variance"]
    (part,) = foreseen(buyers(1, margin_share=0.5, n_present=3.0), fitted(), horizons)["variance"]
    assert part == pytest.approx(whole * (0.5 * 0.75) ** 2)


@pytest.mark.parametrize(
    "spend",
    [
        CredibilityFit(10.0, 2.0, 100.0, 0.0),
        GammaGammaFit(0.1, 1.2, 15.0, NOWHERE, 0.0, 9.0, 0.0, 1, is_converged=True),
    ],
    ids=["no law of spend", "a tail without variance"],
)
def test_where_spend_has_no_variance_none_is_told(spend):
    told = foreseen(buyers(), fitted(spend), Horizons(AS_OF, (365,), 12))
    assert told["variance"].null_count() == 3
    assert predicted(told, Bounds(1000.0, 1400.0)) is None


def test_half_of_such_buyers_have_bought_again_by_the_day():
    told = foreseen(buyers(1), fitted(), Horizons(AS_OF, (365,), 12))
    days = (told["next_purchase_on"].item() - AS_OF).days
    silent = [
        ((BUYS.alpha + 200) / (BUYS.alpha + 200 + t)) ** (BUYS.r + 4) for t in (days - 1, days)
    ]
    assert silent[1] <= 0.5 < silent[0]


def test_who_has_left_buys_no_more():
    told = foreseen(buyers(2, is_alive=[True, False]), fitted(), Horizons(AS_OF, (365,), 12))
    for name in ("tail_share", "variance", "next_purchase_on", "flags"):
        assert told[name].is_null().to_list()[1], name


def test_a_wait_of_centuries_is_no_day():
    rare = BgNbdFit(0.001, 40.0, 0.8, 2.4, NOWHERE, 0.0, 9.0, 0.0, True, False)
    one = buyers(1, n_purchases=1, recency_days=0)
    told = foreseen(one, fitted(buys=rare), Horizons(AS_OF, (365,), 12))
    assert told["next_purchase_on"].item() is None


@pytest.mark.parametrize(
    ("ages", "share"),
    [([200] * 40, 1.0), ([1000] * 30 + [200] * 10, 0.0), ([200] * 29 + [900], 1.0)],
)
def test_what_comes_later_than_thirty_were_watched_is_the_tail(ages, share):
    days = 366
    number = expected_purchases(BUYS, [4], [180], [200], days).item()
    told = foreseen(
        buyers(len(ages), age_days=ages, n_expected=number), fitted(), Horizons(AS_OF, (365,), 12)
    )
    assert told.filter(pl.col("age_days") == 200)["tail_share"][0] == pytest.approx(share, abs=0.11)


@pytest.mark.parametrize(
    ("columns", "buys", "flags"),
    [
        ({}, BUYS, "extrapolated"),
        ({"n_events": 99}, BUYS, "extrapolated,few_events"),
        ({"ltv_low": None}, BUYS, "extrapolated,no_interval"),
        (
            {},
            BgNbdFit(0.6, 40.0, 0.8, 2.4, NOWHERE, 0.0, 9.0, 0.0, True, True),
            "extrapolated,at_bound",
        ),
    ],
)
def test_what_to_read_with_care_is_flagged(columns, buys, flags):
    told = foreseen(buyers(1, **columns), fitted(buys=buys), Horizons(AS_OF, (365,), 12))
    assert told["flags"].item() == flags


def members(n, variance=1.0, ltv=100):
    return pl.DataFrame(
        {
            "is_alive": [True] * n + [False],
            "variance": [variance] * n + [None],
            "ltv_amount": [ltv] * n + [0],
            "tail_share": [0.25] * n + [None],
        },
        schema_overrides={"variance": pl.Float64, "tail_share": pl.Float64},
    )


def test_what_is_not_known_and_what_chance_will_do_add_in_squares():
    n = 100
    known = Bounds(n * 100 - 30.0, n * 100 + 50.0)
    found = predicted(members(n, variance=4.0), known)
    assert found is not None
    chance = 1.959964 * 2 * n**0.5
    assert found.low == pytest.approx(n * 100 - np.hypot(30, chance))
    assert found.high == pytest.approx(n * 100 + np.hypot(50, chance))
    assert found.low < known.low < known.high < found.high


@pytest.mark.parametrize(("n", "is_told"), [(FEWEST_TOGETHER - 1, False), (FEWEST_TOGETHER, True)])
def test_few_together_are_not_near_enough_to_normal(n, is_told):
    assert (predicted(members(n), Bounds(1.0, 1e6)) is not None) is is_told


def test_no_sum_falls_below_nothing():
    found = predicted(members(40, variance=1e12), Bounds(10.0, 10_000.0))
    assert found is not None
    assert found.low == 0


def test_the_tail_of_a_group_is_weighed_by_ltv():
    of = pl.DataFrame({"ltv_amount": [300, 100, 0], "tail_share": [0.0, 1.0, None]})
    assert tail_share(of) == pytest.approx(0.25)
    assert tail_share(of.filter(pl.col("ltv_amount") == 0)) is None
