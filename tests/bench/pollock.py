"""Pollock's score of a reader of delimited text (Vitagliano et al., PVLDB 16(8), 2023).

2,290 files, each polluted in one way, and for each the table that was meant. A file gives ten
measures, each from 0 to 1: success, and of header, records and cells the share of what was meant
that is there, the share of what is there that was meant, and the harmonic mean of both. The score
of a set of files is the sum of the ten means. Nothing is told to the reader: no dialect, no
encoding, no number of header lines.

The paper's program makes cells alike before it compares headers and records (letter case, dates,
prices), and compares records without the borders of their cells. Here text is compared as it
stands, cell by cell, so that the score can only be lower than the paper's.
"""

import csv
import hashlib
import io
import re
import tarfile
import tempfile
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from csk.errors import CskError
from csk.intake.formats.reading import opened

Table = list[list[str]]
MEASURES = 10
# How often the paper's survey of open data met each pollution: `pollock_weights.json` beside its
# program, whose weights of these 2,290 files are these.
_WEIGHTS = {
    "source.csv": 1.0,
    "file_no_payload.csv": 15.0,
    "file_no_trailing_newline.csv": 184.0,
    "file_double_trailing_newline.csv": 5.0,
    "file_no_header.csv": 470.0,
    "file_header_only.csv": 3.0,
    "file_header_multirow_2.csv": 47.0,
    "file_header_multirow_3.csv": 47.0,
    "file_one_data_row.csv": 4.0,
    "file_preamble.csv": 282.0,
    "file_multitable_less.csv": 188 / 3,
    "file_multitable_same.csv": 188 / 3,
    "file_multitable_more.csv": 188 / 3,
    "file_record_delimiter_0xA.csv": 1691.0,
    "file_record_delimiter_0xD.csv": 7.0,
    "file_field_delimiter_0x3B.csv": 834.0,
    "file_field_delimiter_0x9.csv": 4.0,
    "file_field_delimiter_0x2C_0x20.csv": 101.0,
    "file_field_delimiter_0x20.csv": 4.0,
    "file_quotation_char_0x27.csv": 11.0,
    "file_escape_char_0x5C.csv": 1.0,
    "file_escape_char_0x00.csv": 7.0,
}
_ROW_WEIGHTS = (
    ("row_field_delimiter", 1 / 7),
    ("row_extra_quote", 1 / 108),
    ("row_", 260 / 707),
)
ARCHIVE = Path("csv_messy") / "pollock" / "polluted_files.tar.zst"


@dataclass(frozen=True)
class Score:
    """The ten measures of one file: success, then three each of header, records and cells."""

    name: str
    measures: tuple[float, ...]
    rejected: int
    refusal: str = ""

    @property
    def points(self) -> float:
        """Sum of the measures, at most ten."""
        return sum(self.measures)

    @property
    def half(self) -> int:
        """1 for the half that detection may be tuned on, 2 for the half that is only measured."""
        return 1 + hashlib.sha256(self.name.encode()).digest()[0] % 2

    @property
    def kind(self) -> str:
        """What was done to the file, header rows apart from others."""
        of_header = re.match(r"row_\D*0(_|$)", self.name.removesuffix(".csv"))
        plain = re.sub(r"(?<=\D)\d+(_col\d+|(?=_0x)).*", "", self.name.removesuffix(".csv"))
        return plain.rstrip("_") + " of the header" * bool(of_header)


def unpacked(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Give every file of the archive as its path inside and its bytes."""
    stream = pa.CompressedInputStream(pa.OSFile(str(archive)), "zstd")
    with tarfile.open(fileobj=stream, mode="r|") as files:
        for member in files:
            if member.isfile() and (file := files.extractfile(member)):
                yield member.name, file.read()


def scores(archive: Path, every: int = 1) -> list[Score]:
    """Read every n-th polluted file of the archive with csk, and score what came out."""
    polluted: dict[str, bytes] = {}
    clean: dict[str, bytes] = {}
    folders = {"csv": polluted, "clean": clean}
    for path, raw in unpacked(archive):
        _, folder, name = path.split("/")
        if folder in folders:
            folders[folder][name] = raw
    with tempfile.TemporaryDirectory() as folder:
        chosen = sorted(polluted)[::every]
        return [scored(name, polluted[name], clean[name], Path(folder)) for name in chosen]


def scored(name: str, raw: bytes, clean: bytes, folder: Path) -> Score:
    """Score one file; a refusal has not succeeded and has nothing right.

    But for the refusal of an empty file: that it is empty is what there is to read of it.
    """
    path = folder / name
    path.write_bytes(raw)
    try:
        with opened(path, temporary=folder) as source:
            table: Table = [list(source.columns)]
            for batch in source.batches():
                table += [[cell or "" for cell in row] for row in batch.frame.rows()]
            rejected = source.malformed_count
    except CskError as refusal:
        if not raw:
            return Score(name, (1.0, *measures([], [])), 0)
        return Score(name, (0.0,) * MEASURES, 0, str(refusal))
    meant = list(csv.reader(io.StringIO(clean.decode("utf-8-sig"), newline="")))
    return Score(name, (1.0, *measures(meant, table)), rejected)


def measures(meant: Table, found: Table) -> tuple[float, ...]:
    """Return precision, recall and F1 of header, records and cells, as the paper counts them."""
    if not meant:
        return (1.0,) * (MEASURES - 1)
    header = _overlap(meant[0], found[0] if found else [])
    records = _overlap([tuple(row) for row in meant[1:]], [tuple(row) for row in found[1:]])
    cells = _overlap(
        [cell for row in meant for cell in row], [cell for row in found for cell in row]
    )
    return (*header, *records, *cells)


def _overlap(meant: Sequence[Hashable], found: Sequence[Hashable]) -> tuple[float, float, float]:
    if not meant:
        return 1.0, 1.0, 1.0
    same = (Counter(meant) & Counter(found)).total()
    if not same:
        return 0.0, 0.0, 0.0
    precision, recall = same / len(meant), same / len(found)
    return precision, recall, 2 * precision * recall / (precision + recall)


def simple(scored_files: Iterable[Score]) -> float:
    """Return the simple score: the mean of the files' points."""
    points = [score.points for score in scored_files]
    return sum(points) / len(points)


def weighted(scored_files: Iterable[Score]) -> float:
    """Return the weighted score: points by how often the paper's survey met the pollution."""
    weights = [(_weight(score.name), score.points) for score in scored_files]
    return sum(weight * points for weight, points in weights) / sum(w for w, _ in weights)


def _weight(name: str) -> float:
    if name in _WEIGHTS:
        return _WEIGHTS[name]
    return next(weight for start, weight in _ROW_WEIGHTS if name.startswith(start))
