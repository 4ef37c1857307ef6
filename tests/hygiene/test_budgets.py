"""How large things may grow, what they may be called, and what they say of themselves.

A file's lines are all its lines. A function's lines run from its `def` to its end, without its
docstring (a formula explained at length is no long function).
"""

import ast
import re

FILE_LINES = 400
COMMAND_LINES = 100
FUNCTION_LINES = 50
PARAMETERS = 7

EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "stuff", "lib"}
EMPTY_VARIABLES = {"df", "data", "tmp", "temp", "result2", "foo", "obj"}
EMPTY_VERBS = ("process", "handle", "manage", "do")
EMPTY_NOUNS = ("Manager", "Handler", "Helper", "Processor", "Utils")


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function, its decorators and docstring left out."""
    length = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        length -= function.body[0].end_lineno - function.body[0].lineno + 1
    return length


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    """Return the parameters a caller gives: not `self`, not `cls`."""
    listed = function.args
    every = [*listed.posonlyargs, *listed.args, *listed.kwonlyargs]
    every += [extra for extra in (listed.vararg, listed.kwarg) if extra is not None]
    return [arg for arg in every if arg.arg not in {"self", "cls"}]


def public(body: list[ast.stmt], inside: str = ""):
    """Yield the public classes, functions and methods of a module with their dotted names."""
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        yield f"{inside}{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from public(node.body, f"{inside}{node.name}.")


def variables(tree: ast.Module):
    """Yield each name that is bound outside a class body: variables and parameters."""
    fields = {
        id(name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for name in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and id(node) not in fields
        ):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def test_files_are_short(modules) -> None:
    lengths = {module.place: len(module.text.splitlines()) for module in modules}
    assert {place: n for place, n in lengths.items() if n > FILE_LINES} == {}


def test_command_files_are_one_page(modules) -> None:
    lengths = {m.place: len(m.text.splitlines()) for m in modules if m.is_command}
    assert {place: n for place, n in lengths.items() if n > COMMAND_LINES} == {}


def test_a_command_file_holds_the_function_of_its_name(modules) -> None:
    for module in modules:
        if module.is_command:
            names = {node.name for node in module.tree.body if isinstance(node, ast.FunctionDef)}
            assert module.path.stem.rstrip("_") in {name.rstrip("_") for name in names}, (
                module.place
            )


def test_functions_are_short(modules) -> None:
    offences = [
        f"{module.place}:{function.lineno}: {function.name} has {lines_of(function)} lines"
        for module in modules
        for function in module.functions()
        if lines_of(function) > FUNCTION_LINES
    ]
    assert not offences, "\n".join(offences)


def test_functions_take_few_parameters(modules) -> None:
    offences = [
        f"{module.place}:{function.lineno}: {function.name} takes {len(parameters(function))}"
        for module in modules
        if not module.is_command
        for function in module.functions()
        if len(parameters(function)) > PARAMETERS
    ]
    assert not offences, "\n".join(offences)


def test_every_module_says_what_it_is(modules) -> None:
    assert [m.place for m in modules if not ast.get_docstring(m.tree) and m.text.strip()] == []


def test_whatever_is_public_has_a_docstring(modules) -> None:
    offences = [
        f"{module.place}:{node.lineno}: {name}"
        for module in modules
        for name, node in public(module.tree.body)
        if not ast.get_docstring(node)
    ]
    assert not offences, "\n".join(offences)


def test_whatever_is_public_is_annotated(modules) -> None:
    offences = [
        f"{module.place}:{node.lineno}: {name}"
        for module in modules
        for name, node in public(module.tree.body)
        if not isinstance(node, ast.ClassDef)
        and (node.returns is None or any(arg.annotation is None for arg in parameters(node)))
    ]
    assert not offences, "\n".join(offences)


def test_no_file_or_folder_has_an_empty_name(modules) -> None:
    offences = [
        module.place
        for module in modules
        if EMPTY_WORDS & set(re.split(r"[/_.]", module.place.removeprefix("src/csk/")))
    ]
    assert not offences, "\n".join(offences)


def test_no_variable_has_an_empty_name(modules) -> None:
    offences = [
        f"{module.place}:{line}: {name}"
        for module in modules
        for line, name in variables(module.tree)
        if name in EMPTY_VARIABLES
    ]
    assert not offences, "\n".join(offences)


def test_no_function_or_class_has_an_empty_name(modules) -> None:
    offences = [
        f"{module.place}:{node.lineno}: {node.name}"
        for module in modules
        for node in ast.walk(module.tree)
        if (
            isinstance(node, ast.FunctionDef) and node.name.lstrip("_").split("_")[0] in EMPTY_VERBS
        )
        or (isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_NOUNS))
    ]
    assert not offences, "\n".join(offences)


def test_lines_of_a_function_leave_its_docstring_out() -> None:
    (function,) = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n').body
    assert lines_of(function) == 2


def test_layout_of_the_source_has_no_state(modules) -> None:
    offences = [
        f"{module.place}:{node.lineno}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]
    assert not offences, "\n".join(offences)
