import importlib.util
import json
import sys
from pathlib import Path

import polars as pl
import pytest

from csk.errors import DataError
from csk.intake.formats.reading import opened


@pytest.fixture
def whole(real, tmp_path):
    def read(path):
        file = real / path
        if not file.exists():
            pytest.skip(f"{file} is absent")
        with opened(file, temporary=tmp_path) as source:
            frames = [batch.frame for batch in source.batches()]
            return source, pl.concat(frames), list(source.malformed())

    return read


@pytest.mark.parametrize(
    ("path", "rows", "encoding", "compression", "delimiter"),
    [
        ("cdnow/CDNOW_master.txt", 69_659, "UTF-8", "", " "),
        ("online_retail/online_retail.csv.gz", 541_909, "UTF-8", "gzip", ","),
        ("jp_cp932/P_df_product_full_CP932_header.csv", 10_030, "CP932", "", ","),
        ("mlc_churn/mlc_churn.csv", 5_000, "UTF-8", "", ","),
        ("mlc_churn/wa_churn.csv", 7_043, "UTF-8", "", ","),
        ("hotel/data/reserve.csv", 4_030, "UTF-8", "", ","),
        ("hotel/data/customer.csv", 1_000, "UTF-8", "", ","),
        ("telco/Telco-Customer-Churn.csv", 7_043, "UTF-8", "", ","),
        ("saas_usage/crm5/event_daily.parquet", 238_646, "", "", ""),
    ],
)
def test_every_row_is_read(whole, path, rows, encoding, compression, delimiter):
    source, frame, malformed = whole(path)
    assert frame.height == rows
    assert malformed == []
    found = (source.encoding, source.compression, source.delimiter)
    assert found == (encoding, compression, delimiter)


def test_both_encodings_of_the_product_master_read_equal(whole):
    _, cp932, _ = whole("jp_cp932/P_df_product_full_CP932_header.csv")
    _, utf8, _ = whole("jp_cp932/P_df_product_full_UTF-8_header.csv")
    assert cp932.equals(utf8)


def test_null_ids_of_online_retail_are_null(whole):
    _, frame, _ = whole("online_retail/online_retail.csv.gz")
    assert frame["CustomerID"].null_count() == 135_080


def test_leading_zeros_of_cdnow_are_kept(whole):
    _, frame, _ = whole("cdnow/CDNOW_master.txt")
    assert frame.row(0) == ("00001", "19970101", "1", "11.77")
    assert frame["customer_id"].n_unique() == 23_570


def test_the_cdnow_sample_is_refused_for_want_of_a_header(real, tmp_path):
    file = real / "cdnow" / "CDNOW_sample.txt"
    if not file.exists():
        pytest.skip(f"{file} is absent")
    with pytest.raises(DataError, match="no header"):
        opened(file, temporary=tmp_path)


AS_IN_ITS_FILE = {"location_coordinates": {"Contact Phone Number": "2095257564"}}
"""The answer to this one has a telephone number that its file does not have."""


@pytest.mark.parametrize(
    "name",
    [
        "comma_in_quotes",
        "empty",
        "empty_crlf",
        "escaped_quotes",
        "json",
        "location_coordinates",
        "newlines",
        "newlines_crlf",
        "quotes_and_newlines",
        "simple",
        "simple_crlf",
        "utf8",
    ],
)
def test_csv_spectrum_reads_as_its_answers(whole, real, name):
    _, frame, _ = whole(f"csv_messy/csv-spectrum/csvs/{name}.csv")
    answer = (real / "csv_messy" / "csv-spectrum" / "json" / f"{name}.json").read_text("utf-8")
    rows = [{key: value or "" for key, value in row.items()} for row in frame.to_dicts()]
    meant = json.loads(answer)
    listed = meant if isinstance(meant, list) else [meant]
    assert rows == [row | AS_IN_ITS_FILE.get(name, {}) for row in listed]


def test_every_tenth_polluted_file_is_read_as_it_was_meant(real):
    place = Path(__file__).parents[1] / "bench" / "pollock.py"
    named = importlib.util.spec_from_file_location("pollock", place)
    pollock = importlib.util.module_from_spec(named)
    sys.modules["pollock"] = pollock
    named.loader.exec_module(pollock)
    archive = real / pollock.ARCHIVE
    if not archive.exists():
        pytest.skip(f"{archive} is absent")
    scores = pollock.scores(archive, every=10)
    assert len(scores) == 229
    assert pollock.simple(scores) >= 9.95


def test_short_rows_of_papaparse_are_named_with_their_lines(whole):
    _, frame, malformed = whole("csv_messy/papaparse/verylong-sample.csv")
    assert [(row.record, row.line) for row in malformed[:2]] == [(499, 500), (999, 1000)]
    assert frame.height == 1_996
