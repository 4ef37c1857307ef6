"""Files that are no known export are taken for none."""

import csv
from pathlib import Path

import pytest

from csk.intake.recognition.exports import known

EXPORTS = ("fivetran", "eccube")
TEXTS = (".csv", ".tsv", ".txt")


def header(path: Path) -> list[str]:
    lines = path.read_bytes()[:1_000_000].splitlines()
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return next(csv.reader([lines[0].decode(encoding)]))
        except UnicodeDecodeError:
            continue
    return []


def test_a_file_of_no_known_export_is_taken_for_none(real: Path) -> None:
    paths = [path for path in real.rglob("*") if path.suffix in TEXTS and path.stat().st_size]
    paths = [path for path in paths if path.relative_to(real).parts[0] not in EXPORTS]
    if not paths:
        pytest.skip(f"no files in {real}")
    taken = {path.name: told.export.name for path in paths if (told := known(header(path)))}
    assert taken == {}
