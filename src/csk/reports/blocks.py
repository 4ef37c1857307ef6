"""What a report is made of; renderers know these types and nothing of what they say.

Cells are already words: a report turns numbers into text (with the currency's rounding), a
renderer decides only how text stands on a page. Shares for bars stay numbers.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Align: TypeAlias = Literal["left", "right"]
Tone: TypeAlias = Literal["plain", "good", "warn", "bad", "muted"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 opens the report."""

    text: str
    level: Literal[1, 2] = 2


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name and, where there is one, a remark on how to read it."""

    label: str
    value: str
    remark: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers that belong together."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column of a grid; `priority` 0 is never dropped, higher numbers go first when narrow.

    `bar` marks a column whose cells are shares in [0, 1] drawn as bars (given as `Grid.bars`);
    `is_whole` one whose words are not cut as long as another column can leave.
    """

    title: str
    align: Align = "left"
    priority: int = 0
    bar: bool = False
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of words: `rows[i][j]` stands under `columns[j]`.

    `keys` are the machine's names of the columns (JSON), `bars[i]` the share drawn in row i's
    bar column, `tones[i]` the row's tone, `total` marks the last row as a sum.
    """

    title: str
    columns: tuple[GridColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: tuple[str, ...] = ()
    bars: tuple[float, ...] = ()
    tones: tuple[Tone, ...] = ()
    total: bool = False
    caption: str = ""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A matrix of counts or shares shaded by `values`; null cells are empty.

    `hidden` says that `n` columns, from `first` on, do not fit the page.
    """

    title: str
    row_title: str
    column_title: str
    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    values: tuple[tuple[float | None, ...], ...]
    caption: str = ""
    hidden: str = "{n} more columns, from {first} on, need a wider page."


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve over time in [0, 1], with an interval where there is one, told as in `between`."""

    title: str
    x_title: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    group: str = ""
    between: str = "{low} to {high}"


@dataclass(frozen=True, slots=True)
class Note:
    """A remark; `tone` says whether it is a warning."""

    text: str
    tone: Tone = "muted"


Block: TypeAlias = Heading | Figures | Grid | HeatMap | Curve | Note


@dataclass(frozen=True, slots=True)
class Report:
    """What a command has to say to a person: a first line, then blocks in reading order.

    `data` is the same content for machines (plain JSON types: str, int, float, bool, None,
    list, dict), which `--report json` prints instead of the blocks.
    """

    title: str
    first_line: str
    blocks: tuple[Block, ...]
    data: dict[str, object] = field(default_factory=dict)
