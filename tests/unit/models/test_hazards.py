"""Ratios of hazards from rows of contracts: the truth found again, strata, refusals."""

import numpy as np
import polars as pl
import pytest

from csk.errors import ModelError
from csk.models.hazards import hazards


def contracts(seed, n=2000, *, late=True, terms=(1,)):
    """Draw contracts of two plans, the second leaving half as often; usage halves it at 4 times."""
    rng = np.random.default_rng(seed)
    plan, used = rng.integers(0, 2, n), rng.integers(0, 40, n).astype(float)
    term = rng.choice(terms, n)
    scale = 300.0 * term * 2.0**plan * (1.0 + used) ** 0.5
    last = np.ceil(rng.exponential(scale))
    entry = rng.integers(0, 200, n) if late else np.zeros(n, int)
    end = entry + rng.integers(100, 900, n)
    rows = pl.DataFrame(
        {
            "customer_id": [f"c{number // 2:05}" for number in range(n)],
            "entry_age": entry,
            "exit_age": np.minimum(last, end).astype(int),
            "cause": (last <= end).astype(int) * 3,
            "term_months": term,
            "plan": np.where(plan == 1, "b", "a"),
            "n": used,
        }
    )
    return rows.filter(pl.col("exit_age") > pl.col("entry_age"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("terms", [(1,), (1, 12)])
def test_ratios_are_found_again_under_late_entry(seed, terms):
    found = hazards(contracts(seed, terms=terms), ["plan", "usage"], is_asked=True)
    by_name = {effect.term.covariate: effect for effect in found.effects}
    assert (by_name["plan"].term.level, by_name["plan"].term.against) == ("b", "a")
    for name, truth in (("plan", 0.5), ("usage", 0.5**0.5)):
        error = np.log(by_name[name].high / by_name[name].low) / 2 / 1.96
        assert np.log(by_name[name].ratio) == pytest.approx(np.log(truth), abs=3.5 * error)
        assert by_name[name].low < by_name[name].ratio < by_name[name].high
        assert by_name[name].p_value < 1e-6
    assert found.strata == terms
    assert found.concordance > 0.55
    assert found.p_value < 1e-6
    assert found.n_left == int((contracts(seed, terms=terms)["cause"] > 0).sum())


def test_a_covariate_that_holds_is_steady():
    steady = [
        one.p_value
        for seed in range(6)
        for one in hazards(contracts(seed), ["plan", "usage"], is_asked=False).steady
    ]
    assert sum(p < 0.05 for p in steady) <= 3


def test_errors_are_by_customer():
    rows = contracts(4, n=400)
    twice = pl.concat([rows, rows])
    apart = twice.with_columns(
        customer_id=pl.concat_str(pl.lit("x"), pl.int_range(pl.len()).cast(pl.String))
    )
    together, alone = (hazards(part, ["plan"], is_asked=True) for part in (twice, apart))
    wide = np.log(together.effects[0].high / together.effects[0].low)
    narrow = np.log(alone.effects[0].high / alone.effects[0].low)
    assert wide / narrow == pytest.approx(2.0**0.5, rel=0.1)
    assert together.n_customers < alone.n_customers == twice.height


def test_too_few_ends_carry_no_model():
    rows = contracts(5, n=60).with_columns(
        cause=pl.when(pl.int_range(pl.len()) < 12).then("cause").otherwise(0)
    )
    with pytest.raises(ModelError, match="20 are needed"):
        hazards(rows, ["plan"], is_asked=False)


def test_what_separates_is_named():
    rows = contracts(6, n=300).with_columns(
        n=pl.when(pl.col("cause") > 0).then(30.0).otherwise(0.0)
    )
    with pytest.raises(ModelError, match=r"^usage tells who left"):
        hazards(rows, ["plan", "usage"], is_asked=True)
