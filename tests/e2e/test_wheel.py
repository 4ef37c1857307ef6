"""The package as a user gets it: built, installed where nothing else of csk is, started.

Nothing is downloaded: the build runs on the locked hatchling of this environment, and the empty
environment sees this one's libraries (not its csk) through a path file. `make demo` is the
test of the lock itself.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import csk

ROOT = Path(__file__).parents[2]
IN_SOURCE = (
    "src/csk/**/*.py",
    "src/csk/**/*.toml",
    "src/csk/published/*.csv",
    "src/csk/**/*.template",
    "src/csk/py.typed",
)
NOT_COPIED = (".git", ".venv*", "mutants", "out", "dist", "build", "__pycache__", ".*_cache")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program away from this tree's path and return what it said."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, Path]:
    """Wheel and sdist, the wheel made from the sdist as an index would have it."""
    place = tmp_path_factory.mktemp("built")
    tree = place / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", place, tree, cwd=place)
    (wheel,) = place.glob("*.whl")
    (sdist,) = place.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """Return the scripts folder of an environment that holds the wheel and borrows the rest."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    (site,) = place.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", place / "bin/python", "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", "--no-compile", built["wheel"], cwd=place)
    # Libraries only: a .pth line here does not run the .pth files there, so an editable csk of
    # this environment stays out of sight, and what the wheel brought comes first.
    borrowed = sysconfig.get_path("purelib"), sysconfig.get_path("platlib")
    (site / "borrowed.pth").write_text("\n".join(dict.fromkeys(borrowed)), encoding="utf-8")
    return place / "bin"


def names(archive: Path) -> set[str]:
    """File names of an archive; those of an sdist without its folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return set(wheel.namelist())
    with tarfile.open(archive) as sdist:
        return {member.name.split("/", 1)[1] for member in sdist if member.isfile()}


def in_source() -> set[str]:
    return {p.relative_to(ROOT).as_posix() for pattern in IN_SOURCE for p in ROOT.glob(pattern)}


def test_archives_are_called_by_the_distribution_and_its_version(built) -> None:
    assert built["wheel"].name == f"customer_success_kit-{csk.__version__}-py3-none-any.whl"
    assert built["sdist"].name == f"customer_success_kit-{csk.__version__}.tar.gz"


def test_the_wheel_holds_all_of_the_package_and_nothing_else(built) -> None:
    held = {name for name in names(built["wheel"]) if ".dist-info/" not in name}
    assert held == {name.removeprefix("src/") for name in in_source()}


def test_the_wheel_carries_its_licence_and_its_command(built) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        (licence,) = [name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]
        (scripts,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
        assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
        assert b"csk = csk.__main__:main" in wheel.read(scripts)


def test_the_sdist_holds_what_its_tests_need_and_no_data_but_the_sample(built) -> None:
    held = names(built["sdist"])
    tests = {p.relative_to(ROOT).as_posix() for p in ROOT.glob("tests/**/*.py")}
    assert in_source() | tests | {"pyproject.toml", "README.md", "LICENSE", "Makefile"} <= held
    assert {name for name in held if re.match(r"data/(?!sample/)", name)} == set()


@pytest.mark.parametrize("start", [["csk"], ["python", "-m", "csk"]])
def test_the_installed_command_says_its_version(installed, tmp_path, start) -> None:
    said = run(installed / start[0], *start[1:], "--version", cwd=tmp_path)
    assert csk.__version__ in said


def test_the_installed_package_is_not_this_tree(installed, tmp_path) -> None:
    where = run(installed / "python", "-c", "import csk; print(csk.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_the_installed_command_segments_the_sample(installed, tmp_path) -> None:
    output = tmp_path / "segment.parquet"
    run(installed / "csk", "segment", ROOT / "data/sample", "-o", output, cwd=tmp_path)
    assert output.stat().st_size > 0


def test_the_installed_command_reproduces_published_figures(installed, tmp_path) -> None:
    said = run(installed / "csk", "selftest", "--report", "json", cwd=tmp_path)
    found = json.loads(said)
    assert found["n"] == found["n_held"] > 100
