"""Laws that hold for every simulated company."""

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from csk.simulation.company import Company, log_days, source

companies = st.builds(
    Company,
    kind=st.sampled_from(["subscription", "shop"]),
    customers=st.integers(1, 60),
    months=st.integers(1, 30),
    seed=st.integers(0, 2**32),
    late_entry=st.booleans(),
    start_on=st.dates(date(2000, 1, 1), date(2030, 1, 1)).map(lambda day: day.replace(day=1)),
)
EVENTS = {
    "payments": "paid_on",
    "usage": "used_at",
    "tickets": "opened_at",
    "surveys": "answered_on",
    "touches": "touched_on",
}


@settings(max_examples=12, deadline=None, derandomize=True)
@given(companies)
def test_nothing_happens_outside_the_log(company):
    data_from, data_through, as_of = log_days(company)
    tables = source(company).block(0, 0, company.customers)
    assert tables["customers"]["customer_id"].n_unique() == company.customers
    assert tables["truth"]["as_of"].unique().to_list() == [as_of]
    for name, column in EVENTS.items():
        when = tables[name][column].cast(pl.Date)
        assert when.is_between(data_from, data_through).all()
    if company.kind == "subscription":
        rows = tables["subscriptions"]
        ends = rows["ended_on"].drop_nulls()
        assert ((ends > data_from) & (ends <= data_through)).all()
        assert (rows["ended_on"] > rows["started_on"]).drop_nulls().all()
        assert rows["customer_id"].n_unique() == company.customers
        starts = rows.group_by("customer_id").agg(pl.col("started_on").min())["started_on"]
        assert company.late_entry or starts.min() >= data_from
