"""What the documents show can be typed."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"]


def shown(document: str) -> list[str]:
    """Return the csk commands in the code blocks of a document, continued lines joined."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [found[1] for line in lines if (found := re.match(r"(?:\$ )?(csk(?: .*)?)$", line))]


@cache
def page(*command: str) -> str:
    """Return the help page of a command on a wide screen."""
    run = subprocess.run(
        [sys.executable, "-m", "csk", *command, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "240", "TERMINAL_WIDTH": "240", "NO_COLOR": "1"},
    )
    assert run.returncode == 0, f"csk {' '.join(command)} --help: {run.stderr}"
    return run.stdout


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_and_options_in_a_document_exist(document: str) -> None:
    offences = []
    for line in shown(document):
        # Only csk's own words: not what it is piped to, not what a remark says.
        words = re.split(r"\s[|>#;&]", line)[0].split()[1:]
        command = words[:1] if words and not words[0].startswith("-") else []
        options = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        offences += [
            f"{document}: {line}: {option}"
            for option in options
            if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", page(*command))
        ]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_in_a_document_exist(document: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    text = (ROOT / document).read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^\$ |^)make ([a-z][a-z-]*)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_a_document_links_to_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)", text)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
