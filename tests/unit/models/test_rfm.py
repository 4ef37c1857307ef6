import polars as pl
import pytest

from csk.errors import UsageError
from csk.models.rfm import rfm_scored
from csk.models.value import UNIT
from csk.settings import Settings


def buyers(*rows):
    """Customers of (silence, purchases, money)."""
    return pl.DataFrame(
        [(f"c{i}", *row, row[2]) for i, row in enumerate(rows)],
        schema={
            "customer_id": pl.String,
            "silence_days": pl.Int32,
            "n_purchases": pl.Int64,
            "purchase_amount": pl.Int64,
            "realised_amount": pl.Int64,
        },
        orient="row",
    )


TEN = buyers(*((100 - 10 * i, 1 + i, (i + 1) * UNIT) for i in range(10)))
SCORES = ("rfm_recency", "rfm_frequency", "rfm_monetary")


def scored(frame, **rfm):
    return rfm_scored(frame, Settings.model_validate({"rfm": rfm}))


def test_ranks_are_fifths_and_the_best_are_champions():
    found, told = scored(TEN)
    for name in SCORES:
        assert found[name].to_list() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
        assert told.sizes[name] == (2,) * 5
    assert found["rfm_segment"][9] == "champions"
    assert found["rfm_segment"][0] == "lost"
    assert told.n_without == 0
    assert sum(n for _, n, _ in told.segments) == 10
    assert sum(money for *_, money in told.segments) == 55 * UNIT
    assert told.map == tuple(
        tuple(2 if row + column == 4 else 0 for column in range(5)) for row in range(5)
    )


@pytest.mark.parametrize(("method", "top"), [("decile", 10), ("abc", 3)])
def test_other_scales_have_other_tops(method, top):
    found, told = scored(TEN, method=method)
    for name in SCORES:
        assert found[name].max() == top
        assert sum(told.sizes[name]) == 10
    assert set(found["rfm_segment"]) >= {"champions"}


def test_fixed_thresholds_score_alike_from_month_to_month():
    rows = buyers((30, 1, 5 * UNIT), (31, 2, 10 * UNIT), (365, 5, 49 * UNIT), (366, 10, 50 * UNIT))
    found, told = scored(rows, method="fixed", monetary_amount=[10, 20, 30, 50])
    assert found.select(SCORES).rows() == [(5, 1, 1), (4, 2, 2), (2, 3, 4), (1, 5, 5)]
    assert told.edges["rfm_recency"] == (-365.0, -180.0, -90.0, -30.0)


def test_fixed_thresholds_of_money_must_be_given():
    with pytest.raises(UsageError, match="need thresholds of money"):
        scored(TEN, method="fixed")


def test_whoever_never_bought_has_no_score():
    found, told = scored(buyers((5, 2, UNIT), (None, 0, 0), (9, 1, UNIT)))
    assert found.select(*SCORES, "rfm_segment").row(1) == (None,) * 4
    assert told.n_without == 1
    assert sum(n for _, n, _ in told.segments) == sum(map(sum, told.map)) == 2


def test_refunds_alone_give_nobody_a_score():
    found, told = scored(buyers((None, 0, 0)))
    assert found["rfm_segment"].to_list() == [None]
    assert told.segments == ()
    assert told.n_without == 1
