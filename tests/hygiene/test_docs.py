"""What the documents show can be typed."""

import json
import os
import re
import subprocess
import sys
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


PAGES = """
import json, sys
from contextlib import redirect_stdout
from io import StringIO
from csk.cli.app import run

pages = {}
for command in ["", *sys.argv[1:]]:
    with redirect_stdout(StringIO()) as shown:
        code = run([*command.split(), "--help"], lambda _: None)
    pages[command] = shown.getvalue() if code == 0 else ""
print(json.dumps(pages))
"""


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Return the help pages of all commands on a wide screen, that of csk itself without name."""
    commands = {words[0] for document in DOCUMENTS for line in shown(document)
                if (words := line.split()[1:]) and not words[0].startswith("-")}  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", PAGES, *sorted(commands)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "240", "TERMINAL_WIDTH": "240", "NO_COLOR": "1"},
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_and_options_in_a_document_exist(document: str, pages: dict[str, str]) -> None:
    offences = []
    for line in shown(document):
        # Only csk's own words: not what it is piped to, not what a remark says.
        words = re.split(r"\s[|>#;&]", line)[0].split()[1:]
        command = words[0] if words and not words[0].startswith("-") else ""
        assert pages[command], f"{document}: {line}: there is no such command"
        options = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        offences += [
            f"{document}: {line}: {option}"
            for option in options
            if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", pages[command])
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
