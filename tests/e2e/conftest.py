"""The real program, started as a user starts it, and a small export for it to read."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
FITTED = "2025-11-01"
"""The day of the model that nights are scored with."""
NO_CLUSTER = "pysail and pyspark-client are not installed: no cluster was asked"
HEADER = ("customer_id", "date", "amount")
Row = tuple[str, ...]


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    code: int
    out: bytes
    err: str


def rows(n: int = 300, customers: int = 60) -> list[Row]:
    """Return payments over two years, the same ones every time."""
    first, found = date(2022, 1, 3), []
    for i in range(n):
        customer = i * 7 % customers
        day = first + timedelta(days=(i * 37 + i * i % 23) % 700)
        found.append((f"C{customer:04d}", day.isoformat(), f"{10 + (i * 13) % 90}.50"))
    return found


def table(lines: Sequence[Row], header: Sequence[str] = HEADER, separator: str = ",") -> str:
    """Return rows as delimited text."""
    return "".join(separator.join(line) + "\n" for line in [tuple(header), *lines])


def environment(temporary: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a run: this one's, less what changes how csk behaves."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CSK_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"))
    }
    return {**kept, "PYTHONPATH": str(SOURCE), "TMPDIR": str(temporary), **variables}


@pytest.fixture
def payments() -> list[Row]:
    """300 payments of 60 customers over two years."""
    return rows()


@pytest.fixture
def text() -> Callable[..., str]:
    """The writer of delimited text."""
    return table


@pytest.fixture
def export(tmp_path, payments) -> Path:
    """The payments as a file of CSV."""
    path = tmp_path / "payments.csv"
    path.write_text(table(payments), "utf-8")
    return path


@pytest.fixture
def temporary(tmp_path) -> Path:
    """The folder for temporary files of the runs of a test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def started_as(temporary) -> dict[str, str]:
    """The environment in which a run is started."""
    return environment(temporary)


def heeds_ctrl_c() -> None:
    """Undo what a shell does to what it starts in the background: Ctrl-C is for us again."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def started(tmp_path, temporary) -> Callable[..., subprocess.Popen[bytes]]:
    """Start csk as a process of its own in the test's folder."""

    def start(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        variables = options.pop("variables", {})
        command = [sys.executable, "-m", "csk", *map(str, arguments)]
        piped = {name: subprocess.PIPE for name in ("stdout", "stderr") if name not in options}
        return subprocess.Popen(
            command,
            env=environment(temporary, **variables),
            **{
                "cwd": tmp_path,
                "stdin": subprocess.DEVNULL,
                "preexec_fn": heeds_ctrl_c,
                **piped,
                **options,
            },
        )

    return start


@pytest.fixture
def csk(started, temporary) -> Callable[..., Ran]:
    """Run csk as a process of its own; it must leave nothing behind and show no traceback."""

    def run(*arguments: object, stdin: bytes | None = None, **options: object) -> Ran:
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        process = started(*arguments, **options)
        out, err = process.communicate(stdin)
        told = (err or b"").decode("utf-8", "replace")
        assert "Traceback" not in told, told
        assert not list(temporary.iterdir()), "something was left in the temporary folder"
        return Ran(process.returncode, out or b"", told)

    return run


@pytest.fixture
def quick(tmp_path, temporary, monkeypatch, capfdbinary) -> Callable[..., Ran]:
    """Run csk inside this process, for refusals that need no process of their own."""
    from csk.cli.app import run as program

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for name in [name for name in os.environ if name.startswith("CSK_")]:
        monkeypatch.delenv(name)

    def run(*arguments: object) -> Ran:
        capfdbinary.readouterr()
        code = program([str(argument) for argument in arguments], lambda _: None)
        shown = capfdbinary.readouterr()
        told = shown.err.decode()
        assert "Traceback" not in told
        assert not list(temporary.iterdir()), "something was left in the temporary folder"
        return Ran(code, shown.out, told)

    return run


@pytest.fixture(scope="session")
def sample_store(tmp_path_factory) -> Path:
    """A folder for the store of the sample, which the first that reads it makes."""
    return tmp_path_factory.mktemp("sample") / "store"


@pytest.fixture(scope="session")
def fitted(tmp_path_factory) -> Path:
    """A folder with a model of one day, and the store of what it was fitted on.

    Fitted once for all processes of a run of tests; each works on a copy.
    """
    here = tmp_path_factory.mktemp("fitted")
    among = here.parent.parent if "PYTEST_XDIST_WORKER" in os.environ else here.parent
    with (among / "fitted.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (among / "fitted-once").exists():
            fit(here)
            shutil.copytree(here, among / "fitted-once")
            return here
    return Path(shutil.copytree(among / "fitted-once", here, dirs_exist_ok=True))


def fit(folder: Path) -> None:
    """Fit a model of churn risk on the sample as of a day, as a user would."""
    command = [sys.executable, "-m", "csk", "churn-risk", str(SAMPLE), "--store", "store"]
    ran = subprocess.run(
        [*command, "--model", "risk", "--refit", "--as-of", FITTED, "-q"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.fixture
def risk(fitted, tmp_path) -> Path:
    """A folder of its own with the model."""
    shutil.copytree(fitted / "risk", tmp_path / "risk", ignore=shutil.ignore_patterns(".lock"))
    return tmp_path / "risk"


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Start a Spark Connect server, and give its address."""
    where = os.environ.get("CSK_TEST_SPARK")
    if where:
        yield where
        return
    # Without it a worker of a parallel run searches for a Spark of its own, and gives up.
    os.environ.setdefault("SPARK_HOME", str(Path.cwd()))
    pytest.importorskip("pyspark.sql.connect", reason=NO_CLUSTER)
    sail = pytest.importorskip("pysail.spark", reason=NO_CLUSTER)
    server = sail.SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    yield f"sc://127.0.0.1:{port}"
    server.stop()


class Wire:
    """A way to a cluster that counts what it says, and breaks for good after so many bytes."""

    def __init__(self, address: str, limit: float = float("inf")) -> None:
        host, _, port = address.removeprefix("sc://").partition(":")
        self.there, self.limit, self.said = (host, int(port)), limit, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"sc://127.0.0.1:{self.listening.getsockname()[1]}"
        self.open: list[socket.socket] = [self.listening]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self.listening.accept()
                there = socket.create_connection(self.there)
            except OSError:
                return
            self.open += [here, there]
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while piece := one.recv(4096):
                if one.getpeername() == self.there:
                    self.said += len(piece)
                if self.said > self.limit:
                    self.cut()
                other.sendall(piece)
        except OSError:
            pass

    def cut(self) -> None:
        """Close every end."""
        for end in self.open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def wire() -> type[Wire]:
    """Give the maker of ways to a cluster."""
    return Wire
