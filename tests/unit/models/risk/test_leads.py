"""Sums over bins without spelling them out are the sums of the rows spelt out."""

import numpy as np
import pytest

from csk.models.risk import leads
from csk.models.risk.stacked import Stacked
from csk.stats.logistic import Dense

EDGES = (7, 30, 90)


def both(monkeypatch, n=23, p=4):
    monkeypatch.setattr(leads, "_BLOCK", 5)
    rng = np.random.default_rng(8)
    at = np.repeat(np.arange(n), rng.integers(1, 4, n))
    first = np.searchsorted(at, np.arange(n))
    lead = np.arange(len(at)) - first[at]
    due, weight = rng.poisson(1.0, len(at)), np.ones(len(at))
    rows = Stacked(at, lead, np.zeros(len(at), int), due, weight)
    x, faded = rng.normal(size=(p, n)), np.array([1, 3])
    found, offset = leads.leads(x, faded, rows, rng.integers(0, 2, n).astype(float), EDGES)
    spelt = np.concatenate([found.base, x[:, at], found.u * x[faded][:, at]]).T
    return found, Dense(spelt), rng, offset


def test_every_sum_is_that_of_the_rows_spelt_out(monkeypatch):
    short, spelt, rng, _ = both(monkeypatch)
    n = len(spelt.rows)
    values = rng.normal(size=n)
    beta = rng.normal(size=short.n_columns)
    cluster = np.sort(rng.integers(0, 9, len(short.first)))[short.at]
    assert short.n_columns == spelt.n_columns
    assert short.times(beta) == pytest.approx(spelt.times(beta), abs=1e-12)
    assert short.summed(values) == pytest.approx(spelt.summed(values), abs=1e-12)
    assert short.gram(values**2) == pytest.approx(spelt.gram(values**2), abs=1e-12)
    mine, theirs = (one.summed_by(values, cluster, 9) for one in (short, spelt))
    assert mine == pytest.approx(theirs, abs=1e-12)


def test_the_offset_is_one_hazard_a_renewal_or_a_day(monkeypatch):
    _, _, _, _ = both(monkeypatch)
    lead, due, term = np.array([0, 1, 2, 2]), np.array([0, 1, 0, 6]), np.ones(4)
    columns, offset = leads.base(lead, due, term, EDGES)
    assert offset == pytest.approx(np.log([7 / 30, 1, 60 / 30, 6]))
    assert columns[3].tolist() == [1, 0, 1, 0]


def test_an_effect_fades_from_before_a_month_to_after_it():
    u = leads.fading((7, 25, 35, 365))
    assert u[2] == pytest.approx(0.0, abs=1e-12)
    assert (np.diff(u) > 0).all()
