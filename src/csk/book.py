"""A Book: all tables of one company, as of a day.

It holds paths and facts about them, never rows; the engine opens it. One rule: a Book is
frozen, so a step that learns something (the day as of which to stand) returns another Book.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class FileRead:
    """What was read of one file of the user's."""

    file: str
    role: str
    profile: str
    encoding: str
    delimiter: str
    rows_read: int
    rows_excluded: int
    rows_rejected: int
    rows_kept: int
    note: str = ""
    mapping: tuple[tuple[str, str], ...] = ()
    """(canonical column, column of the file)."""
    unused: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    """Columns with personal data, dropped at import."""
    readings: tuple[str, ...] = ()
    """How the columns were understood (date order, decimal mark), in words."""
    tax: str = ""
    """Whether its amounts hold tax, where the export is known for it: included or excluded."""
    shipping: str = ""
    """Whether they hold postage, likewise."""
    notes: tuple[str, ...] = ()
    """What was left out or read otherwise before its rows (a title, another sheet), in words."""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Excluded:
    """Rows left out by a rule: not malformed, but not customers' doing either."""

    table: str
    rule: str
    rows: int
    amount: int
    """Their money, in counts of 1/10,000."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """One canonical table of a store."""

    rows: int
    first_on: date | None
    last_on: date | None
    """First and last start or event date; never an end date."""
    columns: tuple[str, ...]
    amount: int = 0
    """Sum of its money, in counts of 1/10,000; 0 where it has none."""
    rounded: int = 0
    """Amounts that had more than four decimals."""
    late_days: int = 0
    """Last days of which more may still come, as its exports are known."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days between which a book can be observed; `as_of` is the first day not read."""

    data_from: date
    data_through: date
    as_of: date
    is_late_entry: bool = False
    notes: tuple[str, ...] = ()
    """Keys of remarks on how the days were found."""

    @property
    def is_complete(self) -> bool:
        """Whether everything before `as_of` is in the data."""
        return self.data_through + timedelta(days=1) >= self.as_of


@dataclass(frozen=True, slots=True)
class KeptPart:
    """One thing that a kept store holds: a finished book, or the rows of one file."""

    kind: Literal["book", "file"]
    name: str
    """Folder inside the store."""
    files: tuple[str, ...]
    """Files that it was made of, as they were named then; none where it is damaged."""
    rows: int
    n_bytes: int
    made_at: datetime
    is_current: bool
    """Whether it is the latest book, or one of the files it was made of."""


@dataclass(frozen=True, slots=True)
class Book:
    """The store of one company: where it lies, what is in it, and as of when it is read."""

    root: Path
    n_shards: int
    tables: dict[str, StoredTable]
    files: tuple[FileRead, ...]
    excluded: tuple[Excluded, ...]
    rows_rejected: int
    currency: str
    attributes: tuple[str, ...] = ()
    """Further columns of the customers file."""
    margin_by_plan: dict[str, float] = field(default_factory=dict)
    has_product_margin: bool = False
    """Whether payments carry `margin_amount`."""
    digest: str = ""
    """Hash of the inputs' content and the rules that read them."""
    is_by_row: bool = False
    """Whether payments are kept one by one, not added up by day."""
    overlapping: tuple[str, ...] = ()
    """Files whose days overlap those of others from which no ids tell their rows apart."""
    window: Window | None = None
    beside: tuple[str, ...] = ()
    """Tables of rows that count nowhere else: `failed_payments`."""
    n_further: dict[str, int] = field(default_factory=dict)
    """Parts that every shard of a table has beside its first, where files came later."""

    @property
    def is_contractual(self) -> bool:
        """Whether customers are bound by subscriptions (otherwise they buy again or not)."""
        return "subscriptions" in self.tables

    @property
    def span(self) -> Window:
        """The window; a Book that was not yet dated has none and this is a bug."""
        if self.window is None:
            message = "the book has no window yet"
            raise RuntimeError(message)
        return self.window

    def holds(self, what: str) -> str:
        """Return whether all money holds `tax` or `shipping`; unknown where nothing tells."""
        of_money = [f for f in self.files if f.role in ("payments", "subscriptions", "mrr_events")]
        said = {getattr(f, what) or "unknown" for f in of_money}
        return said.pop() if len(said) == 1 else "unknown"

    def part(self, table: str, shard: int, number: int = 0) -> Path:
        """Return a Parquet file of one shard of a table: its first, or a further one."""
        more = f"-{number:04d}" if number else ""
        return self.root / table / f"part-{shard:05d}{more}.parquet"

    def parts(self, table: str, shard: int) -> list[Path]:
        """Return all Parquet files of one shard of a table; each is sorted by itself."""
        return [self.part(table, shard, n) for n in range(1 + self.n_further.get(table, 0))]

    def dated(self, window: Window) -> "Book":
        """Return the book as of a day."""
        return replace(self, window=window)
