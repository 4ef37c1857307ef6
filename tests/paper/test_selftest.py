"""Every published figure that ships is reproduced."""

import pytest

from csk.analyses.selftest import selftest
from csk.published import tables


@pytest.mark.parametrize("table", tables(), ids=lambda one: f"{one.subject}.{one.name}")
def test_published_figures_are_reproduced(table):
    found = {
        check.figure.name: (check.figure.published, check.computed, check.why_not)
        for check in selftest([table]).missed
    }
    assert found == {}
