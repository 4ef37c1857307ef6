from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from csk.errors import ModelError
from csk.models import buying
from csk.models.buying import Holdout
from csk.published.cdnow import buyers
from csk.stats import bgnbd, nbd
from csk.stats.bgnbd import cells

AHEAD = 150.0


def shop(k, leaving, n=1_500, seed=0):
    """Simulate customers whose gaps are Erlang-k: cells, what they bought after, log of gaps."""
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(2.0, k / 40, n), rng.beta(1.0, 4.0, n) * leaving
    T = 50.0 * rng.integers(3, 8, n)
    x, t_x, now, later, log_gaps = *(np.zeros(n) for _ in range(4)), 0.0
    is_alive = rng.random(n) > leaves
    while is_alive.any():
        gap = rng.gamma(k, 1 / rate)
        now = now + gap
        is_alive &= now <= T + AHEAD
        is_seen = is_alive & (now <= T)
        x[is_seen] += 1
        t_x[is_seen] = now[is_seen]
        log_gaps += np.log(gap[is_seen]).sum()
        later[is_alive & ~is_seen] += 1
        is_alive &= rng.random(n) > leaves
    return cells(x, t_x, T), Holdout(x, t_x, T, later, AHEAD), log_gaps


@pytest.fixture(scope="module")
def records():
    """Give cells and hold-out of the CDNOW tenth, and the logarithms of its gaps, in weeks."""
    of = buyers()
    n = of.n.astype(int)
    ahead = [np.repeat(column, n) for column in (of.x, of.t_x, of.T, of.later)]
    return cells(of.x, of.t_x, of.T, of.n), Holdout(*ahead, 39.0), 2909.5047


@pytest.fixture(scope="module")
def of_records(records):
    """Give all candidates for the CDNOW tenth, tried on its hold-out."""
    return buying.candidates(*records)


def test_every_process_is_tried_the_simplest_first(of_records):
    tried = of_records
    assert [one.name for one in tried] == [
        "nbd",
        "bg_nbd",
        "mbg_nbd",
        "mbg_cnbd_k",
        "pareto_nbd",
    ]
    assert [one.n_parameters for one in tried] == [2, 4, 4, 5, 4]
    assert all(one.is_converged and not one.is_at_bound and one.is_sound for one in tried)
    for one in tried:
        assert one.aic == 2 * one.n_parameters - 2 * one.log_likelihood
        assert (one.holdout.n, one.holdout.actual) == (2357, 1882)


PUBLISHED = [
    ("bg_nbd", -9582.4292, 0.7855, 1.6080),
    ("mbg_nbd", -9582.1357, None, None),
    ("mbg_cnbd_k", -9582.1357, None, None),
    ("pareto_nbd", -9594.9762, 0.7545, 1.6028),
]


@pytest.mark.parametrize(("name", "log_likelihood", "mae", "rmse"), PUBLISHED)
def test_candidates_have_the_published_likelihoods_and_errors(
    of_records, name, log_likelihood, mae, rmse
):
    (one,) = (one for one in of_records if one.name == name)
    assert one.log_likelihood == pytest.approx(log_likelihood, abs=1e-4)
    if mae is not None:
        assert one.holdout.mae == pytest.approx(mae, abs=5e-5)
        assert one.holdout.rmse == pytest.approx(rmse, abs=5e-5)


def test_the_hold_out_chooses_where_there_is_one_and_aic_where_there_is_none(of_records):
    assert buying.best(of_records).name == "pareto_nbd"
    blind = [replace(one, holdout=None) for one in of_records]
    assert buying.best(blind).name == "mbg_nbd"


def test_without_the_gaps_regular_buying_is_not_tried_and_without_days_ahead_nothing_foretold():
    tried = buying.candidates(cells([0, 1, 2, 5], [0, 4, 7, 9], [9, 9, 8, 10]))
    assert [one.name for one in tried] == ["nbd", "bg_nbd", "mbg_nbd", "pareto_nbd"]
    assert [one.holdout for one in tried] == [None] * 4


def test_regular_buyers_are_foretold_best_by_the_model_that_knows_them():
    unique, holdout, log_gaps = shop(k=3, leaving=1.0)
    tried = buying.candidates(unique, holdout, log_gaps)
    assert min(tried, key=lambda one: one.aic).name == "mbg_cnbd_k"
    found = buying.best(tried)
    assert (found.name, found.fitted.fit.k) == ("mbg_cnbd_k", 3)
    assert abs(found.holdout.bias) < 0.05
    random = next(one for one in tried if one.name == "mbg_nbd")
    assert found.holdout.mae < 0.92 * random.holdout.mae  # the gain published for groceries


def test_where_nobody_leaves_the_model_without_an_exit_is_enough():
    unique, _, log_gaps = shop(k=1, leaving=0.0)
    tried = buying.candidates(unique, None, log_gaps)
    assert buying.best(tried).name == "nbd"
    assert any(one.is_at_bound for one in tried)


def test_a_fitted_process_scores_customers_as_its_model_does(records, of_records):
    unique = records[0]
    by_name = {one.name: one.fitted for one in of_records}
    plain = bgnbd.fit(*unique[:4])
    customer = ([3, 0], [20.0, 0.0], [38.0, 30.0])
    assert by_name["bg_nbd"].p_alive(*customer).tolist() == bgnbd.p_alive(plain, *customer).tolist()
    expected = bgnbd.expected_purchases(plain, *customer, 52.0)
    assert by_name["bg_nbd"].expected_purchases(*customer, 52.0).tolist() == expected.tolist()
    staying = nbd.fit(unique.x, unique.T, unique.weight)
    found = by_name["nbd"].expected_purchases(*customer, 52.0)
    assert found == pytest.approx(
        (staying.r + np.array([3, 0])) / (staying.alpha + np.array([38, 30])) * 52
    )
    assert by_name["nbd"].p_alive([[1, 2]], 1.0, 9.0).tolist() == [[1.0, 1.0]]
    for one in by_name.values():
        assert one.expected_purchases([[1, 2]], 1.0, 9.0, 5.0).shape == (1, 2)


def test_among_equals_fewer_parameters_are_better(of_records):
    two = [one for one in of_records if one.name in {"mbg_nbd", "mbg_cnbd_k"}]
    assert two[0].holdout == two[1].holdout
    assert [buying.best(two).name, buying.best(two[::-1]).name] == ["mbg_nbd"] * 2


def test_an_unfinished_search_is_never_chosen(of_records):
    one = replace(of_records[0], holdout=None)
    lost = replace(one, is_converged=False, is_at_bound=False, aic=-1e9)
    unknown = replace(one, aic=float("nan"))
    assert buying.best([lost, unknown, one]) is one
    with pytest.raises(ModelError, match="No model of repeat buying could be fitted"):
        buying.best([lost, unknown])


def test_customers_without_a_repeat_are_refused():
    with pytest.raises(ModelError, match="second day"):
        buying.candidates(cells([0, 0], [0, 0], [9, 9]))


def test_logarithms_of_gaps_come_from_the_counts_of_gaps():
    gaps = pl.DataFrame(
        {
            "state": [1, 2, 1, 1],
            "days": [7, 7, 30, 2],
            "n_bought": [2, 1, 4, 0],
            "n_censored": [0, 5, 1, 9],
        }
    )
    assert buying.log_gaps_of(gaps) == pytest.approx(3 * np.log(7) + 4 * np.log(30))
