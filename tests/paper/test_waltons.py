"""The waltons data: days until flies of two strains die, the first example of lifelines."""

import csv
from pathlib import Path

import numpy as np
import pytest
from lifelines.datasets import load_waltons

from csk.stats.survival import counts, kaplan_meier, median


def rows():
    path = Path(__file__).with_name("waltons.csv")
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['group']}-{row['quantity']}")
def test_published_figures_are_reproduced(row):
    flies = load_waltons()
    if row["group"] != "all":
        flies = flies[flies["group"] == row["group"]]
    days, died = flies["T"].to_numpy(), flies["E"].to_numpy()
    table = counts(np.zeros(len(days)), days, died, n_causes=1)
    middle = median(kaplan_meier(table))
    got = {
        "n": table.entered.sum(),
        "events": table.left.sum(),
        "median": middle.value,
        "median low": middle.low,
        "median high": middle.high,
    }
    assert got[row["quantity"]] == float(row["value"])
