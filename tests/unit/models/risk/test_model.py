"""A fitted model as a whole: its name, and which part of it scores."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from risk_models import panel, risk_model

from csk.models.risk import glass, trees
from csk.models.risk.calibrating import Calibration, calibrated
from csk.models.risk.model import schema_hash
from csk.models.risk.verdict import GLASS
from csk.schema import features


def moved(model):
    coefficients = model.box.coefficients.copy()
    coefficients.flat[-1] += 1e-12
    return replace(model, box=replace(model.box, coefficients=coefficients))


OTHERS = {
    "a coefficient": moved,
    "the calibration": lambda m: replace(m, calibration=Calibration(0.1, 0.9, 121)),
    "the book": lambda m: replace(m, facts=replace(m.facts, book="5f0d")),
    "the version": lambda m: replace(m, facts=replace(m.facts, csk_version="9")),
    "what scores": lambda m: replace(m, validation=replace(m.validation, chosen=GLASS)),
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_another_model_has_another_name(change):
    assert change(risk_model()).model_id != risk_model().model_id


def test_a_name_opens_with_the_day_and_stays():
    assert risk_model().model_id.startswith("2025-02-01-")
    assert replace(risk_model()).model_id == risk_model().model_id
    later = replace(risk_model().facts, as_of=date(2025, 3, 1))
    assert replace(risk_model(), facts=later).model_id.startswith("2025-03-01-")


def test_what_was_chosen_scores_and_is_calibrated():
    model, rows = risk_model(), panel(50, 3)
    by_trees = calibrated(trees.hazards(model.trees, rows), model.calibration)
    assert np.array_equal(model.hazards(rows), by_trees)
    plain = replace(model, validation=replace(model.validation, chosen=GLASS))
    by_box = calibrated(glass.hazards(model.box, rows), model.calibration)
    assert np.array_equal(plain.hazards(rows), by_box)
    assert not np.allclose(by_box, by_trees)


def test_features_that_mean_something_else_have_another_hash(monkeypatch):
    before = schema_hash()
    first, *rest = features.FEATURES
    other = first._replace(definition=first.definition + " Or so.")
    monkeypatch.setattr("csk.models.risk.model.FEATURES", (other, *rest))
    assert schema_hash() != before
