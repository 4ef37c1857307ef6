"""Who may import whom. import-linter holds the layers; here stands what each floor may use."""

import ast
import subprocess
import sys
from pathlib import Path

# Third-party packages by floor; what is not named here may use the standard library only.
MAY_USE = {
    "__main__": {"typer"},
    "cli": {"typer", "rich"},
    "intake": {
        "numpy",
        "phonenumbers",
        "polars",
        "pyarrow",
        "python_calamine",
        "duckdb",
        "adbc_driver_manager",
        "adbc_driver_postgresql",
    },
    "sinks": {"polars", "pyarrow", "duckdb", "xlsxwriter"},
    "render": {"rich"},
    "simulation": {"numpy", "polars", "pyarrow"},
    "analyses": {"polars", "numpy"},
    "published": {"numpy"},
    "models": {"lifelines", "sklearn", "threadpoolctl", "polars", "numpy"},
    "tables": {"polars", "narwhals"},
    "facts": {"narwhals"},
    "stats": {"numpy", "scipy"},
    "engine": {"polars", "narwhals", "pyspark", "grpc"},
    "book": {"polars"},
    "settings": {"pydantic", "pydantic_settings"},
}
# Imported by nobody: pickles are code from strangers, scipy.stats costs three seconds of start.
NEVER = ("pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal", "scipy.stats")


def imports(tree: ast.Module) -> list[tuple[int, str]]:
    """Every absolute import of a module, wherever it stands: line and dotted name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def test_imports_point_downward_only(root: Path) -> None:
    # -P: csk is imported as installed or as PYTHONPATH says, never from the folder we stand in.
    code = "import sys; from importlinter.cli import lint_imports_command as lint; sys.exit(lint())"
    run = subprocess.run(
        [sys.executable, "-P", "-c", code, "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_floor_uses_only_the_libraries_it_names(modules) -> None:
    offences = [
        f"{module.place}:{line}: {module.floor} may not use {name}"
        for module in modules
        for line, name in imports(module.tree)
        if (package := name.split(".")[0]) not in sys.stdlib_module_names
        and package != "csk"
        and package not in MAY_USE.get(module.floor, set())
    ]
    assert not offences, "\n".join(offences)


def test_narwhals_is_imported_in_its_stable_form(modules) -> None:
    offences = [
        f"{module.place}:{line}: {name}"
        for module in modules
        for line, name in imports(module.tree)
        if name.split(".")[0] == "narwhals" and not name.startswith("narwhals.stable.v2")
    ]
    assert not offences, "\n".join(offences)


def test_what_nobody_imports_is_imported_by_nobody(modules) -> None:
    offences = [
        f"{module.place}:{line}: {name}"
        for module in modules
        for line, name in imports(module.tree)
        if any(name == never or name.startswith(f"{never}.") for never in NEVER)
    ]
    assert not offences, "\n".join(offences)


def test_imports_are_absolute(modules) -> None:
    offences = [
        f"{module.place}:{node.lineno}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not offences, "\n".join(offences)


def test_every_folder_of_code_is_a_package_that_the_linter_sees(modules) -> None:
    folders = {module.path.parent for module in modules}
    assert [f.name for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def test_the_schema_imports_nothing_but_types(modules) -> None:
    parts = [module for module in modules if module.floor == "schema"]
    names = {name for part in parts for _, name in imports(part.tree)}
    assert len(parts) > 1
    assert {name.split(".")[0] for name in names} <= {"csk", "typing", "dataclasses"}
    assert all(name.startswith("csk.schema") for name in names if name.startswith("csk"))
