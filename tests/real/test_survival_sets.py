"""The glass box beside Cox on survival sets that a package ships; docs/accuracy.md has more."""

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH))
    import survival_sets

    yield survival_sets
    sys.path.remove(str(BENCH))


@pytest.mark.parametrize("name", ["GBSG2", "Rossi"])
def test_the_glass_box_foretells_about_as_well_as_cox(bench, name):
    found = next(one for one in bench.survival_sets() if one.name == name)
    mine, cox = bench.told(found, bench.by_glass), bench.told(found, bench.by_cox)
    assert mine.c > cox.c - 0.01
    assert mine.ibs < cox.ibs + 0.005
    assert mine.c > 0.6
