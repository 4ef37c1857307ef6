"""Plans run, and files are read and written, behind a few doors."""

import ast

BEHIND_THE_DOORS = {"engine", "sinks", "intake", "simulation"}


def opens_a_door(call: ast.Call) -> bool:
    """Whether a call runs a plan, or reads or writes a table, without asking the engine."""
    if not isinstance(call.func, ast.Attribute):
        return False
    verb = call.func.attr
    owner = call.func.value
    owner_name = getattr(owner, "attr", getattr(owner, "id", ""))
    if verb in {"collect", "collect_async", "collect_all"}:
        return not owner_name.endswith("engine")
    tables = ("parquet", "csv", "ipc", "ndjson", "json", "excel", "database", "delta")
    if verb.startswith(("read_", "write_", "sink_", "scan_")):
        return verb.split("_", 1)[1].startswith(tables)
    return False


def test_plans_run_and_tables_are_read_behind_the_doors(modules) -> None:
    offences = [
        f"{module.place}:{node.lineno}: {ast.unparse(node.func)}"
        for module in modules
        if module.floor not in BEHIND_THE_DOORS
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and opens_a_door(node)
    ]
    assert not offences, "\n".join(offences)
