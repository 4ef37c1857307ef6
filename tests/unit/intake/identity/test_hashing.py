"""The same key and secret give the same id, in every run; another secret gives another."""

import hashlib

import polars as pl

from csk.intake.identity.hashing import hashed, hashes

KEY = bytes(range(64))
WRITTEN = pl.Series(
    "mail", ["Taro+x@example.com", "taro@example.com", None, "no-reply@shop.jp", "x"]
)


def keyed(text: str, kind: str) -> str:
    """Return the id as the documentation defines it; it must never change."""
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=KEY, person=kind.encode())
    return f"g-{digest.hexdigest()}"


def test_an_id_is_the_keyed_blake2b_of_the_normal_form():
    taro = keyed("taro@example.com", "email")
    assert hashed(WRITTEN, "email", KEY).to_list() == [taro, taro, None, None, None]
    assert hashed(WRITTEN, "email", KEY).name == "mail"
    made_up = hashed(pl.Series(["1F@pc.fw.rakuten.ne.jp"]), "email", KEY)
    assert made_up.to_list() == [keyed("1f@pc.fw.rakuten.ne.jp", "alias")]
    numbers = hashed(pl.Series(["+81 90-1234-5678", "090-1234-5678"]), "phone", KEY)
    assert numbers.to_list() == [keyed("+819012345678", "phone"), None]


def test_another_secret_gives_other_ids():
    ours, theirs = (hashed(WRITTEN, "email", key)[0] for key in (KEY, KEY[::-1]))
    assert ours != theirs


def test_kinds_written_alike_are_apart():
    same = pl.Series(["x"])
    assert hashes(same, "email", KEY)[0] != hashes(same, "phone", KEY)[0]


def test_no_plain_hash_of_an_address_is_its_id():
    address = b"taro@example.com"
    found = str(hashed(WRITTEN, "email", KEY)[0]).removeprefix("g-")
    plain = {hashlib.blake2b(address, digest_size=8, person=b"email").hexdigest()}
    plain |= {hashlib.new(name, address).hexdigest()[:16] for name in ("sha256", "md5", "sha1")}
    assert found not in plain
