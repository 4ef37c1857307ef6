"""A `csk.toml` to start from, filled with what was understood of the files."""

from csk.book import Book
from csk.settings import Settings


def stub(book: Book, settings: Settings) -> str:
    """Return the text of a settings file: today's choices, commented, and the columns as mapped."""
    lines = [
        "# Settings of csk. Flags win over CSK_* variables, variables over this file.",
        f'currency = "{book.currency}"' if book.currency else '# currency = "JPY"',
        f'tax = "{settings.tax}"  # included, excluded or unknown',
        "# margin_share = 0.7",
        f'ltv_horizon = "{settings.ltv_horizon}m"',
        f'risk_horizon = "{",".join(f"{d}d" for d in settings.risk_horizon)}"',
        "",
        "# Touch tiers by cost: the last level takes whoever fits nowhere else.",
        "# [tiers]",
        "# budget_amount = 1000000",
        "# levels = [",
        '#   {name = "high-touch", cost_amount = 60000, capacity = 50, saves_share = 0.30},',
        '#   {name = "low-touch", cost_amount = 12000, saves_share = 0.12},',
        '#   {name = "tech-touch", cost_amount = 500, saves_share = 0.02},',
        "# ]",
    ]
    for file in book.files:
        if not file.role or file.role == "costs":
            continue
        lines += ["", f"# {file.file}", f"[columns.{file.role}]"]
        lines += [f"{canonical} = {_quoted(name)}" for canonical, name in file.mapping]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
