import pytest

from csk.errors import DataError, UsageError
from csk.intake.formats.encoding import detected, named, title, utf8

JAPANESE = (
    "顧客ID,氏名,受注日,金額\n00123,山田太郎,2024/1/5,1200\n00124,鈴木花子さん,2024/1/6,900\n"
)


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("id,amount\nC1,5\n", "ascii", "utf-8"),
        (JAPANESE, "utf-8", "utf-8"),
        (JAPANESE, "utf-8-sig", "utf-8-sig"),
        ("\ufeff" + JAPANESE, "utf-16-le", "utf-16-le"),
        ("\ufeff" + JAPANESE, "utf-16-be", "utf-16-be"),
        (JAPANESE, "utf-16-le", "utf-16-le"),
        (JAPANESE, "utf-16-be", "utf-16-be"),
        ("全角\u3000空白,列\nあ\u3000い,1\n", "utf-16-le", "utf-16-le"),
        (JAPANESE, "cp932", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        ("会社\n㈱①髙橋\n", "cp932", "cp932"),
        ("会社,番号\n㈱山田商店,①\nさくら,②\n", "euc_jis_2004", "euc_jis_2004"),
        ("id,pref\n1,東京都\n2,大阪府\n3,北海道\n", "euc_jp", "euc_jp"),
        ("id,pref\n1,東京都\n2,大阪府\n3,北海道\n", "cp932", "cp932"),
        ("id,name\n1,ﾔﾏﾀﾞﾀﾛｳ\n2,ｽｽﾞｷﾊﾅｺ\n", "cp932", "cp932"),
        ("id,name\n1,ﾔﾏﾀﾞ\n2,ｽｽﾞｷ\n3,ｻﾄｳﾐ\n", "cp932", "cp932"),
        ("商品,価格\nりんご,100\nみかん,200\n", "euc_jp", "euc_jp"),
        ("商品,価格\nりんご,100\nみかん,200\n", "cp932", "cp932"),
    ],
)
def test_the_encoding_is_found(text, encoding, found):
    assert detected(text.encode(encoding), "x.csv", whole=True) == found


@pytest.mark.parametrize(
    "text", ["name\nAmélie\n", "price\n£12\n", "name\nMüller\nZoë\n", "°C\n1\n"]
)
def test_western_windows_text_is_asked_about(text):
    with pytest.raises(DataError) as refusal:
        detected(text.encode("cp1252"), "x.csv", whole=True)
    assert "--input-encoding" in refusal.value.hint


@pytest.mark.parametrize("sample", [b"\x7fELF\x00\x01\x02", b"a,b\n\x00\x01\x00\x00", bytes(64)])
def test_bytes_that_are_no_text_are_refused(sample):
    with pytest.raises(DataError, match="binary"):
        detected(sample, "x.csv", whole=True)


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
@pytest.mark.parametrize("cut", range(1, 9))
def test_a_sample_may_end_inside_a_character(encoding, cut):
    sample = ("金額,氏名\n" * 20 + "山田さくら").encode(encoding)[:-cut]
    assert detected(sample, "x.csv", whole=False) == encoding


@pytest.mark.parametrize(
    ("asked", "codec"),
    [
        ("Shift_JIS", "cp932"),
        ("sjis", "cp932"),
        ("SJIS-win", "cp932"),
        ("ms932", "cp932"),
        ("EUC-JP", "euc_jp"),
        ("UTF8", "utf-8"),
        ("latin1", "iso8859-1"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_have_the_names_that_people_use(asked, codec):
    assert named(asked) == codec


@pytest.mark.parametrize("asked", ["klingon", "", "base64", "zip"])
def test_an_unknown_encoding_is_a_wrong_question(asked):
    with pytest.raises(UsageError):
        named(asked)


def test_titles_are_written_as_people_write_them():
    assert [title(name) for name in ("utf-8", "cp932", "cp1252")] == ["UTF-8", "CP932", "CP1252"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "utf-16-le", "utf-16-be"])
def test_pieces_of_any_size_become_the_same_text(encoding, size):
    packed = ("\ufeff" * encoding.startswith("utf") + JAPANESE).encode(encoding)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(utf8(pieces, encoding, "x.csv")).decode() == JAPANESE


def test_a_bad_byte_is_named_with_its_line():
    pieces = [("あ,い\n" * 10).encode("cp932"), ("う,え\n" * 3).encode("cp932") + b"\xff,1\n"]
    with pytest.raises(DataError, match=r"x\.csv is not CP932 .* 0xFF on line 14"):
        list(utf8(pieces, "cp932", "x.csv"))


def test_a_character_cut_off_at_the_end_is_refused():
    with pytest.raises(DataError, match="line 2"):
        list(utf8(["あ\nい".encode("cp932")[:-1]], "cp932", "x.csv"))
