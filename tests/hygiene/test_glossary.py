"""A column that stands in the code as a literal stands in the glossary."""

import ast
from collections.abc import Iterator, Mapping

import pytest

from csk import schema

FLOORS = {"facts", "tables", "models"}

# Calls whose strings are columns: by position, in lists, and by the keywords below.
COLUMN_CALLS = {
    "agg", "alias", "coalesce", "col", "drop", "drop_nulls", "exclude", "group_by",
    "max_horizontal", "min_horizontal", "over", "partition_by", "select", "sort", "struct",
    "sum_horizontal", "with_columns",
}  # fmt: skip
COLUMN_KEYWORDS = {"by", "on", "left_on", "right_on", "subset", "order_by", "partition_by"}
KEYWORD_CALLS = {"cum_sum", "join", "pivot", "shift", "sort_by", "unique"}
NAMING_CALLS = {"agg", "select", "struct", "with_columns"}
# Keywords of those calls that are options, not names of new columns.
OPTIONS = {"strict", "maintain_order", "descending", "nulls_last", "mapping_strategy", "eager"}
FRAME_LIBRARIES = {"pl", "nw", "polars"}
SHORTHANDS = {"sum", "min", "max", "first", "last", "mean", "n_unique", "len"}


def strings(node: ast.expr) -> Iterator[str]:
    """Yield the string literals of an argument: itself, or the items of a list, tuple or set."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        for item in node.elts:
            yield from strings(item)


def columns_of_call(call: ast.Call) -> Iterator[str]:
    """Yield the columns that one call names."""
    verb = getattr(call.func, "attr", getattr(call.func, "id", ""))
    owner = getattr(getattr(call.func, "value", None), "id", "")
    named: list[ast.expr] = []
    if verb in COLUMN_CALLS or (verb in SHORTHANDS and owner in FRAME_LIBRARIES):
        named += call.args
    if verb in COLUMN_CALLS | KEYWORD_CALLS:
        named += [keyword.value for keyword in call.keywords if keyword.arg in COLUMN_KEYWORDS]
    if verb == "rename":
        renamed = [argument for argument in call.args if isinstance(argument, ast.Dict)]
        named += [name for pairs in renamed for name in (*pairs.keys, *pairs.values) if name]
    for argument in named:
        yield from strings(argument)
    if verb in NAMING_CALLS:
        yield from (k.arg for k in call.keywords if k.arg and k.arg not in OPTIONS)


def columns_named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each column that stands as a literal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for name in columns_of_call(node):
                yield node.lineno, name
        elif isinstance(node, ast.Attribute) and getattr(node.value, "attr", "") == "col":
            yield node.lineno, node.attr


def glossary(value: object) -> Iterator[str]:
    """Yield the names in a value of the schema: tables, columns, and collections of them."""
    if isinstance(value, schema.Table):
        yield from value.names
    elif isinstance(value, schema.Column):
        yield value.name
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from glossary(item)
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from [item] if isinstance(item, str) else glossary(item)


def test_every_literal_column_is_in_the_glossary(modules) -> None:
    known = {name for value in vars(schema).values() for name in glossary(value)}
    unknown: dict[str, str] = {}
    for module in modules:
        if module.floor in FLOORS:
            for line, name in columns_named(module.tree):
                if name not in known and not name.startswith("^"):
                    unknown.setdefault(name, f"{module.place}:{line}")
    assert not unknown, "\n".join(f"{name} ({place})" for name, place in sorted(unknown.items()))


def test_every_column_has_a_known_kind_and_a_meaning() -> None:
    tables = [value for value in vars(schema).values() if isinstance(value, schema.Table)]
    assert len(tables) >= len(schema.INPUTS)
    for table in tables:
        assert len(set(table.names)) == len(table.names), table.name
        assert set(table.key) <= set(table.names), table.name
        for column in table.columns:
            assert column.kind in schema.KINDS, (table.name, column.name)
            assert column.definition.endswith("."), (table.name, column.name)


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ('pl.col("a", "b")', {"a", "b"}),
        ('pl.col(["a"]).sum().alias("n_a")', {"a", "n_a"}),
        ('plan.group_by("a").agg(n=pl.len(), s=pl.sum("b"))', {"a", "n", "s", "b"}),
        ('plan.join(other, on=["a"], how="left")', {"a"}),
        ('", ".join(["a"])', set()),
        ('plan.sort("a", descending=True).with_columns(b=1)', {"a", "b"}),
        ('plan.rename({"a": "b"})', {"a", "b"}),
        ('nw.col("a").cum_sum().over("b", order_by="c")', {"a", "b", "c"}),
        ('pl.lit("a")', set()),
        ("pl.col.a + 1", {"a"}),
    ],
)
def test_the_walker_finds_columns(code: str, columns: set[str]) -> None:
    assert {name for _, name in columns_named(ast.parse(code))} == columns
