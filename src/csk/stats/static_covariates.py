"""Repeat buying of customers who differ in what is known of them from the first day on.

One rule: covariates move the scale of the rates, never their shape, so that with all of them 0
or none the plain model stands. Purchase rate: alpha_i = alpha0 exp(-z'g). Leaving: by BG/NBD and
MBG/NBD a_i = a0 exp(z'g_a) and b_i = b0 exp(z'g_b), by Pareto/NBD beta_i = beta0 exp(-z'g_beta).
Fader and Hardie (2007), "Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD
Models". Logarithms of parameters are linear in all unknowns, so customers alike in covariates
are a plain fit's cells, and its derivatives are carried over exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError
from csk.stats import bgnbd, mbgnbd, paretonbd
from csk.stats.likelihood import Maximum, Objective, akaike, covariance, maximum

Floats = NDArray[np.float64]

MOST_KINDS: Final = 5_000
"""Distinct combinations of covariates above which they must be grouped first."""

ALIKE: Final = 1e-9
"""Spread of a covariate, or of one given the others, that is rounding."""

_PURCHASE, _LEAVING = 0, 1


class _Family(NamedTuple):
    """A plain model, its parameters, and which of them covariates move: (place, sign, of what)."""

    fit: Callable[..., Any]
    objective: Callable[[bgnbd.Cells], Objective]
    p_alive: Callable[..., Floats]
    expected_purchases: Callable[..., Floats]
    names: tuple[str, str, str, str]
    times: tuple[int, ...]
    """Places of the parameters that are times."""
    moved: tuple[tuple[int, float, int], ...]


FAMILIES: Final = {
    "bg_nbd": _Family(
        bgnbd.fit,
        bgnbd.objective,
        bgnbd.p_alive,
        bgnbd.expected_purchases,
        ("r", "alpha", "a", "b"),
        (1,),
        ((1, -1.0, _PURCHASE), (2, 1.0, _LEAVING), (3, 1.0, _LEAVING)),
    ),
    "mbg_nbd": _Family(
        mbgnbd.fit,
        mbgnbd.objective,
        mbgnbd.p_alive,
        mbgnbd.expected_purchases,
        ("r", "alpha", "a", "b"),
        (1,),
        ((1, -1.0, _PURCHASE), (2, 1.0, _LEAVING), (3, 1.0, _LEAVING)),
    ),
    "pareto_nbd": _Family(
        paretonbd.fit,
        paretonbd.objective,
        paretonbd.p_alive,
        paretonbd.expected_purchases,
        ("r", "alpha", "s", "beta"),
        (1, 3),
        ((1, -1.0, _PURCHASE), (3, -1.0, _LEAVING)),
    ),
}
"""Models that take covariates, by name."""


@dataclass(frozen=True)
class CovariateFit:
    """A plain fit for customers whose covariates are 0, and what covariates add.

    `purchase` holds the coefficients of the purchase rate, one per covariate; `leaving` those of
    leaving, one row per parameter moved (BG/NBD, MBG/NBD: a, b; Pareto/NBD: beta). `covariance`
    is that of the logarithms of the four parameters, `purchase` and the rows of `leaving`.
    """

    model: str
    base: Any
    purchase: Floats
    leaving: Floats
    covariance: Floats
    log_likelihood: float
    n_parameters: int
    n: float
    gradient_norm: float
    is_converged: bool
    is_at_bound: bool

    @property
    def aic(self) -> float:
        """Akaike's criterion, comparable with the plain model's."""
        return akaike(self.log_likelihood, self.n_parameters)

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the coefficients: `purchase`, then `leaving` row by row."""
        return np.asarray(np.sqrt(np.diag(self.covariance)[4:]))


def fit(
    model: str, histories: bgnbd.Cells, purchase: ArrayLike = (), leaving: ArrayLike = ()
) -> CovariateFit:
    """Fit a model of `FAMILIES` with covariates by maximum likelihood, Newton on exact curvature.

    `histories` need be neither sorted nor distinct; `purchase` and `leaving` have a row for each
    (customers, covariates), or none. A category enters as columns of 0 and 1, one left out.
    Raises ModelError as the plain fit does, and where covariates cannot be told apart.
    """
    family = FAMILIES[model]
    plain = family.fit(*histories[:4])
    weight = histories.weight / histories.weight.sum()
    columns = (_rows(purchase, len(weight)), _rows(leaving, len(weight)))
    for one in columns:
        _refuse_alike(one, weight)
    scale = float(weight @ histories.T)
    centred = (_Centred(columns[0], weight), _Centred(columns[1], weight))
    objective = _Grouped(family, histories, scale, centred)
    near = np.log([getattr(plain, name) for name in family.names])
    near[list(family.times)] -= np.log(scale)
    n_moved = sum(columns[of].shape[1] for _, _, of in family.moved)
    start = np.concatenate([np.clip(near, -9.0, 9.0), np.zeros(n_moved)])
    at = maximum(objective, start, np.full(len(start), -10.0), np.full(len(start), 10.0))
    of_times = float(histories.weight @ histories.x) * float(np.log(scale))
    at = at._replace(value=at.value - of_times)
    back = _back(family, centred)
    theta, spread = back @ at.theta, back @ covariance(at.hessian) @ back.T
    theta[list(family.times)] += np.log(scale)
    return _named(model, plain, at, (theta, spread, columns[0].shape[1]))


def p_alive(
    fitted: CovariateFit,
    histories: bgnbd.Cells,
    purchase: ArrayLike = (),
    leaving: ArrayLike = (),
) -> Floats:
    """Return P(still a buyer at T) of each customer, given covariates as in `fit`."""
    alive = FAMILIES[fitted.model].p_alive
    return _by_kind(fitted, histories, (purchase, leaving), alive)


def expected_purchases(
    fitted: CovariateFit,
    histories: bgnbd.Cells,
    t: float,
    purchase: ArrayLike = (),
    leaving: ArrayLike = (),
) -> Floats:
    """Return the expected purchase days of each customer in (T, T + t], given covariates."""
    expected = FAMILIES[fitted.model].expected_purchases

    def ahead(of: Any, x: Floats, t_x: Floats, T: Floats) -> Floats:  # noqa: ANN401 - any fit
        return expected(of, x, t_x, T, t)

    return _by_kind(fitted, histories, (purchase, leaving), ahead)


def parameters(fitted: CovariateFit, purchase: ArrayLike = (), leaving: ArrayLike = ()) -> Any:  # noqa: ANN401 - the plain fit of the model, whichever it is
    """Return the plain fit of a customer with these covariates (one row of each)."""
    family = FAMILIES[fitted.model]
    rows = [np.asarray(row, np.float64).ravel() for row in (purchase, leaving)]
    moved = {name: getattr(fitted.base, name) for name in family.names}
    coefficients = [fitted.purchase, *fitted.leaving]
    for (place, sign, of), g in zip(family.moved, coefficients, strict=True):
        if len(rows[of]) != len(g):
            raise ModelError(f"The model was fitted on {len(g)} covariates, not {len(rows[of])}.")
        moved[family.names[place]] *= float(np.exp(sign * rows[of] @ g))
    return replace(fitted.base, **moved)


class _Centred:
    """Covariates about their means, in units of their greatest distance from it."""

    def __init__(self, columns: Floats, weight: Floats) -> None:
        self.mean = weight @ columns
        self.reach = np.abs(columns - self.mean).max(axis=0, initial=0.0)
        self.columns = (columns - self.mean) / self.reach


class _Grouped:
    """The log-likelihood of all customers: a plain one for each combination of covariates."""

    def __init__(
        self,
        family: _Family,
        histories: bgnbd.Cells,
        scale: float,
        centred: tuple[_Centred, _Centred],
    ) -> None:
        kinds, at = _kinds(np.hstack([one.columns for one in centred]))
        x, t_x, T, weight = histories[:4]
        n_first = centred[0].columns.shape[1]
        order = np.argsort(at, kind="stable")
        ends = np.cumsum(np.bincount(at, minlength=len(kinds)))[:-1]
        self.parts = []
        for kind, of in zip(kinds, np.split(order, ends), strict=True):
            cells = bgnbd.cells(x[of], t_x[of] / scale, T[of] / scale, weight[of])
            carried = _carried(family, (kind[:n_first], kind[n_first:]))
            self.parts.append((family.objective(cells), carried))

    def __call__(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian at log-parameters and coefficients."""
        value, size = 0.0, len(theta)
        gradient, hessian = np.zeros(size), np.zeros((size, size))
        # A step too long overflows to a value that is not finite: the walk then takes a shorter.
        with np.errstate(all="ignore"):
            for plain, carried in self.parts:
                one, slope, curve = plain(carried @ theta)
                value += one
                gradient += slope @ carried
                hessian += carried.T @ curve @ carried
        return value, gradient, hessian


def _carried(family: _Family, rows: tuple[Floats, Floats]) -> Floats:
    """Return how the four log-parameters of a kind depend on all unknowns: (4, unknowns)."""
    blocks = [np.eye(4)]
    for place, sign, of in family.moved:
        block = np.zeros((4, len(rows[of])))
        block[place] = sign * rows[of]
        blocks.append(block)
    return np.hstack(blocks)


def _back(family: _Family, centred: tuple[_Centred, _Centred]) -> Floats:
    """Return the matrix from the unknowns of centred covariates to those of covariates as told."""
    whole = _carried(
        family, (-centred[0].mean / centred[0].reach, -centred[1].mean / centred[1].reach)
    )
    spread = np.concatenate([1 / centred[of].reach for _, _, of in family.moved])
    return np.vstack([whole, np.hstack([np.zeros((len(spread), 4)), np.diag(spread)])])


def _named(
    model: str,
    plain: Any,  # noqa: ANN401 - the plain fit of the model, whichever it is
    at: Maximum,
    unknowns: tuple[Floats, Floats, int],
) -> CovariateFit:
    """Name the unknowns and their covariance, of which so many are purchase coefficients."""
    theta, spread, n_purchase = unknowns
    family = FAMILIES[model]
    reached = {
        "log_likelihood": at.value,
        "n": plain.n,
        "gradient_norm": float(np.max(np.abs(at.gradient))) / plain.n,
        "is_converged": at.is_converged and not at.is_at_bound,
        "is_at_bound": at.is_at_bound,
    }
    named = dict(zip(family.names, np.exp(theta[:4]).tolist(), strict=True))
    return CovariateFit(
        model=model,
        base=replace(plain, **named, **reached, covariance=spread[:4, :4]),
        purchase=theta[4 : 4 + n_purchase],
        leaving=theta[4 + n_purchase :].reshape(len(family.moved) - 1, -1),
        covariance=spread,
        n_parameters=len(theta),
        **reached,
    )


def _rows(covariates: ArrayLike, n: int) -> Floats:
    """Return covariates as (customers, covariates), without any as (customers, 0)."""
    rows = np.asarray(covariates, np.float64)
    if rows.size == 0:
        return np.zeros((n, 0))
    rows = rows.reshape(len(rows), -1)
    if len(rows) != n or not np.all(np.isfinite(rows)):
        raise ModelError(
            f"Covariates must be known of each of the {n} customers.",
            hint="Give customers of whom nothing is known a category of their own.",
        )
    return rows


def _refuse_alike(columns: Floats, weight: Floats) -> None:
    about = columns - weight @ columns
    spread = np.sqrt(weight @ about**2)
    if np.any(spread <= ALIKE * (1 + np.abs(columns).max(axis=0, initial=0.0))):
        raise ModelError(
            "A covariate is the same for every customer: what it does cannot be told.",
            hint="Leave it out.",
        )
    alike = (about / spread).T @ (about / spread * weight[:, None])
    if columns.shape[1] and np.linalg.eigvalsh(alike)[0] < ALIKE:
        raise ModelError(
            "Covariates determine each other: what each one does cannot be told.",
            hint="Leave one out, of a category's columns the one that is to be the standard.",
        )


def _kinds(columns: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the distinct rows and, for each row, which of them it is."""
    if not columns.shape[1]:
        return columns[:1], np.zeros(len(columns), np.intp)
    kinds, at = np.unique(columns, axis=0, return_inverse=True)
    if len(kinds) > MOST_KINDS:
        raise ModelError(
            f"Covariates differ in {len(kinds)} ways, more than {MOST_KINDS} that can be fitted.",
            hint="Group numbers into classes first.",
        )
    return kinds, at.ravel()


def _by_kind(
    fitted: CovariateFit,
    histories: bgnbd.Cells,
    covariates: tuple[ArrayLike, ArrayLike],
    predicted: Callable[..., Floats],
) -> Floats:
    """Predict customers kind by kind, each from the plain fit of its covariates."""
    x, t_x, T = histories[:3]
    first, second = (_rows(one, len(x)) for one in covariates)
    kinds, at = _kinds(np.hstack([first, second]))
    found = np.empty(len(x))
    for number, kind in enumerate(kinds):
        of = at == number
        one = parameters(fitted, kind[: first.shape[1]], kind[first.shape[1] :])
        found[of] = predicted(one, x[of], t_x[of], T[of])
    return found
