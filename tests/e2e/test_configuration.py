"""Where a setting comes from, and what is said of one that makes no sense."""

import pytest

from csk.errors import ExitCode

ALL_WRONG = """
curency = "JPY"
currency = "XYZ"
ltv_horizon = "x"
risk_horizon = "30d,soon"
tax = 1
[tiers]
shares = [0.9, 0.2]
[columns.payment]
amount = "x"
[columns.payments]
amout = "x"
"""


def test_all_that_is_wrong_in_csk_toml_is_told_at_once(tmp_path, quick, export):
    (tmp_path / "csk.toml").write_text(ALL_WRONG)
    ran = quick("segment", export)
    assert ran.code == ExitCode.USAGE
    for words in (
        "curency: no such setting (is it currency?)",
        "'XYZ' is not a currency code",
        "ltv_horizon: 'x' is not a duration",
        "risk_horizon: 'soon' is not a duration",
        "tax: should be 'included', 'excluded' or 'unknown' (it is 1)",
        "tiers.shares: the values must rise",
        "payment: no such table (is it payments?)",
        "payments.amout: no such column (is it amount?)",
        f"and {tmp_path / 'csk.toml'}.",
    ):
        assert words in ran.err


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("as_of = ", 2, "is not valid TOML"),
        ("\xff", 2, "is not valid TOML"),
        ('tz = "Mars/X"', 2, "There is no time zone 'Mars/X'"),
        ('encoding = "klingon"', 2, "There is no encoding 'klingon'"),
        ('[columns.payments]\namount = "amuont"', 3, "(is it 'amount'?)"),
    ],
)
def test_a_setting_that_cannot_be_met_is_refused(tmp_path, quick, export, content, code, said):
    (tmp_path / "csk.toml").write_bytes(content.encode("latin-1"))
    ran = quick("segment", export)
    assert (ran.code, said in ran.err) == (code, True), ran.err


def test_flags_win_over_variables_over_the_file_found_upwards(tmp_path, quick, export, monkeypatch):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    (tmp_path / "csk.toml").write_text('ltv_horizon = "12m"\n')
    told = quick("segment", export).out.decode()
    assert "LTV over 12 months" in told
    monkeypatch.setenv("CSK_LTV_HORIZON", "24m")
    assert "LTV over 24 months" in quick("segment", export).out.decode()
    assert "LTV over 48 months" in quick("segment", export, "--ltv-horizon", "4y").out.decode()
    monkeypatch.setenv("CSK_LTV_HORIZON", "long")
    ran = quick("segment", export)
    assert (ran.code, "'long' is not a duration" in ran.err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--as-of", "2020-01-01"], "Nothing is known before 2020-01-01"),
        (["--as-of", "2023-02-30"], "'2023-02-30' is not a day"),
        (["--data-from", "2025-01-01"], "it ends on 2023-"),
        (["--margin", "5"], "margin_share: should be less than or equal to 1 (it is 5.0)"),
        (["--currency", "usd"], "'usd' is not a currency code"),
        (["--input-encoding", "klingon"], "There is no encoding 'klingon'"),
        (["--config", "none.toml"], "There is no settings file none.toml"),
        (["--shards", "0"], "'--shards'"),
        (["--by", "owner"], "no column owner"),
        (["--nosuch"], "No such option: --nosuch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_flag_that_makes_no_sense_is_a_wrong_question(quick, export, options, said):
    ran = quick("segment", export, *options)
    assert (ran.code, said in ran.err) == (ExitCode.USAGE, True), ran.err


def test_a_wrong_encoding_is_the_fault_of_the_data(quick, export):
    ran = quick("segment", export, "--input-encoding", "utf-16")
    assert (ran.code, "is not UTF-16" in ran.err) == (ExitCode.DATA, True)


def test_the_program_explains_itself(csk, quick, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    version = csk("--version")
    assert (version.code, version.out.split()[:1]) == (0, [b"csk"])
    for arguments in ((), ("segment",), ("check",), ("sample",)):
        ran = quick(*arguments, "--help")
        lines = ran.out.decode().splitlines()
        assert ran.code == 0
        assert max(map(len, lines)) <= 80
        name = " ".join(("csk", *arguments))
        assert any(line.strip().startswith(f"Example: {name} ") for line in lines)
    told = quick("--help").out
    assert b"--install-completion" in told
    assert b"--show-completion" in told


def test_what_csk_does_not_know_is_a_wrong_question(csk, quick):
    bare, wrong = quick(), quick("segmnet")
    assert (bare.code, b"Usage: csk" in bare.out) == (ExitCode.USAGE, True)
    assert (wrong.code, "No such command 'segmnet'" in wrong.err) == (ExitCode.USAGE, True)
    wrong = csk("segment", "x.csv", "--memory", "lots")
    assert (wrong.code, "not a size of memory" in wrong.err) == (ExitCode.USAGE, True)
