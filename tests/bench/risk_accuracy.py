"""How near `csk churn-risk` comes to what can be known of simulated subscribers.

One rule: the command is run as a user runs it, on files; the oracle and the truth are held
against its table afterwards.

    python tests/bench/risk_accuracy.py --seeds 10 --customers 20000
    python tests/bench/risk_accuracy.py --no-signal --seeds 100 --customers 2000
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from risk_causes import first_causes
from risk_oracle import DAYS, oracle

from csk.simulation.company import Company, write_company
from csk.stats.calibration import calibration, calibration_error
from csk.stats.discrimination import auc, bootstrap_auc_difference
from csk.stats.scoring_rules import brier_skill

MONTHS = 24
TOP = 0.10
CAUSES = {
    **dict.fromkeys(("usage", "breadth", "surveys"), "usage"),
    **dict.fromkeys(("plan", "renewal"), "plan"),
}
"""Cause in the law of what a group of features is about; others are called as they are."""
GAP, LOW, HIGH, ERROR, FIRST = 0.015, 0.9, 1.1, 0.15, 0.75
"""What is promised: of the AUC's gap, the slope, ECE over base rate, and of first reasons."""


class Run(NamedTuple):
    """What the command made of a company."""

    table: pl.DataFrame
    told: dict[str, Any]
    seconds: float


def churn_risk(folder: Path, *flags: str) -> Run:
    """Run the command on the files of a folder."""
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "risk.parquet"
        call = [sys.executable, "-m", "csk", "churn-risk", str(folder), "-o", str(output)]
        began = time.perf_counter()
        ran = subprocess.run(
            [*call, "--report", "json", *flags],
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        seconds = time.perf_counter() - began
        if ran.returncode:
            message = f"csk churn-risk left with {ran.returncode}: {ran.stderr[-2000:]}"
            raise SystemExit(message)
        told = json.loads(ran.stdout) if ran.stdout.strip() else {}
        return Run(pl.read_parquet(output), told, seconds)


def measured(company: Company) -> tuple[pl.DataFrame, Run]:
    """Return the command's chances beside those of the oracle, by customer served at as_of."""
    with tempfile.TemporaryDirectory() as place:
        write_company(company, Path(place))
        run = churn_risk(Path(place))
    known = oracle(company)
    found = run.table.select(
        "customer_id", "reason_1", **{f"csk_{d}d": f"p_churn_{d}d" for d in DAYS}
    )
    rows = known.join(found, on="customer_id", how="left")
    assert not rows["csk_90d"].null_count(), "a customer who is served was not scored"
    return rows.with_columns(cause=first_causes(rows), likely=first_causes(rows, "of_")), run


def shares(rows: pl.DataFrame) -> tuple[float, float, float, dict[str, int]]:
    """Return in how many of the top decile the first reason is the true, and the likely, cause.

    The third is how often the likely cause is the true one: what no reason could surpass by far.
    """
    top = rows.sort("csk_90d", "customer_id", descending=[True, False])
    top = top.head(round(TOP * top.height))
    named = top["reason_1"].replace(CAUSES)
    crossed = top.select("cause", named=named).group_by("cause", "named").len()
    order = ["len", "cause", "named"]
    pairs_ = crossed.sort(order, descending=[True, False, False]).iter_rows()
    causes = {f"{cause} called {name}": n for cause, name, n in pairs_}
    pairs = ((named, top["cause"]), (named, top["likely"]), (top["likely"], top["cause"]))
    true, likely, most = (
        float(np.mean(one.to_numpy() == other.to_numpy())) for one, other in pairs
    )
    return true, likely, most, causes


def figures(rows: pl.DataFrame, days: int) -> dict[str, Any]:
    """Return the figures of one horizon."""
    left = rows[f"left_{days}d"].to_numpy()
    mine, best = rows[f"csk_{days}d"].to_numpy(), rows[f"p_churn_{days}d"].to_numpy()
    gap = bootstrap_auc_difference(mine, best, left)
    line = calibration(mine, left)
    return {
        "n": rows.height,
        "left": left.mean(),
        "auc": auc(mine, left),
        "oracle": auc(best, left),
        "gap": gap.value,
        "low": gap.low,
        "high": gap.high,
        "skill": brier_skill(mine, left),
        "best skill": brier_skill(best, left),
        "slope": line.slope,
        "slope_se": line.slope_error,
        "ece": calibration_error(mine, left) / left.mean(),
        "best ece": calibration_error(best, left) / left.mean(),
    }


HEAD = (
    "| seed | days | n | left | AUC | oracle | gap (95 %) | Brier skill (oracle) | slope "
    "| ECE / base (oracle) | s |"
)


def line(name: str, days: int, of: dict[str, Any], seconds: float) -> str:
    return (
        f"| {name} | {days} | {of['n']:,} | {of['left']:.4f} | {of['auc']:.4f} "
        f"| {of['oracle']:.4f} | {of['gap']:+.4f} [{of['low']:+.4f}, {of['high']:+.4f}] "
        f"| {of['skill']:.4f} ({of['best skill']:.4f}) | {of['slope']:.3f} ± {of['slope_se']:.3f} "
        f"| {of['ece']:.3f} ({of['best ece']:.3f}) | {seconds:.0f} |"
    )


def with_signal(wanted: argparse.Namespace) -> None:
    print(HEAD, "|---:" * 11 + "|", sep="\n")
    parts = []
    for seed in range(wanted.first_seed, wanted.first_seed + wanted.seeds):
        rows, run = measured(Company("subscription", wanted.customers, MONTHS, seed))
        parts.append(rows.with_columns(seed=pl.lit(seed)))
        for days in DAYS:
            print(line(str(seed), days, figures(rows, days), run.seconds), flush=True)
        true, likely, most, causes = shares(rows)
        validation = run.told.get("validation") or {}
        print(
            f"  first reason: {true:.1%} the true cause, {likely:.1%} the likely one"
            f" (which is the true one in {most:.1%}); causes {causes};"
            f" chosen {validation.get('chosen')}, {validation.get('verdict')}",
            flush=True,
        )
    everybody = pl.concat(parts)
    for days in DAYS:
        of = figures(everybody, days)
        print(line("all", days, of, 0.0))
        held = {
            "gap": bool(of["gap"] > -GAP),
            "skill": bool(of["skill"] > 0),
            "slope": bool(LOW <= of["slope"] <= HIGH),
            "ece": bool(of["ece"] < ERROR),
        }
        print(f"  within what is promised at {days} days: {held}")
    true, likely, most, causes = shares(everybody)
    print(f"first reasons, all: {true:.1%} true, {likely:.1%} likely, {most:.1%}; {causes}")
    n_causes = len({pair.split(" called ")[0] for pair in causes})
    print(f"  within what is promised of them: {true >= FIRST}, over {n_causes} causes")


def without_signal(wanted: argparse.Namespace) -> None:
    """Print the mean AUC over companies in which nothing tells who leaves."""
    found, verdicts = [], []
    for seed in range(wanted.first_seed, wanted.first_seed + wanted.seeds):
        company = Company("subscription", wanted.customers, MONTHS, seed, has_signal=False)
        with tempfile.TemporaryDirectory() as place:
            write_company(company, Path(place))
            run = churn_risk(Path(place))
            truth = pl.read_parquet(Path(place) / "truth.parquet")
        rows = run.table.join(
            truth.select("customer_id", left="is_churned_90d"), on="customer_id", how="left"
        )
        found.append(auc(rows["p_churn_90d"].to_numpy(), rows["left"].to_numpy()))
        verdicts.append((run.told.get("validation") or {}).get("verdict"))
        print(f"seed {seed}: AUC {found[-1]:.4f}, {verdicts[-1]}, {run.seconds:.0f} s", flush=True)
    values = np.array(found)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    said = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}
    print(f"mean AUC {values.mean():.4f} ± {error:.4f} over {len(values)} companies; said: {said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for flag, usual in (("--seeds", 10), ("--first-seed", 1), ("--customers", 20_000)):
        parser.add_argument(flag, type=int, default=usual)
    parser.add_argument("--no-signal", action="store_true")
    wanted = parser.parse_args()
    (without_signal if wanted.no_signal else with_signal)(wanted)


if __name__ == "__main__":
    main()
