from datetime import date

import pytest

from csk.analyses.kpi import Benchmark
from csk.errors import CskError, DataError, UsageError
from csk.intake.benchmarks import benchmarks

HEADER = "metric_id,value,low,high,source,as_of\n"


@pytest.fixture
def read(tmp_path):
    def found(text):
        path = tmp_path / "peers.csv"
        path.write_text(text, "utf-8")
        return benchmarks(path)

    return found


def test_a_benchmark_has_its_source_and_day(read):
    found = read(HEADER + 'grr,0.91,85%,0.95,"A survey, 2025",2025-06-30\narpa,50000,,,Ours,\n')
    assert found == (
        Benchmark("grr", 0.91, 0.85, 0.95, "A survey, 2025", date(2025, 6, 30)),
        Benchmark("arpa", 50000, None, None, "Ours", None),
    )


def test_a_mark_of_byte_order_and_further_columns_do_no_harm(read):
    found = read("\ufeffsource,metric_id,value,as_of,remark\nOurs,nps,41,2025-01-01,x\n")
    assert (found[0].metric_id, found[0].value, found[0].low) == ("nps", 41, None)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", DataError, "has no column metric_id, value, source, as_of"),
        ("metric_id,value\ngrr,1\n", DataError, "has no column source, as_of"),
        (HEADER + "grr,0.9,,,,2025-01-01\n", DataError, "line 2: a benchmark has"),
        (HEADER + "grr,,,,Us,2025-01-01\n", DataError, "line 2: a benchmark has"),
        (HEADER + "grr,high,,,Us,2025-01-01\n", DataError, "line 2: value 'high' is not a number"),
        (HEADER + "grr,nan,,,Us,2025-01-01\n", DataError, "'nan' is not a number"),
        (HEADER + "grr,0.9,,,Us,2025\n", DataError, "as_of '2025' is not a day"),
        (HEADER + "grrr,0.9,,,Us,2025-01-01\n", UsageError, "no metric 'grrr'"),
        (HEADER + "grr,0.9,,,Us,\ngrr,0.8,,,Me,\n", DataError, "several benchmarks of grr"),
    ],
)
def test_what_makes_no_sense_is_refused_by_line(read, text, error, says):
    with pytest.raises(error, match=says) as refused:
        read(text)
    assert isinstance(refused.value, CskError)


def test_a_misspelt_metric_is_guessed(read):
    with pytest.raises(UsageError) as refused:
        read(HEADER + "grrr,0.9,,,Us,2025-01-01\n")
    assert refused.value.hint == "Is it grr?"


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no file"):
        benchmarks(tmp_path / "peers.csv")
    path = tmp_path / "bytes.csv"
    path.write_bytes(HEADER.encode() + b"grr,0.9,,,\xff\xfe,\n")
    with pytest.raises(DataError, match="UTF-8"):
        benchmarks(path)
