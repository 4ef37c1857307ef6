"""Keyed hashes of keys, and the ids made of them.

One rule: without the secret no key can be tried against a hash; with it the same key is the same
hash in every run and every file.
"""

from hashlib import blake2b
from typing import Final, Literal

import polars as pl

from csk.analyses.identify import guest_ids
from csk.intake.identity.normalising import emails, is_alias, is_nobody, phones

HASH_BYTES: Final = 8
"""Among 10 million customers two share a hash with a probability of 3 in a million."""


def hashes(keys: pl.Series, kind: str, key: bytes) -> pl.Series:
    """Return keyed BLAKE2b hashes of normalised keys as UInt64; null stays.

    The kind goes into the hash: a phone and an e-mail written alike are apart.
    """
    known = keys.drop_nulls().unique()
    person = kind.encode()
    numbers = [
        int.from_bytes(
            blake2b(text.encode(), digest_size=HASH_BYTES, key=key, person=person).digest()
        )
        for text in known.to_list()
    ]
    found = pl.Series(numbers, dtype=pl.UInt64)
    return keys.replace_strict(known, found, default=None, return_dtype=pl.UInt64)


def email_hashes(addresses: pl.Series, key: bytes) -> tuple[pl.Series, pl.Series]:
    """Return the hashes of normalised addresses: customers' own, and those a marketplace made up.

    Placeholders have neither.
    """
    known = addresses.set(is_nobody(addresses).fill_null(value=False), None)
    made_up = is_alias(known).fill_null(value=False)
    own, alias = known.set(made_up, None), known.set(~made_up, None)
    return hashes(own, "email", key), hashes(alias, "alias", key)


def hashed(values: pl.Series, kind: Literal["email", "phone"], key: bytes) -> pl.Series:
    """Return the customer ids that one kind of key alone gives.

    No row needs another, so it goes batch by batch. Values are as they stand in the file, phone
    numbers with their country code. A customer known by one e-mail has the id that
    `csk identify` gives; null where there is no key, or a placeholder.
    """
    if kind == "email":
        own, alias = email_hashes(emails(values), key)
        found = own.zip_with(own.is_not_null(), alias)
    else:
        nowhere = pl.repeat(None, values.len(), dtype=pl.String, eager=True)
        found = hashes(phones(values, nowhere), "phone", key)
    return guest_ids(found).alias(values.name)
