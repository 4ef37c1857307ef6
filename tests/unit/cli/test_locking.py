import json
import os
import signal
import subprocess
import sys

import pytest

from csk.cli.locking import NAME, locked
from csk.errors import StorageError, TryAgainError

HOLDER = """
import sys, time
from pathlib import Path
from csk.cli.locking import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_run_is_told_who_holds_the_lock(tmp_path, holder):
    with pytest.raises(TryAgainError) as refused, locked(tmp_path):
        pass
    assert f"process {holder.pid} on " in refused.value.sentence
    assert " UTC)" in refused.value.sentence
    assert refused.value.exit_code == 75


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["process"] == os.getpid()


def test_a_lock_is_free_after_its_block(tmp_path):
    for _ in range(2):
        with locked(tmp_path):
            pass
    with pytest.raises(RuntimeError, match="inside"), locked(tmp_path):
        raise RuntimeError("inside")
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"process": "x", "host": 1}'])
def test_a_holder_that_cannot_be_read_is_left_out(tmp_path, text):
    with locked(tmp_path):
        (tmp_path / NAME).write_text(text)
        with pytest.raises(TryAgainError) as refused, locked(tmp_path):
            pass
    assert refused.value.sentence == f"Another run works in '{tmp_path}'."


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(StorageError, match="cannot be locked"), locked(tmp_path / "none"):
        pass
