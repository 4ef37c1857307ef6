"""Ctrl-C, a kill, and what the next run makes of it."""

import os
import signal
import time

import pytest

from csk.errors import ExitCode

PATIENCE_SECONDS = 60


@pytest.fixture
def caught_reading(started, temporary, tmp_path, export):
    """Start a run that waits for a pipe, its temporary folder made and nothing written yet."""
    os.mkfifo(tmp_path / "pipe")
    process = started("segment", f"payments={tmp_path / 'pipe'}", export, "-o", "out.csv")
    # Opened for both ways, so that nobody waits where the run ends before it reads.
    pipe = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(pipe, b"customer_id,date,amount\n")
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while not list(temporary.glob("csk-store-*/spool/*")):
            assert time.monotonic() < until, process.poll()
            time.sleep(0.02)
        time.sleep(0.5)  # a signal between two system calls would wait for the next
        yield process
    finally:
        os.close(pipe)
        process.kill()
        process.communicate()


def test_ctrl_c_leaves_nothing_and_says_so(caught_reading, temporary, tmp_path):
    caught_reading.send_signal(signal.SIGINT)
    _, told = caught_reading.communicate(timeout=PATIENCE_SECONDS)
    assert caught_reading.returncode == ExitCode.INTERRUPTED
    assert told.decode() == "csk: Interrupted; no output was left half-written.\n"
    assert not list(temporary.iterdir())
    assert not (tmp_path / "out.csv").exists()


def test_what_a_killed_run_left_goes_with_the_next(
    caught_reading, temporary, tmp_path, csk, export
):
    caught_reading.kill()
    assert caught_reading.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    assert len(list(temporary.iterdir())) == 1
    assert not (tmp_path / "out.csv").exists()
    assert csk("check", export).code == 0  # and nothing is left


@pytest.mark.usefixtures("caught_reading")
def test_a_run_that_lives_keeps_its_folder(temporary, quick, export):
    (folder,) = temporary.iterdir()
    with pytest.raises(AssertionError, match="left in the temporary folder"):
        quick("check", export)
    assert folder.exists()


def test_ctrl_c_while_libraries_load_is_quiet(started):
    process = started("segment", "-", stdin=-1)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode in (ExitCode.INTERRUPTED, -signal.SIGINT)
    assert b"Error" not in told
