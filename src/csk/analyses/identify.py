"""Which records of a shop are one customer: those that share an e-mail, a phone, or a name.

One rule: it sees hashes of keys and never a key, so nothing of a person can leave from here; the
same records give the same customers in whatever order they come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from csk.stats.components import NO_KEY, linked

Codes: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

KINDS: Final = ("email", "alias", "phone", "name")
"""Kinds of key in the order in which they join: `alias` is an address that a marketplace made up
for the shop, `name` is a name with a postcode."""
_NAMING: Final = ("email", "phone", "name", "alias")
"""Which key a guest's id is made of: an alias may be another one with the next order."""
MOST_PERSONS: Final = 20
"""Persons that one key may stand for before it is taken for a shop's own or an empty one."""
SHOWN: Final = 5
"""Customers and shared keys that are shown."""
COLLISIONS: Final = 3
_MANY_ROWS: Final = 50
_FAR: Final = 10
_ALMOST_ALL: Final = 0.99
_MEDIAN: Final = 0.5
_MANY_PERSONS: Final = 5

RECORD: Final[Mapping[str, pl.DataType]] = {
    "record": pl.UInt64(),
    **{kind: pl.UInt64() for kind in KINDS},
    "who": pl.UInt64(),
    "member": pl.String(),
    "n": pl.Int64(),
    "first_row": pl.Int64(),
}
"""One distinct set of keys as it stands in some rows: hashes of the keys and of the name alone
(null = has none), the shop's own id, how many rows, and the first of them."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a kind of key did: rows that have it, distinct ones, customers it joined."""

    kind: str
    n_rows: int
    n_keys: int
    n_joined: int
    n_shared: int
    """Keys not used, since too many persons share them,"""
    n_shared_rows: int
    """and the rows that have them."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One customer, or a key that too many share: its size, and a row in which it stands."""

    name: str
    """The customer's id; the kind of a shared key."""
    n_rows: int
    n_persons: int
    n_emails: int
    n_phones: int
    row: int
    is_far_larger: bool = False


@dataclass(frozen=True, slots=True)
class Identified:
    """What became of the rows of a shop."""

    n_rows: int
    n_identified: int
    n_without_key: int
    n_only_shared: int
    """Rows all of whose keys are shared by too many."""
    n_records: int
    n_customers: int
    n_members: int
    n_guests_of_members: int
    """Records of guests that turned out to be a member's."""
    keys: tuple[KeyUse, ...]
    n_collisions: int
    """Groups of records in which several members hang together,"""
    n_collision_rows: int
    """and the rows of guests in them that were given to none."""
    collisions: tuple[tuple[str, ...], ...]
    """Members that share a key with each other, a few of them."""
    largest: tuple[Cluster, ...]
    shared: tuple[Cluster, ...]

    @property
    def merge_rate(self) -> float | None:
        """The share of records that were found to be another record's customer."""
        return 1 - self.n_customers / self.n_records if self.n_records else None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The customer of every record (`record`, `customer_id`; null = cannot be told), counted."""

    ids: pl.DataFrame
    identified: Identified


def guest_ids(hashes: pl.Series) -> pl.Series:
    """Return the ids that stand for hashes of keys: `g-` and 16 hexadecimal digits; null stays."""
    known = hashes.drop_nulls().unique()
    named = pl.Series([f"g-{number:016x}" for number in known.to_list()], dtype=pl.String)
    return hashes.replace_strict(known, named, default=None, return_dtype=pl.String)


def resolution(
    records: pl.DataFrame, n_without_key: int = 0, most_persons: int = MOST_PERSONS
) -> Resolution:
    """Join the records (columns of `RECORD`, each record once) to customers.

    Records that share a key are one customer, through others too, and a member's id is the
    customer's. Where several members hang together that way, a guest is the one of its e-mail,
    or nobody's. `n_without_key` rows have no record; they are counted only.
    """
    records = records.sort("record")
    shared = {kind: _shared(records, kind, most_persons) for kind in KINDS}
    kept = (
        pl.when(~pl.col(kind).is_in(keys["key"].to_list())).then(pl.col(kind)).alias(kind)
        for kind, keys in shared.items()
    )
    used = records.with_columns(kept).filter(
        pl.any_horizontal(pl.col(*KINDS, "member").is_not_null())
    )
    codes = {name: _codes(used[name]) for name in (*KINDS, "member")}
    groups, joined, n_records = _joined(codes)
    crowded = _of_several_members(used, groups)
    customers = _named(used.with_columns(label=_parted(used, codes, groups, crowded)))
    ids = customers.select("record", "customer_id")
    n_known = int(used["n"].sum())
    n_all = int(records["n"].sum())
    largest = _largest(customers)
    identified = Identified(
        n_rows=n_all + n_without_key,
        n_identified=n_known,
        n_without_key=n_without_key,
        n_only_shared=n_all - n_known,
        n_records=n_records,
        n_customers=customers["customer_id"].n_unique(),
        n_members=used["member"].drop_nulls().n_unique(),
        n_guests_of_members=int((customers["member"].is_null() & customers["is_member"]).sum()),
        keys=tuple(_use(records, kind, shared[kind], joined[kind]) for kind in KINDS),
        n_collisions=int(pl.Series(groups[crowded]).n_unique()),
        n_collision_rows=int(customers.filter(pl.Series(crowded), ~pl.col("is_member"))["n"].sum()),
        collisions=_collisions(used, groups, crowded),
        largest=largest,
        shared=tuple(_cluster(row) for keys in shared.values() for row in keys.to_dicts())[:SHOWN],
    )
    return Resolution(ids, identified)


def _shared(records: pl.DataFrame, kind: str, most: int) -> pl.DataFrame:
    """Return the keys of a kind that stand for more than `most` persons, the largest first.

    A person is told by the name; where there is none, by the other way to reach them.
    """
    person = pl.coalesce("who", "email" if kind == "phone" else "phone")
    return (
        records.filter(pl.col(kind).is_not_null())
        .group_by(key=pl.col(kind))
        .agg(
            pl.lit(kind).alias("name"),
            pl.col("n").sum(),
            n_persons=person.drop_nulls().n_unique(),
            n_emails=pl.col("email").drop_nulls().n_unique()
            + pl.col("alias").drop_nulls().n_unique(),
            n_phones=pl.col("phone").drop_nulls().n_unique(),
            row=pl.col("first_row").min(),
        )
        .filter(pl.col("n_persons") > most)
        .sort("n", "key", descending=[True, False])
    )


def _codes(values: pl.Series) -> Codes:
    ranks = values.rank("dense").cast(pl.Int64) - 1
    return np.asarray(ranks.fill_null(NO_KEY).to_numpy(), np.int64)


def _joined(codes: Mapping[str, Codes]) -> tuple[Codes, dict[str, int], int]:
    """Join by one kind of key after the other; return the groups, and how many each joined.

    The last number is what there was to join: records, those of one member taken together.
    """
    groups = linked([codes["member"]])
    n_records = n_before = _n_groups(groups)
    joined: dict[str, int] = {}
    for kind in KINDS:
        groups = linked([groups, codes[kind]])
        n_after = _n_groups(groups)
        joined[kind], n_before = n_before - n_after, n_after
    return groups, joined, n_records


def _n_groups(groups: Codes) -> int:
    """Count groups: each is named by its smallest row."""
    return int((groups == np.arange(len(groups))).sum())


def _of_several_members(used: pl.DataFrame, groups: Codes) -> Flags:
    """Return which records hang together with more than one member."""
    members = used.select(
        pl.col("member").drop_nulls().n_unique().over(pl.Series("group", groups)).alias("n")
    )
    return np.asarray((members["n"] > 1).to_numpy(), bool)


def _parted(used: pl.DataFrame, codes: Mapping[str, Codes], groups: Codes, crowded: Flags) -> Codes:
    """Part the groups of several members: by e-mail, and where that is not enough, by member.

    There, phones and names join nobody but guests who gave no e-mail, and those with each other.
    """
    labels = groups.copy()
    is_guest = used["member"].is_null()
    has_email = used["email"].is_not_null() | used["alias"].is_not_null()
    unreached = np.asarray((is_guest & ~has_email).to_numpy(), bool)
    loose = {kind: np.where(unreached, codes[kind], NO_KEY) for kind in ("phone", "name")}
    _relabel(labels, crowded, [codes["member"], codes["email"], codes["alias"], *loose.values()])
    still = _of_several_members(used, labels)
    guests = np.asarray(is_guest.to_numpy(), bool)
    apart = [np.where(guests, codes[kind], NO_KEY) for kind in ("email", "alias")]
    _relabel(labels, still, [codes["member"], *apart])
    return labels


def _relabel(labels: Codes, which: Flags, kinds: list[Codes]) -> None:
    """Put new groups in place of those of some records."""
    rows = np.flatnonzero(which)
    if len(rows):
        labels[rows] = rows[linked([codes[rows] for codes in kinds])]


def _named(used: pl.DataFrame) -> pl.DataFrame:
    """Give every group its id: the member's, or one made of the smallest hash of its best key."""
    guest = pl.coalesce(pl.col(kind).min().over("label") for kind in _NAMING)
    named = used.with_columns(
        pl.col("member").drop_nulls().first().over("label").alias("of_member"), key=guest
    )
    return named.with_columns(
        customer_id=pl.coalesce("of_member", guest_ids(named["key"])),
        is_member=pl.col("of_member").is_not_null(),
    )


def _use(records: pl.DataFrame, kind: str, shared: pl.DataFrame, n_joined: int) -> KeyUse:
    known = records.filter(pl.col(kind).is_not_null())
    return KeyUse(
        kind=kind,
        n_rows=int(known["n"].sum()),
        n_keys=known[kind].n_unique(),
        n_joined=n_joined,
        n_shared=shared.height,
        n_shared_rows=int(shared["n"].sum()),
    )


def _collisions(used: pl.DataFrame, groups: Codes, crowded: Flags) -> tuple[tuple[str, ...], ...]:
    """Return the members of a few groups that hold several, by name."""
    found = (
        used.with_columns(group=pl.Series(groups))
        .filter(pl.Series(crowded), pl.col("member").is_not_null())
        .group_by("group")
        .agg(pl.col("member").unique().sort())
        .sort(pl.col("member").list.first())
    )
    return tuple(tuple(members) for members in found["member"].head(COLLISIONS).to_list())


def _largest(customers: pl.DataFrame) -> tuple[Cluster, ...]:
    """Return the customers with the most rows, those that are far larger than the rest first.

    One is that if it dwarfs nearly all others, or goes by many names.
    """
    sizes = customers.group_by(name=pl.col("customer_id")).agg(
        pl.col("n").sum(), n_persons=pl.col("who").drop_nulls().n_unique()
    )
    level = _ALMOST_ALL if sizes.height * (1 - _ALMOST_ALL) >= SHOWN else _MEDIAN
    usual = pl.col("n").quantile(level, "lower")
    is_far = (pl.col("n") >= _MANY_ROWS) & (pl.col("n") >= _FAR * usual)
    shown = (
        sizes.with_columns(is_far=is_far | (pl.col("n_persons") > _MANY_PERSONS))
        .sort("is_far", "n", "name", descending=[True, True, False])
        .head(SHOWN)
    )
    known = (
        customers.filter(pl.col("customer_id").is_in(shown["name"].to_list()))
        .sort("n", "record", descending=[True, False])
        .group_by(name=pl.col("customer_id"))
        .agg(
            n_emails=pl.col("email").drop_nulls().n_unique()
            + pl.col("alias").drop_nulls().n_unique(),
            n_phones=pl.col("phone").drop_nulls().n_unique(),
            row=pl.col("first_row").first(),
        )
    )
    joined = shown.join(known, on="name", how="left", maintain_order="left")
    return tuple(_cluster(row) for row in joined.to_dicts())


def _cluster(row: Mapping[str, Any]) -> Cluster:
    return Cluster(
        name=row["name"],
        n_rows=int(row["n"]),
        n_persons=int(row["n_persons"]),
        n_emails=int(row["n_emails"]),
        n_phones=int(row["n_phones"]),
        row=int(row["row"]),
        is_far_larger=bool(row.get("is_far", False)),
    )
