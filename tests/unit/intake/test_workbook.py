import gzip
import io
import zipfile
from datetime import date, datetime, time, timedelta

import pytest
import xlsxwriter

from csk.errors import CskError, DataError, UsageError
from csk.intake.formats.reading import opened

HEADER = ("customer_id", "paid_on", "amount")
DAY = datetime(2024, 1, 5)  # noqa: DTZ001 # a cell of a workbook knows no zone


@pytest.fixture
def book(tmp_path):
    """Write a workbook: {sheet: rows}, a cell a value or (value, number format)."""

    def written(sheets, name="x.xlsx", hidden=(), **options):
        path = tmp_path / name
        with xlsxwriter.Workbook(path, options) as workbook:
            workbook.set_properties({"created": DAY})  # the same bytes in every run
            for title, rows in sheets.items():
                sheet = workbook.add_worksheet(title)
                if title in hidden:
                    sheet.hide()
                for at, row in enumerate(rows):
                    for column, cell in enumerate(row):
                        value, form = cell if isinstance(cell, tuple) else (cell, None)
                        style = workbook.add_format({"num_format": form}) if form else None
                        sheet.write(at, column, value, style)
        return path

    return written


@pytest.fixture
def read(tmp_path):
    """Open a workbook and return its source, whose rows are read."""
    still_open = []

    def source(path, sheet=""):
        found = opened(path, temporary=tmp_path, sheet=sheet)
        still_open.append(found)
        return found

    yield source
    for found in still_open:
        found.close()


def rows(source):
    return [row for batch in source.batches() for row in batch.frame.rows()]


@pytest.mark.parametrize("is_1904", [False, True])
@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("00123", "00123"),
        ("'00123", "'00123"),
        (123, "123"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1e21, "1e+21"),
        (123456789012345, "123456789012345"),
        ((1234.5, "[$$-409]#,##0.00"), "1234.5"),
        ((DAY, "yyyy-mm-dd"), "2024-01-05"),
        ((DAY, 14), "2024-01-05"),
        ((DAY, 31), "2024-01-05"),
        ((DAY, 'yyyy"年"m"月"d"日"'), "2024-01-05"),
        ((DAY, "[$-411]ge.m.d"), "2024-01-05"),
        ((DAY.replace(hour=10), "yyyy/m/d h:mm"), "2024-01-05 10:00:00"),
        ((DAY.replace(hour=23, minute=59, second=59), "yyyy/m/d h:mm"), "2024-01-05 23:59:59"),
        ((time(10, 30), "h:mm"), "10:30:00"),
        ((timedelta(hours=36, minutes=5), "[h]:mm"), "36:05:00"),
        (True, "TRUE"),
        ("two\nlines", "two lines"),
        ('a "quoted", one', 'a "quoted", one'),
        ("会費", "会費"),
    ],
)
def test_a_cell_is_the_text_that_a_person_sees(book, read, cell, text, is_1904):
    path = book({"S": [("id", "what"), (cell, "x")]}, date_1904=is_1904)
    assert rows(read(path)) == [(text, "x")]


def test_a_source_tells_sheet_and_place_of_its_rows(book, read):
    path = book({"Sales": [HEADER, ("C1", (DAY, 14), 10), ("C2", (DAY, 14), 20)]})
    source = read(path)
    assert (source.format, source.encoding, source.delimiter) == ("xlsx", "Excel, sheet Sales", "")
    assert source.columns == HEADER
    assert rows(source) == [("C1", "2024-01-05", "10"), ("C2", "2024-01-05", "20")]
    assert rows(source) == rows(source)
    assert source.located([1]) == [(2, 3)]
    assert source.malformed_count == 0


def test_a_line_is_the_row_of_the_sheet(book, read):
    top = [("Sales of March",), (), ()]
    path = book({"S": [*top, HEADER, ("C1", "a\nb", 1), (), ("C2", "c", 2)]})
    source = read(path)
    assert source.columns == HEADER
    assert source.shape.header_line == 4
    assert len(rows(source)) == 2
    assert [line for _, line in source.located([0, 1])] == [5, 7]


def test_a_sheet_that_is_a_table_csk_knows_wins(book, read):
    path = book(
        {
            "Cover": [("Export of the billing system",)],
            "Legend": [("field", "meaning"), ("colour", "how it looks")],
            "Secret": [HEADER, ("C9", (DAY, 14), 1)],
            "Sales": [HEADER, ("C1", (DAY, 14), 10)],
        },
        hidden=["Secret"],
    )
    source = read(path)
    assert source.encoding == "Excel, sheet Sales"
    (note,) = source.shape.notes
    assert "Cover, Legend, Secret (hidden)" in note
    assert f"{path}#Cover" in note


def test_of_unknown_tables_the_first_is_read(book, read):
    path = book({"Empty": [], "A": [("x", "y"), ("1", "2")], "B": [("p", "q"), ("1", "2")]})
    assert read(path).columns == ("x", "y")


def test_a_sheet_is_named_whatever_its_case_and_though_it_is_hidden(book, read):
    path = book({"A": [HEADER, ("C1", "x", 1)], "Old": [("x", "y"), ("1", "2")]}, hidden=["Old"])
    assert rows(read(path, "old")) == [("1", "2")]
    with pytest.raises(UsageError, match="has no sheet 'new'") as refused:
        read(path, "new")
    assert "A, Old" in refused.value.hint


def test_cells_that_lose_something_are_told(tmp_path, read):
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("S")
        sheet.write_row(0, 0, ("id", "x"))
        sheet.write(1, 0, 7, workbook.add_format({"num_format": "00000"}))
        sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")
    source = read(path)
    assert rows(source) == [("7", None)]
    assert [note.split(":")[0] for note in source.shape.notes] == [
        "Empty here",
        "Zeros that a cell format puts before a number are not part of it.",
    ]


def test_a_workbook_is_told_by_its_content_not_its_name(book, read, tmp_path):
    path = book({"S": [HEADER, ("C1", "x", 1)]}, name="sales.csv")
    assert read(path).format == "xlsx"
    packed = tmp_path / "sales.xlsx.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    source = read(packed)
    assert (source.format, source.compression) == ("xlsx", "gzip")


def test_only_the_columns_asked_for_are_given(book, read):
    source = read(book({"S": [HEADER, ("C1", "x", 1.5)]}))
    (batch,) = source.batches(["amount", "customer_id"])
    assert batch.frame.rows() == [("1.5", "C1")]
    assert source.sample(1).rows() == [("C1", "x", "1.5")]


def zipped(members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


PARTS = {"[Content_Types].xml": "<a/>", "xl/workbook.xml": "<a/>"}


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "an old Excel workbook"),
        (
            b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
            "with a password",
        ),
        (zipped({**PARTS, "xl/workbook.bin": "x"}), "xlsb"),
        (zipped({"[Content_Types].xml": "<a/>", "word/document.xml": "x"}), "a Word document"),
        (zipped({"mimetype": "x", "content.xml": "x"}), "an OpenDocument file"),
        (zipped(PARTS), "a damaged Excel workbook"),
        (zipped({**PARTS, "xl/worksheets/sheet1.xml": b" " * (120 << 20)}), "unpacks to more than"),
    ],
)
def test_what_is_no_workbook_to_read_gets_a_sentence(tmp_path, raw, sentence):
    path = tmp_path / "x.xlsx"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=sentence):
        opened(path, temporary=tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_workbook_is_refused(book, tmp_path):
    with pytest.raises(DataError, match="none of its sheets holds a row"):
        opened(book({"S": [], "T": []}), temporary=tmp_path)


def test_two_cells_far_apart_take_no_memory(tmp_path):
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "z")
    with pytest.raises(DataError, match="1,048,576 rows and 16,384 columns"):
        opened(path, temporary=tmp_path)


def test_empty_cells_far_apart_that_have_a_format_are_no_table(tmp_path, read):
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        bold = workbook.add_format({"bold": True})
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ("C1", "x", 1))
        sheet.write_blank(900_000, 16_383, None, bold)
    assert rows(read(path)) == [("C1", "x", "1")]


def test_a_size_that_the_archive_lies_about_is_found_out(tmp_path):
    raw = zipped({**PARTS, "xl/worksheets/sheet1.xml": b" " * (120 << 20)})
    size = (120 << 20).to_bytes(4, "little")
    path = tmp_path / "x.xlsx"
    path.write_bytes(raw.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(DataError, match="unpacks to more than"):
        opened(path, temporary=tmp_path)


def test_a_broken_workbook_is_a_sentence(book, tmp_path):
    whole = book({"S": [HEADER, ("C1", (DAY, 14), 1), ("C2", date(2024, 1, 6), 2)]}).read_bytes()
    path, n_refused = tmp_path / "broken.xlsx", 0
    for cut in range(0, len(whole), 149):
        for raw in (whole[:cut], whole[:cut] + b"\xff\0" + whole[cut + 2 :]):
            path.write_bytes(raw)
            try:
                with opened(path, temporary=tmp_path) as source:
                    list(source.batches())
            except CskError:
                n_refused += 1
    assert n_refused > len(whole) // 149
