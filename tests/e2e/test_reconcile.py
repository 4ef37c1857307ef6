"""`csk reconcile` as a user runs it: two definitions, and figures that somebody else tells."""

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
HEADERS = {
    "mrr": "MRR",
    "paying_customers": "Customers",
    "new_mrr": "New MRR",
    "churned_customers": "Churned customers",
    "customer_churn_rate": "Churn rate",
}


@pytest.fixture
def reconciled(quick, sample_store):
    """Run `csk reconcile` on the sample company, whose store is made once."""

    def run(*options):
        ran = quick("reconcile", SAMPLE, "--store", sample_store, *options)
        assert ran.code == 0, ran.err
        return ran.out

    return run


def told(reconciled, *options):
    """Return the report of a run on the sample company, as JSON."""
    return json.loads(reconciled(*options, "--report", "json"))


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written(reconciled, tmp_path, theirs):
    """Write what csk says under another definition as if a vendor had; return the file."""
    reconciled("--between", f"csk,{theirs}", *("-o", "steps.csv", "-q"))
    months = defaultdict(dict)
    for row in rows(tmp_path / "steps.csv"):
        if row["cause"] == "theirs" and row["metric_id"] in HEADERS:
            value = row["numerator"] if not row["denominator"] else f"{float(row['value']):.6f}"
            months[row["period_on"][:7]][HEADERS[row["metric_id"]]] = value
    path = tmp_path / "vendor.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, ["month", *HEADERS.values()])
        out.writeheader()
        out.writerows({"month": month, **of} for month, of in months.items())
    return path


def test_causes_between_two_presets_add_up_exactly(reconciled, tmp_path):
    reconciled("--between", "chartmogul,stripe", "-o", "steps.csv", "-q")
    lines = defaultdict(list)
    for row in rows(tmp_path / "steps.csv"):
        lines[row["metric_id"], row["period_on"]].append(row)
    assert len(lines) > 20 * 20
    differing = set()
    for (metric_id, _), (first, *steps, last) in lines.items():
        assert (first["cause"], last["cause"]) == ("ours", "theirs")
        for part in ("numerator", "denominator"):
            values = [Decimal(row[part] or 0) for row in (first, *steps, last)]
            assert sum(values[:-1]) == values[-1], (metric_id, part)
        differing |= {metric_id} if steps else set()
    assert {"customer_churn_rate", "nrr"} <= differing
    assert "mrr" not in differing


def test_the_sample_differs_in_the_formulas_of_the_two(reconciled):
    found = told(reconciled, "--between", "chartmogul,stripe")
    (churn,) = [
        one
        for one in found["figures"]
        if (one["metric_id"], one["period_on"]) == ("customer_churn_rate", "2025-12-01")
    ]
    (step,) = churn["causes"]
    assert (step["cause"], step["numerator"], step["denominator"]) == ("formula", 0, 17)
    assert step["n_customers"] == 17
    assert churn["ours"]["numerator"] == churn["theirs"]["numerator"] == 13


@pytest.mark.parametrize(
    ("theirs", "cause", "detail"),
    [
        ("csk+grace_days=90", "gap", "1 > 90"),
        ("stripe", "formula", "Stripe Billing"),
    ],
)
def test_the_option_that_was_changed_is_named(reconciled, tmp_path, theirs, cause, detail):
    path = written(reconciled, tmp_path, theirs)
    found = told(reconciled, "--against", path)
    assert found["found"]["causes"] == [{"cause": cause, "detail": detail}]
    assert found["found"]["n_explained"] == found["found"]["n_differing"] > 0
    causes = {step["cause"] for one in found["figures"] for step in one["causes"]}
    assert causes <= {cause, "rounding"}


def test_noise_is_unexplained_and_nothing_is_claimed(reconciled, tmp_path):
    path = written(reconciled, tmp_path, "csk")
    lines = rows(path)
    for place, line in enumerate(lines):
        line["MRR"] = str(Decimal(line["MRR"]) + 1_000 + (place * 7919) % 5_000)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, lines[0])
        out.writeheader()
        out.writerows(lines)
    found = told(reconciled, "--against", path)
    assert found["found"]["causes"] == []
    for one in found["figures"]:
        steps = {step["cause"] for step in one["causes"]}
        assert steps <= ({"unexplained"} if one["metric_id"] == "mrr" else {"rounding"})
    assert found["found"]["n_differing"] == len(lines)


ZONED = """customer_id,plan,started_at,ended_at,mrr,currency
p,a,2024-01-10T01:00:00Z,2024-03-31T20:00:00Z,100.00,USD
q,a,2024-01-31T18:00:00Z,,50.00,USD
r,b,2024-02-10T01:00:00Z,2024-04-30T23:00:00Z,30.00,USD
s,b,2024-02-12T01:00:00Z,,20.00,USD
t,b,2024-07-01T00:00:00Z,,20.00,USD
"""
THEIRS = """month,MRR,Customers
2024-01,100,1
2024-02,200,4
2024-03,200,4
2024-04,100,3
2024-05,70,2
2024-06,70,2
"""


def test_days_of_another_time_zone_are_a_cause(quick, tmp_path):
    (tmp_path / "contracts.csv").write_text(ZONED, "utf-8")
    (tmp_path / "theirs.csv").write_text(THEIRS, "utf-8")
    options = ("--their-tz", "Asia/Tokyo", "--between", "csk,csk", "--report", "json")
    ran = quick("reconcile", "subscriptions=contracts.csv", *options)
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    mrr = {
        one["period_on"][:7]: [(step["cause"], step["value"]) for step in one["causes"]]
        for one in found["figures"]
        if one["metric_id"] == "mrr"
    }
    assert mrr["2024-01"] == [("time_zone", "-50.0000")]
    assert mrr["2024-03"] == [("time_zone", "100.0000")]
    assert mrr["2024-05"] == []
    assert found["order"] == ["time_zone"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Say what to reconcile"),
        (("--between", "stripe"), "does not name two definitions"),
        (("--between", "stripe,strip"), "Did you mean 'stripe'?"),
        (("--between", "csk,csk+grace=3"), "is no choice of a definition"),
        (("--between", "csk,stripe", "--metric", "joy"), "no figure that can be reconciled"),
        (("--between", "csk,stripe", "--preset", "stripe"), "not by --preset"),
        (("--between", "csk,stripe", "--against", "x.csv"), "Say what to reconcile"),
        (("--against", "none.csv"), "There is no file"),
    ],
)
def test_what_cannot_be_reconciled_is_refused(quick, options, words):
    ran = quick("reconcile", SAMPLE, *options)
    assert ran.code == 2
    assert words in " ".join(ran.err.split())
    assert "Traceback" not in ran.err


def test_a_shop_has_nothing_recurring(quick, export):
    ran = quick("reconcile", export, "--between", "csk,stripe")
    assert ran.code == 2
    assert "no subscriptions" in ran.err
