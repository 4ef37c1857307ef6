import numpy as np
import pytest

from csk.errors import ModelError, UsageError
from csk.stats.families import FAMILIES
from csk.stats.tails import (
    candidates,
    discounted_lifetime,
    discounted_residual_lifetime,
    family_hazards,
    fit,
    hazards,
    log_likelihood,
)

TRUTH = {
    "geometric": [0.04],
    "discrete_weibull": [0.08, 0.8],
    "sbg": [0.9, 12.0],
    "bdw": [0.9, 14.0, 1.4],
    "plateau": [0.02, 0.12, 0.25],
    "floored_bdw": [0.8, 14.0, 1.3, 0.012],
}


def books(family, customers=1e6, periods=48):
    """Give expected exposures and exits of a family: its likelihood peaks at the truth."""
    h = family_hazards(family, np.log(TRUTH[family]), periods)
    n = customers * np.cumprod(np.r_[1.0, 1.0 - h[:-1]])
    return n, n * h


@pytest.mark.parametrize("family", FAMILIES)
def test_slopes_are_the_derivatives_of_the_hazard(family):
    model, at, t = FAMILIES[family], np.log(TRUTH[family]), np.arange(1.0, 40.0)
    for i in range(model.n_params):
        step = np.zeros(model.n_params)
        step[i] = 1e-6
        numeric = (model.hazard(at + step, t) - model.hazard(at - step, t)) / 2e-6
        assert model.slopes(at, t)[:, i] == pytest.approx(numeric, abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_finds_its_own_parameters(family):
    got = fit(family, *books(family))
    assert got.params == pytest.approx(TRUTH[family], rel=2e-3)
    assert got.gradient_norm < 1e-5
    assert got.n_events == int(books(family)[1].sum())


@pytest.mark.parametrize("family", FAMILIES)
def test_aic_finds_the_family_that_made_the_data(family):
    got = candidates(*books(family))
    assert got[0].aic == min(one.aic for one in got)
    # A simpler family, or a richer one that contains it, may tie; none may be better by more.
    own = next(one for one in got if one.family == family)
    assert own.aic - got[0].aic < 2.0
    assert sum(one.weight for one in got) == pytest.approx(1.0)


def test_the_covariance_is_that_of_a_known_case():
    # log of a geometric rate r: Var = (e^r - 1) / (n r^2)
    got = fit("geometric", [1000.0, 900.0], [100.0, 90.0])
    r = -np.log(0.9)
    assert got.params[0] == pytest.approx(r)
    assert got.covariance[0, 0] == pytest.approx(np.expm1(r) / (1900 * r**2), rel=0.01)


def test_customers_alike_make_sbg_geometric():
    n, d = books("geometric")
    got = fit("sbg", n, d)
    assert hazards(got, 100) == pytest.approx(np.full(100, -np.expm1(-0.04)), rel=2e-3)
    assert candidates(n, d)[0].family == "geometric"


@pytest.mark.parametrize(("exposed", "left"), [([50.0, 40.0], [0, 0]), ([8.0], [[0, 0]])])
def test_no_exits_are_half_an_exit(exposed, left):
    (got,) = candidates(exposed, left)
    assert got.family == "geometric"
    assert got.n_events == 0
    assert hazards(got, 3) == pytest.approx(np.full(3, 0.5 / (sum(exposed) + 1.0)))


@pytest.mark.parametrize(
    ("exposed", "left"),
    [
        ([1.0], [1]),
        ([10.0], [10]),
        ([10.0, 0.0, 0.0], [10, 0, 0]),
        ([10.0, 9.0], [1, 9]),
        ([10.0, 9.0, 0.0, 7.0], [1, 0, 0, 0]),
        ([0.25], [0]),
        ([1e12] * 30, [1e9] * 30),
        ([1e12] * 30, [1] * 30),
        ([1e3] * 30, [999] * 30),
        ([500.0] + [100.0] * 40, [400] + [0] * 40),
        ([500.0] * 40, [0] * 39 + [400]),
        ([500.0, 500.0, 500.0], [100, 0, 100]),
    ],
)
def test_odd_tables_give_finite_hazards(exposed, left):
    for one in candidates(exposed, left):
        h = hazards(one, 1200)
        assert np.isfinite(h).all()
        assert ((h > 0.0) & (h <= 1.0)).all()
        assert np.isfinite([one.log_likelihood, one.aic, one.gradient_norm, one.weight]).all()
        assert (np.linalg.eigvalsh(one.covariance) > 0.0).all()


def test_few_exits_carry_few_parameters():
    names = {one.family for one in candidates([20.0] * 9, [1] * 9)}
    assert names == {"geometric"}
    names = {one.family for one in candidates([20.0] * 9, [2] * 9)}
    assert names == {"geometric", "discrete_weibull", "sbg"}
    names = {one.family for one in candidates([2000.0] * 2, [200, 100])}
    assert names == {"geometric", "discrete_weibull", "sbg"}


@pytest.mark.parametrize("family", FAMILIES)
def test_aic_charges_two_for_each_parameter(family):
    exposed, left = books(family, customers=1e4)
    got = fit(family, exposed, left)
    h = hazards(got, len(exposed))
    score = np.sum(left * np.log(h) + (exposed - left) * np.log(1 - h))
    assert got.log_likelihood == pytest.approx(score)
    assert got.log_likelihood == pytest.approx(log_likelihood(h, exposed, left))
    assert got.aic == pytest.approx(2 * len(TRUTH[family]) - 2 * score)
    assert len(got.params) == len(got.covariance) == len(TRUTH[family])
    assert got.covariance.tolist() == got.covariance.T.tolist()
    assert got.weight == 1.0


def test_weights_fall_with_aic_as_akaike_has_it():
    got = candidates(*books("sbg", customers=2e3))
    aic, weight = (np.array([getattr(one, name) for one in got]) for name in ("aic", "weight"))
    assert len(got) == len(FAMILIES)
    assert (np.diff(aic) >= 0).all()
    assert weight / weight[0] == pytest.approx(np.exp((aic[0] - aic) / 2))


def test_all_or_none_leaving_is_geometric_whatever_was_asked_for():
    for left, h in (([0, 0], 0.5 / 31), ([20, 10], 30.5 / 31)):
        for family in FAMILIES:
            got = fit(family, [20.0, 10.0], left)
            assert (got.family, got.n_events) == ("geometric", sum(left))
            assert hazards(got, 2) == pytest.approx([h, h])
            score = sum(left) * np.log(h) + (30 - sum(left)) * np.log(1 - h)
            assert got.log_likelihood == pytest.approx(score)
            assert got.aic == pytest.approx(2 - 2 * score)
            assert got.covariance.tolist() == [[1 / (sum(left) + 0.5)]]
            assert (got.gradient_norm, got.weight) == (0.0, 1.0)
        with pytest.raises(UsageError, match="not a tail"):
            fit("cubic", [20.0, 10.0], left)


def test_exits_by_cause_count_together():
    one = fit("sbg", [100.0, 60.0, 40.0], [40, 20, 10])
    two = fit("sbg", [100.0, 60.0, 40.0], [[30, 10], [0, 20], [5, 5]])
    assert one.params == two.params
    assert two.n_events == 70


@pytest.mark.parametrize(
    ("periods", "events", "most"),
    [(9, 9, 1), (9, 10, 2), (9, 19, 2), (9, 20, 3), (9, 29, 3), (9, 30, 4), (2, 30, 2), (3, 30, 3)],
)
def test_a_parameter_needs_ten_exits_and_a_period(periods, events, most):
    # Two periods that nobody reached add nothing.
    exposed = [1000.0] * periods + [0.0] * 2
    left = [events, *[0] * (periods + 1)]
    assert max(len(one.params) for one in candidates(exposed, left)) == most


def test_the_chance_of_leaving_is_never_none_nor_certain():
    low, high = family_hazards("geometric", np.array([[-40.0], [40.0]]), 2)
    assert low.tolist() == pytest.approx([1e-12] * 2, rel=1e-3)
    assert (high < 1.0).all()
    assert np.isfinite(log_likelihood(np.array([[0.0], [1.0]]), np.ones(1), np.ones(1))).all()


def test_nobody_at_risk_is_refused():
    says = r"^Nobody was at risk, so no survival curve can be drawn\.$"
    with pytest.raises(ModelError, match=says):
        candidates([0.0, 0.0], [0, 0])


OUTSIDE = "^in every period, exits must lie between 0 and the exposure$"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit("cubic", [9.0], [1]), "not a tail"),
        (lambda: fit("sbg", [9.0], [1, 1]), "^exposed and left must have one value per period$"),
        (
            lambda: fit("sbg", [9.0, 9.0], [1, 10]),
            OUTSIDE,
        ),
        (
            lambda: fit("sbg", [9.0, 9.0], [1, -1]),
            OUTSIDE,
        ),
        (lambda: discounted_lifetime(0.9, 2.0, 0.0), "diverges"),
        (lambda: discounted_lifetime(1.0, 2.0, 0.0), "diverges"),
        (lambda: discounted_lifetime(3.0, 2.0, -0.1), "diverges"),
    ],
)
def test_wrong_questions_are_refused(call, words):
    with pytest.raises(UsageError, match=words):
        call()


def test_an_unknown_family_is_told_the_known_ones():
    with pytest.raises(UsageError) as refused:
        family_hazards("cubic", np.zeros(1), 3)
    assert refused.value.hint == (
        "Choose one of geometric, discrete_weibull, sbg, bdw, plateau, floored_bdw, pareto, "
        "log_normal, log_logistic."
    )


def test_undiscounted_lifetime_is_the_mean_of_the_mixture():
    # E[1 / theta] of a Beta(a, b): (a + b - 1) / (a - 1).
    assert discounted_lifetime(3.0, 5.0, 0.0) == pytest.approx(7 / 2)


def test_discounted_lifetime_is_its_sum():
    a, b, d = 1.3, 4.0, 0.1
    t = np.arange(4000)
    survival = np.cumprod(np.r_[1.0, (b + t[:-1]) / (a + b + t[:-1])])
    assert discounted_lifetime(a, b, d) == pytest.approx(float(np.sum(survival * 1.1**-t)))
    later = np.sum(survival[3:] / survival[2] * 1.1 ** -(t[3:] - 3))
    assert discounted_residual_lifetime(a, b, d, 3) == pytest.approx(float(later))
