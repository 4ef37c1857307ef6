"""Ratios of times: the truth found again under late entry, and the law that made it."""

import numpy as np
import polars as pl
import pytest

from csk.errors import ModelError
from csk.models.accelerated import TERM, accelerated


def contracts(seed, n=700):
    """Draw log-normal times; plan b stays twice as long, terms of a year three times."""
    rng = np.random.default_rng(seed)
    plan, term = rng.integers(0, 2, n), rng.choice([1, 12], n, p=[0.7, 0.3])
    ratio = 2.0**plan * np.where(term == 12, 3.0, 1.0)
    last = np.ceil(250.0 * ratio * np.exp(0.8 * rng.normal(size=n)))
    entry = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 300, n))
    end = entry + rng.integers(100, 900, n)
    rows = pl.DataFrame(
        {
            "customer_id": [f"c{number:05}" for number in range(n)],
            "entry_age": entry,
            "exit_age": np.minimum(last, end).astype(int),
            "cause": (last <= end).astype(int),
            "term_months": term,
            "plan": np.where(plan == 1, "b", "a"),
        }
    )
    return rows.filter(pl.col("exit_age") > pl.col("entry_age"))


def test_ratios_and_law_are_found_again_under_late_entry():
    found = accelerated(contracts(2), ["plan"], is_asked=True)
    assert found.candidates[0].family == "log_normal"
    assert [one.aic for one in found.candidates] == sorted(one.aic for one in found.candidates)
    by_name = {effect.term.covariate: effect for effect in found.effects}
    assert (by_name[TERM].term.level, by_name[TERM].term.against) == ("12", "1")
    for name, truth in (("plan", 2.0), (TERM, 3.0)):
        assert by_name[name].low < truth < by_name[name].high
        assert by_name[name].high / by_name[name].low < 1.8


def test_too_few_ends_carry_no_law():
    rows = contracts(3).with_columns(cause=pl.when(pl.int_range(pl.len()) < 9).then(1).otherwise(0))
    with pytest.raises(ModelError, match="20 are needed"):
        accelerated(rows, ["plan"], is_asked=False)
