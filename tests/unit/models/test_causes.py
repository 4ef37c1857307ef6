from datetime import date
from fractions import Fraction

import pytest

from csk.models.causes import Candidate, search
from csk.models.reconcile import Side, Told
from csk.tables.movements import Motion
from csk.tables.reconcile import Way

MONTHS = [date(2024, month, 1) for month in range(1, 13)]
OURS = Side(Way(Motion(date(2025, 1, 1))))
GRACE = Candidate("gap", "1 > 30", motion={"grace_days": 30})
LONGER = Candidate("gap", "1 > 90", motion={"grace_days": 90})
LATER = Candidate("timing", "ends_later", way={"ends_later": 1})
TAX = Candidate("tax", "+10%", side={"factor": Fraction(11, 10)})
STRIPE = Candidate("formula", "Stripe", side={"preset": "stripe"})
NONE = Candidate("level", "customer > product", motion={"level": "product"})
ALL = [GRACE, LONGER, LATER, TAX, STRIPE, NONE]


def reckon(side):
    """Reckon a little company by hand: each choice moves each figure in its own way."""
    motion, found = side.way.motion, {}
    for place, month in enumerate(MONTHS):
        mrr = 10_000 + 531 * place + {1: 0, 30: 37 + place, 90: 90 + 7 * place}[motion.grace_days]
        mrr += side.way.ends_later * (13 + place % 5)
        found["mrr", month] = mrr * side.factor
        below = 415 + (17 + place if side.preset == "stripe" else 0)
        found["customer_churn_rate", month] = Fraction(13 + place, below)
    return found


def told(*chosen, noise=None, unit=Fraction(1, 1000)):
    side = OURS
    for one in chosen:
        side = one.applied(side)
    values = reckon(side)
    values |= {cell: values[cell] + apart for cell, apart in (noise or {}).items()}
    return {cell: Told(round(value / unit) * unit, unit) for cell, value in values.items()}


@pytest.mark.parametrize(
    "chosen",
    [(), (GRACE,), (LONGER,), (LATER,), (TAX,), (STRIPE,), (GRACE, STRIPE), (GRACE, TAX)],
    ids=lambda of: "+".join(one.detail for one in of) or "none",
)
def test_the_choices_that_were_made_are_found(chosen):
    found = search(OURS, ALL, told(*chosen), reckon)
    assert {one.detail for one in found.chosen} == {one.detail for one in chosen}
    assert found.explained == found.differing
    assert found.also == ()


def test_noise_is_not_explained():
    noise = {cell: Fraction(hash(cell[1].month) % 7 + 2) for cell in reckon(OURS)}
    found = search(OURS, ALL, told(noise=noise), reckon)
    assert found.chosen == ()
    assert len(found.differing) == len(reckon(OURS))
    assert found.n_tried > len(ALL)


def test_a_month_of_noise_stays_unexplained():
    found = search(OURS, ALL, told(GRACE, noise={("mrr", MONTHS[3]): Fraction(5)}), reckon)
    assert found.chosen == (GRACE,)
    assert found.differing - found.explained == {("mrr", MONTHS[3])}


def test_choices_that_do_the_same_are_named_beside():
    twin = Candidate("fx", "x 1.1", side={"factor": Fraction(11, 10)})
    found = search(OURS, [*ALL, twin], told(TAX), reckon)
    assert found.chosen == (TAX,)
    assert found.also == ((twin,),)


def test_one_small_figure_is_no_evidence():
    cells = told(LATER, unit=Fraction(10))
    (cell,) = [cell for cell in cells if cell == ("mrr", MONTHS[0])]
    found = search(OURS, ALL, {cell: cells[cell]}, lambda side: {cell: reckon(side)[cell]})
    assert found.differing == {cell}
    assert found.chosen == ()


def test_nothing_is_sought_where_nothing_differs():
    assert search(OURS, ALL, told(), reckon).n_tried == 0
