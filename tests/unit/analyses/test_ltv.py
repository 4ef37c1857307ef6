from datetime import date, timedelta

import polars as pl
import pytest

from csk.analyses.ltv import Choice, is_cut, ltv, most_worth, refuse_unknown_groups, table
from csk.analyses.segment import segmentation
from csk.analyses.window import window
from csk.engine.local import LocalEngine
from csk.errors import CskError, UsageError
from csk.models.key_figures import Standing, of_standing
from csk.models.rates import Rate
from csk.schema import CUSTOMER_LTV
from csk.settings import Settings

BEGIN, AS_OF = date(2022, 1, 1), date(2024, 1, 1)
DAY = timedelta(days=1)
UNIT = 10_000


def contract(name, started_on=BEGIN, ended_on=None, **more):
    return {
        "customer_id": name,
        "started_on": started_on,
        "ended_on": ended_on,
        "mrr_amount": 10 * UNIT,
        "plan": "a",
        "term_months": 1,
        **more,
    }


def company(n=120):
    """Contracts that begin every five days, of which every third ends after seven months."""
    starts = [BEGIN + 5 * i * DAY for i in range(n)]
    return [
        contract(
            f"c{i:03d}",
            day,
            day + 210 * DAY if i % 3 == 0 and day + 210 * DAY < AS_OF else None,
            plan="ab"[i % 2],
            mrr_amount=(10 + i % 5) * UNIT,
        )
        for i, day in enumerate(starts)
    ]


def paid(name, day=BEGIN, amount=10 * UNIT):
    return {"customer_id": name, "paid_on": day, "amount": amount}


def payments_of(contracts):
    """One payment a month for as long as a contract runs."""
    return [
        paid(row["customer_id"], row["started_on"] + 31 * k * DAY, row["mrr_amount"])
        for row in contracts
        for k in range(24)
        if row["started_on"] + 31 * k * DAY < (row["ended_on"] or AS_OF)
    ]


def shop(n=60):
    return [
        paid(f"c{i:03d}", BEGIN + (5 * i + gap) * DAY, 10 * UNIT + i)
        for i in range(n)
        for gap in range(0, (i % 5) * 130 + 1, 9 + i % 7)
        if BEGIN + (5 * i + gap) * DAY < AS_OF
    ]


ABOUT = [
    {
        "customer_id": f"c{i:03d}",
        "channel": ("web", "field", None)[i % 3],
        "cac_amount": (20 + i % 4) * UNIT if i % 2 else None,
        "group": f"g{i % 2}",
        "curve": str(i % 4),
    }
    for i in range(120)
]
COMPANY = {"subscriptions": company(), "customers": ABOUT}
SHOP = {"payments": shop(), "customers": ABOUT}


@pytest.fixture(scope="module")
def found(book_of):
    """Give a reader of books that values the customers of each but once."""
    stood = {}

    def standing_of(tables, choice):
        key = (id(tables), repr(sorted(choice.items())))
        if key in stood:
            return stood[key]
        settings, engine = Settings.model_validate({"as_of": AS_OF, **choice}), LocalEngine()
        book = book_of(tables, 2)
        dated = book.dated(window(book, engine, settings, AS_OF))
        of = segmentation(dated, engine, settings.model_copy(update={"keep": ()}))
        span = dated.span.as_of
        one = Standing(span, of.customers, of.figures, of.fit, of.horizons, of.ltv_basis)
        # The tables are kept too: an id is of what still lives.
        stood[key] = (dated, engine, settings, one, tables)
        return stood[key]

    def told(tables, by="", months=3, is_in_arrears=False, **choice):
        return ltv(*standing_of(tables, choice)[:4], Choice(by, months, is_in_arrears))

    return told


VALUED = {"margin_share": 0.5, "discount_rate": 0.1}
GROUPS = [
    (COMPANY, by) for by in ("plan", "cohort", "tier", "stage", "cell", "channel", "group")
] + [(SHOP, by) for by in ("cohort", "segment", "channel")]


@pytest.mark.parametrize(("tables", "by"), GROUPS)
def test_groups_add_up_to_the_book(found, tables, by):
    told = found(tables, by, **VALUED)
    whole, groups = told.whole, told.groups
    assert len({one.group for one in groups}) == len(groups) > 1
    for name in ("n", "n_alive", "realised_amount", "realised_margin_amount", "total_ltv_amount"):
        assert sum(getattr(one, name) for one in groups) == getattr(whole, name), name
    assert sum(one.factors.ltv_amount for one in groups) == whole.factors.ltv_amount
    assert whole.factors.ltv_amount == told.standing.figures.ltv.ltv_amount > 0


@pytest.mark.parametrize(("tables", "by"), GROUPS)
def test_factors_of_every_row_multiply_to_its_ltv(found, tables, by):
    told = found(tables, by, **VALUED)
    news = [one.newcomer.factors for one in (told.whole, *told.groups) if one.newcomer]
    for of in (*(one.factors for one in (told.whole, *told.groups)), *news):
        if not of.duration_months:
            continue
        product = of.unit_price_amount * of.margin_share * of.frequency * of.duration_months
        assert product * of.discount_factor * UNIT == pytest.approx(of.mean_ltv, rel=1e-6)


@pytest.mark.parametrize("tables", [COMPANY, SHOP])
def test_what_chance_will_do_widens_what_is_not_known(found, tables):
    whole = found(tables, **VALUED).whole
    if whole.bounds is None or whole.predicted is None:
        assert tables is SHOP
        return
    ltv_amount = whole.factors.ltv_amount
    assert whole.predicted.low <= whole.bounds.low <= ltv_amount <= whole.bounds.high
    assert whole.bounds.high <= whole.predicted.high
    assert 0 <= whole.tail_share <= 1


@pytest.mark.parametrize("tables", [COMPANY, SHOP])
def test_a_new_customer_is_the_one_that_key_figures_tell(found, tables):
    told = found(tables, **VALUED)
    rows = of_standing(
        told.standing, AS_OF, pl.Series([1], dtype=pl.Int64).to_numpy(), told.whole.cost
    )
    known = {row.metric_id: row.value for row in rows}
    assert told.whole.newcomer.ltv_amount == known["ltv_new_customer"]
    # All of the shop came before the last twelve months, whose costs count.
    assert told.whole.ltv_cac == known.get("ltv_cac")
    assert told.whole.payback_months == known.get("cac_payback")
    assert (told.whole.ltv_cac is None) is (tables is SHOP)
    assert told.whole.newcomer.factors.ltv_amount == pytest.approx(
        known["ltv_new_customer"] * told.whole.newcomer.factors.n
    )


def test_costs_are_those_of_the_last_twelve_months(found):
    whole = found(COMPANY, **VALUED).whole
    late = [i for i in range(120) if i % 2 and date(2023, 1, 1) <= BEGIN + 5 * i * DAY < AS_OF]
    assert whole.cost == Rate(sum((20 + i % 4) * UNIT for i in late), len(late))


def test_without_a_margin_no_cost_is_held_against_ltv(found):
    whole = found(COMPANY).whole
    assert whole.cost.value
    assert (whole.ltv_cac, whole.payback_months) == (None, None)


def test_channels_are_told_by_their_own_curves(found):
    rows = [{**row, "channel": "stays" if i % 3 else "goes"} for i, row in enumerate(ABOUT)]
    told = found(COMPANY | {"customers": rows}, "channel")
    new = {one.group: one.newcomer for one in told.groups}
    assert new["goes"].factors.duration_months < new["stays"].factors.duration_months
    assert [one.own_share for one in new.values()] == [0.0, 0.0] or new["goes"].own_share == 1.0


def test_groups_made_of_value_have_no_new_customers(found):
    for by in ("tier", "stage", "cell"):
        assert {one.newcomer for one in found(COMPANY, by, **VALUED).groups} == {None}


def test_a_cohort_is_held_against_what_it_brought(found):
    tables = COMPANY | {"payments": payments_of(COMPANY["subscriptions"])}
    told = found(tables, "cohort", margin_share=0.5)
    first = told.groups[0]
    assert first.group == "2022-01"
    members = [row for row in COMPANY["subscriptions"] if row["started_on"] < date(2022, 4, 1)]
    assert first.n == len(members)
    at_once = sum(row["mrr_amount"] for row in members) * 0.5 / len(members)
    assert first.came.brought[0] == pytest.approx(at_once)
    assert len(first.came.brought) == 21
    assert (first.came.brought[1:] >= first.came.brought[:-1]).all()
    assert first.ltv_cac == pytest.approx(first.total_ltv_amount / first.n / first.cost.value)
    # 11 to 12 a month at half margin, for 20 to 23 of cost.
    assert first.payback_months == 4
    assert len(told.groups[-1].came.brought) == 3


def test_a_cohort_whose_first_payments_are_missing_is_not_judged(found):
    rows = [row for row in payments_of(COMPANY["subscriptions"]) if row["paid_on"].year == 2023]
    told = found(COMPANY | {"payments": rows}, "cohort", margin_share=0.5)
    assert is_cut(told) == min(row["paid_on"] for row in rows)
    told_of = {one.group: one.ltv_cac for one in told.groups}
    assert told_of["2022-01"] is told_of["2022-10"] is None
    assert told_of["2023-01"] is not None
    assert is_cut(found(COMPANY)) is None


@pytest.mark.parametrize(
    ("months", "names"),
    [(1, ["2022-01", "2022-02"]), (3, ["2022-01", "2022-04"]), (12, ["2022", "2023"])],
)
def test_cohorts_are_as_long_as_asked(found, months, names):
    told = found(COMPANY, "cohort", months=months, **VALUED)
    assert [one.group for one in told.groups][:2] == names


def test_paid_in_arrears_a_new_customer_brings_the_first_payment_later(found):
    early, late = (
        found(COMPANY, is_in_arrears=is_late).whole.newcomer for is_late in (False, True)
    )
    assert late.brought[0] < early.brought[0]
    assert late.ltv_amount < early.ltv_amount
    # A term later by those still there: the months as a customer are the same.
    assert late.factors.duration_months == early.factors.duration_months
    assert late.brought[:-1] == pytest.approx(early.brought[1:] - early.brought[0])
    with pytest.raises(UsageError, match="for contracts"):
        found(SHOP, is_in_arrears=True)


@pytest.mark.parametrize(
    ("tables", "by", "known"),
    [
        (COMPANY, "region", "plan, cohort, tier"),
        (SHOP, "plan", "cohort, tier"),
        (COMPANY, "segment", "channel"),
    ],
)
def test_groups_that_there_are_not_are_refused(book_of, tables, by, known):
    with pytest.raises(UsageError, match=f"no groups by '{by}'") as refused:
        refuse_unknown_groups(book_of(tables, as_of=AS_OF), by)
    assert known in refused.value.hint


def test_a_column_of_names_is_no_group(found):
    rows = [{**row, "channel": row["customer_id"]} for row in ABOUT]
    tables = {
        "subscriptions": company(240),
        "customers": rows
        + [{"customer_id": f"c{i:03d}", "channel": f"{i}"} for i in range(120, 240)],
    }
    with pytest.raises(UsageError, match=r"tells 2.. groups apart"):
        found(tables, "channel", as_of=date(2025, 6, 1), data_through=date(2025, 5, 31))


def test_a_book_of_one_nameless_group_has_none(found):
    rows = [{**row, "plan": None} for row in company()]
    assert found({"subscriptions": rows}, "plan").groups == ()


@pytest.mark.parametrize(("tables", "by"), [(COMPANY, "channel"), (SHOP, "cohort"), (SHOP, "")])
def test_the_table_has_a_row_for_each_customer(found, tables, by):
    kept = ("curve", "group")
    told = found(tables, by, keep=kept, **VALUED)
    rows, described = table(told, kept)
    # `group` is ours and stays ours; `curve` is theirs, though csk works with one too.
    assert described.names == (*CUSTOMER_LTV.names, "curve")
    assert rows.columns == list(described.names)
    assert rows["customer_id"].is_sorted()
    assert rows["customer_id"].n_unique() == rows.height == told.whole.n
    assert rows["curve"].to_list() == [
        ABOUT[int(name[1:])]["curve"] for name in rows["customer_id"]
    ]
    assert rows["ltv_amount"].sum() == told.whole.factors.ltv_amount
    assert rows["realised_margin_amount"].sum() == told.whole.realised_margin_amount
    assert (rows["dimension"].null_count() == rows.height) is (by == "")
    assert rows["tail_share"].drop_nulls().is_between(0, 1).all()
    buys = rows.filter("is_alive")["next_purchase_on"]
    if tables is SHOP:
        assert (buys >= AS_OF).all()
    else:
        assert buys.null_count() == buys.len()


def test_who_is_worth_most_comes_first(found):
    told = found(COMPANY, **VALUED)
    amounts = [row["ltv_amount"] for row in most_worth(told, 7)]
    assert amounts == sorted(amounts, reverse=True)
    assert len(amounts) == 7
    assert most_worth(told, 0) == []


def test_scaling_money_scales_ltv(found):
    rows = [{**row, "mrr_amount": 3 * row["mrr_amount"]} for row in COMPANY["subscriptions"]]
    one, three = found(COMPANY).whole, found(COMPANY | {"subscriptions": rows}).whole
    # But for the rounding of each customer to a count.
    assert three.factors.ltv_amount == pytest.approx(3 * one.factors.ltv_amount, rel=1e-6)
    assert three.predicted.high == pytest.approx(3 * one.predicted.high, rel=1e-6)
    assert three.tail_share == pytest.approx(one.tail_share)
    assert three.factors.duration_months == pytest.approx(one.factors.duration_months)
    assert three.factors.frequency == pytest.approx(one.factors.frequency)


SMALL = {
    "one running, one ended": {
        "subscriptions": [contract("a"), contract("b", ended_on=date(2023, 1, 1))]
    },
    "all begin on the eve": {
        "subscriptions": [contract("a", ended_on=date(2023, 1, 1))]
        + [contract(f"c{i}", AS_OF - DAY) for i in range(9)]
    },
    "one buyer": {"payments": [paid("a", BEGIN + 7 * i * DAY) for i in range(90)]},
    "all on the eve": {"payments": [paid(f"c{i}", AS_OF - DAY) for i in range(90)]},
    "all free": {"payments": [paid(f"c{i % 40}", BEGIN + i * DAY, 0) for i in range(300)]},
    "all once": {"payments": [paid(f"c{i}", BEGIN + i * DAY) for i in range(300)]},
}


@pytest.mark.parametrize("name", SMALL)
def test_the_smallest_books_get_a_result_or_a_sentence(found, name):
    try:
        told = found(SMALL[name], "cohort")
    except CskError as refusal:
        assert refusal.sentence.endswith(".")  # noqa: PT017 - a result is as good
        return
    rows, described = table(told)
    assert rows.columns == list(described.names)
    assert rows.height == told.whole.n > 0
