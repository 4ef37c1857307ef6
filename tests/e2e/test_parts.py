"""One part among many: damaged or changed, it is refused by its name and nothing is kept of it."""

import polars as pl
import pyarrow.parquet as pq
import pytest

from csk.errors import ExitCode

N_PARTS, ODD = 12, "part-00007"


@pytest.fixture
def parts(tmp_path, payments):
    """Write payments as parts, the odd one changed, as CSV or as Parquet; return their folder."""

    def written(suffix, change=lambda rows: rows, damage=lambda content: content):
        folder = tmp_path / "parts"
        folder.mkdir()
        every = pl.DataFrame(payments, schema=["customer_id", "date", "amount"], orient="row")
        every = every.with_columns(pl.col("date").str.to_date(), pl.col("amount").cast(pl.Float64))
        for number in range(N_PARTS):
            path = folder / f"part-{number:05d}.{suffix}"
            is_odd = path.stem == ODD
            rows = every.gather_every(N_PARTS, number)
            rows = change(rows) if is_odd else rows
            if suffix == "csv":
                rows.write_csv(path)
            else:
                pq.write_table(rows.to_arrow(), path, write_page_checksum=True, compression="none")
            if is_odd:
                path.write_bytes(damage(path.read_bytes()))
        return folder

    return written


def flipped(content):
    at = len(content) // 8
    return content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :]


DAMAGED = [
    # suffix, what became of the bytes, what is said
    ("parquet", lambda content: content[:-40], "no whole Parquet file"),
    ("parquet", lambda content: content[: len(content) // 2], "no whole Parquet file"),
    ("parquet", flipped, "no whole Parquet file"),
    ("parquet", lambda content: bytes(len(content)), "binary bytes"),
    ("parquet", lambda _: b"", "the file is empty"),
    ("csv", lambda _: b"", "the file is empty"),
    ("csv", lambda content: content.partition(b"\n")[2], "has no header"),
]
CHANGED = [
    # what became of the rows, what is said
    (lambda rows: rows.drop("date"), "lacks paid_on"),
    (lambda rows: rows.rename({"customer_id": "x", "amount": "y"}), "lacks customer_id and amount"),
    (lambda rows: rows.with_columns(date=pl.lit("soon")), "but not by its values"),
    (lambda rows: rows.with_columns(amount=pl.lit("much")), "but not by its values"),
    (lambda rows: rows.select(name=pl.lit("x"), colour=pl.lit("red")), "lacks customer_id"),
]
SAME = [
    lambda rows: rows.select(rows.columns[::-1]),
    lambda rows: rows.with_columns(colour=pl.lit("red")),
    lambda rows: rows.with_columns(pl.col("date").dt.strftime("%d.%m.%Y")),
    lambda rows: rows.with_columns(pl.col("amount").cast(pl.Decimal(12, 2))),
    lambda rows: rows.rename({"customer_id": "client_id"}),
]


def refused(quick, tmp_path, folder, said):
    for store in ([], ["--store", "kept"]):
        ran = quick("segment", folder, "-o", "out.parquet", "-q", *store)
        assert (ran.code, ODD in ran.err, said in ran.err) == (ExitCode.DATA, True, True), ran.err
        assert not (tmp_path / "out.parquet").exists()
    assert not list((tmp_path / "kept").iterdir())


@pytest.mark.parametrize(("suffix", "damage", "said"), DAMAGED)
def test_a_damaged_part_is_refused_by_name(quick, tmp_path, parts, suffix, damage, said):
    refused(quick, tmp_path, parts(suffix, damage=damage), said)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(("change", "said"), CHANGED)
def test_a_part_of_another_schema_is_refused_by_name(quick, tmp_path, parts, suffix, change, said):
    refused(quick, tmp_path, parts(suffix, change), said)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("change", SAME)
def test_a_part_of_the_same_meaning_is_read(quick, tmp_path, parts, export, suffix, change):
    assert quick("segment", parts(suffix, change), "-o", "parts.parquet", "-q").code == 0
    assert quick("segment", export, "-o", "whole.parquet", "-q").code == 0
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_part_may_be_left_out_on_purpose(quick, parts):
    folder = parts("csv", damage=lambda _: b"")
    (folder / "csk.toml").write_text(f'skip = ["{ODD}*"]\n')
    assert quick("segment", folder, "-q").code == 0


def test_a_part_mended_is_read_beside_what_was_kept(quick, tmp_path, parts):
    folder = parts("parquet")
    whole = (folder / f"{ODD}.parquet").read_bytes()
    (folder / f"{ODD}.parquet").write_bytes(whole[:-40])
    assert quick("segment", folder, "--store", "kept", "-q").code == ExitCode.DATA
    (folder / f"{ODD}.parquet").write_bytes(whole)
    for store in (["--store", "kept"], []):
        assert quick("segment", folder, "-o", f"{len(store)}.parquet", "-q", *store).code == 0
    assert (tmp_path / "2.parquet").read_bytes() == (tmp_path / "0.parquet").read_bytes()
