import numpy as np
import pytest

from csk.analyses.processes import Processes
from csk.models.buying import candidates
from csk.render.protocol import Page
from csk.render.text import RENDERER
from csk.reports.blocks import Note, Report
from csk.reports.processes import with_processes
from csk.stats import bgnbd
from csk.stats.regularity import Regularity
from csk.text import languages, words

EMPTY = Report("", "", (), {})


@pytest.fixture(scope="module")
def tried():
    x, t_x, T = np.array([0, 0, 1, 2, 3, 5]), np.array([0, 0, 9, 20, 25, 30]), np.full(6, 35)
    unique = bgnbd.cells(x, t_x, T, np.array([90, 30, 30, 20, 10, 5]))
    return tuple(sorted(candidates(unique), key=lambda one: one.aic))


def shown(tried, regularity=None, pooled=1, language="en"):
    result = Processes(tried, 185, 6, pooled, regularity)
    return with_processes(EMPTY, result, words(language))


@pytest.mark.parametrize(
    ("k", "low", "high", "says"),
    [
        (2.0, 1.5, 2.6, "more regular than chance (k = 2.00, 95 %: 1.50 to 2.60"),
        (0.5, 0.4, 0.6, "come in bursts"),
        (1.0, 0.8, float("inf"), "as irregular as chance (k = 1.00, 95 %: 0.80 to –"),
    ],
)
def test_regularity_is_told_in_words(tried, k, low, high, says):
    page = shown(tried, Regularity(k, low, high, 0.0, 90, 0))
    (note,) = [block.text for block in page.blocks if isinstance(block, Note)]
    assert says in note
    assert page.data["regularity"]["high"] == (high if high < 9 else None)


def test_the_best_stands_first_and_the_others_are_held_against_it(tried):
    page = shown(tried)
    told = page.data["processes"]
    assert [one["aic"] for one in told] == sorted(one["aic"] for one in told)
    assert page.blocks[1].rows[0][4] == "+0.0"


def test_pooled_days_are_told(tried):
    assert "pooled by 7 for" in shown(tried, pooled=7).blocks[1].caption


@pytest.mark.parametrize("language", languages())
def test_every_language_fits_a_narrow_page(tried, language):
    page = shown(tried, Regularity(1.2, 1.1, 1.3, 3.0, 90, 0), 7, language)
    assert RENDERER.render(page, Page(80))
