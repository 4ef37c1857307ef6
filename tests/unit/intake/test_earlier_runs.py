from datetime import date

import polars as pl
import pytest

from csk.errors import DataError
from csk.intake.origins.earlier_runs import RUNS, earlier_runs, earlier_scores, score_file
from csk.models.risk import ledger
from csk.schema import RISK_RUN, RISK_SCORE
from csk.sinks.parquet import SINK
from csk.sinks.protocol import SinkOptions
from csk.tables.columns import types_of

DAY = date(2026, 1, 1)


@pytest.fixture
def run():
    """A row of the ledger, money as counts."""
    row = {"as_of": DAY, "model_id": "m", "n_customers": 3, "value_at_risk": -12_345, "n_usage": 7}
    return pl.DataFrame([row], schema=types_of(RISK_RUN))


def test_a_new_folder_has_an_empty_ledger(tmp_path):
    found = earlier_runs(tmp_path)
    assert found.runs.is_empty()
    assert found.live.is_empty()
    assert tuple(found.runs.columns) == RISK_RUN.names
    assert earlier_scores(tmp_path, DAY) is None


def test_what_was_written_comes_back(tmp_path, run):
    SINK.write(run, tmp_path / RUNS, RISK_RUN, SinkOptions())
    assert earlier_runs(tmp_path).runs.equals(run)


def test_scores_come_back_with_their_risks(tmp_path):
    customers = pl.DataFrame(
        {
            "customer_id": ["a", "b"],
            "is_control": [True, False],
            "value_at_risk": [1, None],
            "model_id": ["m", "m"],
            "p_churn_45d": [0.25, None],
        }
    )
    kept = ledger.scores(customers, DAY, (45,))
    path = score_file(tmp_path, DAY)
    path.parent.mkdir()
    SINK.write(kept, path, RISK_SCORE, SinkOptions(as_of=DAY))
    assert path.name == "as_of=2026-01-01.parquet"
    assert earlier_scores(tmp_path, DAY).equals(kept)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"as_of,n\n", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_a_broken_ledger_is_refused_and_not_taken_for_none(tmp_path, content):
    (tmp_path / RUNS).write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as what earlier runs foretold") as refused:
        earlier_runs(tmp_path)
    assert "\n" not in refused.value.sentence


def test_another_table_is_no_ledger(tmp_path):
    pl.DataFrame({"as_of": [DAY], "x": [1]}).write_parquet(tmp_path / RUNS)
    with pytest.raises(DataError, match="cannot be read"):
        earlier_runs(tmp_path)
