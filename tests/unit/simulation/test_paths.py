from datetime import date

import numpy as np
import pytest

from csk.simulation.law import SubscriptionLaw, involuntary_hazard
from csk.simulation.log import log
from csk.simulation.paths import (
    begin,
    candidates,
    change,
    live,
    paths,
    renew,
    renewal_chances,
    settled,
    touched_in,
)

LAW, LOG = SubscriptionLaw(), log(date(2024, 1, 1), 12)


def crowd(n=20_000, seed=0):
    """People of whom everybody is served, in the contract month begun in month 0."""
    rng = np.random.default_rng(seed)
    people = candidates(rng, LAW, LOG, n, 0)
    people.start[:] = 0
    live(rng, LAW, people, 0, begin(rng, LAW, people, 0))
    return rng, people


def test_a_touch_lowers_the_voluntary_hazard_by_its_log_effect():
    _, people = crowd(500)
    mandatory = involuntary_hazard(LAW, people.plan) * np.exp(LAW.failed * people.failed)
    tenure = np.ones(500, np.int64)
    without = -np.log(renewal_chances(LAW, people, tenure, LAW.touch)[0]) - mandatory
    people.touched[:] = True
    treated = -np.log(renewal_chances(LAW, people, tenure, LAW.touch)[0]) - mandatory
    assert treated / without == pytest.approx(np.full(500, np.exp(LAW.touch)), rel=1e-6)


def test_the_two_causes_share_the_hazard():
    rng, people = crowd()
    stays, voluntary = renewal_chances(LAW, people, np.ones(20_000, np.int64), 0.0)
    monthly = people.plan != 3
    cause = renew(rng, LAW, people, 1)
    for kind, share in ((1, voluntary), (2, 1 - voluntary)):
        gap = ((cause == kind) - (1 - stays) * share)[monthly]
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(gap.size)
    assert (cause[~monthly] == 0).all()
    assert people.serving.sum() == (cause == 0).sum()


def test_states_move_by_the_chances_of_the_law():
    rng, people = crowd(60_000)
    before = people.state.copy()
    live(rng, LAW, people, 1, np.zeros(60_000, bool))
    for state, chances in enumerate(LAW.moves):
        rows = before == state
        found = np.bincount(people.state[rows], minlength=3) / rows.sum()
        spread = np.sqrt(np.asarray(chances) * (1 - np.asarray(chances)) / rows.sum())
        assert (np.abs(found - chances) <= 4 * spread).all()


def test_plans_change_by_the_chances_of_the_law():
    rng, people = crowd(60_000)
    before, seats = people.plan.copy(), people.seats.copy()
    change(rng, LAW, people, 1)
    for plan, chances in enumerate(LAW.plan_moves):
        rows = before == plan
        found = np.bincount(people.plan[rows], minlength=4)[:3] / rows.sum()
        spread = np.sqrt(np.asarray(chances) * (1 - np.asarray(chances)) / rows.sum())
        assert (np.abs(found - chances) <= 4 * spread).all()
    assert (people.plan[before == 3] == 3).all()
    assert set(np.unique(people.seats - seats)) == {0, 1}
    assert (people.seats == seats)[before == 3].all()


def test_those_settled_before_the_log_have_survived_its_first_day():
    people = settled(np.random.default_rng(1), LAW, LOG, 3_000)
    early = people.start < 0
    assert people.serving[early].all()
    assert not people.serving[~early].any()
    assert people.start.min() >= -36
    # More of the recent arrivals are left than of the early ones.
    assert (people.start[early] >= -12).mean() > 0.4


@pytest.mark.parametrize("late_entry", [True, False])
def test_matrices_agree_with_each_other(late_entry):
    rng = np.random.default_rng(2)
    people = settled(rng, LAW, LOG, 2_000) if late_entry else candidates(rng, LAW, LOG, 2_000, 0)
    life = paths(rng, LAW, LOG, people, 0)
    left = life.serving[:, :-1] & ~life.serving[:, 1:]
    assert ((life.cause[:, 1:] > 0) == left).all()
    assert (life.tenure[life.serving] >= 0).all()
    assert (np.diff(life.day, axis=1) >= 28).all()
    assert life.serving[:, 0].any() == late_entry
    column = touched_in(LOG) + 1
    assert life.serving[life.arm >= 0, column].all()
    assert (life.arm >= 0).sum() / life.serving[:, column].sum() == pytest.approx(0.2, abs=0.05)
