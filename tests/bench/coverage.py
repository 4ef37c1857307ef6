"""How often the 95 % intervals of the estimators hold the truth, printed as Markdown tables.

One rule: companies are simulated here, from the definitions of the models and with NumPy alone;
what is true of them is worked out here too, never by what is being measured.

    python tests/bench/coverage.py --companies 1000
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, betaln, ndtr, ndtri, roots_jacobi

from csk.models import repeat
from csk.stats import (
    bgnbd,
    chances,
    cox,
    gammagamma,
    mbgnbd,
    nbd,
    paretonbd,
    residual,
    smoothing,
    tails,
)
from csk.stats.intervals import wilson
from csk.stats.lifetable import LifeTable, life_table
from csk.stats.survival import (
    counts,
    kaplan_meier,
    median,
    restricted_mean,
    simultaneous_band,
    survival_at,
)

Floats = NDArray[np.float64]
Generator = np.random.Generator

Z = float(ndtri(0.975))
N_DRAWS = 200
AGES = (24, 60)
NAN = float("nan")


class Answer(NamedTuple):
    """One figure of one company: the truth, what was estimated, and the ends of its interval."""

    figure: str
    truth: float
    estimate: float
    low: float
    high: float
    is_log: bool = False
    """Whether they are logarithms of what is named, so that an error is a relative one."""


class Row(NamedTuple):
    """What all companies say of one figure."""

    subject: str
    figure: str
    n: int
    """Companies in which an interval was told."""
    n_untold: int
    n_covered: int
    n_below: int
    """Companies in which the whole interval lies below the truth."""
    truth: float
    bias: float
    """Mean error: relative, or of the logarithm."""
    deviation: float
    ratio: float
    """Root mean square of the told standard errors over the deviation of the estimates."""
    is_log: bool


Companies = Callable[[Generator], Iterable[Answer]]


def wald(names: str, truth: Iterable[float], fit: Any) -> Iterator[Answer]:
    """Yield the intervals of the logarithms of parameters; none where a fit is on a bound."""
    held = bool(getattr(fit, "is_at_bound", False)) or not getattr(fit, "is_converged", True)
    errors = np.sqrt(np.diag(fit.covariance)) * (NAN if held else 1.0)
    at = np.log(fit.params if hasattr(fit, "params") else [getattr(fit, n) for n in names.split()])
    for name, true, here, error in zip(names.split(), truth, at, errors, strict=True):
        yield Answer(name, float(np.log(true)), here, here - Z * error, here + Z * error, True)


class Buyers(NamedTuple):
    """Histories until T, and the purchases in each of the horizons after it."""

    x: Floats
    t_x: Floats
    T: Floats
    ahead: Floats


def buyers(
    rng: Generator, times: Callable[[Generator, int], Iterator[tuple[Floats, NDArray[np.bool_]]]],
    n: int, horizon: float,
) -> Buyers:  # fmt: skip
    """Sort purchases by time: those until T, of a year to two, and those within the horizon."""
    T = rng.integers(52, 105, n).astype(np.float64)
    x, t_x, ahead = np.zeros((3, n))
    for at, real in times(rng, n):
        before = real & (at <= T)
        x[before] += 1
        t_x[before] = at[before]
        ahead += real & (at > T) & (at <= T + horizon)
        if not (real & (at <= T + horizon)).any():
            break
    return Buyers(x, t_x, T, ahead)


def dropping(
    r: float, alpha: float, a: float, b: float, *, k: int = 1, at_once: bool = False
) -> Callable[[Generator, int], Iterator[tuple[Floats, NDArray[np.bool_]]]]:
    """Buyers who may leave after each purchase (`at_once`: after the first as well)."""

    def times(rng: Generator, n: int) -> Iterator[tuple[Floats, NDArray[np.bool_]]]:
        rate, chance = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
        at, there = np.zeros(n), np.ones(n, bool)
        if at_once:
            there &= rng.random(n) >= chance
        while True:
            at = at + rng.gamma(k, 1.0, n) / rate
            yield at, there.copy()
            there &= rng.random(n) >= chance

    return times


def dying(
    r: float, alpha: float, s: float, beta: float
) -> Callable[[Generator, int], Iterator[tuple[Floats, NDArray[np.bool_]]]]:
    """Buyers who leave at a rate of their own, whether they buy or not."""

    def times(rng: Generator, n: int) -> Iterator[tuple[Floats, NDArray[np.bool_]]]:
        rate = rng.gamma(r, 1 / alpha, n)
        life = rng.exponential(1.0, n) / rng.gamma(s, 1 / beta, n)
        at = np.zeros(n)
        while True:
            at = at + rng.exponential(1.0, n) / rate
            yield at, at <= life

    return times


BG = (0.8, 8.0, 0.8, 2.5)


def expected_ahead(of: Buyers, theta: tuple[float, ...], t: float) -> Floats:
    """Work out the purchases to expect of buyers who may leave after each, by their history.

    Sums over the chance p of leaving, 48 nodes of its Beta(a, b): of a rate that is Gamma all
    that is needed are powers. Who is alive makes (1 - exp(-rate p t)) / p purchases on average.
    """
    r, alpha, a, b = theta
    node, share = roots_jacobi(48, b - 1, a - 1)
    p, share = (1 + node) / 2, share / share.sum()
    x, t_x, T = (column[:, None] for column in (of.x, of.t_x, of.T))
    stays = (1 - p) ** x
    leaves = np.where(x > 0, p * (1 - p) ** np.maximum(x - 1, 0), 0.0)
    gone = leaves * ((alpha + T) / (alpha + t_x)) ** (r + x)
    ahead = stays / p * -np.expm1(-(r + x) * np.log1p(p * t / (alpha + T)))
    return np.asarray((ahead @ share) / ((stays + gone) @ share))


def bg_nbd(rng: Generator) -> Iterator[Answer]:
    of = buyers(rng, dropping(*BG), 1000, 52.0)
    fit = bgnbd.fit(of.x, of.t_x, of.T)
    yield from wald("r alpha a b", BG, fit)
    # The bounds that `csk ltv` tells need of a shop's fit its purchases only.
    shop = cast("repeat.RepeatFit", SimpleNamespace(purchases=fit))
    number = bgnbd.expected_purchases(fit, of.x, of.t_x, of.T, 52.0)
    low, high = repeat._interval(shop, of.x, of.t_x, of.T, 52, number)  # type: ignore[arg-type] # floats will do
    truth = expected_ahead(of, BG, 52.0)
    typical = int(np.argmin(np.abs(of.x - 3) + np.abs(of.t_x / of.T - 0.8)))
    one = (number[typical], low[typical], high[typical])
    yield Answer("purchases of one buyer", truth[typical], one[0], one[0] * one[1], one[0] * one[2])
    points = (of.x, of.t_x, of.T)
    whole = number.sum()
    shares = repeat.interval_of_sum(fit, points, 52, number)  # type: ignore[arg-type] # likewise
    ends = tuple(share * whole for share in shares)
    yield Answer("expected purchases of all", truth.sum(), whole, ends[0], ends[1])
    some = chances.purchases_ahead(fit, of.x[::4], of.t_x[::4], of.T[::4], 52.0)
    chance = Z * np.sqrt(4 * some.variance.sum())
    lower, upper = (float(np.hypot(whole - end, chance)) for end in ends)
    yield Answer("purchases made by all", of.ahead.sum(), whole, whole - lower, whole + upper)


def mbg_nbd(k: int) -> Companies:
    theta = (0.8, 8.0 / k, 0.8, 2.5)

    def company(rng: Generator) -> Iterator[Answer]:
        of = buyers(rng, dropping(*theta, k=k, at_once=True), 1000, 0.0)
        yield from wald("r alpha a b", theta, mbgnbd.fit(of.x, of.t_x, of.T, k=k))

    return company


def pareto_nbd(rng: Generator) -> Iterator[Answer]:
    theta = (0.9, 8.0, 0.8, 20.0)
    of = buyers(rng, dying(*theta), 1000, 0.0)
    yield from wald("r alpha s beta", theta, paretonbd.fit(of.x, of.t_x, of.T))


def plain_nbd(rng: Generator) -> Iterator[Answer]:
    T = rng.integers(52, 105, 500).astype(np.float64)
    x = rng.poisson(rng.gamma(0.8, 1 / 8.0, 500) * T)
    yield from wald("r alpha", (0.8, 8.0), nbd.fit(x, T))


def gamma_gamma(rng: Generator) -> Iterator[Answer]:
    x = rng.geometric(0.25, 1000).astype(np.float64)
    scale = rng.gamma(4.0, 1 / 60.0, 1000)
    fit = gammagamma.fit(x, rng.gamma(6.0 * x, 1 / scale) / x)
    yield from wald("p q gamma", (6.0, 4.0, 60.0), fit)
    # By the delta method, of the covariance that is told.
    slope = np.array([1.0, -fit.q / (fit.q - 1), 1.0])
    at, error = np.log(fit.population_mean), float(np.sqrt(slope @ fit.covariance @ slope))
    yield Answer("mean spend", float(np.log(120.0)), at, at - Z * error, at + Z * error, True)


class Contracts(NamedTuple):
    """Subscribers of a log of 24 months that had begun up to 24 months before it."""

    entry: NDArray[np.int64]
    exit: NDArray[np.int64]
    left: NDArray[np.int64]


def contracts(rng: Generator, months: NDArray[np.int64]) -> Contracts:
    """Watch lives of so many months each; who had left before the log is not there."""
    begun = rng.integers(-24, 24, len(months))
    entry, end = np.maximum(-begun, 0), 24 - begun
    seen = months > entry
    entry, end, months = entry[seen], end[seen], months[seen]
    return Contracts(entry, np.minimum(months, end), (months <= end).astype(np.int64))


def lives(rng: Generator, theta: tuple[float, ...], n: int) -> NDArray[np.int64]:
    """Draw months until leaving, S(t) = B(a, b + t^c) / B(a, b): everybody has an own chance."""
    a, b, c = theta
    # P(life > t) = E (1 - p)^(t^c): an exponential time with the hazard -log(1 - p), bent by c.
    time_ = (rng.exponential(1.0, n) / -np.log1p(-rng.beta(a, b, n))) ** (1 / c)
    return np.minimum(np.ceil(time_), 10**6).astype(np.int64)


def remaining(theta: tuple[float, ...], t: Floats) -> Floats:
    a, b, c = theta
    return np.asarray(np.exp(betaln(a, b + t**c) - betaln(a, b)))


def table(of: Contracts) -> LifeTable:
    return life_table(counts(of.entry, of.exit, of.left, n_causes=1), 1)


def drawn(fit: tails.TailFit, seen: LifeTable, rng: Generator, true: Floats) -> Iterator[Answer]:
    """Yield survival to two ages with the intervals of the draws of the parameters."""
    left = seen.left.sum(axis=1).astype(np.float64)
    at = smoothing.parameter_draws(fit, seen.exposed, left, N_DRAWS, rng)
    curves = np.cumprod(1 - tails.family_hazards(fit.family, at, AGES[-1]), axis=-1)
    best = np.cumprod(1 - tails.hazards(fit, AGES[-1]))
    for t, truth in zip(AGES, true, strict=True):
        low, high = np.quantile(curves[:, t - 1], [0.025, 0.975], method="weibull")
        yield Answer(f"survival to {t}", float(truth), best[t - 1], float(low), float(high))


def tail(family: str, names: str, theta: tuple[float, ...], n: int) -> Companies:
    """Fit the family that is true: of a, b, c, or of the rate of all."""
    beta = (*theta, 1.0)[:3] if len(theta) > 1 else None

    def company(rng: Generator) -> Iterator[Answer]:
        months = rng.geometric(-np.expm1(-theta[0]), n) if beta is None else lives(rng, beta, n)
        seen = table(contracts(rng, months))
        fit = tails.fit(family, seen.exposed, seen.left)
        yield from wald(names, theta, fit)
        t = np.array(AGES, np.float64)
        true = np.exp(-theta[0] * t) if beta is None else remaining(beta, t)
        yield from drawn(fit, seen, rng, true)

    return company


def subscriptions(rng: Generator) -> Iterator[Answer]:
    """Payments of the whole book, as `csk ltv` tells them: families weighed, periods adjusted."""
    theta = (0.7, 5.0, 1.0)
    of = contracts(rng, lives(rng, theta, 4000))
    found = smoothing.posterior(table(of), 84)
    profile = np.array([0.0, 1.0])
    grid = residual.survival_grid(found.mean, profile)
    moved = residual.survival_grid(smoothing.draws(found, N_DRAWS, 1), profile)
    here, n = np.unique(of.exit[of.left == 0], return_counts=True)
    true = remaining(theta, np.arange(85.0))
    for months in (12, 36):
        paid, by_draw = (
            residual.expected_payments(curve, here, here + months, here + 1, 1)[0]
            for curve in (grid, moved)
        )
        low, high = np.quantile(by_draw @ n, [0.025, 0.975], method="weibull")
        truth = sum(
            m * true[h + 1 : h + months + 1].sum() / true[h] for h, m in zip(here, n, strict=True)
        )
        yield Answer(f"payments of all in {months} months", truth, float(paid @ n), low, high)


def survival(rng: Generator) -> Iterator[Answer]:
    """Days until leaving, Weibull; half come under observation later, if they are there still."""
    n, shape, scale = 600, 0.8, 400.0
    life = np.maximum(np.ceil(scale * rng.weibull(shape, n)), 1).astype(np.int64)
    entry = np.where(rng.random(n) < 0.5, rng.integers(1, 300, n), 0)
    end = entry + rng.integers(100, 730, n)
    seen = life > entry
    life, entry, end = life[seen], entry[seen], end[seen]
    observed = counts(entry, np.minimum(life, end), (life <= end).astype(np.int64), n_causes=1)
    curve = kaplan_meier(observed)
    days = np.arange(731.0)
    true = np.exp(-((days / scale) ** shape))
    for age in (30, 90, 180, 365, 600):
        at = int(np.searchsorted(curve.age, age, side="right")) - 1
        yield Answer(
            f"survival to day {age}", true[age], float(survival_at(curve, age)),
            float(curve.low[at]), float(curve.high[at]),
        )  # fmt: skip
    for age in (180, 365):
        yield Answer(f"mean days until {age}", true[:age].sum(), *restricted_mean(curve, age))
    yield Answer("median", float(np.argmax(true <= 0.5)), *median(curve))
    band = simultaneous_band(curve, 0.95, 30, 365)
    here = np.searchsorted(band.age, np.arange(int(band.age[0]), 366), side="right") - 1
    inside = true[int(band.age[0]) : 366]
    ends = float((band.low[here] - inside).max()), float((band.high[here] - inside).min())
    yield Answer("whole curve, days 30 to 365", 0.0, NAN, *ends)


def proportional(rng: Generator) -> Iterator[Answer]:
    """Two spells of each customer, alike by a normal copula, so that only robust errors hold."""
    n, beta = 400, np.array([0.5, -0.8])
    design = np.column_stack([rng.random(n) < 0.4, rng.standard_normal(n)]).astype(np.float64)
    shared = rng.standard_normal(n)
    parts = []
    for _ in range(2):
        alike = np.sqrt(0.7) * shared + np.sqrt(0.3) * rng.standard_normal(n)
        life = 300.0 * (-np.log(ndtr(alike)) / np.exp(design @ beta)) ** 1.25
        entry = np.where(rng.random(n) < 0.3, rng.uniform(0, 200, n), 0.0)
        end = entry + rng.uniform(100, 800, n)
        parts.append((entry, np.minimum(life, end), life <= end, life > entry))
    entry, exit_, left, seen = (np.concatenate(column) for column in zip(*parts, strict=True))
    customer = np.unique(np.tile(np.arange(n), 2)[seen], return_inverse=True)[1]
    of = cox.Spells(entry[seen], exit_[seen], left[seen], np.tile(design, (2, 1))[seen])
    fit = cox.fit(of)
    errors = np.sqrt(np.diag(cox.robust_covariance(of, fit, customer)))
    for i, (true, at, error) in enumerate(zip(beta, fit.coefficients, errors, strict=True)):
        yield Answer(f"coefficient {i + 1}", true, at, at - Z * error, at + Z * error)


def shares(rng: Generator) -> Iterator[Answer]:
    for p in (0.03, 0.1, 0.5, 0.9):
        n = int(rng.integers(100, 1000))
        k = int(rng.binomial(n, p))
        low, high = wilson(k, n)
        yield Answer(f"share of {p:g}", p, k / n, float(low), float(high))


SUBJECTS: dict[str, Companies] = {
    "NBD": plain_nbd,
    "BG/NBD": bg_nbd,
    "MBG/NBD": mbg_nbd(1),
    "MBG/CNBD-2": mbg_nbd(2),
    "Pareto/NBD": pareto_nbd,
    "Gamma-Gamma": gamma_gamma,
    "geometric": tail("geometric", "rate", (0.06,), 500),
    "sBG": tail("sbg", "a b", (0.7, 5.0), 2000),
    "BdW": tail("bdw", "a b c", (0.7, 5.0, 1.3), 4000),
    "subscriptions": subscriptions,
    "survival": survival,
    "Cox": proportional,
    "Wilson": shares,
}


def rows(subject: str, n: int, seed: int = 1) -> list[Row]:
    """Simulate n companies of a subject and sum up their answers, figure by figure."""
    number = list(SUBJECTS).index(subject)
    told: dict[str, list[Answer]] = {}
    for company in range(n):
        for one in SUBJECTS[subject](np.random.default_rng([seed, number, company])):
            told.setdefault(one.figure, []).append(one)
    return [_row(subject, figure, answers) for figure, answers in told.items()]


def _row(subject: str, figure: str, answers: list[Answer]) -> Row:
    is_log = answers[0].is_log
    truth, estimate, low, high = (
        np.array([getattr(one, name) for one in answers])
        for name in ("truth", "estimate", "low", "high")
    )
    known = np.isfinite(estimate) & ~(np.isnan(low) | np.isnan(high))
    if figure.startswith("whole curve"):
        known = ~np.isnan(low)
    truth, estimate, low, high = truth[known], estimate[known], low[known], high[known]
    errors = estimate - truth if is_log else (estimate - truth) / np.where(truth == 0, 1.0, truth)
    width = (high - low) / (2 * Z) / (1.0 if is_log else np.where(truth == 0, 1.0, np.abs(truth)))
    deviation = float(errors.std(ddof=1))
    return Row(
        subject, figure, int(known.sum()), int((~known).sum()),
        int(((low <= truth) & (truth <= high)).sum()), int((high < truth).sum()),
        float(np.exp(truth.mean()) if is_log else truth.mean()),
        float(errors.mean()), deviation, float(np.sqrt((width**2).mean())) / deviation, is_log,
    )  # fmt: skip


def band(n: int, level: float = 0.99) -> tuple[int, int]:
    """Return between which counts of n sound 95 % intervals the number that hold the truth lies."""
    below = bdtr(np.arange(n + 1), n, 0.95)
    tail_ = (1 - level) / 2
    return int(np.searchsorted(below, tail_)), int(np.searchsorted(below, 1 - tail_))


HEAD = (
    "| of | figure | truth | told | hold it | within | too low, high | bias ± SE | SD | SE / SD |",
    "|---|---|---:|---:|---:|---|---:|---:|---:|---:|",
)


def line(row: Row) -> str:
    low, high = band(row.n)
    verdict = (
        "yes"
        if low <= row.n_covered <= high
        else "**too often**"
        if row.n_covered > high
        else "**no**"
    )
    missed = row.n - row.n_covered
    error = row.deviation / np.sqrt(row.n)
    said = "| | |" if np.isnan(row.bias) else (
        f"{row.bias:+.2%} ± {error:.2%} | {row.deviation:.1%} | {row.ratio:.2f} |"
    )  # fmt: skip
    return (
        f"| {row.subject} | {row.figure} | {row.truth:.4g} | {row.n} | {row.n_covered / row.n:.1%} "
        f"| {verdict} | {row.n_below}, {missed - row.n_below} | {said}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(SUBJECTS), action="append")
    wanted = parser.parse_args()
    low, high = band(wanted.companies)
    print(
        f"{wanted.companies} companies; 99 % of sound intervals: {low} to {high} hold the truth.\n"
    )
    print(*HEAD, sep="\n", flush=True)
    for subject in wanted.only or SUBJECTS:
        begun = time.process_time()
        for row in rows(subject, wanted.companies, wanted.seed):
            print(line(row), flush=True)
        sys.stderr.write(f"{subject}: {time.process_time() - begun:.0f} s\n")


if __name__ == "__main__":
    main()
