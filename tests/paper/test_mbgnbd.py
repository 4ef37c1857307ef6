"""MBG/NBD on the CDNOW tenth over 39 weeks, against the figures of BTYDplus."""

import numpy as np
import pytest

from csk.published.cdnow import buyers
from csk.stats import mbgnbd

PUBLISHED = {"r": 0.52484, "alpha": 6.18309, "a": 0.89136, "b": 1.61400}
LOG_GAPS = 2909.5047
"""Logarithms of the 2,457 gaps in weeks, summed over the log of the tenth (cells hold no gaps)."""


def test_mbg_nbd_has_the_published_parameters_and_likelihood():
    of = buyers()
    found = mbgnbd.fit(of.x, of.t_x, of.T, of.n)
    for name, published in PUBLISHED.items():
        assert getattr(found, name) == pytest.approx(published, abs=5.1e-6), name
    assert found.log_likelihood == pytest.approx(-9582.1357, abs=1e-4)
    assert found.gradient_norm < 1e-6
    assert found.is_converged


def test_buyers_of_records_are_no_more_regular_than_chance():
    """BTYDplus finds k = 1 on CDNOW (its demo `cdnow`, MBG/CNBD-k identical to MBG/NBD)."""
    of = buyers()
    found = mbgnbd.fit_regular(of.x, of.t_x, of.T, of.n, log_gaps=LOG_GAPS)
    assert (found.k, found.n_parameters) == (1, 5)
    assert found.log_likelihood == pytest.approx(-9582.1357, abs=1e-4)
    assert np.isfinite(found.aic)
