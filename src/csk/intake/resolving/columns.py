"""Which columns of an export tell who ordered, by the names in `keys.toml`.

One rule: who receives the goods is nobody's key; a column is believed only as its whole name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from csk.errors import DataError
from csk.intake.identity.keys import rules
from csk.intake.recognition.profiles import normal, profile, words

_MOST_PARTS: Final = 4
_LONGEST_PART: Final = 6
_JAPANESE: Final = re.compile(r"[぀-ヿ一-鿿]")

Places = tuple[tuple[str, ...], ...]
"""Columns of one kind in order of preference; several together are parts of one value."""


@dataclass(frozen=True)
class KeyColumns:
    """Where the keys of a file stand."""

    email: Places
    phone: Places
    name: Places
    postcode: Places
    country: str | None
    member: str | None
    """The shop's own id of a customer, empty for guests."""
    order: str | None
    default_country: str | None
    """Where phone numbers without a country code are from; null where nothing tells."""

    @property
    def read(self) -> tuple[str, ...]:
        """Every column that is read to tell who ordered."""
        places = (*self.email, *self.phone, *self.name, *self.postcode)
        single = (self.country, self.member, self.order)
        named = [column for place in places for column in place]
        return tuple(dict.fromkeys([*named, *(column for column in single if column)]))

    @property
    def personal(self) -> frozenset[str]:
        """Those of them that are a person's."""
        return frozenset(self.read) - {self.country, self.member, self.order}


def key_columns(
    file: str, columns: Sequence[str], sample: pl.DataFrame, country: str | None, currency: str
) -> KeyColumns:
    """Find the key columns of a file; `country` and `currency` as the user gave them, if at all.

    DataError where there is none: a customer's own id alone needs no resolving.
    """
    known = {normal(column): column for column in reversed(columns)}
    beside = _beside(known)
    name = _names(known)
    found = KeyColumns(
        email=_places(known, sample, "email"),
        phone=_places(known, sample, "phone"),
        name=name,
        postcode=_places(known, sample, "postcode"),
        country=_first(known, "country"),
        member=_first(known, "member"),
        order=beside.get("order") or _first(known, "order"),
        default_country=country or _country(columns, sample, currency),
    )
    if not (found.email or found.phone or (found.name and found.postcode)):
        raise DataError(
            f"{file} has no column that tells who ordered.",
            # A file without a header has persons in its first line.
            details=[f"its columns: {', '.join('***' if '@' in c else c for c in columns)}"],
            hint="An e-mail address, a phone number, or a name with a postcode is needed. "
            "Give their columns a plain name such as email, phone, name, postcode.",
        )
    return found


def personal_columns(columns: Sequence[str], keys: KeyColumns) -> tuple[str, ...]:
    """Return the columns that an output without personal data leaves out."""
    kept = {keys.member, keys.order}
    return tuple(
        column
        for column in columns
        if column in keys.personal or (column not in kept and _is_personal(column))
    )


def _is_personal(column: str) -> bool:
    listed = rules()["personal"]
    if profile().is_personal(column):
        return True
    spoken, whole = words(column), normal(column)
    if any(normal(part) in whole for part in listed["except"]):
        return False
    return any(normal(part) in whole for part in listed["within"]) or any(
        re.search(pattern, spoken) for pattern in listed["words"]
    )


def _candidates(kind: str) -> list[str]:
    """Return the normalised names of a kind, preferred ones first."""
    listed = rules()
    names = [
        normal(f"{before}{base}") for base in listed["kinds"][kind] for before in listed["before"]
    ]
    names += [
        normal(f"{base}{after}") for base in listed["kinds"][kind] for after in listed["after"]
    ]
    return list(dict.fromkeys(names))


def _places(known: Mapping[str, str], sample: pl.DataFrame, kind: str) -> Places:
    found: list[tuple[str, ...]] = []
    for name in _candidates(kind):
        if name in known:
            found.append((known[name],))
            continue
        parts = [known.get(f"{name}{number}") for number in range(1, _MOST_PARTS + 1)]
        listed = tuple(part for part in parts if part is not None)
        if len(listed) > 1 and kind != "email" and _is_part(sample, listed[0]):
            found.append(listed)
        elif listed:
            found += [(part,) for part in listed]
    return tuple(dict.fromkeys(found))


def _is_part(sample: pl.DataFrame, column: str) -> bool:
    """Tell whether a first numbered column is too short to be a whole number of its own."""
    if column not in sample.columns:
        return True
    longest = sample[column].cast(pl.String).str.len_chars().max()
    return not isinstance(longest, int) or longest <= _LONGEST_PART


def _first(known: Mapping[str, str], kind: str) -> str | None:
    return next((known[name] for name in _candidates(kind) if name in known), None)


def _beside(known: Mapping[str, str]) -> dict[str, str]:
    """Return columns that mean a kind for the company they stand in."""
    return {
        kind: known[normal(name)]
        for neighbour, meant in rules()["beside"].items()
        if normal(neighbour) in known
        for kind, name in meant.items()
        if normal(name) in known
    }


def _names(known: Mapping[str, str]) -> Places:
    """Return where names stand: family and given name as a pair, whole names, then in kana."""
    found: list[tuple[str, ...]] = []
    plain = [normal(name) for name in rules()["names"]["full"]]
    for kana in ("", "_kana"):
        pairs = [
            (known[family], known[given])
            for affix in _affixes()
            for family in _fitted(known, f"family{kana}", affix)
            for given in _fitted(known, f"given{kana}", affix)
        ]
        used = {column for pair in pairs for column in pair}
        whole = [*_candidates(f"full{kana}"), *(plain if not kana else [])]
        found += pairs[:1]
        found += [(known[name],) for name in whole if name in known and known[name] not in used]
    return tuple(dict.fromkeys(found))


def _affixes() -> list[tuple[str, str]]:
    listed = rules()
    return [(before, "") for before in listed["before"]] + [("", end) for end in listed["after"]]


def _fitted(known: Mapping[str, str], kind: str, affix: tuple[str, str]) -> list[str]:
    names = (normal(f"{affix[0]}{base}{affix[1]}") for base in rules()["kinds"][kind])
    return [name for name in names if name in known]


def _country(columns: Sequence[str], sample: pl.DataFrame, currency: str) -> str | None:
    if any(_JAPANESE.search(column) for column in columns):
        return "JP"
    by_currency: Mapping[str, str] = rules()["countries"]
    named = next((column for column in columns if normal(column) == "currency"), None)
    if named is not None and named in sample.columns:
        codes = sample[named].cast(pl.String).str.to_uppercase().drop_nulls().unique().to_list()
        if len(codes) == 1:
            return by_currency.get(codes[0])
    return by_currency.get(currency)
