import pytest

from csk.errors import DataError
from csk.intake.formats.dialect import detected, names, tabbed, tightened
from csk.intake.formats.locating import Marks


@pytest.mark.parametrize(
    ("text", "separator", "header"),
    [
        ("id,amount\nC1,5\nC2,6\n", ",", ("id", "amount")),
        ("id\tamount\nC1\t5\n", "\t", ("id", "amount")),
        ("id;amount\nC1;1,5\nC2;2,75\n", ";", ("id", "amount")),
        ("id|amount\nC1|5\n", "|", ("id", "amount")),
        (
            "Amount, USD\tDate, UTC\n5\t2024-01-05\n6\t2024-01-06\n",
            "\t",
            ("Amount, USD", "Date, UTC"),
        ),
        ('id,note\n1,"a;b;c"\n2,"d;e"\n', ",", ("id", "note")),
        ('"last, first";id\n"Doe, J";1\n', ";", ("last, first", "id")),
        (
            " customer_id  date number\r\n 00001 19970101  1\r\n 00002 19970102  12\r\n",
            " ",
            ("customer_id", "date", "number"),
        ),
        ("id,amount\rC1,5\rC2,6\r", ",", ("id", "amount")),
        ("id,amount", ",", ("id", "amount")),
        ("customer_id\nC1\nC2\n", ",", ("customer_id",)),
        ("\n\r\nid,amount\nC1,5\n", ",", ("id", "amount")),
        ("sep=;\r\nid;amount\r\nC1;5\r\n", ";", ("id", "amount")),
        ("sep=^\nid^amount\nC1^5\n", "^", ("id", "amount")),
        ('sep="\nid,amount\nC1,5\nC2,6\n', ",", ("id", "amount")),
        ("id,name,\nC1,x,\n", ",", ("id", "name", "column 3")),
        ("id,name\nC1,x,\nC2,y,\n", ",", ("id", "name", "column 3")),
        ("id,2019,2020\nC1,5,6\nC2,7,8\n", ",", ("id", "2019", "2020")),
        ("month,2024-01-01,2024-02-01\nx,5,6\n", ",", ("month", "2024-01-01", "2024-02-01")),
        ("注文ID,送料,送料\n1,2,3\n", ",", ("注文ID", "送料", "送料 (2)")),
        ("id amount\nC1,5\nC2,6\n", ",", ("id", "amount")),
        ("id;amount\nC1,5\nC2,6\n", ",", ("id", "amount")),
    ],
)
def test_separator_and_header_are_found(text, separator, header):
    found = detected(text, "x.csv")
    assert (found.separator, found.header) == (separator, header)


@pytest.mark.parametrize(
    ("text", "rest", "lines", "line"),
    [
        ("a,b\n1,2\n", "1,2\n", 1, 1),
        ("a,b\r\n1,2\r\n", "1,2\r\n", 1, 1),
        ("a,b\r1,2\r", "1,2\r", 1, 1),
        ('"a\nx",b\n1,2\n', "1,2\n", 2, 1),
        ("\n\na,b\n1,2\n", "1,2\n", 3, 3),
        ("sep=,\na,b\n1,2\n", "1,2\n", 2, 2),
        (" a  b\n 1  2\n", " 1  2\n", 1, 1),
        ("a,b", "", 1, 1),
    ],
)
def test_rows_begin_after_the_header(text, rest, lines, line):
    found = detected(text, "x.csv")
    assert text[found.header_end :] == rest
    assert (found.header_lines, found.header_line) == (lines, line)


@pytest.mark.parametrize(
    "text",
    [
        " 00004 0001 19970101  2   29.33\r\n 00004 0001 19970118  2   29.73\r\n",
        "1,2\n3,4\n",
        "C001,2024-01-05,100\nC002,2024-01-06,200\n",
        "C001,¥1200\nC002,¥900\n",
        "100,2024/1/5\n",
    ],
)
def test_a_file_without_a_header_is_refused(text):
    with pytest.raises(DataError, match="no header") as refusal:
        detected(text, "x.csv")
    assert "first line" in refusal.value.hint


@pytest.mark.parametrize("text", ["", "\n\n", "  \r\n \t\n"])
def test_nothing_but_blank_lines_is_empty(text):
    with pytest.raises(DataError, match="empty"):
        detected(text, "x.csv")


def test_a_quote_left_open_in_the_header_is_refused():
    with pytest.raises(DataError, match="never closed"):
        detected('id,"amount\nC1,5\nC2,6\n', "x.csv")


@pytest.mark.parametrize(
    ("text", "header", "line", "note"),
    [
        ("売上一覧\n\nid,amount\nC1,5\nC2,6\n", ("id", "amount"), 3, "'売上一覧'"),
        ("Sales 2024,,\n,,\nid,name,amount\nC1,x,y\n", ("id", "name", "amount"), 3, "left out"),
        ("Sales\nuntil May\nid,amount\nC1,5\n", ("id", "amount"), 3, "'Sales', 'until May'"),
        ('"Sales, all"\r\n\r\nid,amount\r\nC1,5\r\n', ("id", "amount"), 3, "'Sales, all'"),
    ],
)
def test_a_title_above_the_header_is_left_out_and_told(text, header, line, note):
    found = detected(text, "x.csv")
    assert (found.header, found.header_line) == (header, line)
    assert text[found.header_end :].startswith("C1,")
    assert note in found.notes[0]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("id,,\nC1,x,y\nC2,x,z\n", ("id", "column 2", "column 3")),
        ("id\nC1,x\nC2,y\n", ("id",)),
        ("note\n\nid\nC1\n", ("note",)),
        ("a,b\n\nid,name,amount\nC1,x,5\nC2,y,6\n", ("a", "b")),
        ("id\n2024-01-05,5\n2024-01-06,6\n", ("id",)),
        ("id,,\n,,\nx,x,y\n1,2,3\n", ("id", "column 2", "column 3")),
    ],
)
def test_a_first_line_that_may_be_a_header_is_one(text, header):
    assert detected(text, "x.csv").header == header


@pytest.mark.parametrize(
    ("text", "header", "note"),
    [
        ("id,,name\nC1,x\nC2,y\n", ("id", "name"), "one separator more than the rows"),
        ('"id,name,"note"\nC1,x,y\nC2,y,z\n', ('"id', "name", "note"), "a quote too many"),
        ("id,name\nid,name\nid,name\nC1,x\nC2,y\n", ("id", "name"), "3 times"),
        ("id name\nC1,x\nC2,y\n", ("id", "name"), "other separators than the rows: ' '"),
    ],
)
def test_a_header_that_differs_from_its_rows_is_read_and_told(text, header, note):
    found = detected(text, "x.csv")
    assert found.header == header
    assert text[found.header_end :] == "C1,x\nC2,y\n" or text[found.header_end :][:5] == "C1,x,"
    assert note in found.notes[0]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("id,note\n'C1','a,b'\n'C2','c'\n", Marks(",", "'")),
        ("'id','note'\n'C1','a'\n", Marks(",", "'")),
        ("id,note\n1,'tis\n2,it's\n", Marks(",")),
        ('id,note\n1,"say \\"a, b\\""\n2,x\n', Marks(",", '"', "\\")),
        ('id,note\n1,"say \\"a\\" twice"\n2,x\n', Marks(",", '"', "\\")),
        ('id,json\n1,"{""a"":""x\\""y""}"\n', Marks(",")),
        ('id,path\n1,"C:\\"\n2,"D:\\"\n', Marks(",")),
        ('id\tsize\tn\n1\t"5 in\t1\n2\t6 in\t2\n', Marks("\t", "")),
        ('id\tsize\n1\t"5"\n2\t6"\n', Marks("\t")),
    ],
)
def test_what_stands_around_values_is_found(text, marks):
    assert detected(text, "x.csv").marks == marks


@pytest.mark.parametrize(
    ("text", "blanks"),
    [
        ('id, name\nC1, "a, b"\nC2, c\n', True),
        ("id, name\nC1, a\nC2, b\n", True),
        ("id, name\nC1,a\nC2,b\n", False),
        ("id,name\nC1, a\nC2, b\n", False),
    ],
)
def test_blanks_after_separators_are_seen(text, blanks):
    assert detected(text, "x.csv").blanks is blanks


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_blanks_go_where_they_are_no_part_of_a_value(size):
    raw = b'a,  b, "c, d"\n 1, "x\n, ""y"", z", 2\r\n"3, 4", 5" , "6\n'
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    tight = b'a,b,"c, d"\n1,"x\n, ""y"", z",2\r\n"3, 4",5" , "6\n'
    assert b"".join(tightened(pieces, Marks(","))) == tight


def test_a_separator_that_is_given_is_taken():
    assert detected("a;b,c\n1;2,3\n", "x.csv", separator=",").header == ("a;b", "c")


def test_a_field_of_200_kb_does_not_stop_the_search():
    found = detected("id,note\nC1,x\nC2," + "y" * 200_000 + "\n", "x.csv")
    assert found.header == ("id", "note")


def test_what_was_made_of_the_header_is_told():
    assert detected("送料,,送料\n1,2,3\n", "x.csv").notes == (
        "A column without a name is called 'column 2'.",
        "The header has '送料' again: that one is called '送料 (2)'.",
    )


@pytest.mark.parametrize(
    ("header", "given"),
    [
        ([" id ", "first\nname"], ("id", "first name")),
        (["a", "a", "a"], ("a", "a (2)", "a (3)")),
        (["a", "a (2)", "a"], ("a", "a (2)", "a (3)")),
        (["", ""], ("column 1", "column 2")),
    ],
)
def test_names_are_trimmed_and_differ(header, given):
    assert names(header) == given


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_runs_of_blanks_become_tabs_line_for_line(size):
    raw = b" 1  2   3\r\n\r\n  4 5 6\r\n7 8"
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert b"".join(tabbed(pieces)) == b"1\t2\t3\n\n4\t5\t6\n7\t8\n"
