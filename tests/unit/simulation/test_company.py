from datetime import date

import polars as pl
import pyarrow.parquet as pq
import pytest

from csk.errors import UsageError
from csk.schema import INPUTS
from csk.simulation.company import BLOCK, Company, source, true_survival, write_company

EXTRA = {"customers": {"company_name", "owner", "region"}}
KINDS = ["subscription", "shop"]


def company(kind="subscription", **options):
    return Company(**{"kind": kind, "customers": 600, "months": 24, "seed": 7, **options})


@pytest.fixture(scope="module", params=KINDS)
def sample(request, tmp_path_factory):
    return write_company(company(request.param), tmp_path_factory.mktemp("sample"))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def table(sample, name):
    return pl.read_csv(sample.folder / f"{name}.csv", try_parse_dates=True)


def test_a_seed_gives_the_same_bytes(sample, tmp_path):
    kind = "subscription" if "subscriptions" in sample.rows else "shop"
    again = write_company(company(kind), tmp_path)
    assert content(again.folder) == content(sample.folder)
    assert again.rows == sample.rows


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_gives_other_customers(kind, tmp_path):
    samples = [
        write_company(company(kind, customers=50, seed=seed), tmp_path / str(seed))
        for seed in (1, 2)
    ]
    first, second = (content(sample.folder) for sample in samples)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] == second[name]] == ["costs.csv"]


def test_a_larger_company_begins_with_the_smaller(tmp_path):
    sizes = {n: company("shop", customers=n, months=2) for n in (BLOCK, BLOCK + 40)}
    folders = {n: write_company(asked, tmp_path / str(n)).folder for n, asked in sizes.items()}
    for name, smaller in content(folders[BLOCK]).items():
        larger = (folders[BLOCK + 40] / name).read_bytes()
        if name != "truth.parquet":
            assert larger.startswith(smaller)
    truths = [pl.read_parquet(folder / "truth.parquet") for folder in folders.values()]
    assert truths[0].equals(truths[1].head(BLOCK))


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_does_not_know_of_other_blocks(kind):
    asked = company(kind, months=2)
    alone = source(asked).block(3, 3 * BLOCK, 20)
    blocks = source(asked)
    blocks.block(2, 2 * BLOCK, 20)
    after = blocks.block(3, 3 * BLOCK, 20)
    assert all(alone[name].equals(after[name]) for name in alone)
    assert alone["customers"]["customer_id"][0] == "C0030001"


def test_columns_are_those_of_the_glossary(sample):
    for name in sample.rows.keys() - {"truth"}:
        columns = set(table(sample, name).columns)
        glossary = INPUTS[name]
        assert columns - EXTRA.get(name, set()) <= set(glossary.names)
        required = {column.name for column in glossary.columns if column.required}
        assert required <= columns
        assert all(columns & set(group) for group in glossary.one_of)


def test_row_counts_are_told(sample):
    for name, n_rows in sample.rows.items():
        if name != "truth":
            assert table(sample, name).height == n_rows
    assert pq.read_metadata(sample.folder / "truth.parquet").num_rows == 600
    assert sample.rows["customers"] == 600
    assert ("subscriptions" in sample.rows) is (sample.folder / "subscriptions.csv").exists()


def test_six_hundred_customers_stay_under_two_megabytes(sample):
    assert sum(len(file) for file in content(sample.folder).values()) < 2_000_000


def test_ids_are_unique(sample):
    for name, key in (("customers", "customer_id"), ("payments", "payment_id")):
        assert table(sample, name)[key].is_unique().all()


def test_everything_happens_inside_the_log(sample):
    assert (sample.data_from, sample.data_through) == (date(2024, 1, 1), date(2025, 12, 31))
    assert sample.as_of == date(2026, 1, 1)
    for name, column in (
        ("payments", "paid_on"),
        ("usage", "used_at"),
        ("tickets", "opened_at"),
        ("surveys", "answered_on"),
        ("touches", "touched_on"),
    ):
        when = table(sample, name)[column].cast(pl.Date)
        assert when.min() >= sample.data_from
        assert when.max() <= sample.data_through


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_starts_payments_and_usage_run_to_the_last_day(kind, seed, tmp_path):
    sample = write_company(company(kind, customers=500, seed=seed), tmp_path)
    lasts = {
        "customers": table(sample, "customers")["created_on"].max(),
        "payments": table(sample, "payments")["paid_on"].max(),
        "usage": table(sample, "usage")["used_at"].cast(pl.Date).max(),
    }
    assert set(lasts.values()) == {sample.data_through}


def test_events_belong_to_customers(sample):
    ids = table(sample, "customers")["customer_id"].implode()
    for name in sample.rows.keys() - {"truth", "costs"}:
        assert table(sample, name)["customer_id"].drop_nulls().is_in(ids).all()


def test_company_names_are_partly_japanese(sample):
    names = table(sample, "customers")["company_name"]
    assert 0.3 < names.str.contains("株式会社").mean() < 0.9


def test_truth_says_what_it_is_about(sample):
    told = pq.read_schema(sample.folder / "truth.parquet").metadata
    assert told[b"csk.as_of"] == b"2026-01-01"
    assert told[b"csk.kind"] == b"residual"
    assert told[b"csk.ltv_horizons_months"] == b"[12, 36]"
    assert b"margin_shares" in told[b"csk.parameters"]
    truth = pl.read_parquet(sample.folder / "truth.parquet")
    assert truth["customer_id"].equals(table(sample, "customers")["customer_id"])
    assert truth["as_of"].unique().to_list() == [sample.as_of]
    assert truth.schema["ltv_residual_12m_amount"] == pl.Decimal(18, 4)


@pytest.mark.parametrize(
    ("options", "n_wrong"),
    [
        ({"customers": 0}, 1),
        ({"months": 0}, 1),
        ({"months": 601}, 1),
        ({"seed": -1}, 1),
        ({"start_on": date(2024, 1, 2)}, 1),
        ({"kind": "hotel"}, 1),
        ({"customers": -3, "months": 0, "seed": -1}, 3),
    ],
)
def test_an_impossible_company_is_refused_with_all_reasons(options, n_wrong):
    with pytest.raises(UsageError) as refused:
        company(**options)
    assert len(refused.value.details) == n_wrong


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("months", [1, 2])
@pytest.mark.parametrize("customers", [1, 2])
@pytest.mark.parametrize("late_entry", [True, False])
def test_the_smallest_companies_can_be_had(kind, months, customers, late_entry):
    asked = company(kind, customers=customers, months=months, late_entry=late_entry)
    tables = source(asked).block(0, 0, customers)
    assert tables["customers"].height == tables["truth"].height == customers


def test_survival_is_refused_for_a_shop_and_for_an_unknown_plan():
    with pytest.raises(UsageError, match="no contracts"):
        true_survival(company("shop"), "Starter")
    with pytest.raises(UsageError, match="no plan 'Gold'"):
        true_survival(company(), "Gold")


def test_without_signal_everybody_has_the_same_chance():
    truth = source(company(customers=2_000, has_signal=False)).block(0, 0, 2_000)["truth"]
    alive = truth.filter("is_alive")
    low, high = alive["p_churn_90d"].min(), alive["p_churn_90d"].max()
    assert 0 < low == pytest.approx(high, rel=1e-9)
    assert alive["is_churned_90d"].mean() == pytest.approx(low, abs=4 * (low / alive.height) ** 0.5)
    assert truth["plan"].n_unique() == 3
    assert true_survival(company(has_signal=False), "Starter", 2)[1] < 1


def test_without_signal_is_told_in_the_truth_and_only_there(tmp_path):
    for has_signal in (True, False):
        folder = tmp_path / str(has_signal)
        write_company(company(customers=5, months=2, has_signal=has_signal), folder)
        told = pq.read_schema(folder / "truth.parquet").metadata[b"csk.company"]
        assert (b"has_signal" in told) is not has_signal


def test_a_shop_without_signal_is_refused():
    with pytest.raises(UsageError) as refused:
        company("shop", has_signal=False)
    assert "without signal" in refused.value.details[0]
