"""The report of `csk identify`: what became of the rows, by which key, and what to look at.

One rule: counts and masked hints only; nothing by which anybody could be found is put into words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from csk.analyses.identify import Cluster, Identified
from csk.reports.blocks import Block, Figure, Figures, Grid, GridColumn, Heading, Note, Report, Tone
from csk.reports.figures import NOTHING, count, share
from csk.text import Words


@dataclass(frozen=True, slots=True)
class Reading:
    """What is told of the files beside the customers in them."""

    files: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]]
    """Kind of key -> the columns it was read from."""
    doubts: Mapping[str, int]
    """Why a key was not understood or not believed -> rows."""
    malformed: int = 0
    n_of_order: int = 0
    country: str | None = None
    hints: Mapping[int, str] = field(default_factory=dict)
    """What may be shown of a row's key."""
    dropped: tuple[str, ...] = ()
    struck: Mapping[str, int] = field(default_factory=dict)
    """Addresses struck out of other columns."""
    is_written: bool = False
    keeps_personal: bool = False


def report(found: Identified, read: Reading, say: Words) -> Report:
    """Put into words which customers were found."""
    blocks: list[Block] = [
        _figures(found, read, say),
        *_warnings(found, read, say),
        _keys(found, read, say),
        *_largest(found, read, say),
        *_shared(found, read, say),
        *_collisions(found, say),
        *_notes(read, say),
    ]
    return Report(say("identify.title"), ", ".join(read.files), tuple(blocks), _plain(found, read))


def _figures(found: Identified, read: Reading, say: Words) -> Figures:
    without = [
        (found.n_without_key, "identify.no_key"),
        (found.n_only_shared, "identify.only_shared"),
    ]
    said = ", ".join(say(key, n=count(n)) for n, key in without if n)
    known = share(found.n_identified / found.n_rows) if found.n_rows else ""
    by_order = say("identify.of_order", n=count(read.n_of_order)) if read.n_of_order else ""
    guests = found.n_customers - found.n_members
    who = say("identify.who", members=count(found.n_members), guests=count(guests))
    figures = (
        Figure(say("identify.rows"), count(found.n_rows)),
        Figure(
            say("identify.identified"),
            count(found.n_identified),
            "; ".join(part for part in (known, by_order) if part),
        ),
        Figure(
            say("identify.unidentified"),
            count(found.n_rows - found.n_identified),
            said,
            "warn" if found.n_rows > found.n_identified else "plain",
        ),
        Figure(say("identify.customers"), count(found.n_customers), who if found.n_members else ""),
        Figure(
            say("identify.merge_rate"),
            share(found.merge_rate),
            say("identify.merge_remark", n=count(found.n_records)),
        ),
    )
    return Figures(figures)


def _warnings(found: Identified, read: Reading, say: Words) -> list[Block]:
    notes: list[Block] = []
    far = [one for one in found.largest if one.is_far_larger]
    if far:
        notes.append(Note(say("identify.far_larger", n=count(len(far))), "warn"))
    if found.n_collisions:
        text = say(
            "identify.collided", n=count(found.n_collisions), rows=count(found.n_collision_rows)
        )
        notes.append(Note(text, "warn"))
    for key, n in read.doubts.items():
        if n:
            tone: Tone = "muted" if key == "email_nobody" else "warn"
            notes.append(Note(say(f"identify.doubt.{key}", n=count(n)), tone))
    if "phone" in read.keys and read.country is None:
        notes.append(Note(say("identify.no_country"), "warn"))
    if read.malformed:
        notes.append(Note(say("identify.malformed", n=count(read.malformed)), "warn"))
    return notes


def _keys(found: Identified, read: Reading, say: Words) -> Grid:
    rows = tuple(
        (
            say(f"identify.kind.{use.kind}"),
            count(use.n_rows),
            count(use.n_keys),
            count(use.n_joined),
            say("identify.left", n=count(use.n_shared), rows=count(use.n_shared_rows))
            if use.n_shared
            else NOTHING,
            ", ".join(read.keys.get("email" if use.kind == "alias" else use.kind, ())) or NOTHING,
        )
        for use in found.keys
        if use.n_rows or use.kind in read.keys
    )
    columns = (
        GridColumn(say("identify.key")),
        GridColumn(say("identify.rows"), "right"),
        GridColumn(say("identify.distinct"), "right"),
        GridColumn(say("identify.joined"), "right"),
        GridColumn(say("identify.unused"), "right"),
        GridColumn(say("identify.columns"), priority=1),
    )
    return Grid(say("identify.keys"), columns, rows, caption=say("identify.keys_caption"))


def _largest(found: Identified, read: Reading, say: Words) -> list[Block]:
    if not found.largest:
        return []
    tones: tuple[Tone, ...] = tuple("warn" if c.is_far_larger else "plain" for c in found.largest)
    first = GridColumn(say("identify.customer"))
    rows = tuple((one.name, *_sizes(one, read)) for one in found.largest)
    return [Grid(say("identify.largest"), (first, *_size_columns(say)), rows, tones=tones)]


def _shared(found: Identified, read: Reading, say: Words) -> list[Block]:
    if not found.shared:
        return []
    first = GridColumn(say("identify.key"))
    rows = tuple((say(f"identify.kind.{one.name}"), *_sizes(one, read)) for one in found.shared)
    caption = say("identify.shared_caption")
    return [Grid(say("identify.shared"), (first, *_size_columns(say)), rows, caption=caption)]


def _sizes(one: Cluster, read: Reading) -> tuple[str, ...]:
    counts = (one.n_rows, one.n_persons, one.n_emails, one.n_phones)
    return (*(count(n) for n in counts), read.hints.get(one.row) or NOTHING)


def _size_columns(say: Words) -> tuple[GridColumn, ...]:
    names = ("rows", "names", "emails", "phones")
    return (
        *(GridColumn(say(f"identify.{name}"), "right") for name in names),
        GridColumn(say("identify.hint"), priority=1),
    )


def _collisions(found: Identified, say: Words) -> list[Block]:
    if not found.collisions:
        return []
    rows = tuple((", ".join(members),) for members in found.collisions)
    columns = (GridColumn(say("identify.members")),)
    caption = say("identify.collisions_caption")
    return [Grid(say("identify.collisions"), columns, rows, caption=caption)]


def _notes(read: Reading, say: Words) -> list[Block]:
    if not read.is_written:
        return [Note(say("identify.nothing_written"))]
    if read.keeps_personal:
        return [Heading(say("identify.written")), Note(say("identify.kept"), "warn")]
    struck = sum(read.struck.values())
    said = [
        say("identify.dropped", columns=", ".join(read.dropped)) if read.dropped else "",
        say("identify.struck", n=count(struck), columns=", ".join(read.struck)) if struck else "",
    ]
    return [Note(text) for text in said if text]


def _plain(found: Identified, read: Reading) -> dict[str, object]:
    def sizes(one: Cluster) -> dict[str, object]:
        return {
            "rows": one.n_rows,
            "names": one.n_persons,
            "emails": one.n_emails,
            "phones": one.n_phones,
            "hint": read.hints.get(one.row) or None,
        }

    return {
        "rows": found.n_rows,
        "identified": found.n_identified,
        "without_key": found.n_without_key,
        "only_shared_keys": found.n_only_shared,
        "of_order": read.n_of_order,
        "malformed": read.malformed,
        "records": found.n_records,
        "customers": found.n_customers,
        "members": found.n_members,
        "guest_records_of_members": found.n_guests_of_members,
        "merge_rate": found.merge_rate,
        "keys": {
            use.kind: {
                "rows": use.n_rows,
                "distinct": use.n_keys,
                "joined": use.n_joined,
                "shared": use.n_shared,
                "shared_rows": use.n_shared_rows,
                "columns": list(read.keys.get("email" if use.kind == "alias" else use.kind, ())),
            }
            for use in found.keys
        },
        "collisions": found.n_collisions,
        "collision_rows": found.n_collision_rows,
        "largest": [
            {"customer_id": one.name, "far_larger": one.is_far_larger, **sizes(one)}
            for one in found.largest
        ],
        "shared": [{"key": one.name, **sizes(one)} for one in found.shared],
        "doubts": dict(read.doubts),
        "dropped": list(read.dropped),
        "struck": dict(read.struck),
    }
