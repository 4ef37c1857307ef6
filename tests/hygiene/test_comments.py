"""What the tree may not hold: paths of somebody's machine, and silence without a reason."""

import io
import re
import tokenize
from pathlib import Path

import pytest

LEFT_ALONE = {
    ".git",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "build",
    "dist",
    "mutants",
    "out",
}
# Written in pieces, or this file would offend itself.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w")
SILENCE = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore|pragma:)")
REASONED = re.compile(
    r"#\s*(?:noqa:\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*|type:\s*ignore\[[\w, -]+\]|pragma:[\w ]+)"
    r"\s*[#–—-].*\w{3,}"
)


def text_files(root: Path):
    """Yield each text file of the project with its text."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if any(part in LEFT_ALONE or part.startswith(".venv") for part in parts):
            continue
        if path.is_file():
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def comments(text: str):
    """Yield line and text of each comment."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def silent_without_reason(comment: str) -> bool:
    return bool(SILENCE.search(comment)) and not REASONED.search(comment)


def test_no_file_names_a_path_of_a_machine(root: Path) -> None:
    offences = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:80]}"
        for path, text in text_files(root)
        for number, line in enumerate(text.splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(
    ("comment", "silent"),
    [
        ("# noqa", True),
        ("# noqa: E501", True),
        ("# noqa: E501, S108 - paths are long here", False),
        ("# noqa: PLR2004 - a year in two figures", False),
        ("# noqa: E501, S108", True),
        ("# noqa: E501  # paths are long here", False),
        ("# type: ignore", True),
        ("# type: ignore[override]", True),
        ("# type: ignore[override]  # tuples index by number, tables by name", False),
        ("# a plain remark", False),
    ],
)
def test_silence_needs_a_reason(comment: str, silent: bool) -> None:
    assert silent_without_reason(comment) is silent


def test_no_check_is_silenced_without_its_reason(root: Path) -> None:
    offences = [
        f"{path.relative_to(root)}:{line}: {comment}"
        for folder in ("src", "tests", "examples", "docs")
        for path in sorted((root / folder).rglob("*.py"))
        for line, comment in comments(path.read_text(encoding="utf-8"))
        if silent_without_reason(comment)
    ]
    assert not offences, "\n".join(offences)
