"""Which flags of `csk retention` go together."""

import pytest

from csk.cli.run_retention import Modelled, modelled
from csk.errors import UsageError


@pytest.mark.parametrize(
    ("kind", "covariates", "by", "expected"),
    [
        (None, None, None, None),
        (None, None, "plan", None),
        ("cox", None, None, Modelled("cox", ())),
        ("aft", "plan, channel,", None, Modelled("aft", ("plan", "channel"))),
        ("tails", None, "plan", Modelled("tails", ())),
    ],
)
def test_flags_make_a_model(kind, covariates, by, expected):
    assert modelled(kind, covariates, by) == expected


@pytest.mark.parametrize(
    ("kind", "covariates", "by"),
    [(None, "plan", None), ("tails", "plan", None), ("cox", None, "plan"), ("aft", "x", "plan")],
)
def test_flags_that_do_not_go_together_are_refused(kind, covariates, by):
    with pytest.raises(UsageError):
        modelled(kind, covariates, by)
