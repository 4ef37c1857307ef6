"""Options that most commands share, each once, as an annotated type."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

_OUT, _READ, _MODEL, _RUN = "Output", "Reading", "Model", "Running"

_FILES: Final = (
    "Exported files, folders, patterns, role=path (payments=orders.csv), or - for stdin."
)
FilePaths = Annotated[list[str], typer.Argument(metavar="PATH", help=_FILES, show_default=False)]
Paths = Annotated[
    list[str] | None, typer.Argument(metavar="[PATH]", help=_FILES, show_default=False)
]
MaybePaths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH]",
        help="Exported files, as csk mrr reads them: shows the number and the rows behind it.",
        show_default=False,
    ),
]
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the table: FILE.parquet, .csv, .jsonl, .arrow, .xlsx, .duckdb; DIR/ for a "
        "folder of tables by day; - for stdout. May be repeated.",
        show_default=False,
        rich_help_panel=_OUT,
    ),
]
As = Annotated[
    Literal["parquet", "csv", "jsonl", "arrow"],
    typer.Option("--as", help="Format of -o -.", rich_help_panel=_OUT),
]
Report = Annotated[
    Literal["text", "json", "markdown"],
    typer.Option("--report", help="Form of the report.", rich_help_panel=_OUT),
]
IfExists = Annotated[
    Literal["replace", "skip", "fail"],
    typer.Option(
        "--if-exists", help="What to do with an output that is there.", rich_help_panel=_OUT
    ),
]
OutputEncoding = Annotated[
    Literal["utf-8", "utf-8-sig", "cp932"],
    typer.Option("--encoding", help="Encoding of CSV outputs.", rich_help_panel=_OUT),
]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="COLUMNS",
        help="Columns of the customers table to carry through: owner,region.",
        rich_help_panel=_OUT,
    ),
]
Top = Annotated[
    int,
    typer.Option(
        "--top", metavar="N", min=0, help="Customers named in the report.", rich_help_panel=_OUT
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No report and no progress.", rich_help_panel=_OUT)
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DAY",
        help="Day at whose start we stand (or today); nothing at or after it is read. "
        "(default: the day after the data end)",
        rich_help_panel=_MODEL,
    ),
]
DataFrom = Annotated[
    str | None,
    typer.Option(
        "--data-from", metavar="DAY", help="First day whose ends are known.", rich_help_panel=_MODEL
    ),
]
DataThrough = Annotated[
    str | None,
    typer.Option(
        "--data-through",
        metavar="DAY",
        help="Last day the log is complete for.",
        rich_help_panel=_MODEL,
    ),
]
LtvHorizon = Annotated[
    str | None,
    typer.Option(
        "--ltv-horizon",
        metavar="MONTHS",
        help="How far LTV looks ahead: 36m, 3y.",
        rich_help_panel=_MODEL,
    ),
]
RiskHorizon = Annotated[
    str | None,
    typer.Option(
        "--risk-horizon",
        metavar="DAYS",
        help="Horizons of p_churn: 30d,90d,365d; the longest one is that of value at risk.",
        rich_help_panel=_MODEL,
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--margin", metavar="SHARE", help="Share of revenue that is margin.", rich_help_panel=_MODEL
    ),
]
DiscountRate = Annotated[
    float | None,
    typer.Option(
        "--discount-rate", metavar="RATE", help="Discount a year: 0.1.", rich_help_panel=_MODEL
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="What groups survival: plan, a column of the customers table, or none.",
        rich_help_panel=_MODEL,
    ),
]
Currency = Annotated[
    str | None,
    typer.Option(
        "--currency", metavar="CODE", help="Currency where files name none.", rich_help_panel=_READ
    ),
]
InputEncoding = Annotated[
    str | None,
    typer.Option(
        "--input-encoding", metavar="NAME", help="Encoding of the files.", rich_help_panel=_READ
    ),
]
DateOrder = Annotated[
    Literal["dmy", "mdy"] | None,
    typer.Option(
        "--date-order", help="Order of day and month where unclear.", rich_help_panel=_READ
    ),
]
AmountUnit = Annotated[
    Literal["major", "minor"] | None,
    typer.Option("--amount-unit", help="minor: amounts are cents.", rich_help_panel=_READ),
]
RejectLimit = Annotated[
    float | None,
    typer.Option(
        "--reject-limit",
        metavar="SHARE",
        help="Share of malformed rows allowed.",
        rich_help_panel=_READ,
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help="Keep what was read here; unchanged files are not read again.",
        rich_help_panel=_RUN,
    ),
]
Shards = Annotated[
    int | None,
    typer.Option(
        "--shards", min=1, max=1024, help="Parts the book is cut into.", rich_help_panel=_RUN
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory", metavar="SIZE", help="Memory before spilling: 2GB.", rich_help_panel=_RUN
    ),
]
EngineAt = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="URL",
        help="Cluster with the tables that csk.toml names in [cluster]: sc://host:15002.",
        rich_help_panel=_RUN,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings. (default: csk.toml beside the files that are read, else the nearest above)",
        rich_help_panel=_RUN,
    ),
]
