"""From files to a book: what counts once, what is kept of each file, and when it is read again."""

from datetime import date, timedelta
from filecmp import cmp
from pathlib import Path

import polars as pl
import pytest

from csk.errors import DataError, StorageError
from csk.intake.origins.finding import found
from csk.intake.storage.rejecting import rejects
from csk.intake.storage.store import stored
from csk.reports.blocks import Note
from csk.reports.reconciliation import reconciliation
from csk.settings import settings
from csk.text import words

TODAY = date(2026, 1, 1)
HEADER = "payment_id,customer_id,paid_on,amount,status\n"
JANUARY = HEADER + "1,x,2024-01-01,10,paid\n2,y,2024-01-02,20,paid\n3,z,2024-01-05,30,paid\n"
FEBRUARY = HEADER + "3,z,2024-01-05,30,refunded\n2,y,2024-01-02,25,paid\n4,x,2024-02-02,40,paid\n"


@pytest.fixture
def book(tmp_path):
    """Write files of text and return the book of them; `kept` names a kept store."""

    def made(kept=None, today=TODAY, flags=None, **files):
        paths = []
        for name, text in files.items():
            path = tmp_path / f"{name}.csv"
            if not path.exists() or path.read_text("utf-8") != text:
                path.write_text(text, "utf-8")
            paths.append(str(path))
        work = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        keep_in = None if kept is None else tmp_path / kept
        chosen = settings(flags or {}, None)
        return stored(found(paths), chosen, today, work, keep_in, is_by_row=True)

    return made


def amounts(book, table="payments"):
    parts = [pl.read_parquet(book.part(table, shard)) for shard in range(book.n_shards)]
    return sorted(count // 10_000 for count in pl.concat(parts)["amount"].to_list())


def rules(book):
    return {(e.table, e.rule): (e.rows, e.amount // 10_000) for e in book.excluded}


def same(one, other):
    facts = [
        (b.n_shards, b.tables, b.files, b.excluded, b.currency, b.attributes, b.overlapping)
        for b in (one, other)
    ]
    assert facts[0] == facts[1]
    for path in [*one.root.glob("*/part-*"), one.root / "rejects.parquet"]:
        assert cmp(path, other.root / path.relative_to(one.root), shallow=False), path


def test_a_later_export_replaces_rows_and_takes_them_back(book):
    both = book(january=JANUARY, february=FEBRUARY)
    assert amounts(both) == [10, 25, 40]
    assert both.tables["payments"].amount == 750_000
    assert rules(both) == {("payments", "refunded"): (1, 30), ("payments", "superseded"): (2, 50)}
    told = [(f.rows_read, f.rows_excluded, f.rows_rejected, f.rows_kept) for f in both.files]
    assert told == [(3, 1, 0, 2), (3, 2, 0, 1)]


def test_the_order_in_which_files_are_named_changes_nothing(book):
    same(book(a=FEBRUARY, b=JANUARY), book(b=JANUARY, a=FEBRUARY))
    assert amounts(book(a=FEBRUARY, b=JANUARY)) == [10, 25, 40]  # content says which is later


def test_files_added_one_by_one_to_a_store_are_the_book_of_all(book, tmp_path):
    files = {"january": JANUARY, "february": FEBRUARY}
    book("kept", january=JANUARY)
    (piece,) = (tmp_path / "kept").glob("_piece-*")
    before = {path.name: path.stat().st_mtime_ns for path in piece.iterdir()}
    same(book("kept", **files), book(**files))
    assert {path.name: path.stat().st_mtime_ns for path in piece.iterdir()} == before
    assert len(list((tmp_path / "kept").glob("_piece-*"))) == 2


def test_an_unchanged_file_is_not_parsed_again(book, tmp_path):
    book("kept", january=JANUARY)
    (facts,) = (tmp_path / "kept").glob("_piece-*/piece.json")
    facts.write_text(facts.read_text("utf-8").replace('"rounded": 0', '"rounded": 5'), "utf-8")
    # What only the piece says can only come from the piece.
    both = book("kept", january=JANUARY, february=FEBRUARY)
    assert both.tables["payments"].rounded == 5


def test_the_same_file_twice_is_read_once_and_said(book):
    both = book(a=JANUARY, b=JANUARY)
    assert amounts(both) == [10, 20, 30]
    assert [(f.role, f.note.split(" as ")[0]) for f in both.files] == [
        ("payments", ""),
        ("", "it is the same"),
    ]


def test_customers_and_contracts_are_upserted(book):
    contracts = "subscription_id,customer_id,start_date,end_date,mrr\n"
    joined = book(
        customers_1="customer_id,created_on,region\nx,2024-01-01,north\ny,2024-01-02,north\n",
        customers_2="customer_id,created_on,region\ny,2024-01-02,south\nz,2024-02-02,south\n",
        contracts_1=contracts + "s1,x,2024-01-01,,10\ns2,y,2024-01-01,,20\n",
        contracts_2=contracts + "s1,x,2024-01-01,2024-02-01,10\ns1,x,2024-02-01,,15\n",
    )
    people = pl.read_parquet(joined.part("customers", 0)).sort("customer_id")
    assert people["region"].to_list() == ["north", "south", "south"]
    held = pl.read_parquet(joined.part("subscriptions", 0)).sort("customer_id", "started_on")
    assert held["mrr_amount"].to_list() == [100_000, 150_000, 200_000]
    assert held["ended_on"].to_list() == [date(2024, 2, 1), None, None]
    assert rules(joined) == {
        ("customers", "superseded"): (1, 0),
        ("subscriptions", "superseded"): (1, 10),
    }


def test_the_last_update_of_a_row_counts_wherever_it_stands(book):
    header = "payment_id,customer_id,paid_on,amount,updated_at\n"
    old = "1,x,2024-03-01,10,2024-03-01 10:00\n1,x,2024-03-01,11,2024-03-02 10:00\n"
    new = "1,x,2024-01-01,12,2024-03-03 10:00\n2,x,2024-01-01,5,2024-01-01 10:00\n"
    assert amounts(book(one=header + old)) == [11]
    assert amounts(book(runs_further=header + old, updated_later=header + new)) == [5, 12]


def test_lines_of_an_order_are_no_versions_of_each_other(book):
    header = "order_id,line_item_id,customer_id,order_date,unit_price,quantity,updated_at\n"
    lines = header + "1,1,x,2024-03-01,10,1,2024-03-01\n1,2,x,2024-03-01,20,1,2024-03-09\n"
    assert amounts(book(orders=lines)) == [10, 20]


def test_files_without_ids_that_overlap_are_named(book):
    header = "customer_id,paid_on,amount\n"
    first = header + "x,2024-01-01,10\nx,2024-01-31,10\n"
    second = header + "x,2024-01-31,20\nx,2024-02-28,20\n"
    third = header + "x,2024-02-01,30\nx,2024-03-28,30\n"
    assert book(first=first, second=second).overlapping == ()
    three = book(first=first, second=second, third=third)
    named = [name.rpartition("/")[2] for name in three.overlapping]
    assert named == ["second.csv", "third.csv"]
    said = [block.text for block in reconciliation(three, words()) if isinstance(block, Note)]
    assert any("The days of second.csv, third.csv overlap" in text for text in said)


def test_rows_numbered_anew_in_every_file_are_all_kept(book):
    header = "no,customer_id,paid_on,amount\n"
    first = header + "".join(f"{n},a{n},2024-01-0{n},10\n" for n in range(1, 9))
    second = header + "".join(f"{n},b{n},2024-01-0{n},20\n" for n in range(1, 9))
    both = book(first=first, second=second)
    assert (len(amounts(both)), len(both.overlapping)) == (16, 2)


def test_a_row_of_the_future_is_looked_at_again_on_another_day(book):
    text = JANUARY + "9,x,2026-01-05,90,paid\n"
    flags = {"reject_limit": 0.5}
    first = book("kept", flags=flags, january=text)
    assert (rejects(first).height, amounts(first)) == (1, [10, 20, 30])
    same(book("kept", flags=flags, january=text), first)
    later = book("kept", TODAY + timedelta(days=9), flags, january=text)
    assert (rejects(later).height, amounts(later)) == (0, [10, 20, 30, 90])
    assert later.tables["payments"].last_on == date(2026, 1, 5)


def test_what_another_file_gives_is_not_taken_from_an_old_piece(book):
    header = "customer_id,paid_on,amount,product_id\n"
    files = {"payments": header + "x,2024-01-01,10,p\ny,2024-01-01,20,q\n"}
    costs = "product_id,margin_share\np,0.5\n"
    book("kept", **files)
    for shares in (costs, costs.replace("0.5", "0.9")):
        same(book("kept", costs=shares, **files), book(costs=shares, **files))


def test_a_file_that_takes_its_customers_from_another_is_read_again(book):
    lines = [f"{n},2024-01-{n:02},1{n}" for n in range(1, 29)]
    payments = "order_id,payment_date,amount\n" + "\n".join(lines) + "\n"
    for who in ("a", "b"):
        owners = "order_id,customer_id\n" + "".join(f"{n},{who}{n % 5}\n" for n in range(1, 29))
        files = {"orders": owners, "payments": payments}
        kept = book("kept", **files)
        same(kept, book(**files))
        assert pl.read_parquet(kept.part("payments", 0))["customer_id"].str.starts_with(who).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("currency", "JPY"), ("tz", "Asia/Tokyo"), ("amount_unit", "minor"), ("date_order", "dmy")],
)
def test_settings_of_reading_read_anew(book, tmp_path, name, value):
    book("kept", january=JANUARY)
    same(
        book("kept", flags={name: value}, january=JANUARY),
        book(flags={name: value}, january=JANUARY),
    )
    assert len(list((tmp_path / "kept").glob("_piece-*"))) == 2


def test_settings_of_what_comes_after_read_nothing_anew(book):
    first = book("kept", january=JANUARY)
    assert book("kept", flags={"ltv_horizon": 12, "late_window": 3}, january=JANUARY) == first


def test_what_older_books_were_made_of_is_removed(book, tmp_path):
    for n in range(4):
        book("kept", january=JANUARY.replace("10", f"1{n}"))
    kept = sorted(path.name[:6] for path in (tmp_path / "kept").iterdir())
    assert kept == ["_book-", "_book-", "_piece", "_piece"]


def test_a_damaged_piece_is_said_once_and_made_anew(book, tmp_path):
    book("kept", january=JANUARY)
    (rows,) = (tmp_path / "kept").glob("_piece-*/rows-*")
    rows.write_bytes(b"\0" * rows.stat().st_size)
    files = {"january": JANUARY, "february": FEBRUARY}
    with pytest.raises(StorageError, match="is damaged"):
        book("kept", **files)
    same(book("kept", **files), book(**files))


def test_a_refused_run_keeps_nothing(book, tmp_path):
    with pytest.raises(DataError, match="malformed"):
        book("kept", january=JANUARY + "5,x,yesterday,1,paid\n")
    assert not list((tmp_path / "kept").iterdir())


def test_a_packed_file_gives_the_same_shards_when_it_is_kept(tmp_path, book):
    import gzip

    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(FEBRUARY.encode()))
    paths = [str(packed), str(tmp_path / "january.csv")]
    book(january=JANUARY)
    for keep_in in (tmp_path / "kept", tmp_path / "kept"):
        work = tmp_path / "plain"
        work.mkdir(exist_ok=True)
        one = stored(found(paths[:1]), settings({}, None), TODAY, work, keep_in)
        assert one.n_shards == 1
    work = tmp_path / "all"
    work.mkdir()
    whole = stored(found(paths), settings({}, None), TODAY, work)
    same(stored(found(paths), settings({}, None), TODAY, work, tmp_path / "kept"), whole)


def test_an_export_that_changes_for_days_says_so_kept_or_not(tmp_path, book):
    events = Path(__file__).parent / "exports" / "ga4.jsonl"
    book(january=JANUARY)
    work = tmp_path / "plain"
    work.mkdir()
    files = found([str(tmp_path / "january.csv"), str(events)])
    for keep_in in (None, tmp_path / "kept"):
        made = stored(
            files, settings({"shards": 2, "reject_limit": 0.5}, None), TODAY, work, keep_in
        )
        assert made.tables["usage"].late_days == 3
    (tmp_path / "january.csv").write_text(FEBRUARY, "utf-8")
    again = stored(
        files, settings({"shards": 2, "reject_limit": 0.5}, None), TODAY, work, tmp_path / "kept"
    )
    assert again.tables["usage"] == made.tables["usage"]


SECTION = (
    "customerID,tenure,Churn,Contract,gender,Phone,Email,plan,SeniorCitizen\n"
    "c1,5,No,Monthly,F,Yes,a@example.com,odd, 1 \n"
    "c2,9,Yes,Yearly,M,No,b@example.com,odd,0\n"
)


def test_a_cross_section_keeps_what_else_is_told_of_customers(book):
    one = book(telco=SECTION)
    columns = one.tables["cross_section"].columns
    rows = pl.read_parquet(one.part("cross_section", 0)).sort("customer_id")
    assert rows.columns == list(columns)
    assert rows["SeniorCitizen"].to_list() == ["1", "0"]
    assert rows["gender"].to_list() == ["F", "M"]
    # A further column never stands in the place of one that csk knows.
    assert set(rows["plan"]) in ({"Monthly", "Yearly"}, {"odd"})
    assert len(set(columns)) == len(columns)
    (file,) = one.files
    assert "Email" in file.dropped
    assert not {"Email"} & {*columns, *file.unused}
    assert not one.attributes


def test_a_cross_section_is_the_same_kept_or_not(book):
    first, kept = book(telco=SECTION), book(kept="store", telco=SECTION)
    again = book(kept="store", telco=SECTION, more=SECTION.replace("c1", "c3").replace("c2", "c4"))
    assert first.tables == kept.tables
    assert again.tables["cross_section"].columns == first.tables["cross_section"].columns
    assert again.tables["cross_section"].rows == 4


def test_a_row_keeps_when_it_came_to_be_known(book):
    surveys = (
        "customer_id,answered_on,kind,score,known_at\nx,2024-01-02,nps,9,2024-02-10T09:00:00Z\n"
    )
    found = book(january=JANUARY, surveys=f"{surveys}y,2024-01-03,nps,8,\n")
    parts = [pl.read_parquet(found.part("surveys", shard)) for shard in range(found.n_shards)]
    known = pl.concat(parts).sort("customer_id")["known_at"].cast(pl.Date).to_list()
    assert known == [date(2024, 2, 10), None]
