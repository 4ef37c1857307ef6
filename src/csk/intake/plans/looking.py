"""A look at a folder of exports before anything is read: what each file is, and how it begins.

One rule: nothing is refused here; what is wrong with a file is said beside it, so that one look
tells all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from csk.book import FileRead
from csk.errors import CskError
from csk.intake.formats.source import Source
from csk.intake.origins.finding import Found
from csk.intake.plans.opening import SAMPLE_ROWS, Opened, OpenedFiles, opened_files
from csk.intake.recognition.lacking import Missing
from csk.intake.recognition.profiles import normal, profile, unqualified
from csk.intake.recognition.recognise import Recognition, recognise_as
from csk.schema import INPUTS
from csk.settings import Settings

_WHOLE_BYTES: Final = 1 << 20
"""A file of at most so many bytes is sampled to its end."""
_ROUND_TO: Final = 2
_BESIDE_NEEDED: Final = frozenset({"ended_on"})


@dataclass(frozen=True, slots=True)
class Guess:
    """A column taken by a name that may mean something else, or beside others of such names."""

    canonical: str
    others: tuple[str, ...]
    """Columns of the file that could be it by their names as well."""


@dataclass(frozen=True)
class Seen:
    """What was seen of one file."""

    found: Found
    told: FileRead
    """As a run would tell it, without counts; role "" where it will not be read."""

    n_rows: int = 0
    is_estimate: bool = False
    opened: Opened | None = None
    """How its rows would be read; null where they would not be."""

    nearest: Recognition | None = None
    """Where it is not read: what of it was found for the role it comes nearest to."""

    lacking: tuple[Missing, ...] = ()
    """What that role would still need."""

    refusal: CskError | None = None
    """Why it stops a run."""

    guesses: tuple[Guess, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Name of the file as the user is told of it."""
        return self.found.name

    @property
    def why_not(self) -> str:
        """Why it is not read, as a clause; empty where it is."""
        if self.refusal is None:
            return self.told.note
        said = self.refusal.sentence.rstrip(".")
        for name in (str(self.found.path), self.file):
            if said.startswith(f"{name} "):
                return "it" + said.removeprefix(name)
        return said


@dataclass(frozen=True)
class Looked:
    """What was seen of all files of a run."""

    files: tuple[Seen, ...]
    tells_who_pays: bool
    margins_known: bool = False
    """Whether a costs file gives the margin."""

    samples: dict[str, pl.DataFrame] = field(default_factory=dict)
    """The first rows of each file that will be read, by its name."""

    ambiguous: dict[str, CskError] = field(default_factory=dict)
    """Files whose days and months cannot be told apart, with what is said of them; they were
    looked at as if days came first."""

    def fits_others(self, role: str, mapping: Mapping[str, str]) -> bool:
        """Tell whether settings with this mapping would make other files this table as well.

        Settings name a table by its columns: every file that has them is that table.
        """
        return any(
            set(mapping.values()) <= set(one.columns)
            and (
                one.opened is None
                or (one.told.role, one.opened.recognition.mapping) != (role, mapping)
            )
            for one in self.files
        )

    @property
    def opened(self) -> tuple[Opened, ...]:
        """Return the files whose rows would be read."""
        return tuple(seen.opened for seen in self.files if seen.opened is not None)


@contextmanager
def looked_at(found: Sequence[Found], settings: Settings, temporary: Path) -> Iterator[Looked]:
    """Look at all files; they stay open until the end."""
    with ExitStack() as stack:
        look = opened_files(found, settings, temporary, keeps_refusals=True)
        opened = stack.enter_context(look)
        ambiguous: dict[str, CskError] = {}
        if opened.refused and settings.date_order is None:
            days_first = settings.model_copy(update={"date_order": "dmy"})
            look = opened_files(found, days_first, temporary, keeps_refusals=True)
            again = stack.enter_context(look)
            ambiguous = {n: e for n, e in opened.refused.items() if n not in again.refused}
            opened = again if ambiguous else opened
        samples = {one.name: one.source.sample(SAMPLE_ROWS) for one in opened.files}
        yield Looked(
            files=tuple(_seen(one, opened, samples) for one in found),
            tells_who_pays=opened.tells_who_pays,
            margins_known=bool(opened.margin_by_plan or opened.margin_by_product),
            samples=samples,
            ambiguous=ambiguous,
        )


def _seen(one: Found, result: OpenedFiles, samples: dict[str, pl.DataFrame]) -> Seen:
    opened = next((file for file in result.files if file.name == one.name), None)
    told = next((file for file in result.unneeded if file.file == one.name), None)
    source, recognition = result.seen.get(one.name, (None, None))
    n_rows, is_estimate = _rows(one, source, samples.get(one.name))
    if opened is not None:
        return Seen(
            *(one, opened.told(0, 0, 0, 0), n_rows, is_estimate, opened),
            guesses=_guesses(opened),
            columns=opened.source.columns,
        )
    refusal = result.refused.get(one.name)
    if told is None:
        told = FileRead(
            one.name, "", "", "", "", 0, 0, 0, 0, note=refusal.sentence if refusal else ""
        )
    if told.role or source is None or recognition is None:
        columns = source.columns if source else ()
        return Seen(one, told, n_rows, is_estimate, refusal=refusal, columns=columns)
    nearest = recognition.role or recognition.nearest_role
    partly = recognise_as(nearest, source.columns, source.sample(SAMPLE_ROWS)) if nearest else None
    return Seen(
        *(one, told, n_rows, is_estimate),
        nearest=partly,
        lacking=partly.missing if partly else (),
        refusal=refusal,
        columns=source.columns,
    )


def _rows(one: Found, source: Source | None, sample: pl.DataFrame | None) -> tuple[int, bool]:
    """Return how many rows a file has, and whether that is an estimate from its size."""
    if source is None:
        return 0, False
    if source.format not in ("delimited", "jsonl"):
        return sum(batch.frame.height for batch in source.batches(source.columns[:1])), False
    rows = source.sample(SAMPLE_ROWS) if sample is None else sample
    places = source.temporary_files or (one.path,)
    size = places[0].stat().st_size if places[0].is_file() else 0
    if size <= _WHOLE_BYTES and rows.height < SAMPLE_ROWS:
        return rows.height, False
    text = rows.select(pl.all().cast(pl.String).str.len_bytes().sum())
    a_row = sum(n or 0 for n in text.row(0)) / max(rows.height, 1) + rows.width
    n_rows = max(rows.height, round(size / a_row))
    return round(n_rows, _ROUND_TO - len(str(n_rows))), True


def _guesses(one: Opened) -> tuple[Guess, ...]:
    """Name the columns that were taken on a doubtful name; a known export has none."""
    if one.recognition.known is not None:
        return ()
    table, names = INPUTS[one.role], profile()
    grouped = {name for group in table.one_of for name in group}
    mapped = set(one.recognition.mapping.values())
    found = []
    for canonical, column in one.recognition.mapping.items():
        wanted = names.names[one.role][canonical]
        others = [
            other
            for other in one.recognition.unused
            if other not in mapped and _is_named(other, wanted, names.qualifiers)
        ]
        matters = table[canonical].required or canonical in grouped or canonical in _BESIDE_NEEDED
        if matters and (others or not _is_named(column, wanted, names.qualifiers)):
            found.append(Guess(canonical, tuple(others)))
    return tuple(found)


def _is_named(column: str, wanted: Sequence[str], qualifiers: frozenset[str]) -> bool:
    return normal(column) in wanted or unqualified(column, qualifiers) in wanted
