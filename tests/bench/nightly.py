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
RISK_DAYS = 30
"""The horizon that matures while the nights last."""
GRACE_DAYS = 1
DRIFT_FACTOR = 3
OK, NO_MODEL, ALERT = 0, 4, 5
MISSING, SCHEMA, DRIFT = 24, 35, 50
"""Nights, from 0: usage of the last day missing; tickets gone for good; usage grown for good."""
AGAIN = 10
"""The night that is run a second time, for the same bytes."""


class Night(NamedTuple):
    """What is done to the files of a night, and how the command should leave."""

    what: str = ""
    code: int = OK
    alerts: str | None = None
    """All conditions that should hold, as the ledger names them."""
    is_forced: bool = False
    """Whether somebody has the model fitted anew."""


def plan(number: int) -> Night:
    """Return what a night is to bring; drift is told until the model is fitted anew."""
    if number >= DRIFT:
        told = f"usage of four weeks counted {DRIFT_FACTOR}-fold" if number == DRIFT else ""
        return Night(told, ALERT, "drift")
    return {
        MISSING: Night("usage of the last day missing", ALERT, "volume"),
        SCHEMA: Night("tickets no longer exported", NO_MODEL),
        SCHEMA + 1: Night("the same, fitted anew", is_forced=True),
    }.get(number, Night())


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
    found = dict(tables)
    on = pl.col("used_at").dt.date()
    if night == MISSING:
        found["usage"] = found["usage"].filter(on < day - timedelta(days=1))
    if night >= SCHEMA:
        del found["tickets"]
    if night >= DRIFT:
        since = day - timedelta(days=28 + night - DRIFT)
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
    """Return the hash of all files below a folder; a lock says who held it, and is none."""
    files = sorted(p for p in path.rglob("*") if p.is_file() and p.name != ".lock")
    whole = sha256()
    for file in files:
        whole.update(str(file.relative_to(path.parent)).encode() + file.read_bytes())
    return whole.hexdigest()


def one_night(number: int, day: date, folder: Path, place: Path, seen: Seen) -> None:
    """Run one night and hold what it left against the plan."""
    wanted, output = plan(number), place / "risk.parquet"
    before = digest(place) if output.exists() else ""
    usual = ("--refit-after", f"{REFIT_DAYS}d")
    code, said, seconds = called(folder, place, day, *(("--refit",) if wanted.is_forced else usual))
    seen.seconds.append(seconds)
    print(f"{number:3d} {day} exit {code} {seconds:5.1f} s  {wanted.what}", flush=True)
    if said:
        print("  " + said.replace("\n", "\n  "), flush=True)
    seen.expect(number, code == wanted.code, f"it left with {code}, not {wanted.code}: {said}")
    seen.expect(number, "Traceback" not in said and "bug" not in said, "it broke down")
    seen.expect(number, bool(said) == (code != OK), "it was silent, or was not, at the wrong time")
    for name in (wanted.alerts or "").split(","):
        seen.expect(number, name in said, f"{name} was not told")
    if code in (OK, ALERT):
        rows = pl.read_parquet(output)
        of = rows["as_of"].unique().to_list()
        seen.expect(number, of == [day], "the output is of another day")
        seen.expect(number, bool(rows["p_churn_30d"].is_between(0, 1).all()), "a chance is none")
    elif before:
        seen.expect(number, digest(place) == before, "what was there before was touched")
    if number == AGAIN:
        kept = digest(place)
        code, _, _ = called(folder, place, day, *usual)
        seen.expect(number, (code, digest(place)) == (OK, kept), "the same run gave other bytes")


def fitted_on(days: list[date]) -> dict[date, date]:
    """Return by night that should stand in the ledger the day of the model that it should use."""
    found: dict[date, date] = {}
    fitted = days[0]
    for number, day in enumerate(days):
        if plan(number).code == NO_MODEL:
            continue
        if plan(number).is_forced or (day - fitted).days >= REFIT_DAYS:
            fitted = day
        found[day] = fitted
    return found


def ledger(place: Path, days: list[date], contracts: pl.DataFrame, seen: Seen) -> None:
    """Hold the ledger and the live figures against the nights that there were."""
    runs, live = (pl.read_parquet(place / "model" / f"{name}.parquet") for name in ("runs", "live"))
    last, fitted = len(days), fitted_on(days)
    seen.expect(last, runs["as_of"].to_list() == list(fitted), "the ledger has other nights")
    models = runs["fitted_as_of"].to_list()
    seen.expect(last, models == list(fitted.values()), "models are of other days")
    seen.expect(
        last,
        runs["model_id"].n_unique() == len(set(fitted.values())),
        "there are not as many models as fits",
    )
    alerts = [plan(number).alerts for number, day in enumerate(days) if day in fitted]
    seen.expect(last, runs["alerts"].to_list() == alerts, "the ledger has other alerts")
    known = live.filter(pl.col("horizon_days") == RISK_DAYS)
    expected: dict[date, date | None] = {}
    for day, through in runs.select("as_of", "data_through").iter_rows():
        known_until = through + timedelta(days=1 - GRACE_DAYS)
        old = [one for one in fitted if one < day and (known_until - one).days >= RISK_DAYS]
        expected[day] = max(old, default=None)
    seen.expect(last, known["scored_on"].to_list() == list(expected.values()), "others were judged")
    for row in known.filter(pl.col("scored_on").is_not_null()).iter_rows(named=True):
        scores = pl.read_parquet(place / "model" / "scores" / f"as_of={row['scored_on']}.parquet")
        came = (row["n"], row["n_left"], round(row["n_foretold"], 6))
        seen.expect(last, came == judged(scores, contracts), f"{row['scored_on']}: {came}")
    with pl.Config(tbl_rows=-1, tbl_cols=-1):
        print(runs.select("as_of", "fitted_as_of", "n_customers", "n_usage", "alerts"))
        print(known.drop("horizon_days", "scored_by", "of_control", "n_unknown"))


def judged(scores: pl.DataFrame, contracts: pl.DataFrame) -> tuple[int, int, float]:
    """Return customers, leavers and the sum of chances of a run, counted without csk."""
    day = scores["as_of"][0]
    ends = pl.col("ended_on").fill_null(date.max)
    until = day + timedelta(days=RISK_DAYS)
    rows = contracts.filter(pl.col("started_on") <= ends)
    there = rows.filter((pl.col("started_on") < day) & (ends >= day))
    # A contract that begins up to the grace after another ended carries it on.
    carried = rows.filter((pl.col("started_on") <= until) & (ends >= until))["customer_id"]
    left = there["customer_id"].unique().is_in(carried.implode()).not_().sum()
    n = there["customer_id"].n_unique()
    found = scores.join(there, on="customer_id", how="semi")["p_churn_30d"].sum()
    return n, int(left), round(float(found), 6)


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
        ledger(place, days, tables["subscriptions"], seen)
    print(f"{len(seen.seconds)} nights, {sum(seen.seconds) / len(seen.seconds):.1f} s a night")
    print(f"{len(seen.wrong)} things were not as they should be", *seen.wrong, sep="\n  ")
    raise SystemExit(bool(seen.wrong))


if __name__ == "__main__":
    main()
