"""The source tree, read once: what the hygiene tests look at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "csk"


@dataclass(frozen=True)
class Module:
    """One file of source; `floor` is its folder under csk, or its own name where it has none."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def place(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def floor(self) -> str:
        return self.path.relative_to(SOURCE).parts[0].removesuffix(".py")

    @property
    def is_command(self) -> bool:
        return "cli/commands/" in self.place and self.path.name != "__init__.py"

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    found = [
        Module(path, text := path.read_text(encoding="utf-8"), ast.parse(text))
        for path in sorted(SOURCE.rglob("*.py"))
    ]
    assert len(found) > 20, "the source tree was not found"
    return found
