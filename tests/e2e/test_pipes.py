"""Pipes in, pipes out, and pipes that somebody closes."""

import io
import os
import pty
import subprocess
from pathlib import Path

import polars as pl
import pytest

from csk.errors import ExitCode

CUSTOMERS = 60


def test_a_table_on_stdout_stands_alone(csk, export):
    ran = csk("segment", "-", "-o", "-", stdin=export.read_bytes())
    lines = ran.out.decode().splitlines()
    assert ran.code == 0
    assert lines[0].startswith("as_of,customer_id,")
    assert len(lines) == 1 + CUSTOMERS
    assert ran.err.startswith("Customers by value and risk")


@pytest.mark.parametrize(
    ("form", "read"),
    [("parquet", pl.read_parquet), ("jsonl", pl.read_ndjson), ("arrow", pl.read_ipc_stream)],
)
def test_every_form_goes_down_a_pipe(quick, export, form, read):
    ran = quick("segment", export, "-o", "-", "--as", form, "-q")
    assert (ran.code, ran.err) == (0, "")
    assert read(io.BytesIO(ran.out)).height == CUSTOMERS


def test_a_named_pipe_is_read_to_its_end(csk, tmp_path, export):
    os.mkfifo(tmp_path / "pipe")
    writer = subprocess.Popen(["cp", str(export), str(tmp_path / "pipe")])
    ran = csk("check", f"payments={tmp_path / 'pipe'}")
    assert writer.wait() == 0
    assert (ran.code, b"300" in ran.out) == (0, True)


def test_empty_stdin_is_an_empty_input(csk):
    ran = csk("segment", "-", stdin=b"")
    assert (ran.code, ran.err) == (ExitCode.DATA, "csk: - is empty (0 bytes).\n")


def test_a_reader_who_leaves_early_loses_no_output(started, temporary, tmp_path, export):
    reading, writing = os.pipe()
    process = started("segment", export, "-o", "y.parquet", stdout=writing)
    os.close(writing)
    os.close(reading)
    assert process.stderr.read() == b""
    assert process.wait() == 0
    process.stderr.close()
    assert pl.read_parquet(tmp_path / "y.parquet").height == CUSTOMERS
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("arguments", [("segment", "-o", "-", "-q"), ("check", "--stub")])
def test_a_closed_pipe_is_no_failure(started, export, arguments):
    reading, writing = os.pipe()
    process = started(arguments[0], export, *arguments[1:], stdout=writing)
    os.close(writing)
    os.close(reading)
    assert (process.stderr.read(), process.wait()) == (b"", 0)
    process.stderr.close()


def test_streams_that_are_closed_fail_only_what_needs_them(csk, export):
    def close(number):
        return {"preexec_fn": lambda: os.close(number)}

    ran = csk("segment", export, "-o", "-", "-q", **close(1))
    assert (ran.code, "standard output is closed" in ran.err) == (ExitCode.STORAGE, True)
    assert csk("segment", "nowhere.csv", **close(2)).code == ExitCode.USAGE


def test_a_full_disk_behind_stdout_is_told(csk, export):
    with Path("/dev/full").open("wb") as full:
        ran = csk("check", export, stdout=full)
    assert ran.code == ExitCode.STORAGE
    assert ran.err == "csk: Reading or writing failed: No space left on device.\n"


def on_a_terminal(started, *arguments, **variables):
    """Run csk with a terminal for all its streams; return its code and what the screen got."""
    screen, terminal = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    process = started(*arguments, **streams, variables=variables)
    os.close(terminal)
    shown = b""
    while True:
        try:
            shown += os.read(screen, 1 << 16)
        except OSError:
            break
    os.close(screen)
    return process.wait(), shown.decode()


def test_a_terminal_is_sent_no_binary(started, export):
    code, shown = on_a_terminal(started, "segment", export, "-o", "-", "--as", "parquet")
    assert (code, "PAR1" in shown) == (ExitCode.USAGE, False)
    assert "csk: A terminal cannot show this format." in shown


def test_color_is_for_terminals_that_want_it(started, export):
    variables = {"TERM": "xterm", "COLUMNS": "80"}
    code, shown = on_a_terminal(started, "check", export, **variables)
    assert code == 0
    code, plain = on_a_terminal(started, "check", export, **variables, NO_COLOR="1")
    assert code == 0
    assert "\x1b[1m" in shown
    assert "\x1b[1m" not in plain
    assert "What csk understood" in plain


def test_a_poor_encoding_and_a_narrow_page_are_no_failure(csk, export):
    ran = csk("check", export, variables={"PYTHONIOENCODING": "ascii", "COLUMNS": "60"})
    assert ran.code == 0
    assert ran.out.isascii()
    assert max(map(len, ran.out.decode().splitlines())) <= 60
