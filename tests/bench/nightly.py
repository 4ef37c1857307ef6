"""Sixty nights of `csk churn-risk` from cron, on a company whose files grow by a day each night.

One rule: every night is one call of the command on what an export of that morning would hold.
What should go wrong is planned in `PLAN`; whatever else happens is told and is a failure.

    python tests/bench/nightly.py --customers 3000 --nights 60
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import polars as pl

from csk.simulation.company import Company, write_company

MONTHS = 24
REFIT_DAYS = 30
DRIFT_FACTOR = 3
OK, BROKEN_DATA, ALERT = 0, 3, 5


class Night(NamedTuple):
    """What is done to the files of a night, and how the command should leave."""

    what: str
    codes: tuple[int, ...]
    alert: str = ""
    """The condition that should be told, where one should."""


PLAN = {
    20: Night("usage of the last day missing", (ALERT,), "freshness"),
    35: Night("tickets no longer exported", (BROKEN_DATA,)),
    36: Night("the same, fitted anew", (OK, ALERT)),
    50: Night(f"usage of four weeks counted {DRIFT_FACTOR}-fold", (ALERT,), "drift"),
}
"""By number of the night, from 0; what is changed in the files for good stays so."""
AGAIN = 10
"""The night that is run a second time, for the same bytes."""


@dataclass
class Seen:
    """What the nights came to."""

    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def expect(self, night: int, holds: bool, what: str) -> None:
        """Tell of what should hold and does not."""
        if not holds:
            self.wrong.append(f"night {night}: {what}")
            print(f"  WRONG: {what}")


def until(tables: dict[str, pl.DataFrame], day: date) -> dict[str, pl.DataFrame]:
    """Return the tables as an export of the morning of `day` holds them."""
    at = pl.lit(day).cast(pl.Datetime("us", "UTC"))
    runs = pl.col("ended_on") >= day
    contracts = tables["subscriptions"].filter(pl.col("started_on") < day)
    tickets = tables["tickets"].filter(pl.col("opened_at") < at)
    return {
        # Today's plan of a customer would tell what comes.
        "customers": tables["customers"].filter(pl.col("created_on") < day).drop("plan"),
        "subscriptions": contracts.with_columns(
            ended_on=pl.when(~runs).then("ended_on"),
            status=pl.when(runs | pl.col("ended_on").is_null())
            .then(pl.lit("active"))
            .otherwise("status"),
            cancel_reason=pl.when(~runs).then("cancel_reason"),
        ),
        "payments": tables["payments"].filter(pl.col("paid_on") < day),
        "usage": tables["usage"].filter(pl.col("used_at") < at),
        "tickets": tickets.with_columns(
            closed_at=pl.when(pl.col("closed_at") < at).then("closed_at")
        ),
        "surveys": tables["surveys"].filter(pl.col("answered_on") < day),
        "costs": tables["costs"],
    }


def changed(tables: dict[str, pl.DataFrame], night: int, day: date) -> dict[str, pl.DataFrame]:
    """Return the tables with what is planned up to this night done to them."""
    named = {number: plan.what for number, plan in PLAN.items()}
    missing = next((n for n, what in named.items() if what.startswith("usage of the last")), -1)
    schema = next((n for n, what in named.items() if what.startswith("tickets")), 10**6)
    drifted = next((n for n, what in named.items() if "-fold" in what), 10**6)
    found = dict(tables)
    on = pl.col("used_at").dt.date()
    if night == missing:
        found["usage"] = found["usage"].filter(on < day - timedelta(days=1))
    if night >= schema:
        del found["tickets"]
    if night >= drifted:
        since = day - timedelta(days=28 + night - drifted)
        more = pl.when(on >= since).then(DRIFT_FACTOR).otherwise(1)
        found["usage"] = found["usage"].with_columns(quantity=pl.col("quantity") * more)
    return found


def written(tables: dict[str, pl.DataFrame], folder: Path) -> None:
    """Replace the exports of a folder."""
    for old in folder.glob("*.csv"):
        old.unlink()
    for name, rows in tables.items():
        rows.write_csv(folder / f"{name}.csv")


def called(folder: Path, place: Path, day: date, *flags: str) -> tuple[int, str, float]:
    """Run the nightly command; return its code, what it said and its seconds."""
    call = [sys.executable, "-m", "csk", "churn-risk", str(folder), "--quiet"]
    call += ["--model", str(place / "model"), "-o", str(place / "risk.parquet")]
    call += ["--as-of", day.isoformat(), "--fail-on", "drift,calibration,volume,freshness"]
    began = time.perf_counter()
    ran = subprocess.run([*call, *flags], capture_output=True, check=False, encoding="utf-8")
    said = "\n".join(part for part in (ran.stdout.strip(), ran.stderr.strip()) if part)
    return ran.returncode, said, time.perf_counter() - began


def digest(path: Path) -> str:
    """Return the hash of all files below a place."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    whole = sha256()
    for file in files:
        whole.update(str(file.relative_to(path.parent)).encode() + file.read_bytes())
    return whole.hexdigest()


def one_night(number: int, day: date, folder: Path, place: Path, seen: Seen) -> None:
    """Run one night and hold what it left against the plan."""
    plan = PLAN.get(number, Night("", (OK,)))
    output, before = place / "risk.parquet", ""
    if output.exists():
        before = digest(output)
    again = PLAN.get(number - 1)
    refits = again is not None and again.codes == (BROKEN_DATA,)
    flags = ("--refit",) if refits else ("--refit-after", f"{REFIT_DAYS}d")
    code, said, seconds = called(folder, place, day, *flags)
    seen.seconds.append(seconds)
    print(f"{number:3d} {day} exit {code} {seconds:5.1f} s  {plan.what}", flush=True)
    if said:
        print("  " + said.replace("\n", "\n  "), flush=True)
    told = code not in (OK, ALERT) or (code == ALERT and not plan.alert)
    seen.expect(number, code in plan.codes, f"it left with {code}, not with {plan.codes}: {said}")
    seen.expect(number, "Traceback" not in said and "bug" not in said, "it broke down")
    if code in (OK, ALERT):
        rows = pl.read_parquet(output)
        seen.expect(
            number, rows["as_of"].unique().to_list() == [day], "the output is of another day"
        )
        seen.expect(number, bool(rows["p_churn_30d"].is_between(0, 1).all()), "a chance is none")
    elif before:
        seen.expect(number, digest(output) == before, "yesterday's output was touched")
        seen.expect(number, bool(said), "it failed in silence")
    if plan.alert and told is False:
        seen.expect(number, plan.alert in said, f"{plan.alert} was not told")
    if code == OK:
        seen.expect(number, not said, "it was not silent")
    if number == AGAIN:
        kept = digest(place)
        code, _, _ = called(folder, place, day, "--refit-after", f"{REFIT_DAYS}d")
        seen.expect(number, (code, digest(place)) == (OK, kept), "the same run gave other bytes")


def ledger(place: Path, days: list[date], seen: Seen) -> None:
    """Hold the ledger and the live figures against the nights that there were."""
    runs, live = (
        next(iter((place / "model").rglob(f"*{n}*.parquet")), None) for n in ("run", "live")
    )
    seen.expect(len(days), runs is not None and live is not None, "there is no ledger")
    if runs is None or live is None:
        return
    table, known = pl.read_parquet(runs), pl.read_parquet(live)
    failed = {days[n] for n, plan in PLAN.items() if plan.codes == (BROKEN_DATA,) and n < len(days)}
    wanted = [day for day in days if day not in failed]
    seen.expect(len(days), table["as_of"].to_list() == wanted, "the ledger has other nights")
    seen.expect(
        len(days), table["model_id"].n_unique() >= 1 + len(days) // REFIT_DAYS - 1, "no refit"
    )
    judged = known.filter(pl.col("scored_on").is_not_null(), pl.col("horizon_days") == 30)
    seen.expect(len(days), judged.height >= max(len(days) - 32, 0), "no live figures of 30 days")
    print(table.select("as_of", "model_id", "n_customers", "n_usage", "alerts"))
    print(
        judged.select("as_of", "scored_on", "n", "n_foretold", "n_left", "auc", "brier_skill", "z")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for flag, usual in (("--customers", 3_000), ("--nights", 60), ("--seed", 1)):
        parser.add_argument(flag, type=int, default=usual)
    wanted = parser.parse_args()
    seen = Seen()
    with tempfile.TemporaryDirectory() as name:
        whole, folder, place = (Path(name) / part for part in ("whole", "exports", "out"))
        for made in (folder, place):
            made.mkdir()
        sample = write_company(
            Company("subscription", wanted.customers, MONTHS, wanted.seed), whole
        )
        tables = {
            path.stem: pl.read_csv(path, try_parse_dates=True) for path in whole.glob("*.csv")
        }
        first = sample.as_of - timedelta(days=wanted.nights)
        days = [first + timedelta(days=number) for number in range(wanted.nights)]
        for number, day in enumerate(days):
            written(changed(until(tables, day), number, day), folder)
            one_night(number, day, folder, place, seen)
        ledger(place, days, seen)
    print(f"{len(seen.seconds)} nights, {sum(seen.seconds) / len(seen.seconds):.1f} s a night")
    print(f"{len(seen.wrong)} things were not as they should be", *seen.wrong, sep="\n  ")
    raise SystemExit(bool(seen.wrong))


if __name__ == "__main__":
    main()
