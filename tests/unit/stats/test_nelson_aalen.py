"""Cumulative hazards, reckoned by hand."""

import numpy as np
import pytest

from csk.stats.nelson_aalen import nelson_aalen
from csk.stats.survival import counts


def test_hazards_are_sums_of_ends_over_those_at_risk():
    # Entries 0 0 2; one ends at 1 of two, one at 3 of two (the first is gone, the third came).
    curve = nelson_aalen(counts([0, 0, 2], [1, 3, 5], [1, 1, 0]))
    assert curve.age.tolist() == [0, 1, 2, 3, 5]
    assert curve.at_risk.tolist() == [2, 2, 1, 2, 1]
    assert curve.hazard == pytest.approx([0, 0.5, 0.5, 1.0, 1.0])
    assert curve.std_error == pytest.approx(np.sqrt([0, 0.25, 0.25, 0.5, 0.5]))
    assert (curve.low <= curve.hazard).all()
    assert (curve.hazard <= curve.high).all()
    assert (curve.low[0], curve.high[0]) == (0.0, 0.0)


def test_a_curve_from_an_age_on_is_of_those_who_reached_it():
    of = counts([0, 0, 2], [1, 3, 5], [1, 1, 1])
    later = nelson_aalen(of, from_age=2)
    assert later.age.tolist() == [2, 3, 5]
    assert later.at_risk.tolist() == [2, 2, 1]
    assert later.hazard == pytest.approx([0.0, 0.5, 1.5])
