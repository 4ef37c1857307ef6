import pytest

from csk.intake.origins.finding import found
from csk.intake.plans.doubts import MOST_ASKED, doubts, named_currencies, told
from csk.intake.plans.looking import looked_at
from csk.settings import Settings

PAID = "customer_id,date,amount,currency\n" + "".join(
    f"C{n % 5},2024-0{n % 9 + 1}-20,{n + 10},USD\n" for n in range(30)
)
WITHOUT = PAID.replace(",currency", "").replace(",USD", "")
AMBIGUOUS = "customer_id,date,amount,currency\n" + "".join(
    f"C{n % 5},0{n % 9 + 1}/0{n % 5 + 3}/2024,{n},USD\n" for n in range(30)
)
JAPANESE = "会員番号,購入日,金額\n" + "".join(
    f"M{n % 5},2024-01-{n + 1:02},{n}\n" for n in range(20)
)
TAXED = JAPANESE.replace("金額", "金額(税込)")
USED = "会員番号,利用日時,機能\n" + "".join(
    f"M{n % 5},2024-01-{n + 1:02}T15:30:00Z,検索\n" for n in range(20)
)
COSTS = "plan,margin_share\nbasic,0.7\n"
BILLED = PAID.replace("date", "invoice_date").replace("amount", "invoice_total")
OTHERS = BILLED.replace("C", "X").replace("Xurr", "Curr").replace("USD", "USD")


@pytest.fixture
def seen(tmp_path):
    """Give a look at a folder of these files."""

    def look(**files):
        place = tmp_path / "exports"
        place.mkdir()
        for name, content in files.items():
            text = content if isinstance(content, bytes) else content.encode()
            (place / f"{name}.csv").write_bytes(text)
        spool = tmp_path / "spool"
        spool.mkdir()
        with looked_at(found([str(place)]), Settings(), spool) as looked:
            return looked

    return look


@pytest.mark.parametrize(
    ("content", "role", "n_rows", "why_not"),
    [
        (PAID, "payments", 30, ""),
        (PAID.encode("utf-16"), "payments", 30, ""),
        (PAID.splitlines()[0] + "\n", "payments", 0, ""),
        ("", "", 0, "the file is empty"),
        ("a,b\n1,2\n", "", 1, "no columns for a customer, a date and an amount"),
        ("1,2,3\n4,5,6\n", "", 0, "it has no header: its first line looks like a row (1, 2, 3)"),
        (b"PK\x03\x04nothing", "", 0, "it "),
        (AMBIGUOUS, "payments", 30, ""),
    ],
)
def test_every_file_has_a_role_or_a_reason(seen, content, role, n_rows, why_not):
    (one,) = seen(a=content).files
    assert (one.file, one.told.role, one.n_rows, one.is_estimate) == ("a.csv", role, n_rows, False)
    assert one.why_not.startswith(why_not)
    assert bool(one.why_not) == bool(why_not)


def test_a_file_that_stops_a_run_stops_no_look(seen):
    looked = seen(a=PAID, b="1,2,3\n4,5,6\n")
    assert [one.refusal is not None for one in looked.files] == [False, True]
    assert looked.tells_who_pays


def test_rows_of_a_large_file_are_estimated_from_its_size(seen):
    rows = 90_000
    (one,) = seen(a=WITHOUT + "C1,2024-05-20,10\n" * rows).files
    assert one.is_estimate
    assert one.n_rows == pytest.approx(rows, rel=0.1)
    assert one.n_rows % 1000 == 0


def test_what_is_nearest_and_lacks_something_is_told_as_a_table(seen):
    (one,) = seen(
        a="id,user_id,order_date\n"
        + "".join(f"{n},{n % 3},2024-01-0{n % 9 + 1}\n" for n in range(9))
    ).files
    assert one.nearest.role == "payments"
    assert one.nearest.mapping == {
        "payment_id": "id",
        "customer_id": "user_id",
        "paid_on": "order_date",
    }
    assert [missing.names for missing in one.lacking] == [("amount", "unit_price_amount")]


def test_a_guess_is_a_column_with_rivals_or_a_weak_name(seen):
    rivals = WITHOUT.replace("amount", "total,subtotal").replace("-20,", "-20,9,")
    people = "id,first name\n" + "".join(f"C{n},x\n" for n in range(9))
    looked = seen(a=WITHOUT, b=rivals, c=people)
    found_ = {one.file: [(g.canonical, g.others) for g in one.guesses] for one in looked.files}
    assert found_ == {
        "a.csv": [],
        "b.csv": [("amount", ("subtotal",))],
        "c.csv": [("customer_id", ())],
    }


def test_lines_that_fit_other_files_are_seen(seen):
    looked = seen(a=WITHOUT, people="id,first name\nC1,x\nC2,y\n", c="id,colour\n1,red\n2,red\n")
    by_name = {one.file: one.opened for one in looked.files}
    people = by_name["people.csv"].recognition.mapping
    assert looked.fits_others("customers", people)
    assert not looked.fits_others("payments", by_name["a.csv"].recognition.mapping)


def asked(looked):
    return [doubt.key for doubt in doubts(looked)]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a": PAID}, ["margin", "tax"]),
        ({"a": PAID, "costs": COSTS}, ["tax"]),
        ({"a": WITHOUT}, ["currency", "margin", "tax"]),
        ({"a": AMBIGUOUS}, ["date_order", "margin", "tax"]),
        ({"a": PAID, "b": BILLED}, ["rivals", "margin", "tax"]),
        ({"a": PAID, "b": OTHERS}, ["margin", "tax"]),
        ({"a": PAID, "b": PAID}, ["margin", "tax"]),
        ({"a": JAPANESE}, ["currency", "margin", "tax"]),
        ({"a": TAXED, "b": USED}, ["currency", "margin", "tz"]),
        ({"a": JAPANESE, "b": USED}, ["currency", "margin", "tz", "tax"]),
        ({"a": WITHOUT, "b": USED.replace("Z,", "+09:00,")}, ["currency", "margin", "tz", "tax"]),
    ],
)
def test_only_what_files_cannot_tell_is_doubted_and_what_weighs_most_first(seen, files, expected):
    assert asked(seen(**files)) == expected
    assert MOST_ASKED == 3


@pytest.mark.parametrize(
    ("content", "proposal"),
    [
        (WITHOUT, None),
        (JAPANESE, "JPY"),
        (WITHOUT.replace("amount", "amount_eur"), "EUR"),
        (WITHOUT.replace("-20,", "-20,€"), "EUR"),
        (JAPANESE.replace("金額", "金額(USD)"), "USD"),
        (WITHOUT.replace("-20,", "-20,$"), None),
    ],
)
def test_a_currency_is_proposed_where_signs_point_to_one(seen, content, proposal):
    (doubt,) = [one for one in doubts(seen(a=content)) if one.key == "currency"]
    assert doubt.proposal == proposal


def test_both_readings_of_a_date_are_the_choices(seen):
    doubt = doubts(seen(a=AMBIGUOUS))[0]
    assert [value for _, value in doubt.choices] == ["dmy", "mdy"]
    assert [words[-10:] for words, _ in doubt.choices] == ["2024-03-01", "2024-01-03"]


def test_of_rivals_the_one_not_chosen_is_skipped(seen):
    doubt = doubts(seen(a=PAID, b=BILLED))[0]
    assert doubt.choices == (("a.csv", ("b.csv",)), ("b.csv", ("a.csv",)))
    assert doubt.proposal is None


@pytest.mark.parametrize(
    ("name", "tax"),
    [
        ("金額(税込)", {"tax": "included"}),
        ("金額（税抜）", {"tax": "excluded"}),
        ("金額", {}),
        ("税込金額", {"tax": "included"}),
    ],
)
def test_names_of_columns_tell_of_tax(seen, name, tax):
    assert told(seen(a=JAPANESE.replace("金額", name))) == tax


def test_currencies_are_read_from_the_first_rows(seen):
    assert named_currencies(seen(a=PAID, b=PAID.replace("USD", " jpy "), c=WITHOUT)) == (
        "JPY",
        "USD",
    )
