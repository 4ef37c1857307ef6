import ast
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"
MODULES = {path.stem: path for path in sorted(BENCH.glob("*.py"))}


def named(tree):
    """Return what a module defines or imports at its top."""
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                yield from (one.asname or one.name for one in names)
            case ast.Assign(targets=targets):
                yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_takes_from_its_neighbours_what_they_have(name):
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            there = set(named(ast.parse(MODULES[node.module].read_text("utf-8"))))
            assert {one.name for one in node.names} <= there, node.module
