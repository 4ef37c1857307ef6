"""Folders of real exports, looked at before anything is read."""

import pytest

from csk.cli.run_check import run_stub
from csk.intake.origins.finding import found
from csk.intake.plans.looking import looked_at
from csk.settings import Settings, settings

STOPS = {"CDNOW_sample.txt"}
FOLDERS = ["jaffle_shop", "cdnow", "jp_cp932", "eccube", "telco", "mrr_playbook"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_has_a_role_or_a_reason_and_the_stub_loads(real, folder, tmp_path, capsys):
    place = real / folder
    if not place.is_dir():
        pytest.skip(f"{place} is absent")
    with looked_at(found([str(place)]), Settings(), tmp_path) as looked:
        files = looked.files
    assert len(files) == sum(path.is_file() for path in place.rglob("*") if path.suffix)
    assert [one.file for one in files if not one.told.role and not one.why_not] == []
    assert {one.file for one in files if one.refusal} <= STOPS
    run_stub([str(place)], Settings())
    stub = tmp_path / "csk.toml"
    stub.write_text(capsys.readouterr().out, "utf-8")
    chosen = settings({}, stub)
    with looked_at(found([str(place)]), chosen, tmp_path) as again:
        assert [one.told.role for one in again.files] == [one.told.role for one in files]
