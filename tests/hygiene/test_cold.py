"""Asking for help must not wait for libraries that only answers need."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"polars", "numpy", "scipy", "pandas", "pyarrow", "sklearn", "lifelines", "narwhals"}
COMMANDS = sorted(
    path.stem.rstrip("_").replace("_", "-")
    for path in (Path(__file__).parents[2] / "src/csk/cli/commands").glob("[!_]*.py")
)


def imported_by(*arguments: str) -> set[str]:
    """Return the packages that a fresh Python imports for these arguments.

    `-X importtime` reports on stderr while it goes, so that a program leaving by os._exit
    cannot hide what it imported.
    """
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]
    found = re.findall(r"^import time:.*\|\s*(\S+)$", run.stderr, flags=re.MULTILINE)
    return {name.split(".")[0] for name in found}


def test_the_package_itself_imports_nothing() -> None:
    assert imported_by("-c", "import csk") & (HEAVY | {"typer", "rich", "pydantic"}) == set()


def test_the_measure_sees_an_import() -> None:
    assert "numpy" in imported_by("-c", "import numpy")


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_asking_csk_about_itself_loads_no_library_of_answers(flag: str) -> None:
    assert imported_by("-m", "csk", flag) & (HEAVY | {"pydantic", "pydantic_settings"}) == set()


def test_the_version_is_told_before_typer_is_loaded() -> None:
    assert imported_by("-m", "csk", "--version") & {"typer", "rich"} == set()


# In one process, one after the other: what a command loads is there from then on.
HELP_OF_ALL = """
import json, sys
from csk.__main__ import main

loaded = {}
for command in sys.argv[1:]:
    before = set(sys.modules)
    sys.argv = ["csk", command, "--help"]
    try:
        main()
    except SystemExit as left:
        assert not left.code, command
    loaded[command] = sorted({name.split(".")[0] for name in set(sys.modules) - before})
print(json.dumps(loaded), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def loaded_for_help() -> dict[str, list[str]]:
    """Return the packages that help of each command loads which none before it had loaded."""
    run = subprocess.run(
        [sys.executable, "-c", HELP_OF_ALL, *COMMANDS], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.count("Usage: csk ") == len(COMMANDS)
    loaded = json.loads(run.stderr)
    assert "typer" in loaded[COMMANDS[0]], "the measure sees no import"
    return loaded


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_no_library_of_answers(
    command: str, loaded_for_help: dict[str, list[str]]
) -> None:
    # pydantic is let pass: Typer 0.29 loads it once it is past the group's own options.
    assert HEAVY.isdisjoint(loaded_for_help[command])
