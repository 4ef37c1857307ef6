"""Every language says everything."""

import string
import tomllib
from pathlib import Path


def words(table: dict, before: str = "") -> dict[str, str]:
    """Flatten a table of words to dotted keys."""
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= words(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def places(sentence: str) -> set[str]:
    """Names of the places that a sentence leaves open."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def languages(root: Path) -> dict[str, dict[str, str]]:
    found = {
        path.stem: words(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted((root / "src/csk/text").glob("*.toml"))
    }
    assert "en" in found
    return found


def test_every_language_has_the_same_keys(root: Path) -> None:
    spoken = languages(root)
    for language, sentences in spoken.items():
        assert set(sentences) ^ set(spoken["en"]) == set(), language


def test_every_language_leaves_the_same_places_open(root: Path) -> None:
    spoken = languages(root)
    offences = [
        f"{language}: {key}"
        for language, sentences in spoken.items()
        for key, sentence in sentences.items()
        if isinstance(sentence, str) and places(sentence) != places(spoken["en"].get(key, ""))
    ]
    assert not offences, "\n".join(offences)


def test_no_word_is_empty(root: Path) -> None:
    for language, sentences in languages(root).items():
        assert [key for key, sentence in sentences.items() if sentence == ""] == [], language
