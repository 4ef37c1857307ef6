"""Penalties are chosen by what unseen customers would cost."""

import numpy as np
import pytest

from csk.models.risk import design, glass, penalties
from csk.models.risk.stacked import edges_of, stacked
from csk.schema.features import FEATURES


def noisy(known, seed=0, n_columns=14):
    """Add features that say nothing."""
    rng = np.random.default_rng(seed)
    spare = [one.name for one in FEATURES if one.name not in known.panel.columns]
    columns = {name: rng.normal(size=known.panel.height) for name in spare[:n_columns]}
    return known.panel.with_columns(**columns)


def test_every_column_has_a_strength_and_bins_have_fixed_priors(daily):
    recipe = design.recipe(daily(500).panel)
    faded = glass.faded(recipe)
    by = penalties.priors(recipe, faded, 7)
    n = len(recipe.columns)
    assert len(by.fixed) == 5 + 7 + n + len(faded)
    assert (by.block[:12] == by.n_blocks).all()
    assert set(by.block[12:]) == set(range(by.n_blocks))
    assert (by.of(np.full(by.n_blocks, 10.0))[12:] > 0).all()


def test_noise_costs_next_to_nothing_on_customers_not_seen(daily, until):
    known, other = daily(3000, seed=1), daily(6000, seed=2)
    losses = []
    for panel, later in ((known.panel, other.panel), (noisy(known), noisy(other, 5))):
        box = glass.fit(panel, stacked(panel, edges_of(panel), until))
        rows = stacked(later, box.edges, until)
        p = glass.hazards(box, later).sum(axis=2)[rows.at, rows.lead]
        losses.append(-np.log(np.where(rows.cause > 0, p, 1 - p)).sum())
    plain, with_noise = losses
    # Two free columns for each feature and two of fading would cost some 15 a thousand rows.
    assert with_noise - plain < 12.0


def test_too_few_leavers_choose_nothing(daily, until):
    panel = daily(150, seed=3).panel
    rows = stacked(panel, edges_of(panel), until)
    cause = np.where(np.cumsum(rows.cause > 0) <= 20, rows.cause, 0)
    box = glass.fit(panel, rows._replace(cause=cause))
    assert box.n_left == (20,)
    assert box.penalties == pytest.approx((penalties.STRONGEST,))
