"""Processes of buying on shops whose process is known."""

from datetime import date, timedelta

import numpy as np
import pytest

from csk.analyses.processes import processes
from csk.engine.local import LocalEngine
from csk.errors import ModelError

BEGIN, AS_OF = date(2023, 1, 1), date(2024, 1, 1)
DAYS = (AS_OF - BEGIN).days


def shop(shape, n=300, seed=3):
    """Buyers who come at Erlang gaps of 40 days on average; 15 % of them leave each time."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(n):
        day, first = rng.uniform(0, 60), True
        while day < DAYS and (first or rng.random() > 0.15):
            paid_on = BEGIN + timedelta(days=int(day))
            rows.append({"customer_id": f"c{customer:04d}", "paid_on": paid_on, "amount": 1})
            day, first = day + max(rng.gamma(shape, 40 / shape), 1.0), False
    return rows


def found(book_of, rows):
    return processes(book_of({"payments": rows}, 2, AS_OF), LocalEngine())


def test_regular_buyers_are_known_and_fitted_best_by_the_process_that_knows_them(book_of):
    result = found(book_of, shop(4))
    assert result.regularity is not None
    assert result.regularity.low > 2
    assert result.tried[0].name == "mbg_cnbd_k"
    assert result.n_buyers == 300


def test_buyers_at_random_are_not_called_regular(book_of):
    result = found(book_of, shop(1))
    assert result.regularity is not None
    assert not result.regularity.is_regular
    best, worst = result.tried[0], result.tried[-1]
    assert (best.aic <= worst.aic, worst.name) == (True, "nbd")


def test_of_few_who_came_three_times_regularity_is_not_told(book_of):
    result = found(book_of, shop(1, n=25))
    assert result.regularity is None
    assert len(result.tried) == 5


def test_of_buyers_who_never_came_back_no_process_is_told(book_of):
    rows = [{"customer_id": f"c{n}", "paid_on": BEGIN, "amount": 1} for n in range(50)]
    with pytest.raises(ModelError):
        found(book_of, rows)
