"""A model in its folder is the old one or the new one, whole, whatever becomes of the run."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from risk_models import risk_model

from csk.errors import ModelError, StorageError
from csk.intake.kept_models import kept_model
from csk.models.risk.kept_places import POINTER, pointer_of
from csk.sinks.staging.models import stage_model
from csk.sinks.staging.outputs import Outputs


def numbered(slope: float):
    """Return a model that is told from others by its slope."""
    return replace(risk_model(), calibration=replace(risk_model().calibration, slope=slope))


def keep(folder: Path, slope: float) -> None:
    with Outputs() as outputs:
        stage_model(outputs, folder, numbered(slope))


def slope(folder: Path) -> float:
    return kept_model(folder).calibration.slope


def fits(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {POINTER}


def test_the_last_model_that_was_kept_holds(tmp_path):
    folder = tmp_path / "model"
    for one in (0.5, 0.6, 0.7, 0.5):
        keep(folder, one)
        assert slope(folder) == one


def test_the_fit_before_stays_and_older_ones_go(tmp_path):
    named = []
    for one in (0.5, 0.6, 0.7, 0.8):
        keep(tmp_path, one)
        named.append(pointer_of((tmp_path / POINTER).read_bytes()).fit)
    assert fits(tmp_path) == set(named[-2:])


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        keep(tmp_path / name, 0.5)
    keep(tmp_path / "b", 0.5)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*"))
    assert files == sorted(path.relative_to(tmp_path / "b") for path in (tmp_path / "b").rglob("*"))
    for file in files:
        if (tmp_path / "a" / file).is_file():
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_run_that_fails_after_staging_leaves_the_old_model(tmp_path):
    keep(tmp_path, 0.5)
    outputs = Outputs()
    stage_model(outputs, tmp_path, numbered(0.6))
    assert len(fits(tmp_path)) == 3  # two fits and the pointer that is not yet one
    outputs.discard()
    assert slope(tmp_path) == 0.5
    keep(tmp_path, 0.7)
    assert slope(tmp_path) == 0.7
    assert len(fits(tmp_path)) == 2


def test_what_a_killed_run_left_is_swept_up(tmp_path):
    keep(tmp_path, 0.5)
    (tmp_path / ".building").mkdir()
    (tmp_path / ".building" / "model.json").write_text("{")
    (tmp_path / "fit-0123456789ab").mkdir()
    keep(tmp_path, 0.6)
    assert slope(tmp_path) == 0.6
    assert len(fits(tmp_path)) == 2


def test_a_fit_that_was_tampered_with_is_written_again(tmp_path):
    keep(tmp_path, 0.5)
    fit = pointer_of((tmp_path / POINTER).read_bytes()).fit
    (tmp_path / fit / "model.json").write_text("{}")
    keep(tmp_path, 0.5)
    assert slope(tmp_path) == 0.5


def test_a_broken_pointer_gives_way_to_a_new_model(tmp_path):
    (tmp_path / POINTER).write_text("{")
    keep(tmp_path, 0.5)
    assert slope(tmp_path) == 0.5


def test_what_is_not_ours_stays(tmp_path):
    (tmp_path / "notes.txt").write_text("ours")
    (tmp_path / "fit-notes").mkdir()
    keep(tmp_path, 0.5)
    keep(tmp_path, 0.6)
    assert {"notes.txt", "fit-notes"} <= fits(tmp_path)


def test_a_model_that_is_not_sound_is_not_staged(tmp_path):
    keep(tmp_path, 0.5)
    with pytest.raises(ModelError), Outputs() as outputs:
        stage_model(outputs, tmp_path, numbered(np.nan))
    assert slope(tmp_path) == 0.5


def test_where_nothing_can_be_written_it_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Could not write"), Outputs() as outputs:
        stage_model(outputs, tmp_path / "file" / "model", risk_model())


WRITER = """
import sys
from pathlib import Path
from csk.models.risk.kept_places import pointer_of, POINTER
from csk.intake.kept_models import kept_model
from csk.sinks.staging.models import stage_model
from csk.sinks.staging.outputs import Outputs
from dataclasses import replace
folder = Path(sys.argv[1])
model = kept_model(folder)
print("ready", flush=True)
number = 1.0
while True:
    number += 1
    with Outputs() as outputs:
        calibration = replace(model.calibration, slope=number)
        stage_model(outputs, folder, replace(model, calibration=calibration))
"""


def test_killed_at_any_moment_the_model_is_whole(tmp_path):
    keep(tmp_path, 1.0)
    draw = np.random.default_rng(0)
    seen = set()
    for _ in range(4):
        run = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        with run:
            assert run.stdout.readline() == "ready\n"
            time.sleep(draw.uniform(0.05, 0.6))
            os.kill(run.pid, signal.SIGKILL)
        seen.add(slope(tmp_path))
    assert max(seen) > 1.0
