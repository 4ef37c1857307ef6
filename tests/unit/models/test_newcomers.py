import numpy as np
import polars as pl
import pytest

from csk.models.contract import OTHERS, ContractFit, GroupCurve
from csk.models.newcomers import ENOUGH_BUYERS, Newcomer, like_all, refitted, reread
from csk.models.repeat import RepeatFit
from csk.models.value import Factors
from csk.stats import survival
from csk.stats.bgnbd import BgNbdFit
from csk.stats.gammagamma import CredibilityFit
from csk.stats.inactivity import Inactivity

NOWHERE = np.full((4, 4), np.nan)
FIT = RepeatFit(
    Inactivity((), ()),
    BgNbdFit(0.6, 40.0, 0.8, 2.4, NOWHERE, 0.0, 9.0, 0.0, is_converged=True, is_at_bound=False),
    CredibilityFit(10.0, 2.0, 9.0, 0.0),
    9,
    1,
)
WHOLE = Newcomer(
    Factors(100, 50.0, 0.5, 0.4, 10.0, 1.0, 100 * 1_000_000), np.array([250_000.0, 1_000_000.0])
)


def test_who_buys_as_all_do_brings_as_much_at_the_own_margin():
    one = like_all(WHOLE, 7, 0.25)
    assert one is not None
    assert one.ltv_amount == WHOLE.ltv_amount / 2
    assert (one.factors.n, one.factors.ltv_amount, one.own_share) == (7, 7 * 500_000, 0.0)
    of = one.factors
    product = of.unit_price_amount * of.margin_share * of.frequency * of.duration_months
    assert product * of.discount_factor * 10_000 == pytest.approx(one.ltv_amount)
    assert like_all(WHOLE, 7, None) is None
    assert like_all(WHOLE, 0, 0.5) is None


def buyers(n, often):
    rows = np.arange(n)
    return pl.DataFrame(
        {
            "n_purchases": 1 + rows % often,
            "recency_days": np.where(rows % often > 0, 30 + rows % 50, 0),
            "age_days": 200 + rows % 90,
            "purchase_amount": (1 + rows % often) * (100_000 + rows * 13 % 5_000),
        }
    )


def test_enough_buyers_are_told_by_their_own_purchases():
    assert refitted(buyers(ENOUGH_BUYERS - 1, 4), FIT) is None
    own = refitted(buyers(ENOUGH_BUYERS, 4), FIT)
    assert own is not None
    assert own.purchases.n == ENOUGH_BUYERS
    assert own.silence is FIT.silence


def test_buyers_of_whom_none_came_back_are_told_by_the_others():
    assert refitted(buyers(ENOUGH_BUYERS, 1), FIT) is None


def curve(number, group, term):
    seen = survival.counts([0], [31], [1])
    grid = np.ones(3)
    return GroupCurve(
        number, group, term, 9, survival.kaplan_meier(seen), 31, "geometric", (), grid, grid[None]
    )


def test_terms_that_a_group_shares_with_others_are_not_its_own():
    fit = ContractFit(
        (curve(0, "web", 1), curve(1, OTHERS, 12)), {("web", 1): 0, ("web", 12): 1}, 9
    )
    members = pl.DataFrame(
        {
            "curve": [7, 7, 7, 7],
            "term_months": [1, 12, 1, 1],
            "is_alive": [True, True, True, False],
        },
        schema_overrides={"term_months": pl.Int32},
    )
    read, own = reread(members, fit, "web")
    assert read["curve"].to_list() == [0, 1, 0, 0]
    assert own == pytest.approx(2 / 3)
    assert reread(members, fit, "field")[0]["curve"].null_count() == 4
