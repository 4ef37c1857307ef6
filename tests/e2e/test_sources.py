"""The same payments from a workbook, a database and an address: the same book."""

import functools
import socket
import sqlite3
import threading
from contextlib import closing
from datetime import date, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pytest
import xlsxwriter

SECRET = "hunter2"  # noqa: S105 # a password, to be looked for in what is shown


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing of it."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def workbook(tmp_path, payments):
    folder = tmp_path / "exports"
    folder.mkdir()
    path = folder / "売上.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy/mm/dd"}) as book:
        book.add_worksheet("Cover").write(0, 0, "Export of the billing system")
        sheet = book.add_worksheet("Payments")
        sheet.write_row(0, 0, ("customer_id", "date", "amount"))
        for at, (customer, day, amount) in enumerate(payments, 1):
            sheet.write_string(at, 0, customer)
            sheet.write_datetime(
                at, 1, datetime.combine(date.fromisoformat(day), datetime.min.time())
            )
            sheet.write_number(at, 2, float(amount))
    return path


@pytest.fixture
def base(tmp_path, payments):
    path = tmp_path / "base.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE p (customer_id TEXT, day TEXT, amount REAL)")
        connection.executemany("INSERT INTO p VALUES (?, ?, ?)", payments)
        connection.commit()
    (tmp_path / "csk.toml").write_text(
        f'[connections]\ndefault = "sqlite://{path}"\n'
        f'away = "postgres://me:{SECRET}@127.0.0.1:9/base"\n'
    )
    return "payments=sql:SELECT customer_id, day AS date, amount FROM p"


@pytest.fixture
def served(tmp_path):
    handler = functools.partial(Quiet, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def expected(quick, export, tmp_path):
    """The customers of the payments as CSV."""
    assert quick("segment", export, "-o", tmp_path / "expected.parquet", "-q").code == 0
    return pl.read_parquet(tmp_path / "expected.parquet")


def test_every_source_of_the_same_rows_gives_the_same_customers(
    quick, expected, workbook, base, served, tmp_path
):
    out = tmp_path / "out.parquet"
    for source in (
        workbook.parent,
        f"{workbook}#payments",
        base,
        f"{served}/payments.csv",
        f"payments={served}/exports/%E5%A3%B2%E4%B8%8A.xlsx",
    ):
        ran = quick("segment", source, "-o", out, "-q")
        assert (ran.code, ran.err) == (0, "")
        assert pl.read_parquet(out).equals(expected), source


def test_check_says_which_sheet_was_read_and_which_were_not(quick, workbook):
    told = quick("check", workbook.parent).out.decode()
    assert "Excel, sheet Payments" in told
    assert "Other sheets are not read: Cover" in told


def test_check_tells_a_link_that_it_does_not_follow(quick, export, workbook):
    (workbook.parent / "more.csv").symlink_to(export)
    told = quick("check", workbook.parent).out.decode()
    assert "more.csv is not read: a link that leads out of the folder" in told


def test_check_understands_a_query(quick, base):
    told = quick("check", base).out.decode()
    assert "sql:SELECT customer_id, day AS date" in told
    assert "300 payments" in told


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize(
    ("argument", "code", "said"),
    [
        ("sql@none:SELECT 1", 2, "has no connection 'none'"),
        ("sql:SELECT * FROM nowhere", 2, "no such table"),
        ("sql:DELETE FROM p", 2, "not authorized"),
        ("payments=sql:SELECT 1 AS x", 3, "lacks customer_id"),
        (f"http://example.com/x.csv?{SECRET}", 2, "unencrypted"),
        (f"http://127.0.0.1:9/x.csv?{SECRET}", 75, "cannot be reached"),
    ],
)
def test_a_source_that_fails_is_told_without_its_secret(quick, argument, code, said):
    ran = quick("segment", argument)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert SECRET not in ran.err


@pytest.mark.usefixtures("base")
def test_a_database_out_of_reach_is_tried_again_later(quick):
    pytest.importorskip("adbc_driver_postgresql")
    ran = quick("segment", "sql@away:SELECT 1")
    assert ran.code == 75
    assert SECRET not in ran.err


def test_settings_that_are_wrong_do_not_show_a_password(quick, tmp_path):
    (tmp_path / "csk.toml").write_text(f'connections = "postgres://me:{SECRET}@host/base"\n')
    ran = quick("segment", "sql:SELECT 1")
    assert ran.code == 2
    assert SECRET not in ran.err


def test_a_kept_store_reads_the_same_query_once(quick, base, tmp_path):
    store = tmp_path / "store"
    assert quick("segment", base, "--store", store, "-q").code == 0
    before = sorted(path.name for path in store.iterdir())
    assert quick("segment", base, "--store", store, "-q").code == 0
    assert sorted(path.name for path in store.iterdir()) == before


def test_nothing_is_fetched_that_was_not_typed(quick, tmp_path, export):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/x.csv"
        (tmp_path / "csk.toml").write_text(f'[connections]\ndefault = "{address}"\n')
        lines = export.read_text().splitlines()
        export.write_text(
            "\n".join([f"{lines[0]},note", *(f"{line},{address}" for line in lines[1:])])
        )
        assert quick("segment", export, "-q").code == 0
        with pytest.raises(BlockingIOError):
            trap.accept()
