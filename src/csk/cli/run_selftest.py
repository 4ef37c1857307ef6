"""What `csk selftest` does: the report first, then the refusal where a figure is missed."""

from collections.abc import Sequence

from csk.analyses.selftest import selftest, table
from csk.cli import emit
from csk.cli.language import words
from csk.cli.output import Wanted, deliver
from csk.errors import ModelError
from csk.published import PublishedTable
from csk.reports.selftest import figure_name, report, table_name
from csk.schema import SELFTEST
from csk.text import words as words_of


def run(wanted: Wanted, of: Sequence[PublishedTable] | None = None) -> None:
    """Reckon figures (all that ship), show and write them; ModelError where one is missed."""
    with emit.progress("Reckoning published figures ...", quiet=wanted.quiet):
        result = selftest(of)
    deliver(wanted, None, report(result, words()), table(result), SELFTEST)
    if result.missed:
        say = words_of()  # refusals are in English
        raise ModelError(
            f"{len(result.missed)} of {len(result.checks)} published figures are not reproduced.",
            details=[
                f"{table_name(check, say)}, {figure_name(check, say)}: "
                f"{check.figure.published} published, {check.computed:.8g} computed"
                for check in result.missed
            ],
            hint="Versions of NumPy and SciPy other than the locked ones may be the reason.",
        )
