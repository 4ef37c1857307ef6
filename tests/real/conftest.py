"""Where the real data lies: CSK_REAL_DATA, or `shared/data` beside the checkout."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real() -> Path:
    named = os.environ.get("CSK_REAL_DATA")
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(named) if named else beside
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent (CSK_REAL_DATA names another folder)")
    return folder
