import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from csk.errors import CskError, DataError, TryAgainError, UsageError
from csk.intake.formats.reading import opened
from csk.intake.origins.database import connection, spooled

SECRET = "p@ss/w:ord"  # noqa: S105 # the password of a server that lives for one test


@pytest.fixture
def rows(tmp_path):
    """Run a query and return columns and rows as a source gives them."""

    def read(query, address):
        target = tmp_path / "rows.arrow"
        target.unlink(missing_ok=True)
        spooled(query, address, target, "the query")
        with opened(target, temporary=tmp_path, name="the query") as source:
            found = [row for batch in source.batches() for row in batch.frame.rows()]
            assert found == [row for batch in source.batches() for row in batch.frame.rows()]
            return source.columns, found

    return read


@pytest.fixture
def lite(tmp_path):
    path = tmp_path / "it's a base.sqlite"
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE payments (customer_id, paid_on TEXT, amount)")
        base.executemany(
            "INSERT INTO payments VALUES (?, ?, ?)",
            [("00123", "2024-01-05", 12.0), (5, "2024-01-06", 1.5), (None, None, 10**12)],
        )
        base.commit()
    return f"sqlite://{path}"


@pytest.fixture
def duck(tmp_path):
    import duckdb

    path = tmp_path / "base.duckdb"
    with duckdb.connect(str(path)) as base:
        base.execute(
            "CREATE TABLE payments AS SELECT '00123' AS customer_id, DATE '2024-01-05' AS paid_on,"
            " 12.50::DECIMAL(10, 2) AS amount, 'monthly'::ENUM('monthly') AS plan,"
            " INTERVAL 3 DAYS AS span, 'infinity'::DATE AS ended_on"
        )
    return f"duckdb://{path}"


@pytest.fixture(scope="session")
def server():
    """Start a PostgreSQL of our own, as somebody who is not root; give its address."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.get_exec_path())]
    binaries = next((place for place in places if (place / "initdb").exists()), None)
    if binaries is None:
        pytest.skip("PostgreSQL IS NOT TESTED: its programs are not installed (postgresql)")
    root = Path(tempfile.mkdtemp(prefix="csk-pg-"))
    who = {"user": "nobody"} if os.getuid() == 0 else {}
    if who:
        shutil.chown(root, "nobody")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (root / "password").write_text(SECRET)
    (root / "password").chmod(0o644)

    def run(program, *arguments):
        # No pipes: the server would keep them open.
        with (root / "log").open("ab") as log:
            command = [str(binaries / program), "-D", str(root / "base"), *arguments]
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd=root, **who)

    access = ("--auth-host=scram-sha-256", "--auth-local=trust", f"--pwfile={root / 'password'}")
    try:
        run("initdb", "-U", "csk", "-E", "UTF8", "--locale=C", "-N", *access)
        options = f"-p {port} -k {root} -c listen_addresses=127.0.0.1 -c fsync=off"
        run("pg_ctl", "-w", "-l", str(root / "server.log"), "-o", options, "start")
        yield f"postgres://csk:p%40ss%2Fw%3Aord@127.0.0.1:{port}/postgres"
        run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server):
    """Fill the server with a table of the types that tables of payments have."""
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    with dbapi.connect(server, autocommit=True) as base, base.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE payments AS SELECT '00123'::varchar(9) AS customer_id,"
            " DATE '2024-01-05' AS paid_on, 12.50::numeric(10, 2) AS amount,"
            " TIMESTAMPTZ '2024-01-05 23:00+00' AS at,"
            " '0191e0a0-0000-7000-8000-0000000000ff'::uuid AS id, 'infinity'::date AS ended_on,"
            " 'infinity'::timestamp AS until, INTERVAL '3 days' AS span, 3::money AS price"
        )
    return server


def test_sqlite_is_read_as_text_whatever_its_values_are(rows, lite):
    columns, found = rows("SELECT * FROM payments", lite)
    assert columns == ("customer_id", "paid_on", "amount")
    assert found == [
        ("00123", "2024-01-05", "12"),
        ("5", "2024-01-06", "1.5"),
        (None, None, "1000000000000"),
    ]


def test_duckdb_is_read_with_its_types(rows, duck):
    columns, found = rows("SELECT * EXCLUDE span, span::text AS days FROM payments", duck)
    assert columns == ("customer_id", "paid_on", "amount", "plan", "ended_on", "days")
    assert found[0][:2] == ("00123", date(2024, 1, 5))
    assert (str(found[0][2]), *found[0][3:]) == ("12.50", "monthly", None, "3 days")


def test_postgresql_is_read_with_its_types(rows, postgres):
    wanted = "customer_id, paid_on, amount, at, id, ended_on, until"
    columns, found = rows("SELECT " + wanted + " FROM payments", postgres)  # noqa: S608 # its own
    assert columns == tuple(wanted.split(", "))
    assert found == [
        (
            "00123",
            date(2024, 1, 5),
            "12.50",
            datetime(2024, 1, 5, 23, tzinfo=UTC),
            "0191e0a0-0000-7000-8000-0000000000ff",
            None,
            None,
        )
    ]


def test_rows_come_in_their_order_and_all_of_them(rows, lite, duck, postgres):
    query = (
        "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 200000)"
        " SELECT i FROM t"
    )
    expected = [(i,) for i in range(1, 200_001)]
    assert rows(query, lite)[1] == [(str(i),) for (i,) in expected]
    assert rows("SELECT i FROM range(1, 200001) t(i)", duck)[1] == expected
    assert rows("SELECT i::int FROM generate_series(1, 200000) t(i)", postgres)[1] == expected


@pytest.mark.parametrize("base", ["lite", "duck", "postgres"])
def test_no_rows_are_a_table_without_rows(rows, request, base):
    found = rows("SELECT customer_id FROM payments WHERE 1 = 0", request.getfixturevalue(base))
    assert found == (("customer_id",), [])


@pytest.mark.parametrize("base", ["lite", "duck", "postgres"])
@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE payments",
        "DELETE FROM payments",
        "CREATE TABLE other (i int)",
        "SELECT * FROM nothing",
        "SELEC",
        "SELECT 1; DROP TABLE payments",
        "SET search_path TO x",
    ],
)
def test_what_is_no_question_is_refused_and_changes_nothing(rows, request, base, query):
    address = request.getfixturevalue(base)
    with pytest.raises(UsageError, match="refuses the query"):
        rows(query, address)
    assert rows("SELECT count(customer_id) > 0 AS n FROM payments", address)[1][0][0]


@pytest.mark.parametrize(
    ("base", "query"),
    [
        ("duck", "SELECT * FROM 'secrets.csv'"),
        ("duck", "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')"),
        ("duck", "COPY payments TO 'out.csv'"),
        ("duck", "ATTACH 'other.duckdb'"),
        ("duck", "SET enable_external_access = true"),
        ("lite", "ATTACH 'other.sqlite' AS other"),
        ("lite", "SELECT load_extension('x')"),
        ("lite", "PRAGMA writable_schema = 1"),
        ("postgres", "WITH x AS (DELETE FROM payments RETURNING 1) SELECT * FROM x"),
    ],
)
def test_a_query_opens_nothing_but_its_database(rows, request, tmp_path, monkeypatch, base, query):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets.csv").write_text("a\n1\n")
    address = request.getfixturevalue(base)
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="refuses the query"):
        rows(query, address)
    assert {path.name for path in tmp_path.iterdir()} <= before | {"rows.arrow"}


def test_money_of_postgresql_is_refused_because_its_unit_is_not_told(rows, postgres):
    with pytest.raises(UsageError, match="of the type money") as refused:
        rows("SELECT price FROM payments", postgres)
    assert "price::numeric" in refused.value.hint


@pytest.mark.parametrize("base", ["lite", "duck", "postgres"])
def test_two_columns_of_one_name_are_refused(rows, request, base):
    with pytest.raises(CskError, match="two columns of the same name"):
        rows("SELECT 1 AS a, 2 AS a", request.getfixturevalue(base))


def test_an_error_in_the_middle_is_the_query_s(rows, postgres):
    with pytest.raises(UsageError, match="division by zero"):
        rows("SELECT 1 / (i - 150000) FROM generate_series(1, 200000) t(i)", postgres)


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        (("/postgres", "/nothing"), UsageError, "lets nobody in"),
        (("p%40ss", "wrong%40ss"), UsageError, "lets nobody in"),
        (("127.0.0.1", "nohost.invalid"), TryAgainError, "out of reach"),
    ],
)
def test_a_connection_that_fails_is_told_without_its_password(rows, server, change, kind, sentence):
    pytest.importorskip("adbc_driver_postgresql")
    with pytest.raises(kind, match=sentence) as refused:
        rows("SELECT 1", server.replace(*change))
    assert "ss/w" not in str(refused.value)
    assert "%40" not in str(refused.value)


def test_an_address_that_is_none_is_refused_without_its_password(rows):
    pytest.importorskip("adbc_driver_postgresql")
    with pytest.raises(UsageError, match="cannot be understood") as refused:
        rows("SELECT 1", "postgres://me:hunt[er2@host/base")
    assert "er2" not in str(refused.value)


def test_a_server_that_is_not_there_is_out_of_reach(rows):
    pytest.importorskip("adbc_driver_postgresql")
    with pytest.raises(TryAgainError, match=r"127\.0\.0\.1/base is out of reach") as refused:
        rows("SELECT 1", "postgres://me:hunter2@127.0.0.1:9/base")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["duckdb", "sqlite"])
def test_a_database_that_is_no_file_or_another_is_told(rows, tmp_path, scheme):
    with pytest.raises(UsageError, match="There is no database"):
        rows("SELECT 1", f"{scheme}://{tmp_path / 'none'}")
    (tmp_path / "text").write_text("customer_id\n" * 99)
    with pytest.raises((UsageError, DataError), match="not a"):
        rows("SELECT * FROM payments", f"{scheme}://{tmp_path / 'text'}")


def test_a_database_that_is_written_to_is_busy(rows, lite, monkeypatch):
    path = lite.partition("://")[2]
    with closing(sqlite3.connect(path, timeout=0)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite3, "connect", _impatient(sqlite3.connect))
        with pytest.raises(TryAgainError, match="Another program is writing"):
            rows("SELECT * FROM payments", lite)


def _impatient(connect):
    return lambda *place, **options: connect(*place, **options, timeout=0)


KNOWN = {
    "default": "postgres://me:${PASSWORD}@${HOST}/base",
    "whole": "${ADDRESS}",
    "lite": "sqlite://x.sqlite",
}


@pytest.mark.parametrize(
    ("place", "query", "address"),
    [
        ("sql:SELECT 1", "SELECT 1", "postgres://me:a%40b%2F@host:5432/base"),
        ("SQL:\n SELECT 1 ;\n", "SELECT 1", "postgres://me:a%40b%2F@host:5432/base"),
        ("sql@whole:SELECT ':'", "SELECT ':'", "postgres://u:p@h/b"),
        ("sql@lite:SELECT 1", "SELECT 1", "sqlite://x.sqlite"),
    ],
)
def test_a_query_goes_to_the_connection_it_names(monkeypatch, place, query, address):
    variables = {"PASSWORD": "a@b/", "HOST": "host:5432", "ADDRESS": "postgres://u:p@h/b"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert connection(place, KNOWN) == (query, address)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("sql:", "is written like"),
        ("sql: ;", "is written like"),
        ("sql@other:SELECT 1", "no connection 'other'.*default, lite, whole"),
        ("sql:SELECT 1", "needs the variable PASSWORD, HOST"),
    ],
)
def test_a_query_without_a_connection_is_told_what_is_missing(monkeypatch, place, sentence):
    for name in ("PASSWORD", "HOST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=sentence):
        connection(place, KNOWN)


def test_other_databases_are_refused(tmp_path):
    with pytest.raises(UsageError, match="No database is read at mysql://"):
        spooled("SELECT 1", "mysql://u:p@h/b", tmp_path / "x", "the query")


@pytest.mark.parametrize(
    ("library", "address", "extra"),
    [
        ("duckdb", "duckdb://x", "[duckdb]"),
        ("adbc_driver_postgresql", "postgres://me@127.0.0.1:9/b", "[postgres]"),
    ],
)
def test_a_library_that_is_not_installed_is_named(rows, monkeypatch, library, address, extra):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match="which is not installed") as refused:
        rows("SELECT 1", address)
    assert extra in refused.value.hint
