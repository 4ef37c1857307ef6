"""Figures of several origins taken together."""

from dataclasses import replace
from datetime import date

import pytest

from csk.models.risk.verdict import GLASS, TREES, OriginScore, Validation

NAN = float("nan")


def score(**changed):
    names = ("auc", "average_precision", "log_loss", "brier", "brier_skill", "lift_1", "lift_5")
    rest = ("auc_se", "lift_10", "intercept", "slope", "ece", "integrated_brier", "uno_c")
    told = dict.fromkeys((*names, *rest), 0.5)
    about = {"model": GLASS, "origin_on": date(2025, 1, 1), "days": 90, "age_days": 84}
    counts = {"n": 100, "n_events": 10, "base_rate": 0.1}
    return OriginScore(**{**about, **counts, **told, **changed})


def validated(*rows):
    return Validation(90, GLASS, rows, (), (), (), 3, False, "sound", NAN, NAN)


LATER = {"origin_on": date(2025, 6, 1)}


def test_origins_count_by_those_who_left():
    one = score(auc=0.6, auc_se=0.03, slope=1.0, uno_c=0.55, n_events=10)
    other = score(auc=0.9, auc_se=0.06, slope=0.7, n=300, n_events=20, age_days=87, **LATER)
    found = validated(one, other).pooled(GLASS, 90)
    assert found.uno_c == pytest.approx((10 * 0.55 + 20 * 0.5) / 30)
    assert found.integrated_brier == pytest.approx(0.5)
    assert found.auc == pytest.approx((10 * 0.6 + 20 * 0.9) / 30)
    assert found.slope == pytest.approx((10 * 1.0 + 20 * 0.7) / 30)
    assert found.auc_se == pytest.approx(((0.03 / 3) ** 2 + (0.06 * 2 / 3) ** 2) ** 0.5)
    assert (found.n, found.n_events, found.base_rate) == (400, 30, 30 / 400)
    assert (found.age_days, found.origin_on) == (86, date(2025, 6, 1))


def test_one_origin_is_what_it_is():
    one = score(auc=0.7)
    assert validated(one).pooled(GLASS, 90) is one


@pytest.mark.parametrize(("model", "days"), [(TREES, 90), (GLASS, 30), ("oracle", 90)])
def test_what_was_not_tried_has_no_figures(model, days):
    assert validated(score(), score(**LATER)).pooled(model, days) is None


def test_origins_in_which_nobody_left_have_no_figures():
    none = score(n_events=0)
    assert validated(none, replace(none, **LATER)).pooled(GLASS, 90) is None


def test_origins_are_told_once_and_in_order():
    rows = (score(**LATER), score(model=TREES, **LATER), score(), score(days=30))
    assert validated(*rows).origins == (date(2025, 1, 1), date(2025, 6, 1))
    assert validated().origins == ()
