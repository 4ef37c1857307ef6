"""Reports in Japanese as they stand on a screen of 80 cells."""

import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from csk.errors import ExitCode
from csk.text import Words, words

SAMPLE = Path(__file__).parents[2] / "data/sample"
CONTRACTS = """customer_id,plan,started_on,ended_on,mrr_amount,cancel_reason
p,小型,2024-01-05,2024-05-20,100,price
q,小型,2024-01-05,,50,
r,大型,2024-05-03,,30,
s,大型,2024-05-03,2024-05-28,20,card
t,大型,2024-02-03,,20,
t,小型,2024-05-10,,15,
"""
OF_CONTRACTS = (
    ("check",),
    ("mrr", "--by", "plan"),
    ("mrr", "--preset", "chartmogul"),
    ("retention", "--by", "plan"),
    ("cohorts",),
    ("cohorts", "--of", "net"),
    ("reconcile", "--between", "chartmogul,stripe"),
    ("explain", "mrr"),
)
OF_SHOPS = (("check",), ("segment",), ("retention",), ("cohorts",), ("kpi",), ("ltv",))
OF_THE_SAMPLE = (
    ("segment",),
    ("kpi",),
    ("surveys",),
    ("usage", "--by", "plan"),
    ("ltv", "--what-if", "churn=-10%"),
    ("retention", "--model", "cox"),
)


def wordings(language: Words) -> set[str]:
    """Stretches of three words and more that a language says around its places."""
    said = (part for key in language.keys for part in re.split(r"\{\w+\}", language(key)))
    return {part.strip() for part in said if len(re.findall(r"[A-Za-z]{2,}", part)) > 2}


ENGLISH = wordings(words("en")) - wordings(words("ja"))


def holds(shown: str) -> None:
    """Fail where a report in Japanese has an English sentence or a line beyond 80 cells."""
    title, *lines = shown.splitlines()
    assert re.search(r"[ぁ-んァ-ヶ一-龠]", title)
    assert [said for said in ENGLISH if said in " ".join(shown.split())] == []
    assert [line for line in lines if cell_len(line) > 80] == []


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def contracts(tmp_path):
    path = tmp_path / "subscriptions.csv"
    path.write_text(CONTRACTS, encoding="utf-8")
    return path


def test_the_measure_knows_english():
    assert len(ENGLISH) > 150
    with pytest.raises(AssertionError):
        holds(f"表題\n{max(ENGLISH, key=len)}")


@pytest.mark.parametrize("command", OF_CONTRACTS, ids=" ".join)
def test_a_report_on_contracts_is_in_japanese(quick, contracts, command):
    name, *options = command
    files = [*options, contracts] if name == "explain" else [contracts, *options]
    ran = quick("--lang", "ja", name, *files, "--as-of", "2024-07-01")
    assert ran.code == ExitCode.OK, ran.err
    holds(ran.out.decode())


@pytest.mark.parametrize("command", OF_SHOPS, ids=" ".join)
def test_a_report_on_a_shop_is_in_japanese(quick, export, command):
    ran = quick("--lang", "ja", *command, export, "--currency", "JPY")
    assert ran.code == ExitCode.OK, ran.err
    holds(ran.out.decode())


@pytest.mark.parametrize("command", OF_THE_SAMPLE, ids=" ".join)
def test_a_report_on_the_sample_is_in_japanese(quick, command, sample_store):
    ran = quick("--lang", "ja", *command, SAMPLE, "--store", sample_store)
    assert ran.code == ExitCode.OK, ran.err
    holds(ran.out.decode())


def test_the_variable_chooses_and_the_flag_wins(csk):
    variables = {"CSK_LANG": "ja"}
    spoken = csk("explain", "grr", variables=variables).out.decode()
    assert spoken.startswith("総収益維持率（GRR）")
    told = csk("--lang", "en", "explain", "grr", variables=variables).out.decode()
    assert told.startswith("Gross retention (GRR)")


def test_an_unknown_language_is_refused(quick, monkeypatch):
    monkeypatch.setenv("CSK_LANG", "xx")
    ran = quick("explain")
    assert ran.code == ExitCode.USAGE
    assert "en, ja" in ran.err


def test_machines_are_told_the_same_in_every_language(quick, contracts):
    of = ("mrr", contracts, "--as-of", "2024-07-01", "--report", "json")
    japanese, english = (
        json.loads(quick("--lang", language, *of).out) for language in ("ja", "en")
    )
    words_for_people = {"title", "first_line"}
    assert {key for key in english if japanese[key] != english[key]} == words_for_people
    assert list(japanese) == list(english)
