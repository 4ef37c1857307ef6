"""A simulated company: what can be asked for, and the writing of it.

One rule: the same company is the same bytes, whatever the machine has written before.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np

from csk.errors import UsageError
from csk.simulation.law import SubscriptionLaw, without_signal
from csk.simulation.log import Floats, log
from csk.simulation.shop import ShopLaw
from csk.simulation.shoppers import Shoppers
from csk.simulation.subscribers import LTV_MONTHS, RISK_DAYS, Subscribers, subscribers
from csk.simulation.truth import survival_of_plan
from csk.simulation.writing import MARK, Folder, check_folder

BLOCK: Final = 10_000
"""Customers drawn at once. It is part of what a seed means: another size, other customers."""

MOST_MONTHS: Final = 600
START_ON: Final = date(2024, 1, 1)


@dataclass(frozen=True)
class Company:
    """What to simulate; UsageError with all that is wrong where it cannot be."""

    kind: Literal["subscription", "shop"]
    customers: int
    months: int
    seed: int
    late_entry: bool = True
    start_on: date = START_ON
    has_signal: bool = True
    """Whether anything that can be seen of a subscriber tells whether he leaves."""

    def __post_init__(self) -> None:
        wrong = [
            sentence
            for broken, sentence in (
                (self.kind not in ("subscription", "shop"), f"kind {self.kind!r} is unknown"),
                (self.customers < 1, f"customers is {self.customers}, at least 1 is needed"),
                (
                    not 1 <= self.months <= MOST_MONTHS,
                    f"months is {self.months}, 1 to {MOST_MONTHS} can be had",
                ),
                (self.seed < 0, f"seed is {self.seed}, it cannot be negative"),
                (
                    self.kind == "shop" and not self.has_signal,
                    "a shop without signal is not simulated, only subscriptions are",
                ),
                (self.start_on.day != 1, f"the log starts on {self.start_on}, not on a 1st"),
            )
            if broken
        ]
        if wrong:
            raise UsageError("There is no such company to simulate.", details=wrong)


class Sample(NamedTuple):
    """What was written: rows by table, and the time of the log."""

    folder: Path
    rows: dict[str, int]
    data_from: date
    data_through: date
    as_of: date


def law_of(company: Company) -> SubscriptionLaw:
    """Return the law by which the subscribers of `company` stay and leave."""
    return SubscriptionLaw() if company.has_signal else without_signal(SubscriptionLaw())


def source(company: Company) -> Subscribers | Shoppers:
    """Return what gives the blocks of `company`."""
    time = log(company.start_on, company.months)
    late = company.late_entry
    if company.kind == "subscription":
        return subscribers(law_of(company), time, company.seed, late_entry=late)
    return Shoppers(ShopLaw(), time, company.seed, late)


def log_days(company: Company) -> tuple[date, date, date]:
    """Return data_from, data_through and as_of."""
    first = np.datetime64(company.start_on, "M")
    as_of: date = (first + company.months).astype("datetime64[D]").item()
    return company.start_on, as_of - timedelta(days=1), as_of


def metadata(company: Company, law: SubscriptionLaw | ShopLaw) -> dict[bytes, bytes]:
    """Return what truth.parquet says of itself: company, as_of, horizons, parameters."""
    data_from, data_through, as_of = log_days(company)
    asked = {**asdict(company), "start_on": company.start_on.isoformat()}
    if company.has_signal:
        # As before there were others: the same company is the same bytes.
        del asked["has_signal"]
    told = {
        "company": json.dumps(asked),
        "kind": "residual",
        "data_from": data_from.isoformat(),
        "data_through": data_through.isoformat(),
        "as_of": as_of.isoformat(),
        "ltv_horizons_months": json.dumps(LTV_MONTHS),
        "risk_horizons_days": json.dumps(RISK_DAYS),
        "parameters": json.dumps(asdict(law)),
    }
    words = {f"csk.{name}".encode(): text.encode() for name, text in told.items()}
    return {MARK: b"1", **words}


def write_company(company: Company, folder: Path) -> Sample:
    """Write the tables of `company` and its truth to `folder`, in bounded memory.

    Raises UsageError where the folder holds anything but an earlier sample, which is replaced, and
    StorageError where writing fails; in both cases nothing in the folder has changed.
    """
    check_folder(folder)
    blocks = source(company)
    with Folder(folder, metadata(company, blocks.law)) as files:
        files.append("costs", blocks.costs())
        for number, first in enumerate(range(0, company.customers, BLOCK)):
            n = min(BLOCK, company.customers - first)
            for table, rows in blocks.block(number, first, n).items():
                files.append(table, rows)
    return Sample(folder, dict(files.rows), *log_days(company))


def true_survival(company: Company, plan: str, n_months: int = 60) -> Floats:
    """Return S(0), ..., S(n_months) by contract month for a new customer who keeps `plan`.

    Exact but for the second-order effects named at `truth.survival_of_plan`. Raises UsageError for
    a shop, whose customers have no contract.
    """
    if company.kind != "subscription":
        raise UsageError("A shop has no contracts, so no survival by plan.")
    return survival_of_plan(law_of(company), plan, n_months)
