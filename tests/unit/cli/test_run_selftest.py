"""`csk selftest` refuses at the end where a figure is missed, and tells all first."""

import json
from dataclasses import replace

import polars as pl
import pytest

from csk.cli.app import run as run_csk
from csk.cli.output import Wanted
from csk.cli.run_selftest import run
from csk.errors import ExitCode, ModelError
from csk.published import Figure, tables

WILSON = next(one for one in tables() if one.name == "wilson")
OFF = replace(WILSON, figures=(Figure("high(0/20)", 0.1700, 4, 0.00005), *WILSON.figures))


def wanted(*outputs, report="text", quiet=False):
    return Wanted(tuple(outputs), "csv", report, "replace", "utf-8", quiet)


def test_a_missed_figure_is_a_refusal_after_the_report(capsys, tmp_path):
    path = tmp_path / "figures.csv"
    with pytest.raises(ModelError, match="1 of 9 published figures are not reproduced") as refusal:
        run(wanted(path), [OFF])
    assert refusal.value.exit_code == ExitCode.MODEL
    assert refusal.value.details == (
        "Wilson's interval, high(0/20): 0.17 published, 0.16112516 computed",
    )
    assert "8 of 9 published figures reproduced" in capsys.readouterr().out
    assert pl.read_csv(path)["is_held"].to_list() == [False, *[True] * 8]


def test_where_all_hold_nothing_is_refused(capsys):
    run(wanted(report="json"), [WILSON])
    assert json.loads(capsys.readouterr().out)["n_held"] == 8


def test_quiet_says_nothing(capsys):
    run(wanted(quiet=True), [WILSON])
    assert capsys.readouterr().out == ""


def test_the_command_runs_to_its_end(capsys):
    assert run_csk(["selftest", "--report", "markdown"], lambda _: None) == ExitCode.OK
    n = sum(len(one.figures) for one in tables())
    assert f"{n} of {n} published figures reproduced" in capsys.readouterr().out
