"""How well a model foretells while it grows older.

One rule: a model is judged at an age as it was fitted, on days that came after its fit; whoever was
not watched long enough yet counts by weights, and in no figure that needs the outcome.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.errors import ModelError
from csk.models.risk.curve import p_churn
from csk.models.risk.fitting import Candidate
from csk.models.risk.origins import STEP_DAYS, is_enough
from csk.models.risk.verdict import AgeScore
from csk.stats import calibration, discrimination, scoring_rules
from csk.stats.blocks import Floats
from csk.stats.censored import Ints, ipcw_brier
from csk.stats.concordance import uno_c

AGES: Final = (0, 28, 56, 84, 168, 336)
"""Days from a fit to a landmark."""


class Watch(NamedTuple):
    """How long each customer was watched from a landmark on, and whether the end was seen."""

    time: Ints
    """Days, an end on the day of the landmark being 1."""
    end: Ints
    """1 where the end was seen."""


class _Seen(NamedTuple):
    """What a model said of the customers of one landmark, and what came."""

    customer: NDArray[np.str_]
    p: Floats
    watch: Watch
    left: NDArray[np.bool_] | None
    """Null where not everybody was watched for the whole horizon."""


def watch(rows: pl.DataFrame, n_days: int) -> Watch:
    """Return the watch of rows of one landmark of which so many days are known."""
    left_on = rows["end_in_days"].cast(pl.Int64).fill_null(n_days).to_numpy()
    return Watch(np.minimum(left_on + 1, n_days), (left_on < n_days).astype(np.int64))


def ages(
    panel: pl.DataFrame,
    models: Mapping[date, Candidate],
    edges: Sequence[int],
    horizons: Sequence[int],
    to: date,
) -> tuple[AgeScore, ...]:
    """Return the figures of models by horizon and age; what is known ends `to`.

    `models` are by the day before which they were fitted; all of an age are taken together. It has
    figures where enough have left within the horizon of landmarks that old, and enough stayed.
    """
    found: dict[tuple[int, int], list[_Seen]] = {}
    landmarks = panel["landmark_on"].unique().sort().to_list()
    for origin_on, model in models.items():
        for on in landmarks:
            age = (on - origin_on).days
            if age in AGES and (to - on).days >= STEP_DAYS:
                rows = panel.filter(pl.col("landmark_on") == on).sort("customer_id")
                hazards = model.hazards(rows)
                for days in horizons:
                    p = p_churn(hazards, edges, days)
                    seen = _seen(rows, p, days, (to - on).days)
                    found.setdefault((days, age), []).append(seen)
    scores = (_score(age, found[days, age], days) for days, age in sorted(found))
    return tuple(score for score in scores if score is not None)


def _seen(rows: pl.DataFrame, p: Floats, days: int, n_days: int) -> _Seen:
    of = watch(rows, n_days)
    left = (of.end == 1) & (of.time <= days)
    return _Seen(rows["customer_id"].to_numpy(), p, of, left if n_days >= days else None)


def _score(age: int, seen: Sequence[_Seen], days: int) -> AgeScore | None:
    ripe = [one for one in seen if one.left is not None]
    if not ripe:
        return None
    p = np.concatenate([one.p for one in ripe])
    left = np.concatenate([one.left for one in ripe if one.left is not None])
    if not is_enough(left):
        return None
    customer = np.unique(np.concatenate([one.customer for one in ripe]), return_inverse=True)[1]
    ranked = discrimination.estimated_auc(p, left, cluster=customer)
    slope = float("nan")
    with suppress(ModelError):  # chances all alike, or without a single mistake
        slope = calibration.calibration(p, left).slope
    time, end = (np.concatenate([one.watch[part] for one in seen]) for part in (0, 1))
    told = np.concatenate([one.p for one in seen])
    return AgeScore(
        days=days,
        since_fit_days=age,
        n_landmarks=len(seen),
        n=len(told),
        n_events=int(((end == 1) & (time <= days)).sum()),
        auc=ranked.value,
        auc_se=ranked.std_error,
        log_loss=scoring_rules.log_loss(p, left),
        slope=slope,
        ipcw_brier=float(ipcw_brier(time, end, told, days)[0]),
        uno_c=uno_c(told, time, end, days),
    )
