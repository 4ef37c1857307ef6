import numpy as np
import pytest

from csk.simulation.allin import all_in, all_in_revenue
from csk.simulation.company import Company, source, true_survival
from csk.simulation.contracts import monthly_amounts
from csk.simulation.law import (
    SubscriptionLaw,
    frailty_nodes,
    involuntary_hazard,
    is_due,
    renewal_by_state,
    renewal_given_month,
    voluntary_hazard,
)
from csk.simulation.log import AHEAD_MONTHS
from csk.simulation.paths import (
    begin,
    candidates,
    change,
    live,
    paths,
    renew,
    schedule_returns,
    settled,
)
from csk.simulation.truth import survival_of_plan

PLANS = SubscriptionLaw().plans


def within(gap, n_errors=4.0):
    return abs(gap.mean()) < n_errors * gap.std() / np.sqrt(gap.size)


@pytest.fixture(scope="module", params=[True, False], ids=["late entry", "from the start"])
def truth(request):
    company = source(Company("subscription", 10_000, 24, 1, request.param))
    return company.block(0, 0, 10_000)["truth"].filter("is_alive")


def test_churn_comes_as_often_as_expected(truth):
    gap = truth["is_churned_90d"].cast(float) - truth["p_churn_90d"]
    assert within(gap.to_numpy())
    days = (truth["churned_on"] - truth["as_of"]).dt.total_days()
    for horizon in (30, 365):
        happened = (days < horizon).fill_null(value=False).cast(float)
        assert within((happened - truth[f"p_churn_{horizon}d"]).to_numpy())


@pytest.mark.parametrize("plan", PLANS)
def test_revenue_comes_as_expected(truth, plan):
    rows = truth.filter(plan=plan)
    gap = rows["revenue_realised_12m_amount"].cast(float) - rows["ltv_residual_12m_amount"].cast(
        float
    )
    assert within(gap.to_numpy())


def test_months_agree_with_what_happened(truth):
    days = (truth["churned_on"] - truth["as_of"]).dt.total_days().fill_null(365)
    assert within((days * 12 / 365 - truth["duration_12m_months"]).to_numpy(), 5)


def test_renewal_by_state_is_the_mean_over_ticket_and_failure():
    law = SubscriptionLaw()
    plan, tenure, own = np.array([1]), np.array([5]), np.array([0.3])
    hazards = (voluntary_hazard(law, plan, own, tenure), involuntary_hazard(law, plan))
    found = renewal_by_state(law, plan, own, tenure)[0]
    for state, chance in enumerate(law.ticket_chances):
        mean = 0.0
        for ticket in (0, 1):
            for failed in (0, 1):
                weight = (chance if ticket else 1 - chance) * (
                    law.failure_chance if failed else 1 - law.failure_chance
                )
                flags = (np.array([bool(ticket)]), np.array([bool(failed)]))
                mean += weight * renewal_given_month(law, hazards, np.array([state]), *flags)[0]
        assert found[state] == pytest.approx(mean, rel=1e-13)


@pytest.mark.parametrize("plan", PLANS)
def test_survival_falls_from_one(plan):
    curve = true_survival(Company("subscription", 1, 24, 0), plan)
    assert curve.shape == (61,)
    assert curve[0] == 1
    assert (np.diff(curve) <= 0).all()
    assert 0.1 < curve[36] < 0.8
    if plan == "Annual":
        assert np.flatnonzero(np.diff(curve)).tolist() == [11, 23, 35, 47, 59]


def test_frailty_nodes_have_the_moments_of_the_frailty():
    nodes, weights = frailty_nodes(SubscriptionLaw())
    assert weights.sum() == pytest.approx(1)
    assert weights @ nodes**2 == pytest.approx(SubscriptionLaw().frailty_sd ** 2)
    assert weights @ np.exp(nodes) == pytest.approx(np.exp(SubscriptionLaw().frailty_sd ** 2 / 2))


def kept_and_lost(company, life):
    """Renewals at risk and lost by plan and contract month, from the matrices."""
    shape = (len(PLANS), company.log.months + 40)
    at_risk, lost = np.zeros(shape), np.zeros(shape)
    for column in range(1, company.log.months + 1):
        risk = life.serving[:, column - 1] & (life.day[:, column] > company.log.data_from)
        place = (life.plan[risk, column - 1], life.tenure[risk, column - 1] + 1)
        np.add.at(at_risk, place, 1)
        np.add.at(lost, place, ~life.serving[risk, column])
    return at_risk, lost


@pytest.mark.parametrize("late_entry", [True, False])
def test_survival_by_plan_is_what_new_customers_live_through(late_entry):
    company = source(Company("subscription", 20_000, 24, 4, late_entry))
    rng, law, log = np.random.default_rng(4), company.law, company.log
    people = settled(rng, law, log, 20_000) if late_entry else candidates(rng, law, log, 20_000, 0)
    at_risk, lost = kept_and_lost(company, paths(rng, law, log, people, 0))
    for index, plan in enumerate(PLANS):
        risk, gone = at_risk[index, 1:24], lost[index, 1:24]
        found = np.cumprod(1 - gone / risk)
        spread = found * np.sqrt(np.cumsum(gone / (risk * (risk - gone))))
        expected = survival_of_plan(law, plan, 23)[1:]
        moved = spread > 0
        assert (np.abs(found - expected)[moved] < 4.5 * spread[moved]).all()
        assert expected[~moved].tolist() == [1.0] * int((~moved).sum())


def lived(law, log, people, rng):
    """Revenue of the 36 months after the log with everything that may happen."""
    revenue = np.zeros(people.start.size)
    for month in range(log.months, log.months + AHEAD_MONTHS):
        renew(rng, law, people, month)
        schedule_returns(rng, law, people, month)
        change(rng, law, people, month)
        live(rng, law, people, month, begin(rng, law, people, month))
        due = people.serving & is_due(law, people.plan, month - people.start)
        amount = monthly_amounts(law, people.plan, people.ratio, people.seats)
        revenue += due * amount * np.asarray(law.term_months)[people.plan]
    return revenue


def test_all_in_revenue_is_the_mean_of_what_can_happen():
    company = source(Company("subscription", 20_000, 18, 8))
    law, log, rng = company.law, company.log, np.random.default_rng(8)
    last = paths(rng, law, log, settled(rng, law, log, 20_000), 0).last
    expected = all_in_revenue(law, log, last, all_in(law))
    served, plan = last.serving.copy(), last.plan.copy()
    gap = lived(law, log, last, rng) - expected
    assert within(gap[~served])
    for index in range(len(PLANS)):
        assert within(gap[served & (plan == index)])
