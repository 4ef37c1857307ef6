import ast
import sys
from pathlib import Path

import csk.simulation

MODULES = sorted(Path(csk.simulation.__file__).parent.glob("*.py"))
ALLOWED = {"numpy", "polars", "pyarrow"}
OWN = {"csk.errors", "csk.schema"}


def imported(module):
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_nothing_is_shared_with_the_estimators():
    names = {name for module in MODULES for name in imported(module)}
    ours = {name for name in names if name.partition(".")[0] == "csk"}
    others = {name.partition(".")[0] for name in names - ours}
    assert {name for name in ours if not name.startswith("csk.simulation")} <= OWN
    assert others <= ALLOWED | sys.stdlib_module_names
    assert len(MODULES) > 5
