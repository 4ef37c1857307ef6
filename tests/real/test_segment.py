"""`csk segment` on real data, without configuration, against the truths of that data.

The floors are called in Python, as the command line calls them; one run of the command itself
stands for each kind of book (contracts, repeat buying, cross-section).
"""

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest

from csk.analyses.cross_section import cross_section
from csk.analyses.segment import segmentation
from csk.cli.session import opened_book
from csk.errors import DataError, ModelError
from csk.reports import cross_section as cross_report
from csk.settings import Settings
from csk.stats.survival import survival_at
from csk.tables.snapshot import contract_snapshot
from csk.text import words

ONLINE_RETAIL = "online_retail/online_retail.csv.gz"
CDNOW = "cdnow/CDNOW_master.txt"
TELCO = "telco/Telco-Customer-Churn.csv"
CRM5 = "saas_usage/crm5"
PLAYBOOK = "mrr_playbook/subscription_periods.csv"
UNIT = 10_000


@pytest.fixture(scope="module")
def placed(real):
    def placed(name):
        path = real / name
        if not path.exists():
            pytest.skip(f"{path} is absent")
        return str(path)

    return placed


@pytest.fixture(scope="module")
def segmented(placed):
    @cache
    def segmented(name, **chosen):
        settings = Settings(**chosen)
        with opened_book([placed(name)], settings, quiet=True) as session:
            return segmentation(session.book, session.engine, settings)

    return segmented


@pytest.fixture(scope="module")
def sectioned(placed):
    @cache
    def sectioned(name):
        with opened_book([placed(name)], Settings(), quiet=True) as session:
            return cross_section(session.book, session.engine)

    return sectioned


@pytest.fixture(scope="module")
def commanded(placed):
    def commanded(name, *flags):
        call = [sys.executable, "-m", "csk", "segment", placed(name), "--report", "json", *flags]
        ran = subprocess.run(
            call, capture_output=True, check=False, encoding="utf-8", env=os.environ
        )
        assert "Traceback" not in ran.stderr
        return ran.returncode, json.loads(ran.stdout), ran.stderr

    return commanded


def rows_of(book):
    read = [file for file in book.files if file.role]
    names = ("rows_read", "rows_excluded", "rows_rejected", "rows_kept")
    return tuple(sum(getattr(file, name) for file in read) for name in names)


# Online Retail: repeat buying, with cancellations and rows that name no customer.


def test_online_retail_reconciles_to_its_ledger(segmented):
    found = segmented(ONLINE_RETAIL)
    (guests,) = found.book.excluded
    assert rows_of(found.book) == (541_909, 135_080, 0, 406_829)
    assert (guests.table, guests.rule, guests.rows) == ("payments", "no_customer_id", 135_080)
    assert found.book.tables["payments"].amount == 8_300_065.814 * UNIT
    assert found.book.tables["payments"].amount + guests.amount == 9_747_747.934 * UNIT


def test_online_retail_has_its_customers_and_their_money(segmented):
    found = segmented(ONLINE_RETAIL)
    assert found.figures.n_customers == found.customers.height == 4_372
    assert found.figures.realised_amount == 8_300_065.814 * UNIT
    assert found.book.span.as_of == date(2011, 12, 10)
    # 4,338 have a clean purchase; one more took home something for nothing, and 33 only returned.
    assert found.customers.filter(pl.col("n_purchases") > 0).height == 4_339
    assert found.rfm.n_without == 33


def test_the_clean_purchases_of_online_retail_are_those_of_its_ledger(placed):
    with opened_book([placed(ONLINE_RETAIL)], Settings(), quiet=True) as session:
        clean = session.engine.collect(
            session.book,
            lambda tables: tables["payments"].filter(pl.col("amount") > 0),
            ["customer_id"],
        )
    assert clean["n_payments"].sum() == 397_884
    assert clean["amount"].sum() == 89_114_079_040
    assert clean["customer_id"].n_unique() == 4_338


def test_the_best_customers_of_online_retail_have_paid_what_they_paid(segmented):
    best = segmented(ONLINE_RETAIL).customers.sort("realised_amount", descending=True).head(3)
    assert best["customer_id"].to_list() == ["14646", "18102", "17450"]
    # To the ledger's figures: clean purchases less what was returned.
    expected = [279_489.02, 256_438.49, 187_482.17]
    assert (best["realised_amount"] / UNIT).to_list() == pytest.approx(expected)


# CDNOW: repeat buying.


def test_cdnow_has_its_customers_money_and_purchase_days(segmented):
    found = segmented(CDNOW)
    assert rows_of(found.book) == (69_659, 0, 0, 69_659)
    assert found.figures.n_customers == 23_570
    assert found.figures.realised_amount == 2_500_315.63 * UNIT
    assert found.customers["n_purchases"].sum() == 67_591
    assert found.customers.filter(pl.col("n_purchases") >= 2).height == 11_516
    assert found.rfm is not None


def test_a_hotel_is_read_from_a_folder_of_many_tables(segmented):
    found = segmented("hotel")
    assert found.figures.n_customers == 888
    assert found.figures.realised_amount == 415_355_800 * UNIT
    assert (found.customers["n_payments"] >= 2).sum() == 786
    assert found.book.tables["customers"].rows == 1_000


# Contracts.


def test_crm5_invents_no_churn_at_the_edge_of_its_file(segmented):
    found = segmented(CRM5)
    assert found.book.span.as_of == date(2023, 4, 2)
    assert found.book.span.data_through == date(2023, 4, 1)
    assert found.figures.n_customers == 325
    assert (found.figures.n_alive, found.figures.n_churned) == (279, 46)
    assert found.figures.mrr_amount == pytest.approx(316_552 * UNIT, abs=UNIT / 2)
    assert found.fit.n_events == 46


def test_crm5_can_be_counted_as_of_an_earlier_day(placed):
    as_of = date(2022, 2, 2)
    with opened_book([placed(CRM5)], Settings(as_of=as_of), quiet=True) as session:
        rows = session.engine.collect(
            session.book, lambda tables: contract_snapshot(tables, as_of, as_of, 1), ["customer_id"]
        )
        with pytest.raises(ModelError, match="No contract has ended before 2022-02-02"):
            segmentation(session.book, session.engine, Settings(as_of=as_of))
    assert rows["is_alive"].sum() == rows.height == 150
    assert rows["mrr_amount"].sum() == pytest.approx(140_392 * UNIT, abs=UNIT / 2)


def test_the_playbooks_last_month_is_the_edge_of_its_file(segmented):
    found = segmented(PLAYBOOK)
    assert found.book.span.as_of == date(2020, 1, 1)
    assert found.book.span.notes == ("edge_left_out",)
    assert found.figures.n_alive == 28
    assert found.figures.mrr_amount == 1_255 * UNIT


# Cross-sections.


def test_telco_counts_its_customers_and_their_bills(sectioned):
    found = sectioned(TELCO)
    assert (found.n, found.n_churned) == (7_043, 1_869)
    assert found.n_churned / found.n == pytest.approx(0.26537, abs=5e-6)
    assert found.n_blank_total == 11
    assert found.monthly_amount == 456_116.60 * UNIT


@pytest.mark.parametrize(
    ("name", "plan", "survival"),
    [
        (TELCO, None, {12: 0.8432, 24: 0.7887, 48: 0.7088, 72: 0.5928}),
        (TELCO, "Month-to-month", {12: 0.7031}),
        (
            "saas_snapshot/churn.csv",
            None,
            {1: 0.92850, 3: 0.61325, 6: 0.47779, 9: 0.41220, 12: 0.24357},
        ),
    ],
)
def test_survival_by_tenure_is_as_published(sectioned, name, plan, survival):
    found = sectioned(name)
    curves = {None: found.curve, **{one.plan: one.curve for one in found.plans}}
    values = survival_at(curves[plan], list(survival))
    assert values.tolist() == pytest.approx(list(survival.values()), abs=6e-5)


def test_half_of_telcos_monthly_customers_are_gone_after_35_months(sectioned):
    medians = {plan.plan: plan.median_months for plan in sectioned(TELCO).plans}
    assert medians == {"Month-to-month": 35.0, "One year": float("inf"), "Two year": float("inf")}


def test_a_median_that_was_not_reached_is_no_number_on_the_page(sectioned):
    report = cross_report.report(sectioned(TELCO), words())
    cells = [cell for block in report.blocks for row in getattr(block, "rows", ()) for cell in row]
    assert "35" in cells
    assert not {"inf", "nan"} & set(cells)


def test_a_snapshot_counts_who_left(sectioned):
    found = sectioned("saas_snapshot/churn.csv")
    assert (found.n, found.n_churned) == (2_000, 932)


# What cannot be read gets a sentence.


@pytest.mark.parametrize(
    ("name", "sentence", "detail"),
    [
        ("eccube", "None of the files tells who pays", "products.csv"),
        ("mlc_churn/mlc_churn.csv", "None of the files tells who pays", "mlc_churn.csv"),
    ],
)
def test_what_cannot_be_segmented_is_refused_with_a_sentence(placed, name, sentence, detail):
    with pytest.raises(DataError) as refused, opened_book([placed(name)], Settings(), quiet=True):
        pytest.fail("it was read")
    assert sentence in refused.value.sentence
    assert detail in "\n".join(refused.value.details)
    assert refused.value.hint


# The command line, once per kind.


def test_the_command_says_the_same_of_repeat_buyers(commanded, segmented):
    code, said, _ = commanded(CDNOW)
    assert code == 0
    assert said["customers"]["n"] == 23_570
    assert said["realised_amount"] == "2500315.6300"
    assert said["reconciliation"]["files"][0]["rows_kept"] == 69_659
    assert said["residual_ltv"]["ltv_amount"] == money(segmented(CDNOW).figures.ltv.ltv_amount)


def test_the_command_says_the_same_of_contracts(commanded):
    code, said, _ = commanded(PLAYBOOK)
    assert code == 0
    assert said["as_of"] == "2020-01-01"
    assert said["customers"]["alive"] == 28
    assert said["mrr_amount"] == "1255.0000"


def test_the_command_shows_a_cross_section_and_refuses_its_tiers(commanded):
    code, said, errors = commanded(TELCO)
    assert code == 4
    assert (said["customers"], said["churned"], said["blank_totals"]) == (7_043, 1_869, 11)
    assert said["monthly_amount"] == "456116.6000"
    assert "no dates" in errors


def money(counts):
    return f"{counts // UNIT}.{counts % UNIT:04d}"


# What was expected, against what then happened.


@pytest.fixture(scope="module")
def held_out(placed):
    """Segment as of a day, and add to each customer what it did in the months that followed."""

    @cache
    def held_out(name, as_of, months):
        settings = Settings(as_of=as_of, ltv_horizon=months)
        with opened_book([placed(name)], settings, quiet=True) as session:
            found = segmentation(session.book, session.engine, settings)
            later = session.engine.collect(
                session.book,
                lambda tables: tables["payments"].filter(pl.col("paid_on") >= as_of),
                ["customer_id"],
            )
        did = later.group_by("customer_id").agg(
            then_first_on=pl.col("paid_on").filter(pl.col("amount") >= 0).min(),
            then_days=pl.col("paid_on").filter(pl.col("amount") >= 0).n_unique(),
            then_amount=pl.col("amount").sum(),
        )
        return found.customers.join(did, on="customer_id", how="left").with_columns(
            pl.col("then_days", "then_amount").fill_null(0)
        )

    return held_out


def ratios(customers):
    """Return expected over actual: purchase days, and money."""
    days = customers["n_expected"].sum() / customers["then_days"].sum()
    amount = customers["ltv_amount"].sum() / customers["then_amount"].sum()
    return days, amount


@pytest.mark.parametrize(
    ("name", "as_of", "months"),
    [(CDNOW, date(1997, 10, 1), 9), (ONLINE_RETAIL, date(2011, 6, 10), 6)],
)
def test_buyers_do_about_what_was_expected_of_them(held_out, name, as_of, months):
    # Too low on both, as the autumn of a shop is; the tolerance is 20 % of the purchases and
    # 30 % of the money.
    days, amount = ratios(held_out(name, as_of, months).filter("is_alive"))
    assert 0.8 < days < 1.1
    assert 0.7 < amount < 1.1


def test_of_buyers_taken_for_gone_less_than_a_tenth_buy_within_90_days(held_out):
    gone = held_out(CDNOW, date(1997, 10, 1), 9).filter(~pl.col("is_alive"))
    soon = gone["then_first_on"] < date(1997, 10, 1) + timedelta(days=90)
    assert gone.height > 10_000
    assert soon.sum() / gone.height < 0.10


def test_more_is_expected_of_those_who_then_buy_more(held_out):
    buyers = held_out(CDNOW, date(1997, 10, 1), 9).filter("is_alive")
    fifths = buyers.sort("n_expected", "customer_id").with_row_index()
    fifth = (pl.col("index") * 5) // buyers.height
    means = fifths.group_by(fifth.alias("fifth")).agg(pl.col("then_days").mean()).sort("fifth")
    assert means["then_days"].is_sorted()
    assert means["then_days"][4] > 5 * means["then_days"][0]
