import numpy as np
import pytest

from csk.stats.inactivity import (
    GROUP_OF_STATE,
    STATES,
    GapCurve,
    Inactivity,
    SilenceLimit,
    churn_from_silence,
    crossing_curves,
    gap_counts,
    gap_curve,
    inactivity,
    leaving_table,
    merged,
    silence_limit,
)

FIGURES = ((0.5, 60, 0), (0.35, 45, 1), (0.2, 30, 2), (0.1, 20, 3))


def gaps(never, mean_days, seed, n=4_000):
    """Simulate gaps of buyers of whom a share `never` returns, watched for up to 600 days."""
    rng = np.random.default_rng(seed)
    days = np.where(rng.random(n) < never, 10**6, rng.geometric(1 / mean_days, n))
    watched = rng.integers(1, 600, n)
    return gap_counts(np.minimum(days, watched), days < watched)


def shop():
    return [gaps(*figures) for figures in FIGURES]


def test_the_curve_without_open_gaps_is_the_share_still_silent():
    found = gap_curve(gap_counts([1, 2, 2, 4], [True] * 4))
    assert found.silent.tolist() == [1.0, 1.0, 0.75, 0.25, 0.25, 0.0]
    assert found.at_risk.tolist() == [4, 4, 3, 1, 1, 0]


def test_an_open_gap_was_not_watched_on_the_day_about_to_start():
    found = gap_curve(gap_counts([3, 3, 5], [False, True, True]))
    assert found.at_risk.tolist() == [3, 3, 3, 2, 1, 1, 0]
    assert found.silent[4] == 0.5
    assert gap_curve(gap_counts([1], [False])).at_risk.tolist() == [1, 0, 0]


def test_early_open_gaps_weigh_on_no_later_day():
    found = gap_curve(gap_counts([1, 1, 6], [False, False, True]))
    assert found.at_risk.tolist() == [3, 1, 1, 1, 1, 1, 1, 0]
    assert found.silent.tolist() == [1.0] * 7 + [0.0]


def test_nothing_counted_gives_a_curve_of_nobody():
    found = gap_curve(gap_counts([], []))
    assert found.silent.tolist() == [1.0, 1.0]
    assert found.at_risk.sum() == 0


def test_counts_add_up_in_any_order():
    one, other = (
        gap_counts([3, 1, 3], [True, False, False]),
        gap_counts([2, 3], [True, True], [2, 5]),
    )
    both = merged([one, other])
    assert both.days.tolist() == [1, 2, 3]
    assert both.bought.tolist() == [0, 2, 6]
    assert both.censored.tolist() == [1, 0, 1]
    for here, there in zip(both, merged([other, one]), strict=True):
        assert here.tolist() == there.tolist()
    assert len(merged([]).days) == 0


def curve_of(chance, days=400, n=10_000):
    """Return a curve of which P(purchase on gap day g | silent) = chance(g)."""
    stays = 1.0 - np.array([chance(g) for g in range(1, days)])
    silent = np.concatenate([[1.0, 1.0], np.cumprod(stays)])
    return GapCurve(silent, np.append(np.full(days, n), 0))


def test_the_limit_is_the_first_silence_with_little_to_come():
    curve = curve_of(lambda g: 0.02 if g <= 100 else 0.0)
    limit = silence_limit(curve, within_days=30, threshold=0.10)
    left = next(d for d in range(100, 0, -1) if 1 - 0.98**d < 0.10)
    assert limit == SilenceLimit(101 - left, is_extrapolated=False, is_pooled=False)


def test_at_the_limit_the_chance_is_below_and_a_day_before_it_is_not():
    curve = gap_curve(gaps(*FIGURES[0]))
    w = silence_limit(curve).days
    chance = 1 - curve.silent[[w + 90, w + 89]] / curve.silent[[w, w - 1]]
    assert chance[0] < 0.10 <= chance[1]


def test_a_shop_of_yearly_buyers_does_not_lose_them_in_the_quiet_months():
    curve = curve_of(lambda g: 0.03 if 350 <= g < 380 else 0.0, days=700)
    assert 1 - curve.silent[91] < 0.10
    assert silence_limit(curve, within_days=90).days > 350


def test_the_last_of_several_waves_sets_the_limit():
    waves = curve_of(lambda g: 0.03 if g % 350 < 30 and g > 30 else 0.0, days=1_000)
    assert 700 < silence_limit(waves, within_days=90).days <= 730


def test_a_chance_of_just_the_threshold_is_not_below_it():
    silent = np.repeat([1.0, 0.75], [11, 30])
    curve = GapCurve(silent, np.append(np.full(40, 50), 0))
    assert silence_limit(curve, within_days=10, threshold=0.25).days == 11
    assert silence_limit(curve, within_days=10, threshold=0.26).days == 1


def test_one_silence_with_a_sequel_is_enough():
    longer, shorter = (curve_of(lambda _: 0.0001, days=days) for days in (91, 90))
    assert silence_limit(longer, within_days=90) == SilenceLimit(1, False, False)
    assert silence_limit(shorter, within_days=90) is None


def test_silences_that_too_few_were_watched_through_support_nothing():
    # The fortieth day is the last on which 30 are watched: it ends at a silence of 41.
    curve = GapCurve(0.95 ** np.arange(200), np.repeat([50, 29], [41, 159]))
    found = silence_limit(curve, within_days=30)
    assert found == SilenceLimit(41, is_extrapolated=True, is_pooled=False)


def test_exactly_thirty_watched_are_enough():
    assert silence_limit(curve_of(lambda _: 0.0001, n=30)) == SilenceLimit(1, False, False)


def test_a_log_that_ends_too_early_gives_its_last_silence_and_says_so():
    limit = silence_limit(curve_of(lambda _: 0.05, days=120), within_days=90)
    assert limit == SilenceLimit(120, is_extrapolated=True, is_pooled=False)


@pytest.mark.parametrize("at_risk", [29, 0])
def test_few_watched_support_no_limit(at_risk):
    assert silence_limit(curve_of(lambda _: 0.01, n=at_risk)) is None


def test_a_log_shorter_than_the_window_supports_no_limit():
    assert silence_limit(curve_of(lambda _: 0.01, days=80), within_days=90) is None


def test_a_curve_that_ends_at_zero_supports_no_limit_where_it_is_zero():
    assert silence_limit(curve_of(lambda g: float(g == 5))) is None


def test_a_thin_group_takes_curve_and_limit_of_all():
    groups = [*shop()[:3], gap_counts([5, 6], [True, False])]
    found = inactivity(groups)
    assert [limit.is_pooled for limit in found.limits] == [False, False, False, True]
    assert found.limits[3].days == silence_limit(gap_curve(merged(groups))).days
    assert found.curves[3].at_risk[0] == merged(groups).bought.sum() + merged(groups).censored.sum()


def test_every_group_is_judged_as_it_would_be_alone():
    groups = shop()
    for asked in ((), (60,), (60, 0.3)):
        found = inactivity(groups, *asked)
        assert found.limits == tuple(silence_limit(gap_curve(one), *asked) for one in groups)
    assert inactivity(groups).limits == inactivity(groups, 90, 0.10).limits


def test_too_few_gaps_altogether_give_no_limit():
    assert inactivity([gap_counts([5, 6], [True, False])] * 4) is None


def simulated(found, state, silence, n=40_000):
    """Play the renewal process from its curves: the day on which each buyer is gone."""
    rng = np.random.default_rng(state * 1000 + silence)
    gone_on, since = np.zeros(n), silence
    here = np.arange(n)
    while len(here):
        group = GROUP_OF_STATE[state]
        w, silent = found.limits[group].days, found.curves[group].silent
        drawn = rng.random(len(here)) * silent[since]
        gap = np.searchsorted(-silent[: w + 1], -drawn) - 1  # gap >= g where drawn < S[g]
        gone_on[here] += gap - since
        here = here[(gap < w) & (gone_on[here] < 2_000)]
        state, since = min(state + 1, STATES - 1), 0
    return gone_on


@pytest.mark.parametrize(("state", "silence"), [(0, 0), (0, 50), (2, 20), (4, 0), (5, 10)])
def test_the_table_agrees_with_playing_the_process(state, silence):
    found = inactivity(shop())
    horizons = [100, 150, 250, 400]
    table = leaving_table(found, horizons)
    gone_on = simulated(found, state, silence)
    for h, horizon in enumerate(horizons):
        share, days = np.mean(gone_on <= horizon), np.mean(np.minimum(gone_on, horizon))
        p = table.p_churn[state, silence, h]
        assert share == pytest.approx(p, abs=4 * (p * (1 - p) / 40_000) ** 0.5 + 1e-9)
        assert days == pytest.approx(table.expected_days[state, silence, h], abs=0.005 * horizon)


def geometric(chance, w, days=4_000):
    """Return an inactivity in which every state has the same memoryless gaps and limit."""
    curve = curve_of(lambda _: chance, days=days)
    return Inactivity((curve,) * 4, (SilenceLimit(w, False, False),) * 4)


def test_one_memoryless_state_has_the_known_mean_wait():
    """Mean days until w silent days in a row, with chance q of silence: (q^-w - 1) / (1 - q).

    Silence is w at the start of a day after w - 1 days without a purchase, hence a day more.
    """
    chance, w = 0.05, 20
    q = 1 - chance
    mean = (q ** -(w - 1) - 1) / chance + 1
    table = leaving_table(geometric(chance, w), [4_000])
    assert table.expected_days[0, 0, 0] == pytest.approx(mean, rel=1e-9)
    assert table.p_churn[0, 0, 0] == pytest.approx(1.0, abs=1e-9)


def test_chances_of_being_gone_are_chances_however_long_the_wait():
    # In seven years all are gone: sums of thousands of products must not carry past 1.
    for found in (inactivity(shop()), geometric(0.05, 20)):
        crossed = crossing_curves(found, 2_500)
        assert (np.diff(crossed, axis=1) >= 0.0).all()
        assert crossed.min() == 0.0
        assert crossed.max() <= 1.0
        assert leaving_table(found, [2_500]).p_churn.max() == 1.0


def test_curves_of_those_who_just_bought_equal_the_table_at_silence_zero():
    found = inactivity(shop())
    crossed = crossing_curves(found, 300)
    table = leaving_table(found, range(301))
    assert table.p_churn[:, 0, :] == pytest.approx(crossed, abs=1e-12)


def test_expected_days_are_the_area_under_the_curve():
    table = leaving_table(inactivity(shop()), range(200))
    area = np.cumsum(1 - table.p_churn[:, :, :-1], axis=2)
    assert table.expected_days[:, :, 1:] == pytest.approx(area, abs=1e-9)


def test_no_horizon_no_churn():
    table = leaving_table(inactivity(shop()), [0])
    for state in range(STATES):
        assert table.p_churn[state, : table.limit[state]].max() == 0.0
    assert table.expected_days.max() == 0.0


def test_horizons_may_come_in_any_order():
    found = inactivity(shop())
    mixed, sorted_ = leaving_table(found, [365, 0, 90]), leaving_table(found, [0, 90, 365])
    assert mixed.p_churn[:, :, [1, 2, 0]].tolist() == sorted_.p_churn.tolist()
    assert mixed.horizons.tolist() == [365, 0, 90]


def test_silence_at_or_past_the_limit_is_gone():
    table = leaving_table(inactivity(shop()), [90])
    w = int(table.limit[0])
    p, days = churn_from_silence(table, [1, 1, 1], [w - 1, w, 10**6])
    assert p[1:].tolist() == [[1.0], [1.0]]
    assert days[1:].tolist() == [[0.0], [0.0]]
    assert 0 < p[0, 0] < 1


def test_six_purchases_and_sixty_are_one_state():
    table = leaving_table(inactivity(shop()), [90])
    p, _ = churn_from_silence(table, [6, 60], [7, 7])
    assert p[0] == p[1]


def test_no_horizons_give_an_empty_table():
    assert leaving_table(inactivity(shop()), []).p_churn.shape[2] == 0
