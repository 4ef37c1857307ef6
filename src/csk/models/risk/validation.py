"""How well models would have foretold: from each origin, with what was known then.

One rule: a model is judged on customers and days it could not know; the challenger is taken only
where it is better by more than one standard error.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import ModelError
from csk.models.risk.ageing import Watch, ages, watch
from csk.models.risk.curve import p_churn
from csk.models.risk.fitting import SLICE_DAYS, Candidate, candidate
from csk.models.risk.origins import WANTED, is_enough, origins
from csk.models.risk.verdict import (
    GLASS,
    TREES,
    Finding,
    OriginScore,
    ReliabilityBin,
    Validation,
    Verdict,
)
from csk.stats import calibration, discrimination, profit, scoring_rules
from csk.stats.censored import integrated_brier, ipcw_brier
from csk.stats.concordance import uno_c

_LIFTS: Final = (0.01, 0.05, 0.10)
_BINS: Final = 10
_COIN: Final = 0.5

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Question(NamedTuple):
    """What models are held against."""

    edges: tuple[int, ...]
    days: tuple[date, ...]
    """Landmarks."""
    as_of: date
    risk_days: tuple[int, ...]
    main_days: int
    campaign: profit.Campaign | None
    accept_share: float


class _Foretold(NamedTuple):
    """What one kind of model said at one origin."""

    kind: str
    origin_on: date
    p: Mapping[int, Floats]
    """By days ahead: horizons, and ends of lead bins, that are known by now."""


class _Came(NamedTuple):
    """What came at one origin."""

    customer: NDArray[np.str_]
    left: Mapping[int, Flags]
    """By horizon."""
    watch: Watch


class _Judged(NamedTuple):
    """Chances and outcomes of all origins, one after the other."""

    p: Floats
    event: Flags
    cluster: NDArray[np.int64]
    """The customer of each row, by number."""


def validation(
    panel: pl.DataFrame, asked: Question, found: Sequence[Finding], kinds: Sequence[str]
) -> Validation:
    """Fit every kind of model at every origin, hold it against what came, and choose."""
    chosen_days, overlap = origins(asked.days, asked.as_of, asked.main_days)
    foretold: list[_Foretold] = []
    came: dict[date, _Came] = {}
    models: dict[tuple[str, date], Candidate] = {}
    for day in chosen_days:
        test = panel.filter(pl.col("landmark_on") == day).sort("customer_id")
        known = [h for h in {*asked.edges, *asked.risk_days} if (asked.as_of - day).days >= h]
        came[day] = _came(test, (asked.as_of - day).days, [*{*known} & {*asked.risk_days}])
        if not is_enough(came[day].left[asked.main_days]):
            continue
        for kind in kinds:
            model = candidate(panel, asked.edges, day, kind)
            if model is not None:
                models[kind, day] = model
                foretold.append(_Foretold(kind, day, _chances(model, test, asked.edges, known)))
    rows = tuple(score for one in foretold for score in _scores(one, came[one.origin_on]))
    chosen = _chosen(foretold, came, asked.main_days)
    judged = _together(foretold, came, chosen, asked.main_days)
    return Validation(
        main_days=asked.main_days,
        chosen=chosen,
        rows=rows,
        reliability=_reliability(judged),
        ages=ages(
            panel,
            {day: model for (kind, day), model in models.items() if kind == chosen},
            asked.edges,
            asked.risk_days,
            asked.as_of,
        ),
        findings=tuple(found),
        n_origins_wanted=WANTED,
        is_overlapping=overlap,
        verdict=_verdict(judged),
        **_profit(judged, asked),
    )


def _chances(
    model: Candidate, test: pl.DataFrame, edges: tuple[int, ...], days: Sequence[int]
) -> dict[int, Floats]:
    hazards = model.hazards(test)
    return {h: p_churn(hazards, edges, h) for h in days}


def _came(test: pl.DataFrame, n_days: int, known: Sequence[int]) -> _Came:
    of = watch(test, n_days)
    left = {days: (of.end == 1) & (of.time <= days) for days in known}
    return _Came(test["customer_id"].to_numpy(), left, of)


def _scores(one: _Foretold, came: _Came) -> list[OriginScore]:
    return [_score(one, days, came) for days in sorted(came.left) if is_enough(came.left[days])]


def _score(one: _Foretold, days: int, came: _Came) -> OriginScore:
    p, left = one.p[days], came.left[days]
    upto = sorted(ahead for ahead in one.p if ahead <= days)
    briers = ipcw_brier(*came.watch, np.column_stack([one.p[ahead] for ahead in upto]), upto)
    ranked = discrimination.estimated_auc(p, left)
    lifts = discrimination.lift(p, left, _LIFTS)
    level = None
    with suppress(ModelError):  # chances all alike, or without a single mistake
        level = calibration.calibration(p, left)
    return OriginScore(
        model=one.kind,
        origin_on=one.origin_on,
        days=days,
        n=len(left),
        n_events=int(left.sum()),
        base_rate=float(left.mean()),
        auc=ranked.value,
        auc_se=ranked.std_error,
        average_precision=discrimination.average_precision(p, left),
        log_loss=scoring_rules.log_loss(p, left),
        brier=scoring_rules.brier(p, left),
        brier_skill=float(scoring_rules.brier_skill(p, left)),
        lift_1=float(lifts[0]),
        lift_5=float(lifts[1]),
        lift_10=float(lifts[2]),
        intercept=float("nan") if level is None else level.intercept,
        slope=float("nan") if level is None else level.slope,
        ece=calibration.calibration_error(p, left, n_bins=_BINS),
        integrated_brier=integrated_brier(upto, briers),
        uno_c=uno_c(p, *came.watch, days),
        age_days=SLICE_DAYS,
    )


def _together(
    foretold: Sequence[_Foretold], came: Mapping[date, _Came], kind: str, days: int
) -> _Judged:
    of = [one for one in foretold if one.kind == kind and days in one.p]
    if not of:
        return _Judged(np.zeros(0), np.zeros(0, np.bool_), np.zeros(0, np.int64))
    customer = np.concatenate([came[one.origin_on].customer for one in of])
    return _Judged(
        p=np.concatenate([one.p[days] for one in of]),
        event=np.concatenate([came[one.origin_on].left[days] for one in of]),
        cluster=np.unique(customer, return_inverse=True)[1],
    )


def _chosen(foretold: Sequence[_Foretold], came: Mapping[date, _Came], days: int) -> str:
    """Return trees where their log-loss is better by more than one standard error."""
    glass = _together(foretold, came, GLASS, days)
    trees = _together(foretold, came, TREES, days)
    if not len(trees.p) or len(trees.p) != len(glass.p):
        return GLASS
    gain = scoring_rules.loss_difference(glass.p, trees.p, glass.event, cluster=glass.cluster)
    return TREES if gain.value > gain.std_error else GLASS


def _reliability(of: _Judged) -> tuple[ReliabilityBin, ...]:
    if not is_enough(of.event):
        return ()
    return tuple(
        ReliabilityBin(
            n=round(one.n),
            n_events=round(one.n * one.observed),
            mean_p=one.expected,
            observed=one.observed,
            low=one.low,
            high=one.high,
        )
        for one in calibration.reliability(of.p, of.event, n_bins=_BINS)
    )


def _verdict(of: _Judged) -> Verdict:
    if not is_enough(of.event):
        return "not_validated"
    ranked = discrimination.estimated_auc(of.p, of.event, cluster=of.cluster)
    skill = scoring_rules.brier_skill(of.p, of.event)
    return "no_better_than_chance" if ranked.low <= _COIN or skill <= 0.0 else "sound"


def _profit(of: _Judged, asked: Question) -> dict[str, float]:
    """Return what calling the best share of customers earns; NaN where nothing can be told."""
    if asked.campaign is None or not is_enough(of.event):
        return {"best_share": float("nan"), "profit": float("nan")}
    most = profit.most_profit(of.p, of.event, asked.campaign, asked.accept_share)
    return {"best_share": most.share, "profit": most.amount}
