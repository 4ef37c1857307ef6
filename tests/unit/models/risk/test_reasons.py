"""Reasons of customers whose hazards are known, and what is said of them."""

import numpy as np
import pytest

from csk.models.risk import curve, glass
from csk.models.risk.calibrating import Calibration, calibrated
from csk.models.risk.reasons import TOP, reasons, targets, words_of
from csk.models.risk.stacked import EDGES, edges_of, stacked


def found(known, until, days=90, by=None):
    box = glass.fit(known.panel, stacked(known.panel, edges_of(known.panel), until))
    return box, reasons(box, known.panel, days, *([by] if by else []))


@pytest.mark.parametrize("causes", [(1.0,), (0.6, 0.4)])
@pytest.mark.parametrize("kind", ["monthly", "daily"])
def test_contributions_add_up_to_the_logit_of_the_chance_that_is_shown(
    kind, causes, request, until
):
    known = request.getfixturevalue(kind)(3000, causes=causes)
    by = Calibration(0.2, 0.9, 99, centres=tuple(np.linspace(-4.0, -1.0, len(EDGES))))
    box, why = found(known, until, 75, by)
    p = curve.p_churn(calibrated(glass.hazards(box, known.panel), by), box.edges, 75)
    assert why.base + why.contributions.sum(axis=1) == pytest.approx(np.log(p / (1 - p)), abs=1e-9)


def test_the_first_reason_is_the_largest_true_effect(daily, until):
    known = daily(6000)
    _, why = found(known, until)
    trend = -0.6 * known.panel["usage_to_baseline"].to_numpy()
    tickets = 0.5 * np.log1p(known.panel["tickets_28d"].to_numpy())
    truth = np.stack([trend - trend.mean(), tickets - tickets.mean()])
    at = np.argsort(-why.logit)[:600]
    names = np.array(["usage", "tickets"])[truth.argmax(axis=0)]
    groups = np.array([*why.groups, ""])[why.group[:, 0]]
    assert (names[at] == groups[at]).mean() > 0.9


def test_only_what_raises_the_chance_is_a_reason_and_the_strongest_comes_first(daily, until):
    _, why = found(daily(2000), until)
    named = why.group >= 0
    rises = np.where(named, why.contribution, np.inf)
    assert (rises > 0).all()
    assert (np.diff(np.where(named, why.contribution, 0.0), axis=1) <= 0).all()
    raised = (why.contributions > 0).sum(axis=1)
    assert (named.sum(axis=1) <= np.minimum(raised, TOP)).all()


def test_who_is_like_all_others_of_the_plan_has_no_reason_in_it(daily, until):
    _, why = found(daily(2000), until)
    for rank in range(TOP):
        value, typical = why.value[:, rank], why.typical[:, rank]
        seen = ~np.isnan(value)
        assert (value[seen] != typical[seen]).all()
        tickets = why.feature[:, rank] == why.features.index("tickets_28d")
        assert (value[tickets] > typical[tickets]).all()
        usage = why.feature[:, rank] == why.features.index("usage_to_baseline")
        assert (value[usage] < typical[usage]).all()


def test_a_reason_tells_the_value_and_the_median_of_the_plan(daily, until):
    known = daily(2000)
    _, why = found(known, until)
    row = int(np.flatnonzero(why.group[:, 0] == why.groups.index("tickets"))[0])
    plan = known.panel["plan"][row]
    tickets = known.panel.filter(plan=plan)["tickets_28d"].to_numpy()
    assert why.features[why.feature[row, 0]] == "tickets_28d"
    assert why.value[row, 0] == known.panel["tickets_28d"][row]
    if plan != "rare":
        assert why.typical[row, 0] == np.quantile(tickets, 0.5, method="inverted_cdf")


@pytest.mark.parametrize(
    ("sign", "value", "expected"),
    [
        (1.0, 1.0, 5.0),
        (1.0, 5.0, 8.0),
        (1.0, 9.0, np.nan),
        (-1.0, 9.0, 5.0),
        (-1.0, 4.0, 2.0),
        (-1.0, 2.0, np.nan),
        (0.0, 1.0, np.nan),
        (1.0, np.nan, np.nan),
    ],
)
def test_the_target_is_the_median_for_the_worse_half_and_the_better_quartile_for_the_rest(
    sign, value, expected
):
    found = targets(np.array([sign]), np.array([value]), np.array([[2.0, 5.0, 8.0]]))
    assert found == pytest.approx([expected], nan_ok=True)


def test_words_have_three_reasons_each_with_what_there_is_to_say(daily, until):
    known = daily(1500)
    _, why = found(known, until)
    words = words_of(why)
    assert words.height == 1500
    assert words.columns[:6] == [
        "reason_1",
        "reason_1_feature",
        "reason_1_contribution",
        "reason_1_value",
        "reason_1_typical",
        "reason_1_target",
    ]
    none = why.group[:, 2] < 0
    assert words["reason_3"].is_null().to_numpy().tolist() == none.tolist()
    assert words["reason_3_contribution"].is_null().to_numpy().tolist() == none.tolist()


def test_a_renewal_ahead_is_a_reason_of_the_renewal_group(monthly, until):
    known = monthly(6000)
    _, why = found(known, until, days=14)
    due = known.panel["renewals_14d"].to_numpy() > 0
    of = why.contributions[:, why.groups.index("renewal")]
    assert of[due].min() > of[~due].max()
