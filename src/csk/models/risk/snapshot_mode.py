"""Who is like those that left: chances from one row per customer and no dates.

One rule: it is no forecast, as there is no time in it. Every chance shown of a customer comes
from models that never saw him.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from csk.errors import ModelError
from csk.models.risk.snapshot_checks import findings
from csk.models.risk.traits import Trait, TraitRecipe, columns, plain, recipe, traits
from csk.models.risk.verdict import GLASS, TREES, Finding, ReliabilityBin
from csk.stats import logistic
from csk.stats.calibration import calibration, calibration_error, reliability
from csk.stats.discrimination import auc, average_precision, estimated_auc, lift
from csk.stats.scoring_rules import brier, brier_skill, log_loss

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ENOUGH: Final = 100
"""Customers that must have left, and stayed, for a model."""
FOLDS: Final = 5
SEEDS: Final = (0, 1, 2, 3, 4)
_REPEATED_UP_TO: Final = 10_000
"""Rows above which the folds are drawn once: chance no longer decides."""
_LEAVES, _TREES, _ROWS_A_LEAF, _RATE, _SEED = 8, 150, 50, 0.05, 6
_PENALTY: Final = 1.0
"""Precision of the normal prior of a coefficient; columns of numbers have a spread of 1."""
_N_REASONS: Final = 3
_TOP: Final = 0.10
_CLOSEST: Final = 1e-6
_LIKELY: Final = 2.0


@dataclass(frozen=True, slots=True)
class SnapshotScore:
    """How well a kind of model tells who left, out of fold: means over repetitions."""

    model: str
    auc: float
    auc_se: float
    """By DeLong's method: that of one repetition."""
    average_precision: float
    log_loss: float
    brier: float
    brier_skill: float
    lift_10: float
    intercept: float
    slope: float
    ece: float
    """Over the base rate it is the share by which chances are wrong."""


@dataclass(frozen=True, slots=True)
class SnapshotRisk:
    """Chances of having left, as those of others who are alike; not a forecast."""

    n: int
    n_events: int
    base_rate: float
    n_repeats: int
    used: tuple[str, ...]
    """Columns in the model."""
    scores: tuple[SnapshotScore, ...]
    """Of the glass box, then of the trees."""
    chosen: str
    loss_gap: float
    """Log-loss a customer that the trees save, and its standard error."""
    loss_gap_se: float
    findings: tuple[Finding, ...]
    """Fatal ones name columns that were left out as they know the outcome."""
    reliability: tuple[ReliabilityBin, ...]
    """Of the chosen model, means of its repetitions."""
    verdict: Literal["sound", "no_better_than_chance"]
    customers: pl.DataFrame
    """In the order of the rows: `customer_id` (or `row_no`), `is_churned`, `p_churn`, and three
    reasons: `reason_1` (a column), `reason_1_direction` (up or down), `reason_1_value` and
    `reason_1_median` (of numbers), `reason_1_shown` and `reason_1_usual` (as text, of all). They
    are those of the glass box, whatever is chosen; null where fewer columns are in it."""

    @property
    def score(self) -> SnapshotScore:
        """Return the figures of the chosen model."""
        return next(one for one in self.scores if one.model == self.chosen)


class _Box(NamedTuple):
    recipes: tuple[TraitRecipe, ...]
    coefficients: Floats
    """The first is the intercept: the log-odds at the mean of all columns."""


def snapshot_risk(rows: pl.DataFrame, seeds: Sequence[int] = SEEDS) -> SnapshotRisk:
    """Return what a cross-section tells: `rows` are those of the book's `cross_section` table.

    Both models are held against each other by folds drawn once for each seed (once in all for a
    large table), stratified by outcome; the trees are taken where their log-loss is better by
    more than one standard error. ModelError where fewer than 100 left or stayed, or where no
    column is left.
    """
    left = rows["is_churned"].to_numpy().astype(bool)
    _refuse_few(left)
    found, useless = traits(rows)
    suspect = findings(found, left)
    out = {one.column for one in suspect if one.is_fatal or one.check == "collinear"}
    used = tuple(trait for trait in found if trait.name not in out)
    if not used:
        raise ModelError(
            "No column is left that could tell who leaves.",
            details=[f"{one.column}: {one.check}" for one in (*suspect, *useless)],
        )
    seeds = tuple(seeds)[:1] if len(left) > _REPEATED_UP_TO else tuple(seeds)
    chances = {name: _out_of_fold(name, used, left, seeds) for name in (GLASS, TREES)}
    gap = np.mean(_losses(chances[GLASS], left) - _losses(chances[TREES], left), axis=0)
    mean, error = float(gap.mean()), float(gap.std() / np.sqrt(len(gap)))
    chosen = TREES if mean > error else GLASS
    scores = tuple(_score(name, p, left) for name, p in chances.items())
    best = scores[0] if chosen == GLASS else scores[1]
    p = np.asarray(chances[chosen].mean(axis=0))
    return SnapshotRisk(
        n=len(left),
        n_events=int(left.sum()),
        base_rate=float(left.mean()),
        n_repeats=len(seeds),
        used=tuple(trait.name for trait in used),
        scores=scores,
        chosen=chosen,
        loss_gap=mean,
        loss_gap_se=error,
        findings=(*suspect, *useless),
        reliability=_reliability(p, left),
        verdict="sound" if best.auc > 0.5 + _LIKELY * best.auc_se else "no_better_than_chance",
        customers=_customers(rows, used, p, _fitted(used, left)),
    )


def _refuse_few(left: Flags) -> None:
    n_left, n_stayed = int(left.sum()), int((~left).sum())
    if min(n_left, n_stayed) < ENOUGH:
        raise ModelError(
            f"{n_left:,} of {len(left):,} customers have left; a model needs {ENOUGH} who left"
            f" and {ENOUGH} who stayed.",
            hint="`csk segment` and `csk retention` show what so few can tell.",
        )


def folds(left: Flags, seed: int) -> Ints:
    """Return the fold (0 to 4) of each row, drawn apart for who left and who stayed."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(left), np.int64)
    for rows in (np.nonzero(left)[0], np.nonzero(~left)[0]):
        fold[rng.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return fold


def _out_of_fold(model: str, used: tuple[Trait, ...], left: Flags, seeds: Sequence[int]) -> Floats:
    """Return (repetitions, n) chances, each from a model that did not see the row."""
    foretold = _glass_chances if model == GLASS else _tree_chances
    chances = np.empty((len(seeds), len(left)))
    for place, seed in enumerate(seeds):
        fold = folds(left, seed)
        for k in range(FOLDS):
            known, held = np.nonzero(fold != k)[0], np.nonzero(fold == k)[0]
            seen = tuple(trait.picked(known) for trait in used)
            others = tuple(trait.picked(held) for trait in used)
            chances[place, held] = foretold(seen, left[known], others)
    return np.clip(chances, _CLOSEST, 1.0 - _CLOSEST)


def _fitted(used: tuple[Trait, ...], left: Flags) -> _Box:
    recipes = tuple(recipe(trait) for trait in used)
    design = _design(used, recipes)
    penalty = np.r_[0.0, np.full(design.shape[1] - 1, _PENALTY)]
    found = logistic.fit(
        logistic.Dense(design), logistic.outcomes(left.astype(np.float64)), penalty
    )
    return _Box(recipes, found.coefficients)


def _design(used: tuple[Trait, ...], recipes: tuple[TraitRecipe, ...]) -> Floats:
    parts = [columns(trait, made) for trait, made in zip(used, recipes, strict=True)]
    return np.concatenate([np.ones((len(parts[0]), 1)), *parts], axis=1)


def _glass_chances(seen: tuple[Trait, ...], left: Flags, others: tuple[Trait, ...]) -> Floats:
    box = _fitted(seen, left)
    return logistic.chance(_design(others, box.recipes) @ box.coefficients)


def _tree_chances(seen: tuple[Trait, ...], left: Flags, others: tuple[Trait, ...]) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    recipes = tuple(recipe(trait) for trait in seen)
    trees = HistGradientBoostingClassifier(
        max_leaf_nodes=_LEAVES,
        max_iter=_TREES,
        min_samples_leaf=_ROWS_A_LEAF,
        learning_rate=_RATE,
        early_stopping=False,
        random_state=_SEED,
    )
    # Sums of gradients differ from run to run where several threads add them up.
    with threadpool_limits(1, "openmp"):
        trees.fit(plain(seen, recipes), left)
        return np.asarray(trees.predict_proba(plain(others, recipes))[:, 1])


def _losses(chances: Floats, left: Flags) -> Floats:
    return np.asarray(-np.log(np.where(left, chances, 1.0 - chances)))


def _score(model: str, chances: Floats, left: Flags) -> SnapshotScore:
    def mean(figure: Callable[[Floats, Flags], ArrayLike]) -> float:
        return float(np.mean([figure(p, left) for p in chances]))

    # All repetitions are of the same customers: their mean is no surer than one of them.
    return SnapshotScore(
        model=model,
        auc=mean(auc),
        auc_se=mean(lambda p, y: estimated_auc(p, y).std_error),
        average_precision=mean(average_precision),
        log_loss=mean(log_loss),
        brier=mean(brier),
        brier_skill=mean(brier_skill),
        lift_10=mean(lambda p, y: lift(p, y, _TOP)),
        intercept=mean(lambda p, y: calibration(p, y).intercept),
        slope=mean(lambda p, y: calibration(p, y).slope),
        ece=mean(calibration_error),
    )


def _reliability(p: Floats, left: Flags) -> tuple[ReliabilityBin, ...]:
    return tuple(
        ReliabilityBin(
            n=round(one.n),
            n_events=round(one.n * one.observed),
            mean_p=one.expected,
            observed=one.observed,
            low=one.low,
            high=one.high,
        )
        for one in reliability(p, left)
    )


def _customers(rows: pl.DataFrame, used: tuple[Trait, ...], p: Floats, box: _Box) -> pl.DataFrame:
    """Return the chances with the columns that move each most, in the direction he differs.

    What a column adds to the log-odds over its mean is exact: all of them and the intercept sum
    to the log-odds of the glass box.
    """
    parts = contributions(used, box.recipes, box.coefficients)
    total = parts.sum(axis=1)
    toward = np.where(total >= 0.0, 1.0, -1.0)[:, None]
    order = np.argsort(-parts * toward, axis=1, kind="stable")[:, :_N_REASONS]
    shown = tuple(_shown(trait) for trait in used)
    made = {"is_churned": rows["is_churned"], "p_churn": pl.Series(p)}
    for place in range(_N_REASONS):
        which = order[:, place] if place < order.shape[1] else np.full(rows.height, -1)
        made |= _reason(f"reason_{place + 1}", which, parts, shown)
    has_ids = "customer_id" in rows.columns
    first = rows["customer_id"] if has_ids else pl.Series(np.arange(1, rows.height + 1))
    return pl.DataFrame({"customer_id" if has_ids else "row_no": first, **made})


class _Shown(NamedTuple):
    """A column as people see it."""

    name: str
    numbers: Floats
    texts: NDArray[np.object_]
    """Its values, null where there is none."""
    median: float
    usual: str | None
    """The median as text, or the most frequent text."""


def _shown(trait: Trait) -> _Shown:
    if trait.texts is None:
        seen = trait.numbers[~np.isnan(trait.numbers)]
        median = float(np.median(seen)) if len(seen) else np.nan
        texts = [None if np.isnan(x) else f"{x:.6g}" for x in trait.numbers]
        usual = None if np.isnan(median) else f"{median:.6g}"
        return _Shown(trait.name, trait.numbers, np.array(texts, object), median, usual)
    counts = trait.texts.drop_nulls().value_counts(name="n")
    most = counts.sort(["n", trait.name], descending=[True, False])[trait.name]
    nothing = np.full(len(trait.texts), np.nan)
    given = np.array(trait.texts.to_list(), object)
    return _Shown(trait.name, nothing, given, np.nan, str(most[0]) if len(most) else None)


def _reason(
    name: str, which: Ints, parts: Floats, shown: tuple[_Shown, ...]
) -> dict[str, pl.Series]:
    """Return the columns of one reason; `which` is the place of its trait, -1 where none is."""
    at, there = np.arange(len(which)), which >= 0
    numbers = np.stack([one.numbers for one in shown])[which, at]
    texts = np.stack([one.texts for one in shown])[which, at]
    up = np.where(parts[at, which] > 0.0, "up", "down")
    columns_ = {
        name: np.array([one.name for one in shown], object)[which],
        f"{name}_direction": up.astype(object),
        f"{name}_value": numbers,
        f"{name}_median": np.array([one.median for one in shown])[which],
        f"{name}_shown": texts,
        f"{name}_usual": np.array([one.usual for one in shown], object)[which],
    }
    return {column: _column(values, there) for column, values in columns_.items()}


def _column(values: NDArray[Any], there: Flags) -> pl.Series:
    """Return numbers or texts as a column, null where there is none."""
    if values.dtype == np.float64:
        return pl.Series(np.where(there, values, np.nan)).fill_nan(None)
    texts = [text if is_there else None for text, is_there in zip(values, there, strict=True)]
    return pl.Series(texts, dtype=pl.String)


def contributions(
    used: tuple[Trait, ...], recipes: tuple[TraitRecipe, ...], coefficients: Floats
) -> Floats:
    """Return (n, traits): what each column adds to the log-odds at the mean of all."""
    parts, first = [], 1
    for trait, made in zip(used, recipes, strict=True):
        x = columns(trait, made)
        parts.append(x @ coefficients[first : first + x.shape[1]])
        first += x.shape[1]
    return np.stack(parts, axis=1)
