"""The real program, started as a user starts it, and a small export for it to read."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
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
