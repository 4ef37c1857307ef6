"""The page of metrics says what the definitions say."""

from pathlib import Path

from csk.registry import loaded
from csk.render.protocol import Page
from csk.reports.explain import book_of_metrics
from csk.text import words


def test_the_page_of_metrics_is_made_from_the_definitions(root: Path) -> None:
    page = Page(width=100, color=False, unicode=True)
    made = loaded("csk.render", "markdown", "RENDERER").render(book_of_metrics(words()), page)
    written = (root / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert written == made, (
        "docs/metrics.md is not of these definitions: "
        "csk explain --all --report markdown > docs/metrics.md"
    )
