from itertools import product
from math import comb, isnan, sqrt

import numpy as np
import pytest

from csk.stats.clusters import Clusters, design_effect
from csk.stats.scores import NOBODY, mean_score, net_promoters, top_box


@pytest.mark.parametrize(
    ("promoters", "passives", "detractors", "value"),
    # The scores that the R package NPS of B. Rocks is tested with.
    [(3, 2, 1, 1 / 3), (0, 0, 1, -1), (1, 0, 0, 1), (0, 1, 0, 0), (1, 0, 1, 0), (1, 1, 1, 0)],
)
def test_nps_is_promoters_less_detractors(promoters, passives, detractors, value):
    assert net_promoters(promoters, passives, detractors).value == pytest.approx(value)


def test_the_interval_is_wald_after_three_more_answers():
    # That package publishes a standard error of 0.304 for 3 promoters, 2 passives, 1 detractor.
    # Here those are what 3/4, 3/2 and 3/4 more answers make of 2.25, 0.5 and 0.25.
    found = net_promoters(2.25, 0.5, 0.25)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(0.304, abs=0.0005)
    assert (found.high + found.low) / 2 == pytest.approx(1 / 3)
    # Arithmetic: 15 of 36 promote, 13 are passive, 8 detract. (15.75 - 8.75) / 39 = 0.17949,
    # (15.75 + 8.75) / 39 = 0.62821, (0.62821 - 0.17949 ** 2) / 39 = 0.12362 ** 2.
    found = net_promoters(15, 13, 8, level=0.90)
    assert found.value == pytest.approx(7 / 36)
    assert (found.low, found.high) == pytest.approx(
        (0.17949 - 1.64485 * 0.12362, 0.17949 + 1.64485 * 0.12362), abs=2e-5
    )


def trinomial(n, up, down):
    """Give every outcome of n answers with its probability."""
    for a, b in product(range(n + 1), repeat=2):
        if a + b <= n:
            ways = comb(n, a) * comb(n - a, b)
            yield a, b, ways * up**a * down**b * (1 - up - down) ** (n - a - b)


@pytest.mark.parametrize("n", [10, 30])
def test_the_interval_covers_the_truth_as_often_as_it_says(n):
    held = []
    for up, down in product((0.1, 0.3, 0.5, 0.7), (0.05, 0.15, 0.3)):
        if up + down > 1:
            continue
        coverage = 0.0
        for a, b, p in trinomial(n, up, down):
            found = net_promoters(a, n - a - b, b)
            coverage += p * (found.low <= up - down <= found.high)
        held.append(coverage)
    # Exact, not simulated. No discrete interval holds 95 % everywhere.
    assert min(held) > 0.92
    assert 0.94 < float(np.mean(held)) < 0.98


@pytest.mark.parametrize("n", [1, 2, 50])
def test_answers_that_all_agree_lie_inside_their_interval(n):
    low, high = net_promoters(0, 0, n)[1:3]
    assert low == -1.0
    assert high > -1.0
    assert net_promoters(n, 0, 0).high == 1.0


def test_nobody_has_no_score():
    for found in (net_promoters(0, 0, 0), top_box(0, 0), mean_score(0, 0, 0, (1, 5))):
        assert found.n == 0
        assert isnan(found.value)
    assert NOBODY.n == 0


def test_the_top_boxes_have_wilsons_interval():
    # 8 of 10: Wilson (1927) gives 0.4902 to 0.9433.
    found = top_box(8, 10)
    assert found[:3] == pytest.approx((0.8, 0.4902, 0.9433), abs=5e-5)


def test_the_mean_has_students_interval():
    # 3, 4, 5, 4: mean 4, variance 2/3, t(3) = 3.18245; 3.18245 * sqrt(2/3/4) = 1.2992.
    found = mean_score(4, 16, 66, (1, 7))
    assert found[:3] == pytest.approx((4, 4 - 1.2992, 4 + 1.2992), abs=1e-4)
    assert mean_score(4, 16, 66, (1, 5)).high == 5


@pytest.mark.parametrize("n", [1, 3])
def test_answers_without_a_spread_say_nothing_of_the_mean(n):
    assert mean_score(n, 5 * n, 25 * n, (1, 5))[1:3] == (1, 5)


def clusters(values):
    """Give the sums of customers with those answers."""
    m = [len(own) for own in values]
    s = [sum(own) for own in values]
    return Clusters(
        sum(m),
        len(m),
        sum(s),
        sum(v * v for own in values for v in own),
        sum(k * k for k in m),
        sum(k * t for k, t in zip(m, s, strict=True)),
        sum(t * t for t in s),
    )


def test_strangers_have_no_design_effect():
    assert design_effect(clusters([[1], [0], [-1], [1], [1]])) == pytest.approx(5 / 4)
    assert design_effect(clusters([[1, -1], [0, 0], [-1, 1]])) == 1.0


@pytest.mark.parametrize("times", [2, 5])
def test_repeating_every_answer_adds_nothing(times):
    once = [[1], [0], [-1], [1], [0], [1], [1], [-1]]
    often = [own * times for own in once]
    effect = design_effect(clusters(often)) / design_effect(clusters(once))
    assert effect == pytest.approx(times)


@pytest.mark.parametrize("values", [[[1, 1, 1]], [[1, 1], [1, 1, 1, 1]]])
def test_where_no_spread_is_seen_answers_of_a_customer_count_as_one(values):
    sizes = [len(own) for own in values]
    wanted = sum(n * n for n in sizes) / sum(sizes)
    assert design_effect(clusters(values)) == pytest.approx(wanted)


def test_nobody_has_no_design_effect():
    assert design_effect(clusters([])) == 1.0


def test_the_interval_holds_when_customers_answer_often():
    # 60 customers who give the same answer 1 to 6 times; promoters with 0.5, detractors with 0.2.
    rng = np.random.default_rng(4)
    held, naive, runs = 0, 0, 400
    for _ in range(runs):
        value = rng.choice([1, 0, -1], 60, p=[0.5, 0.3, 0.2])
        m = rng.integers(1, 7, 60)
        n, up, down = int(m.sum()), int(m[value == 1].sum()), int(m[value == -1].sum())
        of = Clusters(
            n,
            60,
            up - down,
            up + down,
            int((m * m).sum()),
            int((m * m * value).sum()),
            int((m * m * value * value).sum()),
        )
        wide = net_promoters(up, n - up - down, down, effect=design_effect(of))
        narrow = net_promoters(up, n - up - down, down)
        held += wide.low <= 0.3 <= wide.high
        naive += narrow.low <= 0.3 <= narrow.high
    error = sqrt(0.95 * 0.05 / runs)
    assert held / runs > 0.95 - 3 * error
    assert naive / runs < 0.75
