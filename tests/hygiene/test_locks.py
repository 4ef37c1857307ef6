"""The locks hold what pyproject.toml asks for, and no address."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

LOCKS = [
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-lowest.lock",
    "requirements-peers.lock",
    "requirements-peers-today.lock",
]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(.*)$", flags=re.MULTILINE)


def pins(root: Path, lock: str) -> dict[str, set[Version]]:
    found: dict[str, set[Version]] = {}
    for name, version, _ in PIN.findall((root / lock).read_text(encoding="utf-8")):
        found.setdefault(name, set()).add(Version(version))
    return found


def asked(root: Path, *groups: str) -> list[Requirement]:
    """Return what a user installs, extras included, and what these groups add."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    lines = [*project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        lines += extra
    for group in groups:
        lines += [line for line in project["dependency-groups"][group] if isinstance(line, str)]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_no_address(root: Path, lock: str) -> None:
    assert "://" not in (root / lock).read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(root: Path, lock: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (root / lock).read_text(encoding="utf-8"))
    assert [e.splitlines()[0] for e in entries if "==" in e and "--hash=sha256:" not in e] == []


@pytest.mark.parametrize(
    ("lock", "groups"),
    [
        ("requirements.lock", ["build"]),
        ("requirements-dev.lock", ["build", "test", "dev"]),
        ("requirements-lowest.lock", ["build", "test"]),
    ],
)
def test_a_lock_pins_all_that_is_asked_for(root: Path, lock: str, groups: list[str]) -> None:
    pinned = pins(root, lock)
    for requirement in asked(root, *groups):
        assert requirement.name in pinned
        assert all(requirement.specifier.contains(v) for v in pinned[requirement.name])


def test_the_tools_come_on_top_of_what_users_have(root: Path) -> None:
    tools = pins(root, "requirements-dev.lock")
    for name, versions in pins(root, "requirements.lock").items():
        assert tools[name] == versions


def test_bounds_are_lower_bounds_and_the_lowest_lock_stands_on_them(root: Path) -> None:
    lowest = pins(root, "requirements-lowest.lock")
    for requirement in asked(root):
        (bound,) = requirement.specifier
        assert bound.operator == ">="
        assert min(lowest[requirement.name]) == Version(bound.version), requirement.name
