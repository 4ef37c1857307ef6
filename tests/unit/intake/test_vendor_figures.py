from datetime import date
from fractions import Fraction

import polars as pl
import pytest

from csk.errors import DataError
from csk.intake.vendor_figures import figures, month, synonyms, vendor_figures
from csk.models.reconcile import metric

JAN, FEB = date(2024, 1, 1), date(2024, 2, 1)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-01", JAN),
        ("2024/1", JAN),
        ("2024.01", JAN),
        ("202401", JAN),
        ("２０２４年１月", JAN),
        ("01/2024", JAN),
        ("Jan 2024", JAN),
        ("January 2024", JAN),
        ("jan-24", JAN),
        ("Jan '24", JAN),
        ("2024 January", JAN),
        ("Sept 2024", date(2024, 9, 1)),
        ("2024-13", None),
        ("Foo 2024", None),
        ("MRR", None),
        ("", None),
    ],
)
def test_a_month_is_read_as_it_is_written(text, day):
    assert month(text) == day


def told(rows):
    found = figures("theirs.csv", pl.DataFrame(rows))
    return {cell: (one.value, one.unit) for cell, one in found.told.items()}


def test_money_is_in_counts_and_keeps_its_last_digit():
    found = told({"Month": ["2024-01", "2024-02"], "Total MRR": ["$1,200.50", "1300"]})
    assert found == {
        ("mrr", JAN): (12_005_000, 100),
        ("mrr", FEB): (13_000_000, 100),
    }


@pytest.mark.parametrize(
    ("title", "values", "share", "unit"),
    [
        ("Churn rate", ["2.5%", "3.0%"], Fraction(25, 1000), Fraction(1, 1000)),
        ("Churn rate (%)", ["2.5", "3.0"], Fraction(25, 1000), Fraction(1, 1000)),
        ("churn_rate", ["0.025", "0.03"], Fraction(25, 1000), Fraction(1, 1000)),
        ("churn_rate", ["2.5", "3.0"], Fraction(25, 1000), Fraction(1, 1000)),
        ("解約率", ["２．５％", "3.0%"], Fraction(25, 1000), Fraction(1, 1000)),
    ],
)
def test_a_rate_is_a_share_however_it_is_written(title, values, share, unit):
    found = told({"month": ["2024-01", "2024-02"], title: values})
    assert found["customer_churn_rate", JAN] == (share, unit)


def test_per_cent_by_size_alone_is_told():
    rows = {"month": ["2024-01"], "NRR": ["101.2"], "GRR %": ["90"], "Quick ratio": ["4.1"]}
    found = figures("theirs.csv", pl.DataFrame(rows))
    assert found.in_per_cent == ("NRR",)
    assert found.told["quick_ratio", JAN].value == Fraction(41, 10)


def test_falls_written_as_negatives_are_falls():
    found = told({"month": ["2024-01", "2024-02"], "Churned MRR": ["-10", "0"]})
    assert found["churned_mrr", JAN] == (100_000, 10_000)
    mixed = told({"month": ["2024-01", "2024-02"], "Churned MRR": ["-10", "5"]})
    assert mixed["churned_mrr", JAN][0] == -100_000


def test_a_table_with_one_column_a_month_is_read_too():
    rows = {
        "Metric": ["MRR", "Customers", "Mood"],
        "Jan 2024": ["10", "2", "good"],
        "Feb 2024": ["12", "", "bad"],
    }
    found = figures("theirs.csv", pl.DataFrame(rows))
    assert set(found.told) == {("mrr", JAN), ("mrr", FEB), ("paying_customers", JAN)}
    assert found.untold == ("Mood",)


def test_whole_days_name_their_month_and_a_line_of_totals_none():
    rows = {"date": ["2024-01-31", "2024-02-29", "Total"], "mrr": ["1", "2", "3"]}
    assert set(told(rows)) == {("mrr", JAN), ("mrr", FEB)}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"who": ["p"], "mrr": ["1"]}, "names no months"),
        ({"month": ["2024-01"], "mood": ["1"]}, "no figure that csk knows"),
        ({"month": ["2024-01", "2024-01"], "mrr": ["1", "2"]}, "twice"),
        ({"month": ["2024-01", "2024-02"], "mrr": ["1", "many"]}, "'many'"),
    ],
)
def test_a_file_that_tells_nothing_is_refused(rows, words):
    with pytest.raises(DataError, match=words):
        figures("theirs.csv", pl.DataFrame(rows))


def test_a_file_is_read_through_the_layer_of_text(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_bytes("年月;期末MRR\n2024年1月;1.200,50\n2024年2月;1.300,00\n".encode("cp932"))
    found = vendor_figures(path, tmp_path)
    assert found.told["mrr", JAN].value == 12_005_000
    empty = tmp_path / "none.csv"
    empty.write_text("month,mrr\n", encoding="utf-8")
    with pytest.raises(DataError, match="no rows"):
        vendor_figures(empty, tmp_path)


def test_no_header_names_two_figures():
    names = [name for of in synonyms().values() for name in of]
    assert len(set(names)) == len(names)
    assert all(metric(metric_id).metric_id == metric_id for metric_id in synonyms())
