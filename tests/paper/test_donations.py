"""Fader, Hardie and Shang (2010): yearly donations of 11,104 supporters, six years after 1995."""

import csv
from pathlib import Path

import numpy as np
import pytest

from csk.stats.bgbb import expected_purchases, fit, p_alive

HERE = Path(__file__).parent


def columns(name):
    with (HERE / name).open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


@pytest.fixture(scope="module")
def donors():
    return fit(*columns("donations.csv").values())


PUBLISHED = [("alpha", 1.20352), ("beta", 0.74972), ("gamma", 0.65672), ("delta", 2.78344)]


@pytest.mark.parametrize(("name", "published"), PUBLISHED)
def test_parameters_are_the_published_ones(donors, name, published):
    assert getattr(donors, name) == pytest.approx(published, abs=5e-6)


def test_the_likelihood_is_the_published_one_and_at_its_top(donors):
    assert donors.n == 11_104
    assert donors.log_likelihood == pytest.approx(-33225.5813, abs=5e-5)
    assert donors.gradient_norm < 1e-10
    assert donors.is_converged
    assert np.linalg.eigvalsh(donors.covariance).min() > 0


def test_who_will_give_again_is_the_published_table(donors):
    """Whether still a donor in 2002, and donations of 2002 to 2006, by recency and frequency."""
    table = columns("donations_expected.csv")
    history = (table["x"], table["t_x"], 6)
    assert p_alive(donors, *history) == pytest.approx(table["p_alive"], abs=0.005 + 1e-9)
    expected = expected_purchases(donors, *history, 5)
    assert expected == pytest.approx(table["purchases"], abs=0.005 + 1e-9)


def test_expected_donors_by_number_of_gifts_add_up(donors):
    """The model's mean is that of the data within a hundredth."""
    cells = columns("donations.csv")
    mean = cells["customers"] @ cells["x"] / cells["customers"].sum()
    rate = donors.alpha / (donors.alpha + donors.beta)
    stays = np.cumprod((donors.delta + np.arange(6)) / (donors.gamma + donors.delta + np.arange(6)))
    assert rate * stays.sum() == pytest.approx(mean, rel=0.01)
