import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from csk.errors import StorageError, TryAgainError, UsageError
from csk.intake.origins.finding import found
from csk.intake.origins.nearby import nearby
from csk.intake.origins.remote import remote_files
from csk.settings import settings

BODY = b"customer_id,paid_on,amount\n" + b"C1,2024-01-05,12\n" * 100_000
SECRET = "hunter2"  # noqa: S105 # a signature to be looked for in what is shown


class Pages(BaseHTTPRequestHandler):
    """Answers by the path asked for: `/404` with that status, `/to/URL` with a redirect."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def answer(self, status, body=b"", **headers):
        self.server.asked.append(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.startswith("/denied/"):
            self.answer(403)
        elif path.startswith("/to/"):
            self.answer(302, Location=self.path.removeprefix("/to/"))
        elif path.strip("/").isdigit():
            self.answer(int(path.strip("/")))
        elif path == "/cut.csv":
            self.answer(200, BODY[:1000], **{"Content-Length": len(BODY)})
            self.close_connection = True
        elif path == "/chunk.csv":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ff\r\nC1,")
            self.close_connection = True
        elif path == "/noise":
            self.wfile.write(b"noise\r\n\r\n")
            self.close_connection = True
        else:
            self.answer(200, BODY)

    do_HEAD = do_GET  # noqa: N815 # the name that the server calls


@pytest.fixture(scope="module")
def pages():
    """Serve pages on this machine; give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.asked = []
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def brought(*arguments):
    """Bring inputs near: what they are called, and their bytes."""
    with nearby(found(arguments), settings({}, None)) as files:
        read = [(one.name, one.role, one.path.read_bytes()) for one in files]
        paths = [one.path for one in files]
    assert not any(path.exists() for path in paths), "a copy outlived the run"
    return read


def test_a_page_is_brought_whole_and_its_secret_is_not_shown(pages):
    (one,) = brought(f"payments={pages}/sales.csv?sig={SECRET}")
    assert one == (f"{pages}/sales.csv", "payments", BODY)


def test_a_redirect_on_the_same_host_is_followed(pages):
    assert brought(f"{pages}/to//sales.csv")[0][2] == BODY


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:{port}/sales.csv",
        "https://127.0.0.1:{port}/sales.csv",
        "http://127.0.0.1:1/sales.csv",
    ],
)
def test_a_redirect_elsewhere_is_refused_not_followed(pages, place):
    place = place.format(port=pages.rpartition(":")[2])
    with pytest.raises(UsageError, match="which you did not name") as refused:
        brought(f"{pages}/to/{place}?sig={SECRET}")
    assert place in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("path", "kind", "sentence"),
    [
        ("/404", UsageError, "There is nothing at"),
        ("/401", StorageError, "may not be read"),
        ("/403", StorageError, "may not be read"),
        ("/429", TryAgainError, "cannot serve it now"),
        ("/500", TryAgainError, "cannot serve it now"),
        ("/418", UsageError, "refuses with status 418"),
        ("/to//to/", UsageError, "302"),
        ("/to/file:///etc/hostname", UsageError, "302"),
        ("/cut.csv", TryAgainError, "cut off on its way, after 1,000 of 1,700,027 bytes"),
        ("/chunk.csv", TryAgainError, "cut off on its way"),
        ("/noise", TryAgainError, "cannot be reached"),
    ],
)
def test_a_page_that_cannot_be_had_is_a_sentence(pages, path, kind, sentence):
    with pytest.raises(kind, match=sentence) as refused:
        brought(f"{pages}{path}?sig={SECRET}")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "kind", "sentence"),
    [
        ("http://127.0.0.1:9/x", TryAgainError, "cannot be reached: Connection refused"),
        ("https://nohost.invalid/x", TryAgainError, "cannot be found on the network"),
        ("http://example.com/x", UsageError, "unencrypted"),
        (f"https://me:{SECRET}@example.com/x", UsageError, "with a password"),
        ("https://[x/y", UsageError, "is no address"),
        ("s3:///x", UsageError, "names no bucket"),
        ("az://box/x", UsageError, "needs the name of its account"),
    ],
)
def test_an_address_that_is_not_asked_is_a_sentence(monkeypatch, address, kind, sentence):
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    with pytest.raises(kind, match=sentence) as refused:
        brought(address)
    assert SECRET not in str(refused.value)


def test_a_silent_server_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr("csk.intake.origins.remote._SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(TryAgainError, match="did not answer"):
            list(remote_files(address))


def test_an_account_without_a_key_is_not_asked_of_other_programs(monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "nobody")
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY", raising=False)
    with pytest.raises(UsageError, match="needs a key"):
        brought("az://box/x.csv")


def test_files_of_this_machine_stay_where_they_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x")
    files = found([str(path)])
    with nearby(files, settings({}, None)) as near:
        assert near == files


# --- a store of objects --------------------------------------------------------------------------

KEYS = ("exports/a.csv", "exports/b.csv.gz", "exports/deep/c.csv", "exports/_old/d.csv")


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """Start a server that speaks S3, as a program of its own; give its address."""
    pytest.importorskip("moto")
    from pyarrow.fs import S3FileSystem

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, "moto did not start"
                assert time.monotonic() < until, "moto did not answer"
                time.sleep(0.1)
        address = f"http://127.0.0.1:{port}"
        files = S3FileSystem(
            access_key="k",
            secret_key=SECRET,
            endpoint_override=address,
            allow_bucket_creation=True,
        )
        files.create_dir("bucket")
        for key in (*KEYS, "exports/x.png", "日本.csv"):
            with files.open_output_stream(f"bucket/{key}", compression=None) as stream:
                stream.write(key.encode() if key != "日本.csv" else BODY)
        yield address
    finally:
        server.terminate()
        server.wait(10)
        log.close()


@pytest.fixture
def bucket(objects, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", objects)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.mark.usefixtures("bucket")
def test_an_object_is_brought_whole():
    assert brought("s3://bucket/日本.csv") == [("s3://bucket/日本.csv", None, BODY)]


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("address", "keys"),
    [
        ("s3://bucket/exports/", KEYS[:3]),
        ("s3://bucket/exports", KEYS[:3]),
        ("s3://bucket/exports/*.csv", KEYS[:1]),
        ("s3://bucket/exports/*", (*KEYS[:2], "exports/x.png")),
        ("s3://bucket/exports/**/*.csv", (KEYS[3], KEYS[0], KEYS[2])),
        ("s3://bucket/*/[ab].csv*", KEYS[:2]),
        ("s3://bucket/?本.csv", ("日本.csv",)),
    ],
)
def test_a_folder_or_pattern_gives_its_objects_as_they_are(address, keys):
    found_ = brought(f"payments={address}")
    assert [(name, role) for name, role, _ in found_] == [
        (f"s3://bucket/{key}", "payments") for key in keys
    ]
    # What is packed comes packed: its bytes are looked at later, like those of a local file.
    assert [body for _, _, body in found_ if len(body) < 99] == [
        key.encode() for key in keys if key != "日本.csv"
    ]


@pytest.mark.usefixtures("bucket")
def test_an_object_that_is_found_twice_is_read_once():
    read = brought("s3://bucket/exports/a.csv", "payments=s3://bucket/exports/*.csv")
    assert [(name, role) for name, role, _ in read] == [("s3://bucket/exports/a.csv", "payments")]


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    "address",
    ["s3://bucket/no.csv", "s3://bucket/no/*.csv", "s3://nobucket/a.csv", "s3://nobucket/*"],
)
def test_an_object_that_is_not_there_is_a_sentence(address):
    with pytest.raises(UsageError, match="There is nothing to read at s3://"):
        brought(address)


@pytest.mark.usefixtures("bucket")
def test_a_store_that_refuses_is_told_from_one_out_of_reach(pages, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", pages)
    with pytest.raises(StorageError, match="may not be read") as refused:
        brought("s3://denied/x.csv")
    assert "AWS_ACCESS_KEY_ID" in refused.value.hint
    assert SECRET not in str(refused.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TryAgainError, match="cannot be reached"):
        brought("s3://bucket/exports/a.csv")
