import json
from datetime import date

import numpy as np
import pytest

from csk.analyses.backtest import Backtest
from csk.models.foretelling import Foretold, Known
from csk.models.tracking import steps
from csk.models.verdicts import DEFAULT, MEASURES, Came, Origin, judged, standings, winner
from csk.render.protocol import Page
from csk.render.text import RENDERER
from csk.reports.backtest import report
from csk.reports.blocks import Curve, Grid, Note
from csk.settings import Settings
from csk.text import languages, words

ON = date(2024, 1, 1)
ENDS = steps(ON, 3, by_week=True)
CAME = np.array([30.0, 10.0, 5.0, 0.0, 0.0]) * 1e5


def of(purchases, **more):
    number = np.array(purchases, float)
    rise = number.sum() * np.linspace(0.1, 1, len(ENDS))
    return Foretold(number * 1e5, number, rise * 1e5, rise, **more)


def result(book, default=(30, 10, 5, 0, 0), rival=(9, 9, 9, 9, 9), refused=(), **more):
    known = Known(ON, 3, ENDS, None, CAME, CAME, None)  # type: ignore[arg-type] # unread
    came = Came(CAME, CAME / 1e5, CAME <= 0, (45e5 / 13,) * 13, (45 / 13,) * 13)
    models = tuple(
        judged(name, foretold, known, came, np.ones(5))
        for name, foretold in ((DEFAULT, of(default, **more)), ("rival", of(rival)))
    )
    origin = Origin(ON, ENDS[-1], 5, 0.6, models)
    ranked = standings([origin])
    winners = {name: winner(ranked, name) for name in MEASURES}
    return Backtest(book, 3, 3, (origin,), refused, ranked, winners, "revenue")


@pytest.fixture(scope="module")
def book(book_of):
    rows = [{"customer_id": "a", "paid_on": date(2023, 1, 1), "amount": 5}]
    return book_of({"payments": rows}, 1, ENDS[-1])


def notes(found):
    return [block.text for block in found.blocks if isinstance(block, Note)]


def test_the_default_is_told_to_win(book):
    found = report(result(book), Settings(), words())
    assert any(text.startswith("csk's default has the smallest errors") for text in notes(found))


def test_the_default_is_told_to_lose(book):
    found = report(result(book, (9, 9, 9, 9, 9), (30, 9, 5, 0, 0)), Settings(), words())
    (loss,) = [b for b in found.blocks if isinstance(b, Note) and "does not win" in b.text]
    assert loss.tone == "warn"
    assert "rival has the smallest errors" in loss.text
    assert not found.data["is_default_best"]


def test_a_near_loss_is_told_as_one(book):
    found = report(result(book, (30, 10, 5, 0, 1), (30, 10, 5, 0, 0.99)), Settings(), words())
    assert any("slightly smaller errors" in text for text in notes(found))


def test_the_best_of_each_column_is_marked(book):
    found = report(result(book), Settings(), words())
    grid = next(b for b in found.blocks if isinstance(b, Grid) and "gini" in b.keys)
    assert [cell.endswith("*") for cell in grid.rows[0][1:]] == [True] * 8
    assert grid.rows[1][0] == "rival"


def test_fewer_origins_than_asked_for_are_told_with_the_reason(book):
    found = report(result(book, refused=((date(2023, 1, 1), "Too few."),)), Settings(), words())
    assert any("2023-01-01" in text and "Too few." in text for text in notes(found))
    assert any("room for 2 of the 3" in text for text in notes(found))


def test_expected_and_actual_are_drawn_on_one_scale(book):
    found = report(result(book, (15, 5, 2.5, 0, 0)), Settings(), words())
    curves = [block for block in found.blocks if isinstance(block, Curve)]
    assert [(one.title, one.group) for one in curves[2:4]] == [
        ("Purchases added up", "expected"),
        ("Purchases added up", "came"),
    ]
    assert curves[2].y[-1] == pytest.approx(0.5)
    assert curves[3].y[-1] == 1
    assert all(len(one.y) == len(ENDS) for one in curves)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("width", [80, 120])
def test_the_page_is_drawn_in_every_language(book, language, width):
    more = {
        "low": np.zeros(5),
        "high": np.full(5, 40.0),
        "p_none": np.full(5, 0.5),
        "total": (1e5, 9e6),
        "total_with_chance": (0.0, 1e7),
    }
    found = report(result(book, **more), Settings(), words(language))
    page = RENDERER.render(found, Page(width=width, color=False, unicode=True))
    assert "2024-01-01" in page
    assert "nan" not in page
    assert json.loads(json.dumps(found.data, allow_nan=False))["best"] == DEFAULT
